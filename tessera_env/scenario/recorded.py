"""What a scenario replays: the recorded market and the recorded jobs, checked against it."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tessera_env.files.numbers import exact, rounded_down, rounded_up
from tessera_env.files.problems import named
from tessera_env.recordings.demand import DemandError, DemandRecording, read_demand
from tessera_env.recordings.played_rows import PlayedRows
from tessera_env.recordings.traces.reading import read_series
from tessera_env.recordings.traces.series import HOUR_S, Series, TraceError
from tessera_env.recordings.workloads import WorkloadError, read_workload
from tessera_env.scenario.checks import ROUNDING_H, on_demand_h
from tessera_env.scenario.demand import Demand, RecordedDemand
from tessera_env.scenario.market import Pool
from tessera_env.scenario.model import ScenarioFields
from tessera_env.world.parameters import JOB, new_table


@dataclass(frozen=True, eq=False)
class Recordings:
    """What a scenario replays; nothing in it can change, so whoever plays the scenario may share it.

    Windows of the series, an episode each, start at `from_s` plus whole multiples of `step_s` and end by `until_s`, all
    in s of the trace. Where no pool replays, the one window is the episode.
    """

    series: tuple[Series, ...]  # empty where no pool replays
    from_s: float
    until_s: float
    step_s: float
    jobs: np.recarray | None  # (n,) JOB, clipped to what the scenario allows; None where tasks are generated
    played_rows: PlayedRows | None  # what of the jobs' file they are; None where tasks are generated
    demands: tuple[DemandRecording | None, ...] = ()  # of each service; None where its demand is not recorded

    def __deepcopy__(self, _memo: object) -> "Recordings":
        """Itself: a copied environment shares what no one can change."""
        return self


def recordings_of(scenario: ScenarioFields) -> Recordings:
    """Read what a scenario replays, and check that it fits.

    Raises:
        TraceError: a trace cannot be used, a zone is unknown, prices are missing, or no window fits.
        WorkloadError: the workload file cannot be used, has no job that fits a pool, or one that cannot make its
            deadline.
        DemandError: a file of recorded demand cannot be used, or is too short.
    """
    series = _series(scenario)
    step_s = min((one.sample_s for one in series), default=1.0)
    from_s, until_s = _window_s(scenario, series, step_s)
    jobs, played_rows = _jobs(scenario)
    return Recordings(series, from_s, until_s, step_s, jobs, played_rows, _demands(scenario))


def _demands(scenario: ScenarioFields) -> tuple[DemandRecording | None, ...]:
    return tuple(_demand(k, service.demand, scenario.horizon_h) for k, service in enumerate(scenario.service))


def _demand(index: int, demand: Demand | None, horizon_h: float) -> DemandRecording | None:
    """The recording, if there is one, which must be as long as an episode."""
    if not isinstance(demand, RecordedDemand):
        return None
    found = read_demand(
        demand.recording, demand.recording_format, bin_s=demand.step_s, longest_gap_s=demand.longest_gap_s
    )
    needed_s = ((demand.from_h or 0.0) + horizon_h) * HOUR_S
    if found.end_s < needed_s - 1e-6:
        raise DemandError(
            f"service.{index}.demand: must be recorded for {exact(needed_s / HOUR_S)} h, from_h + horizon_h "
            f"(got {exact(found.end_s / HOUR_S)} h in {found.name})"
        )
    return found


def _series(scenario: ScenarioFields) -> tuple[Series, ...]:
    if not scenario.replays:
        return ()
    series = read_series(scenario.market.trace_paths, scenario.market.polarity)
    for index, pool in enumerate(scenario.pools):
        _check_pool(index, pool, series)
    return series


def _window_s(scenario: ScenarioFields, series: tuple[Series, ...], step_s: float) -> tuple[float, float]:
    """First start and last end of windows, s of the trace; starts lie on the trace's samples."""
    if not series:
        return 0.0, scenario.horizon_h * HOUR_S
    market, end_s = scenario.market, min(one.end_s for one in series)
    if market.until_h is not None and market.until_h * HOUR_S > end_s:
        latest = rounded_down(end_s / HOUR_S, lambda until_h: until_h * HOUR_S <= end_s)
        raise TraceError(f"market.until_h: must be at most {latest}, the trace's end (got {exact(market.until_h)})")
    until_s = end_s if market.until_h is None else market.until_h * HOUR_S
    from_s, horizon_s = _on_a_sample_s(market.from_h, step_s), scenario.horizon_h * HOUR_S
    if until_s < horizon_s:
        longest = rounded_down(until_s / HOUR_S, lambda hours: hours * HOUR_S <= until_s)
        raise TraceError(
            f"horizon_h: must be at most {longest}, market.until_h or the trace's end (got {exact(scenario.horizon_h)})"
        )
    if until_s - from_s < horizon_s:
        latest = rounded_down(
            (until_s - horizon_s) // step_s * step_s / HOUR_S,
            lambda from_h: until_s - _on_a_sample_s(from_h, step_s) >= horizon_s,
        )
        raise TraceError(
            f"market.from_h: must be at most {latest}, to leave a window of horizon_h = {exact(scenario.horizon_h)} "
            f"before until_h or the trace's end (got {exact(market.from_h)})"
        )
    return from_s, until_s


def _on_a_sample_s(from_h: float, step_s: float) -> float:
    """The first of the trace's samples from this hour on, s."""
    return math.ceil(from_h * HOUR_S / step_s) * step_s


def _check_pool(index: int, pool: Pool, replayed: tuple[Series, ...]) -> None:
    names = [series.name for series in replayed]
    if not pool.replays:
        return
    if pool.trace_zone != "random" and pool.trace_zone not in names:
        raise TraceError(
            f"pools.{index}.trace_zone: must be 'random' or one of {', '.join(names)} (got {pool.trace_zone!r})"
        )
    for series in replayed:
        if pool.price.source == "trace" and pool.trace_zone in ("random", series.name) and series.price is None:
            raise TraceError(
                f"pools.{index}.price.source: must be 'constant' or 'ornstein_uhlenbeck', because the series "
                f"{series.name} has no prices (got 'trace')"
            )


def _jobs(scenario: ScenarioFields) -> tuple[np.recarray, PlayedRows] | tuple[None, None]:
    """The workload file's jobs as the scenario replays them, read-only, and what of the file they are."""
    task = scenario.task
    if task.recording is None or task.recording_format is None:
        return None, None
    workload = read_workload(
        task.recording,
        task.recording_format,
        gpu_memory_mb_per_gpu=task.recording_mb_per_gpu,
        gpu_memory_limit_mb=max(pool.gpu_memory_mb for pool in scenario.pools),
    )
    jobs = new_table(len(workload), JOB)
    low_h, high_h = task.recording_work_h
    jobs["work_s"] = np.clip(workload.work_s, low_h * HOUR_S, high_h * HOUR_S)
    for name in ("arrival_s", "gpu_memory_mb", "state_mb", "interactive"):
        values = getattr(workload, name)
        jobs[name] = np.nan if values is None else values
    _check_deadlines(scenario, jobs, named(Path(task.recording)))
    jobs.setflags(write=False)
    return jobs, PlayedRows.of(workload, task.recording_work_h)


def _check_deadlines(scenario: ScenarioFields, jobs: np.recarray, name: str) -> None:
    """As the scenario's own check, with the memory and the state that each job of the file was recorded with."""
    task = scenario.task
    urgent = np.asarray(jobs)[jobs["interactive"] != 1.0]
    work_h = urgent["work_s"] / HOUR_S
    memory_mb = np.where(np.isnan(urgent["gpu_memory_mb"]), task.gpu_memory_mb.highest, urgent["gpu_memory_mb"])
    state_mb = np.where(np.isnan(urgent["state_mb"]), task.final_state_mb(work_h), urgent["state_mb"])
    needed_h = np.full(len(urgent), np.inf)
    for pool in scenario.pools:
        fits = memory_mb <= pool.gpu_memory_mb
        needed_h[fits] = np.minimum(needed_h, on_demand_h(scenario, pool, work_h, state_mb))[fits]
    if not len(urgent) or (needed_h - task.earliest_deadline_h(work_h)).max() <= ROUNDING_H:
        return
    worst = int((needed_h if task.slack is None else needed_h / work_h).argmax())
    job = (
        f"a job of {name} with {work_h[worst]:.6g} h of work and {state_mb[worst]:.6g} MB of state, what it takes on "
        "on-demand"
    )
    if task.slack is not None:
        least = rounded_up(
            needed_h[worst] / work_h[worst] - 1.0,
            lambda slack: bool((work_h * (1.0 + slack) >= needed_h - ROUNDING_H).all()),
        )
        raise WorkloadError(
            f"task.slack: must be at least {least}, which leaves {needed_h[worst]:.6g} h to {job} "
            f"(got {exact(task.slack.lowest)})"
        )
    least_h = rounded_up(needed_h[worst], lambda hours: hours >= needed_h[worst] - ROUNDING_H)
    given_h = exact(task.earliest_deadline_h(0.0))
    raise WorkloadError(f"task.deadline_h: must leave at least {least_h} h to {job} (got {given_h} h)")

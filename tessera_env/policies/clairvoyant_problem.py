"""Which scenarios have a clairvoyant optimum, and a world of one as segments between change points."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tessera_env.parameters import UNLIMITED, new_table
from tessera_env.policies.clairvoyant_kernel import PROBLEM, SEGMENT
from tessera_env.scenario import Pool, Scenario
from tessera_env.simulation import Simulation

HOUR_S = 3600.0
_GRID_S = 1e-6  # what lies this near a tick lies on it
FIRST_WINDOW = 1e-6
TOLERANCE = 1e-6  # per second: far below the 0.2 % that would do; on ticks the optimum is exact


class Problem(NamedTuple):
    """What decides about the least cost of a world; of two equal ones it is the same."""

    problem: bytes  # (1,) PROBLEM
    segments: bytes  # (n,) SEGMENT

    @property
    def tables(self) -> tuple[np.recarray, np.recarray]:
        """The same as records."""
        return _records(self.problem, PROBLEM), _records(self.segments, SEGMENT)


def _records(values: bytes, dtype: np.dtype) -> np.recarray:
    return np.frombuffer(bytearray(values), dtype).view(np.recarray)


def check_scenario(scenario: Scenario) -> None:
    """Refuse what is no job whose losses cost nothing but a changeover, on one pool that has an instance or has none.

    Raises:
        ValueError: one line a field.
    """
    problems = [*_pool_problems(scenario), *_task_problems(scenario), *_rule_problems(scenario)]
    if problems:
        raise ValueError("\n".join(f"the clairvoyant optimum needs another scenario: {line}" for line in problems))


def _line(field: str, got: object, allowed: str) -> str:
    return f"{field}: {got} (allowed: {allowed})"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _pool_problems(scenario: Scenario) -> Iterator[str]:
    if len(scenario.pools) != 1:
        yield _line("pools", f"{len(scenario.pools)} pools", "one")
    for index, pool in enumerate(scenario.pools[:1]):
        field = f"pools.{index}"
        if pool.hazard.model != "none":
            yield _line(f"{field}.hazard.model", pool.hazard.model, "none")
        if pool.provisioning_s.highest > 0.0:
            yield _line(f"{field}.provisioning_s", f"up to {pool.provisioning_s.highest:g}", "0")
        if pool.on_demand_failure_share > 0.0:
            yield _line(f"{field}.on_demand_failure_share", _number(pool.on_demand_failure_share), "0")
        yield from _capacity_problems(field, pool)


def _capacity_problems(field: str, pool: Pool) -> Iterator[str]:
    instances = pool.capacity.instances
    least = 0 if pool.capacity.source == "constant" else 1
    if instances is None or not least <= instances <= 1:
        yield _line(f"{field}.capacity.instances", _number(instances), "1" if least else "0 or 1")


def _task_problems(scenario: Scenario) -> Iterator[str]:
    task = scenario.task
    if task.count != 1:
        yield _line("task.count", task.count, "1")
    if task.arrivals != "at_start":
        yield _line("task.arrivals", task.arrivals, "at_start")
    if task.trace is not None:
        yield _line("task.trace", repr(task.trace), "none")
    elif task.final_state_mb(task.work_bounds_h[1]) > 0.0:
        field = "state_base_mb" if task.state_base_mb > 0.0 else "state_mb_per_work_h"
        yield _line(f"task.{field}", _number(getattr(task, field)), "0: a loss costs no work and no loading")
    if task.interactive_share > 0.0:
        yield _line("task.interactive_share", _number(task.interactive_share), "0")
    if task.deadline_h is None and task.slack is None:
        yield _line("task.deadline_h", "none", "a deadline")
    latest_h = latest_deadline_h(scenario)
    if latest_h > scenario.horizon_h:
        yield _line("horizon_h", _number(scenario.horizon_h), f"{latest_h:g}, the latest deadline, or more")


def latest_deadline_h(scenario: Scenario) -> float:
    """Of a task that arrives at the start; 0 without deadline."""
    task = scenario.task
    if task.deadline_h is not None:
        return task.deadline_h.highest
    return 0.0 if task.slack is None else task.work_bounds_h[1] * (1.0 + task.slack.highest)


def _rule_problems(scenario: Scenario) -> Iterator[str]:
    billing, checkpoint = scenario.billing, scenario.checkpoint
    if scenario.notice_s > 0.0:
        yield _line("notice_s", _number(scenario.notice_s), "0")
    if scenario.idle_timeout_s > 0.0:
        yield _line("idle_timeout_s", _number(scenario.idle_timeout_s), "0")
    if checkpoint.interval_h is not None:
        yield _line("checkpoint.interval_h", _number(checkpoint.interval_h), "none")
    if not checkpoint.at_notice:
        yield _line("checkpoint.at_notice", "false", "true")
    if billing.free_first_hour:
        yield _line("billing.free_first_hour", "true", "false")
    shortest_s = max(scenario.pools[0].setup_h.lowest * HOUR_S, billing.billing_increment_s)
    if billing.minimum_s > shortest_s:  # no run of use is shorter than its changeover
        yield _line("billing.minimum_s", _number(billing.minimum_s), f"0 to {shortest_s:g}, the shortest run")
    if billing.billing_increment_s > 0.0 and not _is_multiple(
        scenario.decision_interval_s, billing.billing_increment_s
    ):
        yield _line(
            "billing.billing_increment_s",
            _number(billing.billing_increment_s),
            f"0, or a divisor of decision_interval_s = {scenario.decision_interval_s:g}",
        )


def _is_multiple(value: float, unit: float) -> bool:
    return abs(value - round(value / unit) * unit) <= _GRID_S


def problem_of(simulation: Simulation, row: int) -> Problem:
    """The world that the row has just started.

    Raises:
        ValueError: the job cannot be done by its deadline, capacity is not 0 or 1, or changes within a tick.
    """
    state, scenario = simulation.state, simulation.scenario
    task, pool = state.tasks[row, 0], state.pools[row, 0]
    problem = new_table(1, PROBLEM)
    problem.work_s, problem.changeover_s = task.work_s, pool.setup_s
    problem.on_demand_price = scenario.pools[0].on_demand_usd_per_h / HOUR_S
    problem.tick_s = scenario.billing.billing_increment_s
    problem.first_window = FIRST_WINDOW
    problem.tolerance = 0.0 if problem.tick_s[0] else TOLERANCE
    _check_feasible(float(task.work_s), float(pool.setup_s), float(task.deadline_s))
    points = state.market[row, 0, : pool.point_count]
    segments = segments_of(np.asarray(points), float(task.deadline_s), scenario.billing.billing_increment_s)
    return Problem(problem.tobytes(), segments.tobytes())


def _check_feasible(work_s: float, changeover_s: float, deadline_s: float) -> None:
    if work_s + changeover_s > deadline_s + _GRID_S:
        raise ValueError(
            f"task.work_h: {work_s / HOUR_S:g} and pools.0.setup_h: {changeover_s / HOUR_S:g} do not fit into "
            f"task.deadline_h: {deadline_s / HOUR_S:g} (allowed: work and one changeover within the deadline)"
        )


def segments_of(points: np.ndarray, deadline_s: float, tick_s: float) -> np.recarray:
    """The time to the deadline, cut where price or capacity change; what is left of a tick stands alone."""
    points = points[points["time_s"] < deadline_s]
    _check_capacity(points)
    if tick_s:
        _check_grid(points, tick_s)
    changes = np.ones(len(points), dtype=bool)
    changes[1:] = np.diff(points["spot_price"]) != 0.0
    changes[1:] |= np.diff(points["capacity"]) != 0
    points = points[changes]
    whole_s = np.floor(deadline_s / tick_s + _GRID_S / tick_s) * tick_s if tick_s else deadline_s
    edges_s = np.append(points["time_s"], whole_s)
    rest_s = deadline_s - whole_s
    segments = new_table(len(points) + (rest_s > _GRID_S), SEGMENT)
    count = len(points)
    segments.length_s[:count] = segments.billed_s[:count] = np.diff(edges_s)
    segments.spot_price[:count], segments.up[:count] = points["spot_price"] / HOUR_S, points["capacity"]
    if len(segments) > count:
        segments[count] = (rest_s, tick_s, points["spot_price"][-1] / HOUR_S, points["capacity"][-1])
    return segments[segments.length_s > 0.0]


def _check_capacity(points: np.ndarray) -> None:
    wrong = np.flatnonzero((points["capacity"] < 0) | (points["capacity"] > 1))
    if len(wrong):
        point = points[wrong[0]]
        got = "unlimited" if point["capacity"] >= UNLIMITED else str(point["capacity"])
        raise ValueError(
            f"pools.0.capacity: {got} at {point['time_s'] / HOUR_S:g} h of the world (the clairvoyant optimum allows: "
            "0 or 1)"
        )


def _check_grid(points: np.ndarray, tick_s: float) -> None:
    times_s = points["time_s"]
    off = np.abs(times_s - np.round(times_s / tick_s) * tick_s) > _GRID_S
    if off.any():
        raise ValueError(
            f"billing.billing_increment_s: {tick_s:g} (allowed for the clairvoyant optimum: 0, or a divisor of all times "
            f"at which price or capacity change, such as {times_s[off][0]:g} s)"
        )


__all__ = ["Problem", "check_scenario", "latest_deadline_h", "problem_of", "segments_of"]

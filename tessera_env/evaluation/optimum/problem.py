"""Which scenarios have a clairvoyant optimum, and a world of one as segments between change points."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tessera_env.evaluation.optimum.conditions import GRID_S, chance_problems, line, number, off_ticks
from tessera_env.evaluation.optimum.search import PROBLEM, SEGMENT
from tessera_env.files.numbers import exact, rounded_down, rounded_up
from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.scenario.market import Pool
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation
from tessera_env.world.parameters import NONE, Parameters, new_table

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


def check_simulation(simulation: Simulation) -> None:
    """Refuse what is no job whose losses cost nothing but a changeover, on one pool that has an instance or has none.

    Raises:
        ValueError: one line a field.
    """
    scenario = simulation.scenario
    problems = [*_pool_problems(scenario), *_task_problems(scenario), *_rule_problems(scenario)]
    if not problems:
        problems = [*_feasibility_problems(scenario), *_trace_problems(scenario, simulation.params)]
    if problems:
        raise ValueError("\n".join(f"no clairvoyant optimum: {problem}" for problem in problems))


def _pool_problems(scenario: Scenario) -> Iterator[str]:
    if len(scenario.pools) != 1:
        yield line("pools", f"{len(scenario.pools)} pools", "one")
    for index, pool in enumerate(scenario.pools[:1]):
        field = f"pools.{index}"
        yield from chance_problems(field, pool)
        yield from _capacity_problems(field, pool)


def _capacity_problems(field: str, pool: Pool) -> Iterator[str]:
    instances = pool.capacity.instances
    least = 0 if pool.capacity.source == "constant" else 1
    if instances is None or not least <= instances <= 1:
        yield line(f"{field}.capacity.instances", number(instances), "1" if least else "0 or 1")


def _task_problems(scenario: Scenario) -> Iterator[str]:
    task = scenario.task
    if task.count != 1:
        yield line("task.count", task.count, "1")
    if task.arrivals != "at_start":
        yield line("task.arrivals", task.arrivals, "at_start")
    if task.recording is not None:
        yield line("task.recording", repr(task.recording), "none")
    elif task.final_state_mb(task.work_bounds_h[1]) > 0.0:
        field = "state_base_mb" if task.state_base_mb > 0.0 else "state_mb_per_work_h"
        yield line(f"task.{field}", number(getattr(task, field)), "0: a loss costs no work and no loading")
    if task.interactive_share > 0.0:
        yield line("task.interactive_share", number(task.interactive_share), "0")
    if task.deadline_h is None and task.slack is None:
        yield line("task.deadline_h", "none", "a deadline")
    latest_h = latest_deadline_h(scenario)
    if latest_h > scenario.horizon_h:
        yield line("horizon_h", number(scenario.horizon_h), f"{rounded_up(latest_h)}, the latest deadline, or more")


def latest_deadline_h(scenario: Scenario) -> float:
    """Of a task that arrives at the start; 0 without deadline."""
    task = scenario.task
    if task.deadline_h is not None:
        return task.deadline_h.highest
    return 0.0 if task.slack is None else task.work_bounds_h[1] * (1.0 + task.slack.highest)


def _rule_problems(scenario: Scenario) -> Iterator[str]:
    billing, checkpoint = scenario.billing, scenario.checkpoint
    if scenario.notice_s > 0.0:
        yield line("notice_s", number(scenario.notice_s), "0")
    if scenario.idle_timeout_s > 0.0:
        yield line("idle_timeout_s", number(scenario.idle_timeout_s), "0")
    if checkpoint.interval_h is not None:
        yield line("checkpoint.interval_h", number(checkpoint.interval_h), "none")
    if not checkpoint.at_notice:
        yield line("checkpoint.at_notice", "false", "true")
    if billing.free_first_hour:
        yield line("billing.free_first_hour", "true", "false")
    shortest_s = max(scenario.pools[0].setup_h.lowest * HOUR_S, billing.billing_increment_s)
    if billing.minimum_s > shortest_s:  # no run of use is shorter than its changeover
        yield line("billing.minimum_s", number(billing.minimum_s), f"0 to {rounded_down(shortest_s)}, the shortest run")
    yield from _increment_problems(scenario)


def _increment_problems(scenario: Scenario) -> Iterator[str]:
    """Where whole ticks are billed, everything must happen at ticks."""
    tick_s, pool = scenario.billing.billing_increment_s, scenario.pools[0]
    if tick_s == 0.0:
        return
    if off_ticks(scenario.decision_interval_s, tick_s):
        allowed = f"0, or a divisor of decision_interval_s = {exact(scenario.decision_interval_s)}"
        yield line("billing.billing_increment_s", number(tick_s), allowed)
    for part, source in (("price", pool.price.source), ("capacity", pool.capacity.source)):
        if source not in ("constant", "trace"):
            yield line("billing.billing_increment_s", number(tick_s), f"0 with pools.0.{part}.source = {source}")


def _feasibility_problems(scenario: Scenario) -> Iterator[str]:
    """Any work, changeover and deadline that can be drawn together must fit together."""
    task, setup_h = scenario.task, scenario.pools[0].setup_h.highest
    lowest_h, highest_h = task.work_bounds_h
    work_h = highest_h if task.slack is None else lowest_h  # slack is a share of the work
    given_h = task.earliest_deadline_h(work_h)
    if work_h + setup_h > given_h + GRID_S / HOUR_S:
        field = "deadline_h" if task.slack is None else "slack"
        yield (
            f"task.work_h: {exact(work_h)} and pools.0.setup_h: {exact(setup_h)} do not fit into task.{field}, which "
            f"leaves {exact(given_h)} h (allowed: work and one changeover within the deadline)"
        )


def _trace_problems(scenario: Scenario, params: Parameters) -> Iterator[str]:
    pool, tick_s, chosen = scenario.pools[0], scenario.billing.billing_increment_s, int(params.pools[0].series)
    if not pool.replays:
        return
    for series in params.series if chosen == NONE else params.series[chosen : chosen + 1]:
        points = np.asarray(params.trace)[series.first : series.first + series.count]
        more = np.flatnonzero(points["capacity"] > 1)
        if pool.capacity.source == "trace" and len(more):
            point = points[more[0]]
            yield line("market.trace", f"capacity {point['capacity']} at {point['time_s'] / HOUR_S:g} h", "0 or 1")
            return
        if tick_s and (off_ticks(points["time_s"], tick_s) or off_ticks(params.config["window_step_s"], tick_s)):
            yield line("billing.billing_increment_s", number(tick_s), "0, or a divisor of the times in market.trace")
            return


def problem_of(simulation: Simulation, row: int) -> Problem:
    """The world that the row has just started, of a simulation that was checked."""
    state, scenario = simulation.state, simulation.scenario
    task, pool = state.tasks[row, 0], state.pools[row, 0]
    tick_s = scenario.billing.billing_increment_s
    problem = new_table(1, PROBLEM)
    problem.work_s, problem.changeover_s, problem.tick_s = task.work_s, pool.setup_s, tick_s
    problem.on_demand_price = scenario.pools[0].on_demand_usd_per_h / HOUR_S
    problem.first_window, problem.tolerance = FIRST_WINDOW, 0.0 if tick_s else TOLERANCE
    points = np.asarray(state.market[row, 0, : pool.point_count])
    segments = segments_of(points, float(task.deadline_s), tick_s)
    return Problem(problem.tobytes(), segments.tobytes())


def segments_of(points: np.ndarray, deadline_s: float, tick_s: float) -> np.recarray:
    """The time to the deadline, cut where price or capacity change; what is left of a tick stands alone."""
    points = points[points["time_s"] < deadline_s]
    changes = np.ones(len(points), dtype=bool)
    changes[1:] = np.diff(points["spot_price"]) != 0.0
    changes[1:] |= np.diff(points["capacity"]) != 0
    points = points[changes]
    whole_s = np.floor(deadline_s / tick_s + GRID_S / tick_s) * tick_s if tick_s else deadline_s
    edges_s = np.append(points["time_s"], whole_s)
    rest_s = deadline_s - whole_s
    segments = new_table(len(points) + (rest_s > GRID_S), SEGMENT)
    count = len(points)
    segments.length_s[:count] = segments.billed_s[:count] = np.diff(edges_s)
    segments.spot_price[:count], segments.up[:count] = points["spot_price"] / HOUR_S, points["capacity"]
    if len(segments) > count:
        segments[count] = (rest_s, tick_s, points["spot_price"][-1] / HOUR_S, points["capacity"][-1])
    return segments[segments.length_s > 0.0]

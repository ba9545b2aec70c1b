"""Which scenarios have an optimum of a service: those in which it is decided at ticks alone.

Where only ticks are looked at, prices, capacities and the target may move within them. Where events are looked at, too,
they must not, or else there would be decisions between ticks.
"""

from collections.abc import Iterator

import numpy as np

from tessera_env.evaluation.optimum.conditions import GRID_S, chance_problems, line, number, off_ticks
from tessera_env.files.numbers import exact
from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.scenario.market import Pool
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation
from tessera_env.world.parameters import MB_PER_GBIT


def tick_s_of(scenario: Scenario) -> float:
    """The time between the service's regular looks."""
    interval_s = scenario.service[0].control_interval_s
    return scenario.decision_interval_s if interval_s is None else interval_s


def cold_start_s_of(scenario: Scenario, pool: Pool) -> float:
    """From a launch in the pool to a ready replica of the service, if nothing boots."""
    service = scenario.service[0]
    mb_per_s = min(pool.bandwidth_gbps, scenario.checkpoint.store_bandwidth_gbps) * MB_PER_GBIT
    return pool.setup_h.lowest * HOUR_S + service.model_mb / mb_per_s + service.setup_s


def usable_pools(scenario: Scenario) -> list[tuple[int, Pool]]:
    """The pools that the service may use, by number."""
    service = scenario.service[0]
    return [(index, pool) for index, pool in enumerate(scenario.pools) if service.fits(pool)]


def check_ticks(scenario: Scenario) -> None:
    """Refuse what is not one service about which is decided at ticks alone.

    Raises:
        ValueError: one line a field.
    """
    problems = list(_count_problems(scenario))
    if not problems:
        problems = [*_rule_problems(scenario), *_pool_problems(scenario), *_time_problems(scenario)]
    if problems:
        raise ValueError("\n".join(f"no clairvoyant optimum: {problem}" for problem in problems))


def _count_problems(scenario: Scenario) -> Iterator[str]:
    if scenario.task.count:
        yield line("task.count", f"{scenario.task.count} tasks beside services", "0")
    if len(scenario.service) != 1:
        yield line("service", f"{len(scenario.service)} services", "one")


def _rule_problems(scenario: Scenario) -> Iterator[str]:
    service, billing, tick_s = scenario.service[0], scenario.billing, tick_s_of(scenario)
    for field, value in (("notice_s", scenario.notice_s), ("idle_timeout_s", scenario.idle_timeout_s)):
        if value > 0.0:
            yield line(field, number(value), "0")
    if service.drain_s > 0.0:
        yield line("service.0.drain_s", number(service.drain_s), "0")
    if service.looks_at_events and off_ticks(service.launch_failure_s, tick_s):
        yield line("service.0.launch_failure_s", number(service.launch_failure_s), f"whole ticks of {exact(tick_s)} s")
    if billing.free_first_hour:
        yield line("billing.free_first_hour", "true", "false")
    if billing.minimum_s > tick_s:
        yield line("billing.minimum_s", number(billing.minimum_s), f"0 to {exact(tick_s)}, a tick")
    if billing.billing_increment_s and off_ticks(tick_s, billing.billing_increment_s):
        yield line(
            "billing.billing_increment_s", number(billing.billing_increment_s), f"0, or a divisor of {exact(tick_s)}"
        )


def _pool_problems(scenario: Scenario) -> Iterator[str]:
    for index, pool in usable_pools(scenario):
        field = f"pools.{index}"
        yield from chance_problems(field, pool)
        if pool.setup_h.highest > pool.setup_h.lowest:
            yield line(
                f"{field}.setup_h", f"{exact(pool.setup_h.lowest)} to {exact(pool.setup_h.highest)}", "one number"
            )


def _time_problems(scenario: Scenario) -> Iterator[str]:
    """A cold start is whole ticks, the same in all pools, and the target counts from its end on or later."""
    tick_s, score_from_s = tick_s_of(scenario), scenario.service[0].score_from_s
    (first, pool), *others = usable_pools(scenario)
    cold_start_s = cold_start_s_of(scenario, pool)
    if off_ticks(cold_start_s, tick_s):
        yield line(f"pools.{first}", f"a cold start of {exact(cold_start_s)} s", f"whole ticks of {exact(tick_s)} s")
    for index, other in others:
        if abs(cold_start_s_of(scenario, other) - cold_start_s) > GRID_S:
            got = f"a cold start of {exact(cold_start_s_of(scenario, other))} s"
            yield line(f"pools.{index}", got, f"{exact(cold_start_s)} s, as in pools.{first}")
    if score_from_s < cold_start_s - GRID_S:
        yield line("service.0.score_from_s", number(score_from_s), f"{exact(cold_start_s)}, the cold start, or more")


def check_worlds_ticks(simulation: Simulation, row: int, world: int) -> None:
    """Refuse a world in which a capacity or the target moves within a tick, if that is looked at.

    Raises:
        ValueError: one line.
    """
    if not simulation.scenario.service[0].looks_at_events:
        return
    tick_s, state = tick_s_of(simulation.scenario), simulation.state
    count = int(state.services[row, 0].demand_count)
    points = state.demand.view(np.ndarray)[row, 0, :count]
    moves = {"service.0: a change of the target": _changes_s(points, "target")}
    for index, _ in usable_pools(simulation.scenario):
        points = np.asarray(state.market[row, index, : state.pools[row, index].point_count])
        moves[f"pools.{index}: a change of capacity"] = _changes_s(points, "capacity")
    for what, times_s in moves.items():
        inside = times_s[times_s < simulation.scenario.horizon_h * HOUR_S - GRID_S]
        for time_s in inside:
            if off_ticks(time_s, tick_s):
                raise ValueError(
                    f"no clairvoyant optimum: {what} at {exact(float(time_s))} s of world {world} "
                    f"(allowed: at whole ticks of {exact(tick_s)} s)"
                )


def _changes_s(points: np.ndarray, field: str) -> np.ndarray:
    return points["time_s"][1:][np.diff(points[field]) != 0]

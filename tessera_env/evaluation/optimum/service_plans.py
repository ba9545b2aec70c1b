"""The clairvoyant optimum of a service: the least cost of a world for who knows it and is never below the target.

Dollars are those of the whole episode, as policies' costs are; the target has to be met from `score_from_s` on. What is
known of the world, tick by tick, goes to `tessera_env.evaluation.optimum.replicas`.
"""

from collections.abc import Callable

import numpy as np

from tessera_env.evaluation.optimum.fleet import started
from tessera_env.evaluation.optimum.replicas import Plan, least_cost
from tessera_env.evaluation.optimum.service_ticks import (
    check_ticks,
    check_worlds_ticks,
    cold_start_s_of,
    tick_s_of,
    usable_pools,
)
from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation

_BLOCK = 64  # worlds drawn side by side
_GRID = 1e-6  # of a tick: what lies this near one lies on it


def check_service_worlds(scenario: Scenario, seed: int, episodes: int) -> None:
    """Refuse what `optimal_service` would, in a small part of its time.

    Raises:
        ValueError: one line a field, or a world.
    """
    check_ticks(scenario)
    simulation = Simulation(scenario, min(_BLOCK, episodes))
    for world, row in enumerate(started(simulation, seed, episodes)):
        check_worlds_ticks(simulation, row, world)


def optimal_service(
    scenario: Scenario, seed: int, episodes: int, on_done: Callable[[float], None] = lambda worlds: None
) -> dict[str, np.ndarray]:
    """The optimum of worlds 0 ... episodes - 1 of the seed, in the columns that played episodes have, each (episodes,).

    `on_done` is told after each world that one more is done.

    Raises:
        RuntimeError: the solver gave up on a world.
        ValueError: the scenario is no service that keeps to ticks; one line a field.
    """
    check_ticks(scenario)
    simulation, rows = Simulation(scenario, min(_BLOCK, episodes)), []
    for world, row in enumerate(started(simulation, seed, episodes)):
        check_worlds_ticks(simulation, row, world)
        try:
            rows.append(_figures(simulation, row))
        except RuntimeError as error:
            raise RuntimeError(f"world {world}: {error}") from None
        on_done(1.0)
    return {name: np.array([figures[name] for figures in rows]) for name in rows[0]}


def plan_of(simulation: Simulation, row: int) -> Plan:
    """The cheapest plan of the world that the row has just started, of a scenario that was checked."""
    scenario, tick_s, times_s = simulation.scenario, tick_s_of(simulation.scenario), _times_s(simulation)
    capacity, price = zip(
        *(_market(simulation, row, index, times_s) for index, _ in usable_pools(scenario)), strict=True
    )
    return least_cost(
        capacity=np.stack(capacity),
        spot_price=np.stack(price) * tick_s / HOUR_S,
        on_demand_price=float(simulation.params.services[0].on_demand_price) * tick_s / HOUR_S,
        target=_target(simulation, row, times_s),
        cold_ticks=round(cold_start_s_of(scenario, usable_pools(scenario)[0][1]) / tick_s),
        most=scenario.service[0].seats,
        scored_from=_scored_from(scenario),
    )


def _scored_from(scenario: Scenario) -> int:
    """The tick in which the target begins to count."""
    return int(np.floor(scenario.service[0].score_from_s / tick_s_of(scenario) + _GRID))


def _times_s(simulation: Simulation) -> np.ndarray:
    """The ticks' middles, at which all is what it is throughout the tick."""
    tick_s = tick_s_of(simulation.scenario)
    return (np.arange(round(simulation.scenario.horizon_h * HOUR_S / tick_s)) + 0.5) * tick_s


def _market(simulation: Simulation, row: int, pool_id: int, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = np.asarray(simulation.state.market[row, pool_id, : simulation.state.pools[row, pool_id].point_count])
    held = points[np.searchsorted(points["time_s"], times_s, side="right") - 1]
    return held["capacity"], held["spot_price"]


def _target(simulation: Simulation, row: int, times_s: np.ndarray) -> np.ndarray:
    count = int(simulation.state.services[row, 0].demand_count)
    points = simulation.state.demand.view(np.ndarray)[row, 0, :count]
    return points["target"][np.searchsorted(points["time_s"], times_s, side="right") - 1]


def _figures(simulation: Simulation, row: int) -> dict[str, float | int]:
    """What the metrics of a played episode are called, as far as a plan has them."""
    plan, tick_h = plan_of(simulation, row), tick_s_of(simulation.scenario) / HOUR_S
    price = float(simulation.params.services[0].on_demand_price)
    on_demand_h, wanted = plan.on_demand.sum() * tick_h, _target(simulation, row, _times_s(simulation))
    target_usd = wanted[_scored_from(simulation.scenario) :].sum() * tick_h * price
    return {
        "cost_usd": plan.usd,
        "objective_usd": plan.usd,
        "penalty_usd": 0.0,
        "spot_usd": plan.usd - on_demand_h * price,
        "on_demand_usd": on_demand_h * price,
        "spot_h": plan.held.sum() * tick_h,
        "on_demand_h": on_demand_h,
        "scale_usd": float(simulation.state.episodes[row].scale_usd),
        "availability": 1.0,
        "relative_cost": plan.scored_usd / max(target_usd, 1e-12),
        "service_usd": plan.scored_usd,
        "target_usd": target_usd,
        "outages": 0,
        "longest_outage_h": 0.0,
        "invalid_actions": 0,
    }

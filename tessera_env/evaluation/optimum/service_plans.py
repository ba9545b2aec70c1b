"""The clairvoyant optimum of a service: the least cost of a world for who knows it and is never below the target.

Dollars are those of the whole episode, as policies' costs are; the target has to be met from `score_from_s` on. What is
known of the world, tick by tick, goes to `tessera_env.evaluation.optimum.replicas`. Within a tick replicas can only be
lost, so that the target must be met by those that stay: of use is the least capacity of a tick, for the integral of the
price, and the highest target has to be met.
"""

from collections.abc import Callable

import numpy as np

from tessera_env.evaluation.optimum.conditions import GRID_S
from tessera_env.evaluation.optimum.replicas import Plan, least_cost
from tessera_env.evaluation.optimum.service_ticks import (
    check_ticks,
    check_worlds_ticks,
    cold_start_s_of,
    tick_s_of,
    usable_pools,
)
from tessera_env.evaluation.optimum.worlds import block_of, started
from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation

_GRID = 1e-6  # of a tick: what lies this near one lies on it


def check_service_worlds(scenario: Scenario, seed: int, episodes: int) -> None:
    """Refuse what `optimal_service` would, in a small part of its time.

    Raises:
        ValueError: one line a field, or a world.
    """
    check_ticks(scenario)
    simulation = block_of(scenario, episodes)
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
    simulation, rows = block_of(scenario, episodes), []
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
    scenario, edges_s = simulation.scenario, _edges_s(simulation)
    pools = usable_pools(scenario)
    markets = [_market(simulation, row, index) for index, _ in pools]
    return least_cost(
        capacity=np.stack([_extremes(np.minimum, points, "capacity", edges_s) for points in markets]),
        spot_price=np.stack([_usd(points, edges_s) for points in markets]),
        on_demand_price=float(simulation.params.services[0].on_demand_price) * np.diff(edges_s) / HOUR_S,
        target=_target(simulation, row),
        cold_ticks=round(cold_start_s_of(scenario, pools[0][1]) / tick_s_of(scenario)),
        most=scenario.service[0].seats,
        scored_from=_scored_from(scenario),
    )


def _scored_from(scenario: Scenario) -> int:
    """The tick in which the target begins to count."""
    return int(np.floor(scenario.service[0].score_from_s / tick_s_of(scenario) + _GRID))


def _edges_s(simulation: Simulation) -> np.ndarray:
    """Where ticks begin and end, (T + 1,); the last may be a part of one."""
    tick_s, horizon_s = tick_s_of(simulation.scenario), float(simulation.params.config[0].horizon_s)
    starts_s = np.arange(np.ceil(horizon_s / tick_s)) * tick_s
    return np.append(starts_s[starts_s < horizon_s - GRID_S], horizon_s)


def _market(simulation: Simulation, row: int, pool_id: int) -> np.ndarray:
    return np.asarray(simulation.state.market[row, pool_id, : simulation.state.pools[row, pool_id].point_count])


def _target(simulation: Simulation, row: int) -> np.ndarray:
    count = int(simulation.state.services[row, 0].demand_count)
    points, edges_s = simulation.state.demand.view(np.ndarray)[row, 0, :count], _edges_s(simulation)
    scored_s = np.maximum(edges_s[:-1], min(simulation.scenario.service[0].score_from_s, edges_s[-2]))
    return _extremes(np.maximum, points, "target", np.append(scored_s, edges_s[-1]))


def _extremes(extreme: np.ufunc, points: np.ndarray, field: str, edges_s: np.ndarray) -> np.ndarray:
    """The least or the largest value between each edge and the next."""
    first, last = _pieces(points, edges_s)
    values = np.append(points[field], points[field][-1])
    return extreme.reduceat(values, np.column_stack((first, np.maximum(last, first + 1))).ravel())[::2]


def _usd(points: np.ndarray, edges_s: np.ndarray) -> np.ndarray:
    """The price's integral between each edge and the next; to the last digit the same where the price is."""
    first, last = _pieces(points, edges_s)
    usd = points["spot_price"][first] * np.diff(edges_s) / HOUR_S
    for tick in np.flatnonzero(last > first + 1):
        held = points[first[tick] : last[tick]]
        inside_s = np.append(np.maximum(held["time_s"], edges_s[tick]), edges_s[tick + 1])
        usd[tick] = held["spot_price"] @ np.diff(inside_s) / HOUR_S
    return usd


def _pieces(points: np.ndarray, edges_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first of the points that hold between each edge and the next, and the one after the last."""
    first = np.searchsorted(points["time_s"], edges_s[:-1], side="right") - 1
    return first, np.searchsorted(points["time_s"], edges_s[1:], side="left")


def _figures(simulation: Simulation, row: int) -> dict[str, float | int]:
    """What the metrics of a played episode are called, as far as a plan has them."""
    plan, hours = plan_of(simulation, row), np.diff(_edges_s(simulation)) / HOUR_S
    price, scored = float(simulation.params.services[0].on_demand_price), slice(_scored_from(simulation.scenario), None)
    on_demand_h = float(plan.on_demand @ hours)
    target_usd = float(_target(simulation, row)[scored] @ hours[scored]) * price
    return {
        "cost_usd": plan.usd,
        "objective_usd": plan.usd,
        "penalty_usd": 0.0,
        "spot_usd": plan.usd - on_demand_h * price,
        "on_demand_usd": on_demand_h * price,
        "spot_h": float((plan.held @ hours).sum()),
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

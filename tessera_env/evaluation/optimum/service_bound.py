"""A lower bound of what a world's services cost whoever looks after them, penalties for time below target included.

Each service has the whole market for itself: no two replicas share an instance at one time, so what they cost adds up.
What there is to be had stands in `tessera_env.evaluation.optimum.service_offers`, what it costs at least in
`tessera_env.evaluation.optimum.shortfalls`, each with its proof.
"""

from collections.abc import Callable

import numpy as np

from tessera_env.evaluation.optimum.service_offers import demand_of, offers_of
from tessera_env.evaluation.optimum.shortfalls import shortfall_bound_usd
from tessera_env.evaluation.optimum.worlds import usd_of_worlds
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation


def services_bound_usd(
    scenario: Scenario, seed: int, episodes: int, on_done: Callable[[float], None] = lambda worlds: None
) -> np.ndarray:
    """No policy's objective is less in worlds 0 ... episodes - 1 of the seed: dollars, (episodes,).

    Args:
        scenario: of the worlds.
        seed: of the worlds.
        episodes: how many.
        on_done: told after each world that one more is done.

    Raises:
        RuntimeError: the solver gave up on a world.
        ValueError: the scenario has no services, or tasks beside them; or there are no worlds, or too many.
    """
    check_services(scenario)
    return usd_of_worlds(scenario, seed, episodes, world_bound_usd, on_done)


def check_services(scenario: Scenario) -> None:
    """Refuse what is not services alone.

    Raises:
        ValueError: one line that names the field.
    """
    if not scenario.service:
        raise ValueError("no bound of services: service: none (allowed: one or more)")
    if scenario.task.count:
        raise ValueError(f"no bound: task.count: {scenario.task.count} tasks beside services (allowed: 0)")


def world_bound_usd(simulation: Simulation, row: int) -> float:
    """The bound of the world that the row has just started."""
    return sum(_service_usd(simulation, row, service_id) for service_id in range(len(simulation.scenario.service)))


def _service_usd(simulation: Simulation, row: int, service_id: int) -> float:
    spec, horizon_s = simulation.params.services[service_id], float(simulation.params.config[0].horizon_s)
    return shortfall_bound_usd(
        offers_of(simulation, row, service_id),
        demand_of(simulation, row, service_id),
        float(spec.score_from_s),
        horizon_s,
        float(spec.shortfall_weight * spec.on_demand_price),
    )

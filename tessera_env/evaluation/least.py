"""What is least possible in an experiment's worlds: which floor there is, whether it can be had, and its figures."""

from collections.abc import Callable

from tessera_env.evaluation.floors import BOUND, CLAIRVOYANT, SERVICE_BOUND, SERVICE_CLAIRVOYANT, Floor
from tessera_env.evaluation.optimum.clairvoyant import optimal
from tessera_env.evaluation.optimum.fleet import check_worlds, fleet_bound_usd
from tessera_env.evaluation.optimum.problem import check_simulation
from tessera_env.evaluation.optimum.service_bound import check_services, services_bound_usd
from tessera_env.evaluation.optimum.service_plans import check_service_worlds, optimal_service
from tessera_env.evaluation.results import Table
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation


def floor_for(scenario: Scenario, optimum: bool, bound: bool) -> Floor | None:
    """What is asked for of what is least possible."""
    if optimum:
        return SERVICE_CLAIRVOYANT if scenario.service else CLAIRVOYANT
    if bound:
        return SERVICE_BOUND if scenario.service else BOUND
    return None


def check_floor(floor: Floor, simulation: Simulation, seed: int, episodes: int) -> None:
    """Refuse what has no such floor, in a small part of the time that it would take.

    Raises:
        ValueError: one line a field.
    """
    scenario = simulation.scenario
    if floor is CLAIRVOYANT:
        check_simulation(simulation)
    elif floor is BOUND:
        check_worlds(scenario, seed, episodes)
    elif floor is SERVICE_CLAIRVOYANT:
        check_service_worlds(scenario, seed, episodes)
    else:
        check_services(scenario)


def least(floor: Floor, simulation: Simulation, seed: int, episodes: int, on_done: Callable[[float], None]) -> Table:
    """The floor's row: worlds 0 ... episodes - 1 of the seed, of a scenario that was checked.

    Raises:
        RuntimeError: a solver gave up.
    """
    scenario = simulation.scenario
    if floor is CLAIRVOYANT:
        return optimal(scenario, episodes, seed, simulation.threads, on_done)
    if floor is SERVICE_CLAIRVOYANT:
        return optimal_service(scenario, seed, episodes, on_done)
    bound_usd = services_bound_usd if floor is SERVICE_BOUND else fleet_bound_usd
    return {floor.metric: bound_usd(scenario, seed, episodes, on_done)}

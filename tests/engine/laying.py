"""Services between plain data and the engine's tables: laid into them, taken out of them, and what they come to."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from tessera_env.engine.state import State
from tessera_env.simulation.rows import Simulation
from tessera_env.simulation.services import service_metrics
from tessera_env.world.demand.timeline import DEMAND_POINT
from tessera_env.world.parameters import Parameters, new_table
from tests.reference.figures import Figures
from tests.reference.services import Service
from tests.reference.world import Account, World

if TYPE_CHECKING:
    from tests.engine.play import Played

# The engine's names of the options that are plain numbers there, too.
SAME = [
    "looks_at_events",
    "decides_before_market",
    "serves_at_notice",
    "make_before_break",
    "setup_s",
    "model_mb",
    "drain_s",
    "launch_failure_s",
    "score_from_s",
    "shortfall_weight",
    "requests_per_replica",
    "patience_s",
    "extra",
    "base_on_demand",
    "seat_count",
]
COUNTS = ("rounds", "orders", "preemptions", "failed_launches", "stops")
BEFORE = ("usd_before", "spot_s_before", "on_demand_s_before")


def services_of(world: World) -> dict[str, Any]:
    """The scenario's part with as many services and seats; the numbers are written into the tables."""
    if not world.services:
        return {}
    return {"service": [{"name": f"s{k}", "most": s.seat_count} for k, s in enumerate(world.services)]}


def new_demand(world: World) -> np.recarray:
    """A table with room for every service's points."""
    points = max((len(service.demand) for service in world.services), default=0)
    return new_table((1, len(world.services), points), DEMAND_POINT)


def lay_services(params: Parameters, state: State, world: World) -> None:
    """Options, pools and demand of each service."""
    for k, service in enumerate(world.services):
        spec = params.services[k]
        for name in SAME:
            spec[name] = getattr(service, name)
        spec.control_interval_s, spec.looks_when_changed = service.interval_s, service.when_changed
        usable = [
            pool.on_demand_price for pool, is_usable in zip(world.pools, service.usable, strict=True) if is_usable
        ]
        spec.on_demand_price, params.service_pools[k] = min(usable), service.usable
        state.services[0, k].demand_count = len(service.demand)
        lay_demand(state.demand[0, k], service)


def lay_demand(points: np.recarray, service: Service) -> None:
    """Change points, with the requests up to each."""
    requests, before = 0.0, (0.0, 0, 0.0)
    for point, now in zip(points, service.demand, strict=False):
        requests += (now[0] - before[0]) * before[2]
        point.time_s, point.target, point.requests_per_s = now
        point.requests, before = requests, now


def drawn_services(simulation: Simulation) -> list[Service]:
    """The services of the first row's world, from the scenario but for what is drawn."""
    services = []
    for k, service in enumerate(simulation.scenario.service):
        points = simulation.state.demand[0, k][: int(simulation.state.services[0, k].demand_count)]
        pools = simulation.scenario.pools
        services.append(
            Service(
                seat_count=service.seats,
                usable=[service.may_use(p.name) and p.gpu_memory_mb >= service.gpu_memory_mb for p in pools],
                demand=[(float(p.time_s), int(p.target), float(p.requests_per_s)) for p in points],
                interval_s=service.control_interval_s or simulation.scenario.decision_interval_s,
                when_changed=service.looks == "when_changed",
                serves_at_notice=service.at_notice == "serves",
                requests_per_replica=service.requests_per_replica or 0.0,
                patience_s=service.patience,
                **{name: getattr(service, name) for name in DRAWN},
            )
        )
    return services


DRAWN = [name for name in SAME if name not in ("serves_at_notice", "requests_per_replica", "patience_s", "seat_count")]


# --- what they come to -----------------------------------------------------------------------------------------------


def shown(simulation: Simulation) -> list[tuple]:
    """What each service shows of itself now, as the reference's `shown` has it."""
    state, usable = simulation.state, simulation.params.service_pools
    rows = []
    for k, service in enumerate(state.services[0]):
        counts = (
            service.target,
            service.ready_spot,
            service.ready_on_demand,
            service.held_spot,
            service.held_on_demand,
        )
        in_use = state.service_pools["in_use"][0, k][usable[k]]
        rows.append((*map(int, counts), int(service.rounds), [bool(mark) for mark in in_use]))
    return rows


def add_results(played: "Played", simulation: Simulation) -> None:
    """The services' figures, and their seats' accounts."""
    state = simulation.state
    names = [part.name for part in fields(Figures) if part.name != "before"]
    for spec, service in zip(simulation.params.services, state.services[0], strict=True):
        played.figures.append({name: service[name].item() for name in (*names, *COUNTS, *BEFORE)})
        records = state.tasks[0][int(spec.first_seat) : int(spec.first_seat + spec.seat_count)]
        played.seats.append([account_of(record) for record in records])
    if played.figures:
        values = service_metrics(simulation.params, state, np.array([0]))
        played.metrics = {name: float(value[0]) for name, value in values.items()}


def account_of(record: np.record) -> Account:
    """What a task or a seat has cost."""
    return Account(*(float(record[part.name]) for part in fields(Account)))

"""What a service's seat sees: the service, its seat, and each pool as the service knows it by its own tries."""

import math

from tessera_env.engine.kinds import TaskStatus
from tessera_env.engine.prices import move_cursor
from tessera_env.engine.services import ready_count, staying_spot
from tessera_env.engine.work import changeover_s
from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import (
    COUNT_HALF,
    SERVICE_FIELD_COUNT,
    SERVICE_POOL_FIELD_COUNT,
    ServiceField,
    ServicePoolField,
)
from tessera_env.observation.squash import squash
from tessera_env.world.parameters import NONE
from tessera_env.world.random_stream import Purpose, uniform

_DAY_S, _HOUR_S, _FEW_S = 86400.0, 3600.0, 300.0


@compiled
def write_services(params, state, env: int, first: int, out) -> None:
    """Write the group of services, which begins at `first`; zeros where a task is asked that is no seat."""
    task = state.tasks[env, state.episodes[env].focal]
    if task.service == NONE:
        for k in range(first, out.shape[1]):
            out[env, k] = 0.0
        return
    write_service(params, state, env, first, out)
    write_seat(params, state, env, first, out)
    write_demand(params, state, env, first, out)
    base = first + SERVICE_FIELD_COUNT
    for pool_id in range(params.pools.shape[0]):
        write_service_pool(params, state, env, pool_id, base + pool_id * SERVICE_POOL_FIELD_COUNT, out)


@compiled
def counted(number: int) -> float:
    """A count as a value of the observation."""
    return squash(float(number), COUNT_HALF)


@compiled
def write_service(params, state, env: int, first: int, out) -> None:
    """The clock, and what the service has and wants."""
    episode = state.episodes[env]
    service_id = state.tasks[env, episode.focal].service
    spec, service = params.services[service_id], state.services[env, service_id]
    angle = 2.0 * math.pi * episode.now_s / _DAY_S
    lacking = service.target - ready_count(service)
    held = service.held_spot + service.held_on_demand
    out[env, first + ServiceField.IS_SEAT] = 1.0
    out[env, first + ServiceField.CLOCK] = episode.now_s / params.config[0].horizon_s
    out[env, first + ServiceField.CLOCK_SIN] = math.sin(angle)
    out[env, first + ServiceField.CLOCK_COS] = math.cos(angle)
    out[env, first + ServiceField.TARGET] = counted(service.target)
    out[env, first + ServiceField.EXTRA] = counted(spec.extra)
    out[env, first + ServiceField.BASE_ON_DEMAND] = counted(spec.base_on_demand)
    out[env, first + ServiceField.MOST] = counted(spec.seat_count)
    out[env, first + ServiceField.READY_SPOT] = counted(staying_spot(service))
    out[env, first + ServiceField.READY_ON_DEMAND] = counted(service.ready_on_demand)
    out[env, first + ServiceField.HELD_SPOT] = counted(service.held_spot)
    out[env, first + ServiceField.HELD_ON_DEMAND] = counted(service.held_on_demand)
    out[env, first + ServiceField.CLAIMED_SPOT] = counted(service.claimed_spot)
    out[env, first + ServiceField.CLAIMED_ON_DEMAND] = counted(service.claimed_on_demand)
    out[env, first + ServiceField.UNDECIDED] = counted(max(0, held - service.claimed_spot - service.claimed_on_demand))
    out[env, first + ServiceField.VACANT] = counted(max(0, spec.seat_count - held))
    out[env, first + ServiceField.LACKING] = squash(float(lacking), COUNT_HALF)
    out[env, first + ServiceField.FIRST_ROUND] = 1.0 if service.rounds == 1 else 0.0


@compiled
def write_seat(params, state, env: int, first: int, out) -> None:
    """The seat that is asked, and how the service has fared."""
    now_s, seat = state.episodes[env].now_s, state.tasks[env, state.episodes[env].focal]
    service, pool_count = state.services[env, seat.service], params.pools.shape[0]
    placement = seat.placement if seat.status == TaskStatus.PLACED or seat.status == TaskStatus.TRYING else 0
    out[env, first + ServiceField.SEAT_EMPTY] = 1.0 if placement == 0 else 0.0
    out[env, first + ServiceField.SEAT_SPOT] = 1.0 if 0 < placement <= pool_count else 0.0
    out[env, first + ServiceField.SEAT_ON_DEMAND] = 1.0 if placement > pool_count else 0.0
    out[env, first + ServiceField.SEAT_READY] = float(seat.is_ready)
    out[env, first + ServiceField.SEAT_HELD] = squash(now_s - seat.asked_s, _HOUR_S) if placement else 0.0
    out[env, first + ServiceField.AVAILABILITY] = service.rounds_ready / service.rounds
    out[env, first + ServiceField.OUTAGE] = squash(service.outage_s, _FEW_S)
    out[env, first + ServiceField.DEFICIT_AGE] = squash(now_s - service.deficit_s, _FEW_S)
    out[env, first + ServiceField.DEFICIT_ON_DEMAND] = counted(service.deficit_on_demand)


@compiled
def write_demand(params, state, env: int, first: int, out) -> None:
    """Requests, and how long a replica takes to serve them."""
    service_id = state.tasks[env, state.episodes[env].focal].service
    spec, service = params.services[service_id], state.services[env, service_id]
    cold_s = math.inf
    for pool_id in range(params.pools.shape[0]):
        if params.service_pools[service_id, pool_id]:
            pool = params.pools[pool_id]
            cold_s = min(cold_s, changeover_s(params.config[0], pool, state.pools[env, pool_id], spec.model_mb))
    out[env, first + ServiceField.COLD_START] = squash(cold_s + spec.setup_s, _FEW_S)
    serving = spec.requests_per_replica * max(service.target, 1)
    counts = serving > 0.0
    out[env, first + ServiceField.DEMAND] = squash(service.requests_per_s, serving) if counts else 0.0
    out[env, first + ServiceField.BACKLOG] = squash(service.backlog, 100.0 * serving) if counts else 0.0


@compiled
def write_service_pool(params, state, env: int, pool_id: int, base: int, out) -> None:
    """A pool, for the seat that is asked."""
    episode, config = state.episodes[env], params.config[0]
    seat = state.tasks[env, episode.focal]
    known, service = state.service_pools[env, seat.service, pool_id], state.services[env, seat.service]
    now_s, pool_count = episode.now_s, params.pools.shape[0]
    spot = state.market[env, pool_id, move_cursor(state, env, pool_id)].spot_price
    usable = params.service_pools[seat.service, pool_id]
    placement = seat.placement if seat.status == TaskStatus.PLACED or seat.status == TaskStatus.TRYING else 0
    out[env, base + ServicePoolField.USABLE] = 1.0 if usable else 0.0
    out[env, base + ServicePoolField.SEAT_HERE_SPOT] = 1.0 if placement == 1 + pool_id else 0.0
    out[env, base + ServicePoolField.SEAT_HERE_ON_DEMAND] = 1.0 if placement == 1 + pool_count + pool_id else 0.0
    out[env, base + ServicePoolField.SPOT_COST] = min(spot / config.dearest_on_demand, 1.0)
    out[env, base + ServicePoolField.ON_DEMAND_COST] = params.pools[pool_id].on_demand_price / config.dearest_on_demand
    out[env, base + ServicePoolField.SPOT_HERE] = counted(known.held)
    out[env, base + ServicePoolField.ON_DEMAND_HERE] = counted(known.held_on_demand)
    out[env, base + ServicePoolField.READY_HERE] = counted(known.ready)
    out[env, base + ServicePoolField.SPOT_CLAIMED_HERE] = counted(known.claimed)
    out[env, base + ServicePoolField.ON_DEMAND_CLAIMED_HERE] = counted(known.claimed_on_demand)
    out[env, base + ServicePoolField.IN_USE] = float(known.in_use)
    out[env, base + ServicePoolField.TURN] = 1.0 if pool_in_turn(params, service, seat.service) == pool_id else 0.0
    out[env, base + ServicePoolField.FAILED_AGE] = squash(now_s - known.failed_s, _HOUR_S)
    out[env, base + ServicePoolField.LOST_AGE] = squash(now_s - known.lost_s, _HOUR_S)
    out[env, base + ServicePoolField.GOT_AGE] = squash(now_s - known.got_s, _HOUR_S)
    out[env, base + ServicePoolField.FAILURES] = counted(known.failures)
    out[env, base + ServicePoolField.LOSSES] = counted(known.losses)
    out[env, base + ServicePoolField.LIFETIME] = squash(known.lived_s / (known.losses + 1.0), 2.0 * _HOUR_S)
    out[env, base + ServicePoolField.COIN] = uniform(state.worlds[env], Purpose.COIN, pool_id, episode.decisions)
    out[env, base + ServicePoolField.UP_AGE] = squash(max(0.0, now_s - known.up_since_s), 2.0 * _HOUR_S)
    out[env, base + ServicePoolField.PARTIAL_AGE] = squash(now_s - known.partial_s, _HOUR_S)
    out[env, base + ServicePoolField.STARTING_HERE] = counted(max(0, known.held - known.ready))


@compiled
def pool_in_turn(params, service, service_id: int) -> int:
    """The pool whose turn it is, of those that the service may use, after as many tries as there were."""
    pool_count = params.pools.shape[0]
    usable = 0
    for pool_id in range(pool_count):
        usable += params.service_pools[service_id, pool_id]
    place = service.attempts % usable
    for pool_id in range(pool_count):
        if params.service_pools[service_id, pool_id]:
            if place == 0:
                return pool_id
            place -= 1
    return NONE

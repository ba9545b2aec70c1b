"""Life of a seat's replica: asked for, launched, ready, noticed, stopped, lost; a seat is a row of the task table."""

import math

from tessera_env.engine.event_queue import push
from tessera_env.engine.instances import obtain, vacate
from tessera_env.engine.kinds import EventKind, LogKind, TaskStatus
from tessera_env.engine.log import log_event, log_pool
from tessera_env.engine.services import account, note_event
from tessera_env.engine.tasks import leave_instance, place
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE


@compiled
def service_pool_of(state, env: int, seat_id: int):
    """What the seat's service knows of the pool in which the seat is, or asks to be."""
    seat = state.tasks[env, seat_id]
    return state.service_pools[env, seat.service, state.offers[env, seat.placement - 1].pool]


@compiled
def hold(state, env: int, seat_id: int, change: int) -> None:
    """Count a seat as held in its pool, or no longer."""
    seat, known = state.tasks[env, seat_id], service_pool_of(state, env, seat_id)
    service = state.services[env, seat.service]
    if state.offers[env, seat.placement - 1].on_demand:
        service.held_on_demand += change
        known.held_on_demand += change
    else:
        service.held_spot += change
        known.held += change


@compiled
def set_ready(params, state, env: int, seat_id: int, is_ready: int) -> None:
    """The seat's replica serves from now on, or no longer."""
    seat = state.tasks[env, seat_id]
    if seat.is_ready == is_ready:
        return
    account(params, state, env, seat.service)
    service, known = state.services[env, seat.service], service_pool_of(state, env, seat_id)
    change = 1 if is_ready else -1
    seat.is_ready = is_ready
    if state.offers[env, seat.placement - 1].on_demand:
        service.ready_on_demand += change
    else:
        service.ready_spot += change
        if seat.status == TaskStatus.LEAVING:
            service.ready_leaving += change
        else:
            known.ready += change
    log_event(state, env, LogKind.READY if is_ready else LogKind.UNREADY, seat_id, seat.instance, 0.0, 0.0)


@compiled
def claim(state, env: int, seat_id: int, action: int) -> None:
    """The seat is to have a replica of the offer; what becomes of that is seen later."""
    seat = state.tasks[env, seat_id]
    service = state.services[env, seat.service]
    seat.placement = action
    seat.status = TaskStatus.CLAIMED
    seat.order = service.orders
    seat.asked_s = state.episodes[env].now_s
    service.orders += 1
    service.acted = 1
    hold(state, env, seat_id, 1)
    if not state.offers[env, action - 1].on_demand:
        service.attempts += 1


@compiled
def launch_claimed(params, state, env: int, seat_id: int) -> None:
    """Launch what the seat claimed: it is placed, or will be seen to have failed."""
    seat = state.tasks[env, seat_id]
    spec, offer_id = params.services[seat.service], seat.placement - 1
    instance_id = obtain(params, state, env, offer_id)
    if instance_id != NONE:
        settle_in(params, state, env, seat_id, instance_id)
    elif spec.launch_failure_s > 0.0:
        set_due(state, env, seat_id, TaskStatus.TRYING, spec.launch_failure_s)
    else:
        fail(params, state, env, seat_id)


@compiled
def set_due(state, env: int, seat_id: int, status: int, seconds: float) -> None:
    """For so long the seat has this status; then `on_seat_due`."""
    seat = state.tasks[env, seat_id]
    seat.status = status
    seat.run_generation += 1
    time_s = state.episodes[env].now_s + seconds
    push(state, env, time_s, EventKind.COMPLETION, seat_id, seat_id, seat.run_generation)


@compiled
def settle_in(params, state, env: int, seat_id: int, instance_id: int) -> None:
    """The seat has got its instance: set-up begins."""
    seat, now_s = state.tasks[env, seat_id], state.episodes[env].now_s
    service, known = state.services[env, seat.service], service_pool_of(state, env, seat_id)
    if state.instances[env, instance_id].on_demand:
        service.on_demand_launches += 1
    else:
        service.spot_launches += 1
        known.got_s = now_s
        known.up_since_s = min(known.up_since_s, now_s)
    seat.waiting_since_s = now_s
    place(params, state, env, seat_id, instance_id)


@compiled
def fail(params, state, env: int, seat_id: int) -> None:
    """The seat's launch is seen to have found no capacity: the seat is empty."""
    seat, episode = state.tasks[env, seat_id], state.episodes[env]
    service, known = state.services[env, seat.service], service_pool_of(state, env, seat_id)
    offer = state.offers[env, seat.placement - 1]
    service.failed_launches += 1
    service.changed = 1
    episode.failed_launches += 1
    if not offer.on_demand:
        known.failures += 1
        known.failed_s = episode.now_s
        known.up_since_s = known.up_since_s if known.held > 1 else math.inf
    log_pool(state, env, LogKind.LAUNCH_FAILED, seat_id, offer.pool, offer.on_demand, 0.0)
    hold(state, env, seat_id, -1)
    empty(state, env, seat_id)


@compiled
def empty(state, env: int, seat_id: int) -> None:
    """Nothing is in the seat."""
    seat = state.tasks[env, seat_id]
    seat.status = TaskStatus.EMPTY
    seat.placement = 0
    seat.run_generation += 1
    unlink(state, env, seat_id)


@compiled
def unlink(state, env: int, seat_id: int) -> None:
    """The seat neither replaces another nor is replaced."""
    seat = state.tasks[env, seat_id]
    if seat.predecessor != NONE:
        state.tasks[env, seat.predecessor].successor = NONE
    if seat.successor != NONE:
        state.tasks[env, seat.successor].predecessor = NONE
    seat.predecessor = NONE
    seat.successor = NONE


@compiled
def on_seat_due(params, state, env: int, seat_id: int) -> None:
    """What was to happen to the seat happens: it is ready, has drained, or its launch is seen to have failed."""
    seat = state.tasks[env, seat_id]
    if seat.status == TaskStatus.TRYING:
        service_id = seat.service
        fail(params, state, env, seat_id)
        note_event(params, state, env, service_id)
    elif seat.status == TaskStatus.LEAVING:
        state.services[env, seat.service].changed = 1  # there is an empty seat more
        give_back(params, state, env, seat_id)
    else:
        set_ready(params, state, env, seat_id, 1)
        replace(params, state, env, seat_id)
        note_event(params, state, env, seat.service)


@compiled
def replace(params, state, env: int, seat_id: int) -> None:
    """The seat's replica is ready: the one that served until then in its place stops."""
    predecessor_id = state.tasks[env, seat_id].predecessor
    if predecessor_id != NONE:
        unlink(state, env, seat_id)
        if state.tasks[env, predecessor_id].status == TaskStatus.PLACED:
            stop(params, state, env, predecessor_id)


@compiled
def stop(params, state, env: int, seat_id: int) -> None:
    """The seat's replica is stopped: at once, or, if it serves and drains, after that."""
    seat = state.tasks[env, seat_id]
    spec, service = params.services[seat.service], state.services[env, seat.service]
    service.stops += 1
    service.acted = 1
    drains = seat.is_ready and spec.drain_s > 0.0
    hold(state, env, seat_id, -1)
    note_life(state, env, seat_id)
    set_ready(params, state, env, seat_id, 0)
    if seat.status != TaskStatus.PLACED:
        empty(state, env, seat_id)
    elif drains:
        set_due(state, env, seat_id, TaskStatus.LEAVING, spec.drain_s)
    else:
        give_back(params, state, env, seat_id)


@compiled
def note_life(state, env: int, seat_id: int) -> None:
    """Note how long the seat's spot instance has been held."""
    seat = state.tasks[env, seat_id]
    if seat.status == TaskStatus.PLACED and not state.offers[env, seat.placement - 1].on_demand:
        service_pool_of(state, env, seat_id).lived_s += state.episodes[env].now_s - seat.placed_s


@compiled
def give_back(params, state, env: int, seat_id: int) -> None:
    """The seat leaves its instance, which nobody has taken."""
    instance_id = leave_instance(params, state, env, seat_id, 0.0, 0.0)
    vacate(params, state, env, instance_id)
    empty(state, env, seat_id)


@compiled
def on_seat_noticed(params, state, env: int, seat_id: int) -> None:
    """The seat's instance was given notice: it counts as lost, or serves to its end if it may."""
    seat = state.tasks[env, seat_id]
    service_id = seat.service
    service, known = state.services[env, service_id], service_pool_of(state, env, seat_id)
    if seat.status == TaskStatus.PLACED:
        service.preemptions += 1
        known.losses += 1
        known.lost_s = state.episodes[env].now_s
        known.up_since_s = math.inf
        hold(state, env, seat_id, -1)
        note_life(state, env, seat_id)
    if seat.status == TaskStatus.PLACED and seat.is_ready and params.services[service_id].serves_at_notice:
        seat.status = TaskStatus.LEAVING
        seat.run_generation += 1
        service.ready_leaving += 1
        known.ready -= 1
    else:
        abandon(params, state, env, seat_id)
    note_event(params, state, env, service_id)


@compiled
def abandon(params, state, env: int, seat_id: int) -> None:
    """The seat leaves its instance to the cloud, which takes it now or at the notice's end."""
    set_ready(params, state, env, seat_id, 0)
    instance_id = leave_instance(params, state, env, seat_id, 0.0, 0.0)
    state.instances[env, instance_id].task = NONE
    empty(state, env, seat_id)


@compiled
def on_seat_end(params, state, env: int, instance_id: int) -> None:
    """The cloud takes an instance: the seat that served to the end leaves it."""
    seat_id = state.instances[env, instance_id].task
    if seat_id < 0 or state.tasks[env, seat_id].service == NONE:
        return
    service_id = state.tasks[env, seat_id].service
    abandon(params, state, env, seat_id)
    note_event(params, state, env, service_id)


@compiled
def open_seat(params, state, env: int, service_id: int, seat_id: int) -> None:
    """An empty seat of the service."""
    spec, seat = params.services[service_id], state.tasks[env, seat_id]
    seat.service = service_id
    seat.status = TaskStatus.EMPTY
    seat.setup_s = spec.setup_s
    seat.gpu_memory_mb = spec.gpu_memory_mb
    seat.state_base_mb = spec.model_mb
    seat.state_cap_mb = spec.model_mb
    seat.deadline_s = math.inf
    seat.latest_s = math.inf
    seat.on_demand_price = spec.on_demand_price

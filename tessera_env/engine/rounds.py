"""A service looks at its replicas: a round asks its seats in turn, each seeing what those before it claimed.

Held seats are asked by launch, the oldest first, then empty ones. Those are alike, so that the first of them that is to
stay empty ends the round.
"""

import math

from tessera_env.engine.event_queue import push
from tessera_env.engine.kinds import AskReason, EventKind, TaskStatus
from tessera_env.engine.seats import claim, launch_claimed, stop
from tessera_env.engine.services import account, ready_count, staying_spot
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE

_NUMBERS = 1 << 40  # claims of a service at one instant are numbered in the order of asking
REGULAR = 1  # generation of an event of the regular looks


@compiled
def on_look(params, state, env: int, service_id: int, generation: int) -> None:
    """Begin a round; the next regular look is scheduled."""
    spec, service, now_s = params.services[service_id], state.services[env, service_id], state.episodes[env].now_s
    if generation == REGULAR:
        schedule_look(params, state, env, service_id)
        if spec.looks_when_changed and service.quiet >= 2 and not service.changed:
            return
    if service.looked_s == now_s and not service.changed:
        return
    begin_round(params, state, env, service_id)


@compiled
def schedule_look(params, state, env: int, service_id: int) -> None:
    """The next regular look: at the next multiple of the interval."""
    spec, now_s = params.services[service_id], state.episodes[env].now_s
    time_s = spec.control_interval_s * (math.floor(now_s / spec.control_interval_s + 0.5) + 1.0)
    if time_s < params.config[0].horizon_s:
        push(state, env, time_s, look_kind(spec), service_id, service_id, REGULAR)


@compiled
def look_kind(spec) -> int:
    """The kind of event of a service's regular looks."""
    return EventKind.EARLY_LOOK if spec.decides_before_market else EventKind.LOOK


@compiled
def begin_round(params, state, env: int, service_id: int) -> None:
    """Nothing has been asked in this round yet."""
    service = state.services[env, service_id]
    account(params, state, env, service_id)
    surprised = service.rounds > 0 and mark_pools(params, state, env, service_id)
    service.quiet = 0 if surprised or service.changed else service.quiet + 1
    service.rounds += 1
    service.rounds_ready += 1 if ready_count(service) >= service.target else 0
    service.looked_s = state.episodes[env].now_s
    service.changed = 0
    service.acted = 0
    service.claimed_spot = 0
    service.claimed_on_demand = 0
    for pool_id in range(state.pools.shape[1]):
        known = state.service_pools[env, service_id, pool_id]
        known.claimed = 0
        known.claimed_on_demand = 0
    state.episodes[env].looking = service_id


@compiled
def mark_pools(params, state, env: int, service_id: int) -> bool:
    """SpotHedge's two lists, from what was asked for in the last round and what of it is held; whether one changed.

    Less held than asked, by a preemption or a failed launch: the zone is left out. All held, and more than nothing: it
    is in use. With at most one in use (at most none of three zones or fewer) all are (Mao et al., EuroSys'25).
    """
    used, allowed, changed = 0, 0, False
    for pool_id in range(state.pools.shape[1]):
        known = state.service_pools[env, service_id, pool_id]
        if not params.service_pools[service_id, pool_id]:
            continue
        before = known.in_use
        if known.asked > known.held:
            known.in_use = 0
            if known.held > 0:
                known.partial_s = state.episodes[env].now_s
        elif known.asked > 0:
            known.in_use = 1
        changed = changed or known.in_use != before
        used += known.in_use
        allowed += 1
    if used <= (1 if allowed > 3 else 0) and used < allowed:
        changed = True
        for pool_id in range(state.pools.shape[1]):
            state.service_pools[env, service_id, pool_id].in_use = 1
    return changed


@compiled
def asks_seat(params, state, env: int) -> bool:
    """Whether there is a seat to be asked in the round: it is the focal task then. Else the round is over."""
    episode = state.episodes[env]
    seat_id = next_seat(params, state, env, episode.looking)
    if seat_id == NONE:
        end_round(params, state, env)
        return False
    episode.focal = seat_id
    episode.reason = AskReason.LOOK
    return True


@compiled
def next_seat(params, state, env: int, service_id: int) -> int:
    """The seat that is asked next: the held one with the oldest launch, else the first empty one; NONE: all were."""
    spec, service = params.services[service_id], state.services[env, service_id]
    oldest, order, vacant = NONE, 0, NONE
    for seat_id in range(spec.first_seat, spec.first_seat + spec.seat_count):
        seat = state.tasks[env, seat_id]
        if seat.asked_round == service.rounds or seat.successor != NONE:
            continue
        if seat.status == TaskStatus.PLACED or seat.status == TaskStatus.TRYING:
            if oldest == NONE or seat.order < order:
                oldest, order = seat_id, seat.order
        elif seat.status == TaskStatus.EMPTY and vacant == NONE:
            vacant = seat_id
    return vacant if oldest == NONE else oldest


@compiled
def answer_seat(params, state, env: int, action: int) -> None:
    """The focal seat keeps its replica, stops it, moves it, gets one, or stays empty, which ends the round."""
    seat_id = state.episodes[env].focal
    seat = state.tasks[env, seat_id]
    service = state.services[env, seat.service]
    seat.asked_round = service.rounds
    if seat.status == TaskStatus.EMPTY and action == 0:
        end_round(params, state, env)
    elif action == 0:
        stop(params, state, env, seat_id)
    elif action == seat.placement:
        count_claim(state, env, service, seat.service, action)
    else:
        count_claim(state, env, service, seat.service, action)
        if seat.status == TaskStatus.EMPTY:
            ask_for(params, state, env, seat_id, action)
        else:
            move(params, state, env, seat_id, action)


@compiled
def count_claim(state, env: int, service, service_id: int, action: int) -> None:
    """A seat has, or is to have, this placement."""
    offer = state.offers[env, action - 1]
    known = state.service_pools[env, service_id, offer.pool]
    if offer.on_demand:
        service.claimed_on_demand += 1
        known.claimed_on_demand += 1
    else:
        service.claimed_spot += 1
        known.claimed += 1


@compiled
def ask_for(params, state, env: int, seat_id: int, action: int) -> None:
    """Launch a replica for an empty seat: now, or once the market has moved."""
    claim(state, env, seat_id, action)
    seat, now_s = state.tasks[env, seat_id], state.episodes[env].now_s
    if params.services[seat.service].decides_before_market:
        number = seat.service * _NUMBERS + seat.order
        push(state, env, now_s, EventKind.CLAIM, number, seat_id, seat.run_generation)
    else:
        launch_claimed(params, state, env, seat_id)


@compiled
def move(params, state, env: int, seat_id: int, action: int) -> None:
    """A replica goes elsewhere: it stops first, or serves until the new one, in an empty seat, is ready."""
    seat = state.tasks[env, seat_id]
    spec = params.services[seat.service]
    other_id = vacant_seat(params, state, env, seat.service) if spec.make_before_break and seat.is_ready else NONE
    if other_id == NONE:
        stop(params, state, env, seat_id)
        if seat.status == TaskStatus.EMPTY:
            ask_for(params, state, env, seat_id, action)
            return
        other_id = vacant_seat(params, state, env, seat.service)  # it drains
        if other_id == NONE:
            return
    else:
        state.tasks[env, other_id].predecessor = seat_id
        seat.successor = other_id
    state.tasks[env, other_id].asked_round = state.services[env, seat.service].rounds
    ask_for(params, state, env, other_id, action)


@compiled
def vacant_seat(params, state, env: int, service_id: int) -> int:
    """An empty seat of the service; NONE if there is none."""
    spec = params.services[service_id]
    for seat_id in range(spec.first_seat, spec.first_seat + spec.seat_count):
        if state.tasks[env, seat_id].status == TaskStatus.EMPTY:
            return seat_id
    return NONE


@compiled
def end_round(params, state, env: int) -> None:
    """All that is asked for in this round is known."""
    service_id = state.episodes[env].looking
    spec, service = params.services[service_id], state.services[env, service_id]
    state.episodes[env].looking = NONE
    for pool_id in range(state.pools.shape[1]):
        known = state.service_pools[env, service_id, pool_id]
        known.asked = known.claimed
    if service.acted:
        service.changed = 1
    wanted = service.target + spec.extra - spec.base_on_demand
    if staying_spot(service) < wanted:
        service.deficit_s = service.looked_s
        service.deficit_on_demand = service.claimed_on_demand

"""Life of an instance: launch, notice, idle time, end."""

import math

from tessera_env.engine.billing import settle, start_billing, stop_billing
from tessera_env.engine.event_queue import push
from tessera_env.engine.kinds import EventKind, InstanceStatus, LogKind
from tessera_env.engine.linked_lists import (
    first,
    held_list,
    held_node,
    idle_list,
    idle_node,
    insert,
    instance_of,
    remove,
)
from tessera_env.engine.log import log_event
from tessera_env.engine.prices import move_cursor
from tessera_env.jit.compiled import compiled
from tessera_env.world.distributions import draw
from tessera_env.world.market.hazards import bathtub_age_s
from tessera_env.world.market.timeline import hazard_integral_at, point_at, time_of_hazard
from tessera_env.world.parameters import FOR_DISPLACED, NONE, HazardModel, Quantity
from tessera_env.world.random_stream import Purpose, exponential, uniform


@compiled
def launch_room(state, env: int, pool_id: int) -> int:
    """How many spot instances could be launched in the pool now."""
    pool = state.pools[env, pool_id]
    return state.market[env, pool_id, pool.capacity_point].capacity - pool.held - pool.leaving


@compiled
def is_full(state, env: int, pool_id: int) -> bool:
    """Whether no spot instance can be had in the pool now."""
    return launch_room(state, env, pool_id) <= 0 and state.offers[env, pool_id].idle == 0


@compiled
def newest_idle(state, env: int, offer_id: int) -> int:
    """The most recently idled instance of the offer; NONE if there is none."""
    if state.offers[env, offer_id].idle == 0:
        return NONE
    return instance_of(state, first(state, env, idle_list(state, offer_id)))


@compiled
def take_slot(state, env: int) -> int:
    """An unused row of the instance table (advance sees to it that there is one)."""
    episode = state.episodes[env]
    if episode.free_slot == NONE:
        episode.slots_used += 1
        return episode.slots_used - 1
    instance_id = episode.free_slot
    episode.free_slot = state.instances[env, instance_id].next_free
    return instance_id


@compiled
def finds_capacity(params, state, env: int, offer_id: int) -> bool:
    """Try one more launch of the offer: whether the cloud has an instance. On-demand is one draw for each try."""
    offer = state.offers[env, offer_id]
    if not offer.on_demand and launch_room(state, env, offer.pool) <= 0:
        return False
    offer.tries += 1
    share = params.pools[offer.pool].on_demand_failure_share if offer.on_demand else 0.0
    if share <= 0.0:
        return True
    return uniform(state.worlds[env], Purpose.ON_DEMAND, offer.pool, offer.tries - 1) >= share


@compiled
def provisioning_s(params, state, env: int, offer_id: int) -> float:
    """How long the launch that was just tried takes to boot: one draw for each try."""
    offer = state.offers[env, offer_id]
    distribution = params.distributions[Quantity.FIRST_SETUP + 2 * offer.pool + 1]
    stream = 2 * offer.pool + offer.on_demand
    return draw(distribution, state.worlds[env], Purpose.PROVISIONING, stream, offer.tries - 1)


@compiled
def launch(params, state, env: int, offer_id: int) -> int:
    """Launch an instance of the offer, which has just found capacity; returns its row."""
    episode = state.episodes[env]
    instance_id = take_slot(state, env)
    instance, offer = state.instances[env, instance_id], state.offers[env, offer_id]
    instance.generation += 1
    instance.launch = episode.launch_count
    instance.offer = offer_id
    instance.pool = offer.pool
    instance.on_demand = offer.on_demand
    instance.status = InstanceStatus.HELD
    instance.task = NONE
    instance.payer = NONE
    instance.lifetime_notice = 0
    instance.billing = 0
    instance.billing_start_s = episode.now_s + provisioning_s(params, state, env, offer_id)
    instance.setup_done_s = instance.billing_start_s + state.pools[env, offer.pool].setup_s
    instance.end_s = math.inf
    episode.launch_count += 1
    episode.alive += 1
    episode.launches += 1
    log_event(state, env, LogKind.LAUNCH, NONE, instance_id, instance.billing_start_s, instance.setup_done_s)
    if not offer.on_demand:
        hold_spot(params, state, env, instance_id)
    if instance.billing_start_s > episode.now_s:
        time_s, launch_number = instance.billing_start_s, instance.launch
        push(state, env, time_s, EventKind.BILLING_START, launch_number, instance_id, instance.generation)
    else:
        start_billing(params, state, env, instance_id)
    return instance_id


@compiled
def obtain(params, state, env: int, offer_id: int) -> int:
    """An instance of the offer: the newest idle one, else a new one; NONE if there is no capacity."""
    instance_id = newest_idle(state, env, offer_id)
    if instance_id != NONE:
        leave_idle(state, env, instance_id)
        return instance_id
    if finds_capacity(params, state, env, offer_id):
        return launch(params, state, env, offer_id)
    return NONE


@compiled
def hold_spot(params, state, env: int, instance_id: int) -> None:
    """Count a new spot instance against the pool's capacity, and draw when its lifetime ends."""
    instance = state.instances[env, instance_id]
    pool = state.pools[env, instance.pool]
    insert(state, env, held_list(instance.pool), held_node(state, instance_id))
    pool.held += 1
    instance.end_s = lifetime_end_s(params, state, env, instance_id)
    if instance.end_s < params.config[0].horizon_s:
        notice_s = max(instance.end_s - params.config[0].notice_s, state.episodes[env].now_s)
        push(state, env, notice_s, EventKind.NOTICE, instance.launch, instance_id, instance.generation)


@compiled
def lifetime_end_s(params, state, env: int, instance_id: int) -> float:
    """When a hazard takes the instance: cumulative hazard since billing start = one unit-exponential draw."""
    instance = state.instances[env, instance_id]
    pool_id = instance.pool
    pool, spec = state.pools[env, pool_id], params.pools[pool_id]
    if spec.hazard_model == HazardModel.NONE:
        return math.inf
    hazard = exponential(state.worlds[env], Purpose.LIFETIME, pool_id, state.offers[env, instance.offer].tries - 1)
    if spec.hazard_model == HazardModel.BATHTUB:
        return instance.billing_start_s + bathtub_age_s(spec, hazard)
    start = move_cursor(state, env, pool_id)
    k = point_at(state.market, env, pool_id, start, pool.point_count, instance.billing_start_s)
    target = hazard_integral_at(state.market, env, pool_id, k, instance.billing_start_s)
    target += hazard
    return time_of_hazard(state.market, env, pool_id, k, pool.point_count, target)


@compiled
def vacate(params, state, env: int, instance_id: int) -> None:
    """The instance's task is gone: release it, or keep it idle until its time-out."""
    instance = state.instances[env, instance_id]
    instance.task = NONE
    timeout_s = params.config[0].idle_timeout_s
    if timeout_s == 0.0 or instance.status == InstanceStatus.NOTICED:
        end_instance(params, state, env, instance_id, False)
        return
    join_idle(state, env, instance_id)
    log_event(state, env, LogKind.IDLE, NONE, instance_id, 0.0, 0.0)
    time_s = state.episodes[env].now_s + timeout_s
    push(state, env, time_s, EventKind.IDLE_TIMEOUT, instance.launch, instance_id, instance.idle_generation)


@compiled
def join_idle(state, env: int, instance_id: int) -> None:
    """Put the instance on its offer's idle list."""
    instance = state.instances[env, instance_id]
    if not instance.on_demand and is_full(state, env, instance.pool):
        state.episodes[env].room_freed = 1
    insert(state, env, idle_list(state, instance.offer), idle_node(state, instance_id))
    state.offers[env, instance.offer].idle += 1


@compiled
def leave_idle(state, env: int, instance_id: int) -> None:
    """Take the instance off its offer's idle list; its pending time-out becomes stale."""
    instance = state.instances[env, instance_id]
    remove(state, env, idle_node(state, instance_id))
    instance.idle_generation += 1
    state.offers[env, instance.offer].idle -= 1


@compiled
def announce(state, env: int, instance_id: int, end_s: float, lifetime: int) -> None:
    """Give a spot instance notice that it ends at `end_s`; what becomes of its task is the caller's."""
    instance = state.instances[env, instance_id]
    pool = state.pools[env, instance.pool]
    instance.status = InstanceStatus.NOTICED
    instance.end_s = end_s
    instance.lifetime_notice = lifetime
    remove(state, env, held_node(state, instance_id))
    pool.held -= 1
    pool.leaving += lifetime
    pool.interruptions += 1
    state.episodes[env].interruptions += 1
    if instance.task == NONE:
        leave_idle(state, env, instance_id)
    elif instance.task == FOR_DISPLACED:
        remove(state, env, idle_node(state, instance_id))
    log_event(state, env, LogKind.NOTICE, max(instance.task, NONE), instance_id, end_s, 0.0)
    push(state, env, end_s, EventKind.END, instance.launch, instance_id, instance.generation)


@compiled
def end_instance(params, state, env: int, instance_id: int, by_cloud: bool) -> None:
    """The instance is gone: bill it and free its row."""
    episode, instance = state.episodes[env], state.instances[env, instance_id]
    settle(params, state, env, instance_id, by_cloud)
    forget(state, env, instance_id)
    instance.next_free = episode.free_slot
    episode.free_slot = instance_id


@compiled
def forget(state, env: int, instance_id: int) -> None:
    """Take the instance out of its pool's counts and lists; its pending events become stale."""
    episode, instance = state.episodes[env], state.instances[env, instance_id]
    pool = state.pools[env, instance.pool]
    was_full = is_full(state, env, instance.pool)
    if instance.status == InstanceStatus.NOTICED:
        pool.leaving -= instance.lifetime_notice
    elif not instance.on_demand:
        remove(state, env, held_node(state, instance_id))
        pool.held -= 1
    if was_full and not is_full(state, env, instance.pool):
        episode.room_freed = 1
    instance.status = InstanceStatus.FREE
    instance.generation += 1
    episode.alive -= 1


@compiled
def cancel(params, state, env: int, instance_id: int) -> None:
    """Give back a launch that nobody uses, unbilled."""
    instance = state.instances[env, instance_id]
    if instance.billing:
        stop_billing(state, env, instance_id)
    log_event(state, env, LogKind.CANCEL, NONE, instance_id, 0.0, 0.0)
    state.episodes[env].cancelled_launches += 1
    end_instance(params, state, env, instance_id, False)

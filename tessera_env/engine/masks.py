"""Which placements the focal task may be given, the deadline guard included.

The guard's promise: from every placement it allows, on-demand can still make the deadline, whatever spot capacity
does until the task is next asked. So whoever obeys the mask is never late (if the task could be done at all). Where
on-demand launches can fail themselves no mask can promise that; `guard_margin_s` is then the time for further tries.
"""

import math

from tessera_env.engine.deadlines import (
    is_lossless,
    latest_deadline_s,
    latest_fallback_s,
    work_left_if_lost_s,
    work_left_now_s,
)
from tessera_env.engine.instances import launch_room
from tessera_env.engine.kinds import TaskStatus
from tessera_env.engine.work import longest_changeover_s, run_time_s
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE, HazardModel


@compiled
def fill_mask(params, state, env: int) -> None:
    """Write into `state.masks[env]` what the focal task may be answered."""
    task = state.tasks[env, state.episodes[env].focal]
    state.masks[env, 0] = True
    pool_count = params.pools.shape[0]
    for pool_id in range(pool_count):
        fits = task.gpu_memory_mb <= params.pools[pool_id].gpu_memory_mb
        state.masks[env, 1 + pool_id] = fits
        state.masks[env, 1 + pool_count + pool_id] = fits
    if task.service != NONE:
        fill_seat_mask(params, state, env, task)
    elif params.config[0].deadline_guard and task.deadline_s < math.inf:
        guard(params, state, env)


@compiled
def fill_seat_mask(params, state, env: int, seat) -> None:
    """Take out the pools that the service may not use; a seat may always stay as it is."""
    pool_count = params.pools.shape[0]
    for pool_id in range(pool_count):
        if not params.service_pools[seat.service, pool_id]:
            state.masks[env, 1 + pool_id] = False
            state.masks[env, 1 + pool_count + pool_id] = False


@compiled
def guard(params, state, env: int) -> None:
    """Take out of the focal task's mask what could make it late; if that is all, leave its quickest finish."""
    config, episode = params.config[0], state.episodes[env]
    task = state.tasks[env, episode.focal]
    fallback_s = latest_fallback_s(config, task)
    asked_again_s = episode.now_s + config.decision_interval_s
    run_s = run_time_s(config, work_left_now_s(config, task, episode.now_s))
    can_wait = asked_again_s + run_s <= fallback_s
    can_risk = asked_again_s + run_time_s(config, work_left_if_lost_s(config, task, episode.now_s)) <= fallback_s
    # With time for the worst that can happen on spot, waiting and every spot placement are safe: no closer look,
    # which is a third of the mask's time.
    any_valid = can_risk
    unsure = 1 + params.pools.shape[0] if can_risk else 0
    for action in range(unsure, state.masks.shape[1]):
        if not state.masks[env, action]:
            continue
        outcome = outcome_of(params, state, env, task, action)
        safe = is_safe(params, state, env, task, outcome, run_s, can_wait, can_risk)
        if safe and may_stay_instead(params, state, env, task, action):
            safe = is_safe(params, state, env, task, task.placement, run_s, can_wait, can_risk)
        state.masks[env, action] = safe
        any_valid = any_valid or safe
    if not any_valid:
        state.masks[env, quickest_finish(params, state, env, task)] = True


@compiled
def is_safe(params, state, env: int, task, outcome: int, run_s: float, can_wait: bool, can_risk: bool) -> bool:
    """Whether the task can still make its deadline from where it will be, with the guard's figures."""
    config, now_s = params.config[0], state.episodes[env].now_s
    if outcome == 0:
        return can_wait
    if outcome > params.pools.shape[0]:
        return is_on_demand_in_time(params, state, env, task, outcome, run_s)
    if is_lossless(params, task, outcome - 1):
        return now_s + spot_delay_s(params, state, env, task, outcome) + run_s <= latest_fallback_s(config, task)
    if config.guard_counts_saves and is_on_on_demand(state, env, task):
        return can_wait  # the move saves all that is done
    return can_risk


@compiled
def may_stay_instead(params, state, env: int, task, action: int) -> bool:
    """Whether a task that makes ready to move may stay: a spot instance can be given notice as it is launched."""
    if task.status != TaskStatus.PLACED or action == task.placement or action > params.pools.shape[0] or action == 0:
        return False
    return params.config[0].make_before_break and is_short_lived(params, action - 1)


@compiled
def is_short_lived(params, pool_id: int) -> bool:
    """Whether a spot instance of the pool can be given notice as it is launched."""
    return params.pools[pool_id].hazard_model != HazardModel.NONE and params.config[0].notice_s > 0.0


@compiled
def is_on_on_demand(state, env: int, task) -> bool:
    """Whether the task is on an on-demand instance."""
    return task.status == TaskStatus.PLACED and state.offers[env, task.placement - 1].on_demand > 0


@compiled
def outcome_of(params, state, env: int, task, action: int) -> int:
    """Where the task would be after the action, in the worst case: a launch without capacity leaves it where it is."""
    if action == 0 or action == task.placement:
        return action
    offer = state.offers[env, action - 1]
    if offer.on_demand:
        return action
    if task.status == TaskStatus.DISPLACED and may_miss_out(params, state, env, task, offer.pool):
        return 0
    if offer.idle > 0 or launch_room(state, env, offer.pool) > 0:
        return action
    return task.placement


@compiled
def may_miss_out(params, state, env: int, task, pool_id: int) -> bool:
    """Whether a displaced task that asks for spot in this pool may get nothing, or a place where it loses its work.

    Of several tasks displaced at once any may be the one without an instance; a launch may be given notice before the
    tasks are assigned; and the planner may prefer an idle instance in another pool.
    """
    if state.episodes[env].displaced + state.episodes[env].requested > 1:
        return True
    if is_short_lived(params, pool_id):
        return True
    for other in range(params.pools.shape[0]):
        fits = task.gpu_memory_mb <= params.pools[other].gpu_memory_mb
        if fits and state.offers[env, other].idle > 0 and not is_lossless(params, task, other):
            return True
    return False


@compiled
def spot_delay_s(params, state, env: int, task, placement: int) -> float:
    """How long the task may make no progress before it is asked again, if it is (or goes) on this spot placement."""
    config = params.config[0]
    if task.placement == placement:
        delay_s = max(0.0, task.ready_s - state.episodes[env].now_s)
    else:
        pool_id = state.offers[env, placement - 1].pool
        delay_s = longest_changeover_s(config, params.pools[pool_id], state.pools[env, pool_id], task.state_cap_mb)
    return min(delay_s, config.decision_interval_s)


@compiled
def is_on_demand_in_time(params, state, env: int, task, placement: int, run_s: float) -> bool:
    """Whether the task makes its deadline on this on-demand placement; where it is, it may always stay."""
    if task.placement == placement:
        return True
    finish_s = on_demand_finish_s(params, state, env, task, placement - 1, run_s)
    return finish_s <= latest_deadline_s(params.config[0], task)


@compiled
def on_demand_finish_s(params, state, env: int, task, offer_id: int, run_s: float) -> float:
    """When the task would be done on this on-demand offer, at the latest."""
    now_s, pool_id = state.episodes[env].now_s, state.offers[env, offer_id].pool
    if task.status == TaskStatus.PLACED and task.placement == 1 + offer_id:
        return max(now_s, task.ready_s) + run_s
    spec, pool = params.pools[pool_id], state.pools[env, pool_id]
    return now_s + longest_changeover_s(params.config[0], spec, pool, task.state_cap_mb) + run_s


@compiled
def quickest_finish(params, state, env: int, task) -> int:
    """The on-demand placement on which the task is done first."""
    config = params.config[0]
    run_s = run_time_s(config, work_left_now_s(config, task, state.episodes[env].now_s))
    best, best_s = 0, math.inf
    for offer_id in range(state.offers.shape[1]):
        offer = state.offers[env, offer_id]
        if offer.on_demand and task.gpu_memory_mb <= params.pools[offer.pool].gpu_memory_mb:
            finish_s = on_demand_finish_s(params, state, env, task, offer_id, run_s)
            if finish_s < best_s:
                best, best_s = 1 + offer_id, finish_s
    return best

"""Carry out an assignment of displaced tasks to instances; a planner in Python decides which one is best."""

import math

from tessera_env.engine.deadlines import latest_deadline_s, progress_now_s, work_left_now_s
from tessera_env.engine.instances import cancel, leave_idle
from tessera_env.engine.kinds import TaskStatus
from tessera_env.engine.linked_lists import (
    BOOKED,
    DISPLACED,
    after,
    first,
    idle_list,
    idle_node,
    instance_of,
    remove,
    task_node,
    task_of,
)
from tessera_env.engine.moves import prepare, wait_or_work_on, work_on
from tessera_env.engine.tasks import place, stop_in_time
from tessera_env.engine.work import load_s, run_time_s, state_mb
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import FOR_DISPLACED, NONE


@compiled
def wished_offer(state, env: int, task_id: int):
    """The offer that a REQUESTED task asked for."""
    return state.offers[env, state.tasks[env, task_id].placement - 1]


@compiled
def collect_tasks(state, env: int, on_demand: int, task_ids) -> int:
    """Write the displaced tasks that asked for the purchase into `task_ids`, by id; returns how many there are."""
    count = 0
    node = first(state, env, DISPLACED)
    while node != DISPLACED:
        task_id = task_of(state, node)
        if wished_offer(state, env, task_id).on_demand == on_demand:
            place_at = count
            while place_at > 0 and task_ids[place_at - 1] > task_id:
                task_ids[place_at] = task_ids[place_at - 1]
                place_at -= 1
            task_ids[place_at] = task_id
            count += 1
        node = after(state, env, node)
    return count


@compiled
def collect_instances(state, env: int, on_demand: int, instance_ids) -> int:
    """Write the purchase's booked and idle instances into `instance_ids`, by launch; returns how many there are."""
    count = collect_list(state, env, BOOKED, on_demand, instance_ids, 0)
    for offer_id in range(state.offers.shape[1]):
        if state.offers[env, offer_id].on_demand == on_demand:
            count = collect_list(state, env, idle_list(state, offer_id), on_demand, instance_ids, count)
    return count


@compiled
def collect_list(state, env: int, head: int, on_demand: int, instance_ids, count: int) -> int:
    """Sort a list's instances of the purchase into the first `count` ones; returns the new count."""
    node = first(state, env, head)
    while node != head:
        instance_id = instance_of(state, node)
        launch = state.instances[env, instance_id].launch
        if state.instances[env, instance_id].on_demand == on_demand:
            place_at = count
            while place_at > 0 and state.instances[env, instance_ids[place_at - 1]].launch > launch:
                instance_ids[place_at] = instance_ids[place_at - 1]
                place_at -= 1
            instance_ids[place_at] = instance_id
            count += 1
        node = after(state, env, node)
    return count


@compiled
def assign(params, state, env: int, task_id: int, instance_id: int) -> None:
    """Move a displaced task to a booked or idle instance."""
    remove(state, env, task_node(state, task_id))
    if state.instances[env, instance_id].task == FOR_DISPLACED:
        remove(state, env, idle_node(state, instance_id))
    else:
        leave_idle(state, env, instance_id)
    state.episodes[env].requested -= 1
    state.episodes[env].migrations += 1
    task, instance = state.tasks[env, task_id], state.instances[env, instance_id]
    if task.instance != NONE and instance.setup_done_s > state.episodes[env].now_s:
        work_on(state, env, task_id)
        prepare(params, state, env, task_id, instance_id)
        return
    if task.instance != NONE:
        stop_in_time(params, state, env, task_id)
    place(params, state, env, task_id, instance_id)


@compiled
def assign_all(params, state, env: int, task_ids, instance_ids) -> None:
    """Carry out an assignment: task k goes to instance k; where that is NONE it waits."""
    for k in range(task_ids.shape[0]):
        if instance_ids[k] != NONE:
            assign(params, state, env, task_ids[k], instance_ids[k])
    finish_migration(params, state, env)


@compiled
def seconds_until_running(params, state, env: int, task_id: int, instance_id: int) -> float:
    """What is left of provisioning and set-up, and loading the state; infinite where the task must not go."""
    task, instance = state.tasks[env, task_id], state.instances[env, instance_id]
    spec = params.pools[instance.pool]
    if task.gpu_memory_mb > spec.gpu_memory_mb:
        return math.inf
    left_s = max(0.0, instance.setup_done_s - state.episodes[env].now_s)
    progress_s = progress_now_s(params.config[0], task, state.episodes[env].now_s)
    seconds = left_s + load_s(params.config[0], spec, state_mb(task, progress_s))
    return math.inf if breaks_guard(params, state, env, task, instance, seconds) else seconds


@compiled
def breaks_guard(params, state, env: int, task, instance, seconds: float) -> bool:
    """Whether the deadline guard forbids the on-demand instance: the task would be late there, and need not be.

    What it asked for is in time (the mask saw to that); the least total cost may still lie in swapping two tasks.
    """
    config, now_s = params.config[0], state.episodes[env].now_s
    if not (config.deadline_guard and instance.on_demand) or task.deadline_s == math.inf:
        return False
    run_s = run_time_s(config, work_left_now_s(config, task, now_s))
    latest_s = latest_deadline_s(config, task)
    return now_s + seconds + run_s > latest_s and now_s + task.fallback_changeover_s + run_s <= latest_s


@compiled
def finish_migration(params, state, env: int) -> None:
    """Whoever got no instance waits; launches that nobody got are cancelled, oldest first."""
    wait_for_retry(params, state, env)
    while state.links[env, BOOKED].before != BOOKED:
        node = state.links[env, BOOKED].before
        remove(state, env, node)
        cancel(params, state, env, instance_of(state, node))
    for offer_id in range(state.offers.shape[1]):
        state.offers[env, offer_id].claimed = 0


@compiled
def wait_for_retry(params, state, env: int) -> None:
    """The displaced tasks without an instance wait and are asked again."""
    node = first(state, env, DISPLACED)
    while node != DISPLACED:
        task_id = task_of(state, node)
        node = after(state, env, node)
        if state.tasks[env, task_id].status == TaskStatus.REQUESTED:
            remove(state, env, task_node(state, task_id))
            state.episodes[env].requested -= 1
            wait_or_work_on(params, state, env, task_id)


@compiled
def assign_only_pair(params, state, env: int) -> bool:
    """Settle the commonest case without a planner: one displaced task, and no choice. Returns whether it was that."""
    if state.episodes[env].requested != 1:
        return False
    task_id = task_of(state, first(state, env, DISPLACED))
    on_demand = wished_offer(state, env, task_id).on_demand
    for offer_id in range(state.offers.shape[1]):
        offer = state.offers[env, offer_id]
        if offer.idle > 0 and offer.on_demand == on_demand:
            return False
    node = first(state, env, BOOKED)
    if node != BOOKED:
        assign(params, state, env, task_id, instance_of(state, node))
    finish_migration(params, state, env)
    return True

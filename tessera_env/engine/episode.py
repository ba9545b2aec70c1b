"""Open an episode (draw a row's world, put its first events on the heap) and close it."""

import math

import numpy as np

from tessera_env.engine.deadlines import find_fallback
from tessera_env.engine.event_queue import push
from tessera_env.engine.handlers import schedule_arrival, schedule_market
from tessera_env.engine.instances import end_instance
from tessera_env.engine.kinds import EventKind, InstanceStatus, TaskStatus
from tessera_env.engine.linked_lists import clear_lists
from tessera_env.engine.pool_history import start_history
from tessera_env.engine.tasks import count_down, leave_instance, miss_deadline
from tessera_env.engine.work import progress_at
from tessera_env.jit.compiled import compiled, compiled_allocating
from tessera_env.world.market.build import draw_market
from tessera_env.world.parameters import NONE
from tessera_env.world.workload.generators import draw_tasks


@compiled
def draw_world(params, state, env: int) -> None:
    """Draw the world that `state.worlds[env]` addresses: the market and the tasks."""
    draw_market(params, state.worlds[env], state.pools, state.market, env)
    state.rows[env].task_count = draw_tasks(params, state.worlds[env], state.tasks, env)


@compiled
def open_episode(params, state, env: int) -> None:
    """Nothing has happened yet in the row's world; schedule its first events."""
    config, row = params.config[0], state.rows[env]
    clear_row(row)
    clear_totals(state.totals[env])
    clear_lists(state, env)
    for task_id in range(row.task_count):
        clear_task(state.tasks[env, task_id])
    measure_work(params, state, env)
    for pool_id in range(params.pools.shape[0]):
        pool = state.pools[env, pool_id]
        clear_pool(pool)
        clear_offer(state.offers[env, pool_id], pool_id, 0)
        clear_offer(state.offers[env, params.pools.shape[0] + pool_id], pool_id, 1)
        start_history(pool, state.market[env, pool_id, 0].capacity > 0)
        schedule_market(params, state, env, pool_id)
    push(state, env, config.horizon_s, EventKind.HORIZON, 0, 0, 0)
    schedule_arrival(params, state, env)


@compiled
def measure_work(params, state, env: int) -> None:
    """All work, and what it would cost on on-demand: the unit of the reward."""
    row = state.rows[env]
    for task_id in range(row.task_count):
        task = state.tasks[env, task_id]
        find_fallback(params, state, env, task)
        row.total_work_s += task.work_s
        row.scale_usd += task.work_s * task.on_demand_price / 3600.0


@compiled
def clear_row(row) -> None:
    """Nothing has happened."""
    row.now_s = 0.0
    row.focal = NONE
    row.reason = NONE
    row.event_count = 0
    row.log_count = 0
    row.next_arrival = 0
    row.slots_used = 0
    row.free_slot = NONE
    row.alive = 0
    row.launch_count = 0
    row.waiting = 0
    row.displaced = 0
    row.requested = 0
    row.done = 0
    row.reported_usd = 0.0
    row.penalty = 0.0
    row.scale_usd = 0.0
    row.total_work_s = 0.0
    row.step_started_s = 0.0


@compiled
def clear_totals(totals) -> None:
    """Nothing has been counted."""
    totals.spot_usd = totals.on_demand_usd = totals.spot_s = totals.on_demand_s = 0.0
    totals.setup_s = totals.work_lost_s = totals.work_saved_s = 0.0
    totals.waiting_s = totals.downtime_s = totals.episode_return = 0.0
    totals.interruptions = totals.checkpoints_full = totals.checkpoints_partial = totals.checkpoints_restart = 0
    totals.migrations = totals.moves = totals.launches = totals.failed_launches = totals.cancelled_launches = 0
    totals.deadlines_missed = totals.invalid_actions = totals.decisions = 0


@compiled
def clear_task(task) -> None:
    """The task has not arrived."""
    task.status = TaskStatus.FUTURE
    task.instance = NONE
    task.placement = 0
    task.interruptions = 0
    task.ask_generation = 0
    task.run_generation = 0
    task.launch_failed = 0
    task.progress_s = 0.0
    task.ready_s = 0.0
    task.placed_s = 0.0
    task.waiting_since_s = 0.0
    task.down_since_s = 0.0
    task.completion_s = math.inf


@compiled
def clear_pool(pool) -> None:
    """Nobody holds anything in the pool."""
    pool.cursor = pool.capacity_point = 0
    pool.held = pool.leaving = pool.interruptions = 0


@compiled
def clear_offer(offer, pool_id: int, on_demand: int) -> None:
    """Nobody has bought anything of the offer."""
    offer.pool = pool_id
    offer.on_demand = on_demand
    offer.tries = offer.placed = offer.idle = offer.claimed = offer.billing = 0
    offer.starts = 0.0


@compiled
def finish_episode(params, state, env: int) -> None:
    """All tasks are done, or the horizon is reached: account what is unfinished, and end every instance."""
    for task_id in range(state.rows[env].next_arrival):
        if state.tasks[env, task_id].status != TaskStatus.DONE:
            leave_unfinished(params, state, env, task_id)
    for task_id in range(state.rows[env].next_arrival, state.rows[env].task_count):
        count_unfinished(params, state, env, task_id)
    end_all_instances(params, state, env)


@compiled
def leave_unfinished(params, state, env: int, task_id: int) -> None:
    """The episode ends before the task is done."""
    config, row, task = params.config[0], state.rows[env], state.tasks[env, task_id]
    if task.status == TaskStatus.PLACED:
        leave_instance(params, state, env, task_id, progress_at(config, task, row.now_s), 0.0)
    else:
        state.totals[env].waiting_s += row.now_s - task.waiting_since_s
        count_down(params, state, env, task_id, row.now_s)
    task.status = TaskStatus.UNFINISHED
    task.placement = 0
    count_unfinished(params, state, env, task_id)


@compiled
def count_unfinished(params, state, env: int, task_id: int) -> None:
    """A deadline that has come is missed; other unfinished BATCH work is penalised by what is left of it.

    Without the latter, waiting for ever would be the cheapest policy where tasks have no deadline.
    """
    config, row, task = params.config[0], state.rows[env], state.tasks[env, task_id]
    if task.deadline_s <= row.now_s:
        miss_deadline(config, state, env, task_id)
    elif not task.interactive:
        row.penalty += config.missed_weight * (task.work_s - task.progress_s) / row.total_work_s


@compiled_allocating
def end_all_instances(params, state, env: int) -> None:
    """End every instance, in the order of their launches."""
    row = state.rows[env]
    order = launch_order(state, env)
    for instance_id in order:
        end_instance(params, state, env, instance_id, False)
    row.event_count = 0


@compiled_allocating
def launch_order(state, env: int):
    """The rows of all living instances, by launch."""
    row = state.rows[env]
    ids, launches = np.empty(row.alive, np.int64), np.empty(row.alive, np.int64)
    count = 0
    for instance_id in range(row.slots_used):
        if state.instances[env, instance_id].status != InstanceStatus.FREE:
            ids[count] = instance_id
            launches[count] = state.instances[env, instance_id].launch
            count += 1
    return ids[np.argsort(launches)]  # launches are unique: no ties to break

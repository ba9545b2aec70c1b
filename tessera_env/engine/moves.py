"""A task works on while its next instance is prepared, and moves when that is set up or its own has to be left.

Two options of a scenario need this. With `make_before_break` a task that moves of its own will leaves its instance when
the next one is set up. With `just_in_time` a task whose instance was given notice works on until saving has to begin.
"""

import math

from tessera_env.engine.accounts import change_payer
from tessera_env.engine.deadlines import (
    is_lossless,
    latest_deadline_s,
    latest_fallback_s,
    progress_now_s,
    work_left_if_lost_s,
)
from tessera_env.engine.event_queue import push
from tessera_env.engine.kinds import AskReason, EventKind, InstanceStatus, LogKind, TaskStatus
from tessera_env.engine.log import log_event
from tessera_env.engine.tasks import ask, ask_later, place, stop_in_time, stop_with_save, wait
from tessera_env.engine.work import done_s, load_s, run_time_s, transfer_gbps
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import MB_PER_GBIT, NONE


@compiled
def may_prepare(params, state, env: int, task_id: int, instance_id: int) -> bool:
    """Whether the task can work on until the new instance is set up, and cannot be late by that."""
    config, now_s = params.config[0], state.episodes[env].now_s
    task, instance = state.tasks[env, task_id], state.instances[env, instance_id]
    if not config.make_before_break or instance.setup_done_s <= now_s or task.ready_s > now_s:
        return False
    if not config.deadline_guard or task.deadline_s == math.inf:
        return True
    here = state.instances[env, task.instance]
    if not here.on_demand and not is_lossless(params, task, here.pool):
        run_s = run_time_s(config, work_left_if_lost_s(config, task, now_s))  # it is not asked before
        if instance.setup_done_s + run_s > latest_fallback_s(config, task):
            return False
    return config.checkpoint_cost_s == 0.0 or is_in_time_after_pauses(params, state, env, task, instance)


@compiled
def is_in_time_after_pauses(params, state, env: int, task, instance) -> bool:
    """Whether the task makes its deadline though it takes the pauses for checkpoints that a stop now would save it."""
    config = params.config[0]
    if instance.on_demand:
        loading_s = load_s(config, params.pools[instance.pool], task.state_cap_mb)
        return done_s(config, task) + loading_s <= latest_deadline_s(config, task)
    return done_s(config, task) + config.decision_interval_s <= latest_fallback_s(config, task)


@compiled
def prepare(params, state, env: int, task_id: int, instance_id: int) -> None:
    """The task, which works on, goes to the instance when it is set up, or when it has to leave its own."""
    task, instance = state.tasks[env, task_id], state.instances[env, instance_id]
    change_payer(params, state, env, instance_id, task_id)
    instance.task = task_id
    task.next_instance = instance_id
    task.prepared_s = state.episodes[env].now_s
    task.ask_generation += 1  # it is not asked while it moves
    time_s = min(instance.setup_done_s, task.stop_s)
    schedule_handover(state, env, task_id, time_s)
    log_event(state, env, LogKind.PREPARE, task_id, instance_id, time_s, 0.0)


@compiled
def schedule_handover(state, env: int, task_id: int, time_s: float) -> None:
    """The task leaves its instance at `time_s`; an earlier plan becomes stale."""
    task = state.tasks[env, task_id]
    task.handover_generation += 1
    push(state, env, time_s, EventKind.HANDOVER, task_id, task_id, task.handover_generation)


@compiled
def hand_over(params, state, env: int, task_id: int) -> None:
    """The task leaves its instance for the one prepared for it; without one it waits, and is asked at once."""
    task = state.tasks[env, task_id]
    if state.instances[env, task.instance].status == InstanceStatus.NOTICED:
        stop_in_time(params, state, env, task_id)
    else:
        stop_with_save(params, state, env, task_id)
    if task.next_instance != NONE:
        take_next(params, state, env, task_id)
    else:
        wait(state, env, task_id)
        ask(params, state, env, task_id, state.episodes[env].now_s, AskReason.RETRY)


@compiled
def take_next(params, state, env: int, task_id: int) -> None:
    """Place the task, which has stopped, on the instance that was prepared for it."""
    task = state.tasks[env, task_id]
    instance_id = task.next_instance
    task.next_instance = NONE
    state.episodes[env].moves += task.moving
    task.moving = 0
    place(params, state, env, task_id, instance_id)


@compiled
def wait_or_work_on(params, state, env: int, task_id: int) -> None:
    """A displaced task goes nowhere: it waits, or works on until it has to stop, and is asked then."""
    task = state.tasks[env, task_id]
    if task.instance == NONE:
        wait(state, env, task_id)
        ask_later(params, state, env, task_id, AskReason.RETRY)
    else:
        work_on(state, env, task_id)


@compiled
def work_on(state, env: int, task_id: int) -> None:
    """The task has been asked, and is still on its instance."""
    task = state.tasks[env, task_id]
    task.status = TaskStatus.PLACED
    task.placement = 1 + state.instances[env, task.instance].offer


@compiled
def latest_stop_s(params, state, env: int, task_id: int) -> float:
    """Until when the task can work on its noticed instance and still be saved in FULL; in the past: not at all.

    With p the work done now, s the moment from which work runs, and r MB/s, the latest t with
    t + full_fraction x min(base + growth x (p + t - s), cap) / r <= the instance's end. Pauses for periodic checkpoints
    are not taken out of t - s, so that the state is no larger than this.
    """
    config, now_s, task = params.config[0], state.episodes[env].now_s, state.tasks[env, task_id]
    if not config.saves_at_notice:
        return -math.inf
    instance = state.instances[env, task.instance]
    per_mb_s = config.full_fraction / (transfer_gbps(config, params.pools[instance.pool]) * MB_PER_GBIT)
    work_s = progress_now_s(config, task, now_s) - max(now_s, task.ready_s)
    base_mb = task.state_base_mb + task.state_growth_mb_per_s * work_s
    growing_s = (instance.end_s - per_mb_s * base_mb) / (1.0 + per_mb_s * task.state_growth_mb_per_s)
    return min(max(growing_s, instance.end_s - per_mb_s * task.state_cap_mb), instance.end_s)

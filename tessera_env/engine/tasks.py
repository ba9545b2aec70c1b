"""Tasks come to instances and leave them: asks, waiting, placing, stopping, completion."""

import math

from tessera_env.engine.accounts import Use, change_payer, charge_stay, charge_until_now, penalise
from tessera_env.engine.checkpoint import checkpoint_plan, kept_share, savable_fraction
from tessera_env.engine.deadlines import note_latest, urgency_s
from tessera_env.engine.event_queue import push
from tessera_env.engine.instances import vacate
from tessera_env.engine.kinds import AskReason, CheckpointPlan, EventKind, LogKind, TaskStatus
from tessera_env.engine.linked_lists import WAITING, insert, remove, task_node
from tessera_env.engine.log import log_event
from tessera_env.engine.prices import dollars_until
from tessera_env.engine.work import done_s, load_s, progress_at, saved_at, state_mb, transferable_mb
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE

_REASON_TO_KIND = int(EventKind.ASK_INTERRUPTION) - int(AskReason.INTERRUPTION)  # kinds follow reasons in order
_TASK_BITS = 32
_MOST_SLACK_S = 2**25  # a year
LATE_S = 1e-6  # a completion this much behind the deadline is rounding, not lateness


@compiled
def ask(params, state, env: int, task_id: int, time_s: float, reason: int) -> None:
    """Ask the task at `time_s`; a pending ask of it becomes stale."""
    config, task = params.config[0], state.tasks[env, task_id]
    task.ask_generation += 1
    task.ask_reason = reason
    task.ask_s = time_s
    if time_s >= config.horizon_s:
        return
    if config.ask_tightest_first and time_s == state.episodes[env].now_s:
        kind = EventKind.ASK_INTERRUPTION if reason == AskReason.INTERRUPTION else EventKind.ASK_URGENT
        push(state, env, time_s, kind, urgent_number(task, task_id, time_s), task_id, task.ask_generation)
    else:
        push(state, env, time_s, reason + _REASON_TO_KIND, task_id, task_id, task.ask_generation)


@compiled
def ask_later(params, state, env: int, task_id: int, reason: int) -> None:
    """Ask the task one decision interval from now."""
    ask(params, state, env, task_id, state.episodes[env].now_s + params.config[0].decision_interval_s, reason)


@compiled
def ask_in_turn(params, state, env: int, task_id: int) -> None:
    """Put the task's ask, which is due now, among those of this instant, the tightest first."""
    task, now_s = state.tasks[env, task_id], state.episodes[env].now_s
    push(state, env, now_s, EventKind.ASK_URGENT, urgent_number(task, task_id, now_s), task_id, task.ask_generation)


@compiled
def urgent_number(task, task_id: int, time_s: float) -> int:
    """An event's number that orders tasks by whole seconds of urgency, then by arrival."""
    seconds = math.floor(min(max(urgency_s(task, time_s), -_MOST_SLACK_S), _MOST_SLACK_S - 1.0))
    return ((seconds + _MOST_SLACK_S) << _TASK_BITS) | task_id


@compiled
def wait(state, env: int, task_id: int) -> None:
    """The task is on no instance from now on."""
    episode, task = state.episodes[env], state.tasks[env, task_id]
    task.status = TaskStatus.WAITING
    task.placement = 0
    insert(state, env, WAITING, task_node(state, task_id))
    episode.waiting += 1


@compiled
def stop_waiting(state, env: int, task_id: int) -> None:
    """Take the task off the waiting list."""
    remove(state, env, task_node(state, task_id))
    state.episodes[env].waiting -= 1


@compiled
def count_down(params, state, env: int, task_id: int, until_s: float) -> None:
    """Account an INTERACTIVE task's downtime up to a time, with its penalty."""
    task, episode = state.tasks[env, task_id], state.episodes[env]
    if task.interactive:
        down_s = until_s - task.down_since_s
        state.episodes[env].downtime_s += down_s
        dollars = down_s / 3600.0 * task.on_demand_price
        penalise(state, env, task_id, params.config[0].downtime_weight * dollars / episode.scale_usd)
    task.down_since_s = until_s


@compiled
def place(params, state, env: int, task_id: int, instance_id: int) -> None:
    """Put the task (on no list, on no instance) on an instance, and schedule its completion."""
    config, episode = params.config[0], state.episodes[env]
    task, instance = state.tasks[env, task_id], state.instances[env, instance_id]
    spec = params.pools[instance.pool]
    if instance.task != task_id:
        change_payer(params, state, env, instance_id, task_id)
    instance.task = task_id
    task.status = TaskStatus.PLACED
    task.instance = instance_id
    task.placement = 1 + instance.offer
    task.launch_failed = 0
    task.placed_s = episode.now_s
    task.ready_s = max(episode.now_s, instance.setup_done_s) + load_s(config, spec, state_mb(task, task.progress_s))
    task.ready_s += task.setup_s
    instance.ready_integral = dollars_until(params, state, env, instance.offer, task.ready_s)
    state.episodes[env].waiting_s += episode.now_s - task.waiting_since_s
    count_down(params, state, env, task_id, task.ready_s)
    state.offers[env, instance.offer].placed += 1
    task.run_generation += 1
    push(state, env, done_s(config, task), EventKind.COMPLETION, task_id, task_id, task.run_generation)
    log_event(state, env, LogKind.PLACE, task_id, instance_id, task.ready_s, 0.0)
    stay(params, state, env, task_id)


@compiled
def stay(params, state, env: int, task_id: int) -> None:
    """The task is on an instance: it is asked again after the interval, if running tasks are."""
    if params.config[0].reconsider_running and state.tasks[env, task_id].service == NONE:
        ask_later(params, state, env, task_id, AskReason.RECONSIDER)


@compiled
def leave_instance(params, state, env: int, task_id: int, progress_s: float, lost_s: float) -> int:
    """Take the task off its instance with this much work kept and lost; returns the instance, still held."""
    episode, task = state.episodes[env], state.tasks[env, task_id]
    instance_id = task.instance
    instance = state.instances[env, instance_id]
    setup_from_s = max(task.placed_s, instance.billing_start_s)
    state.episodes[env].setup_s += max(0.0, min(task.ready_s, episode.now_s) - setup_from_s)
    state.episodes[env].work_lost_s += lost_s
    charge_stay(params, state, env, instance_id, task.ready_s)
    task.lost_s += lost_s
    if episode.now_s < task.ready_s:
        count_down(params, state, env, task_id, episode.now_s)  # it was accounted up to a time that did not come
    task.down_since_s = episode.now_s
    task.progress_s = progress_s
    note_latest(params.config[0], task)
    task.waiting_since_s = episode.now_s
    task.instance = NONE
    task.stop_s = math.inf
    task.run_generation += 1
    task.ask_generation += 1
    task.handover_generation += 1
    state.offers[env, instance.offer].placed -= 1
    log_event(state, env, LogKind.STOP, task_id, instance_id, progress_s, lost_s)
    return instance_id


@compiled
def stop_with_save(params, state, env: int, task_id: int) -> None:
    """Stop the task of its own will: all progress is saved, and the instance is vacated."""
    task, now_s = state.tasks[env, task_id], state.episodes[env].now_s
    progress_s = progress_at(params.config[0], task, now_s)
    if not state.instances[env, task.instance].on_demand:
        task.left_spot_s = now_s
    vacate(params, state, env, leave_instance(params, state, env, task_id, progress_s, 0.0))


@compiled
def stop_in_time(params, state, env: int, task_id: int) -> None:
    """Stop the task, whose instance was given notice, while all its progress can still be saved."""
    config, now_s, task = params.config[0], state.episodes[env].now_s, state.tasks[env, task_id]
    progress_s, saved_s = progress_at(config, task, now_s), saved_at(config, task, now_s)
    if progress_s > saved_s:
        count_checkpoint(state, env, CheckpointPlan.FULL, progress_s - saved_s)
        full = float(CheckpointPlan.FULL.value)
        log_event(state, env, LogKind.CHECKPOINT, task_id, task.instance, full, progress_s - saved_s)
    instance_id = leave_instance(params, state, env, task_id, progress_s, 0.0)
    state.instances[env, instance_id].task = NONE


@compiled
def stop_at_notice(params, state, env: int, task_id: int) -> float:
    """Stop the task whose instance was given notice, save what the grace period allows; returns the work lost, s."""
    config, episode, task = params.config[0], state.episodes[env], state.tasks[env, task_id]
    spec = params.pools[state.instances[env, task.instance].pool]
    progress_s = progress_at(config, task, episode.now_s)
    saved_s = saved_at(config, task, episode.now_s)
    lost_s = 0.0
    if progress_s > saved_s:
        fraction = savable_fraction(transferable_mb(config, spec), state_mb(task, progress_s))
        plan = checkpoint_plan(config, fraction)
        kept_s = kept_share(plan, fraction) * (progress_s - saved_s)
        count_checkpoint(state, env, plan, kept_s)
        log_event(state, env, LogKind.CHECKPOINT, task_id, task.instance, float(plan.value), kept_s)
        if plan != CheckpointPlan.FULL:
            lost_s = progress_s - saved_s - kept_s
            progress_s = saved_s + kept_s
    instance_id = leave_instance(params, state, env, task_id, progress_s, lost_s)
    state.instances[env, instance_id].task = NONE
    task.interruptions += 1
    return lost_s


@compiled
def count_checkpoint(state, env: int, plan: CheckpointPlan, kept_s: float) -> None:
    """Count a checkpoint decision and what it saved."""
    episode = state.episodes[env]
    episode.work_saved_s += kept_s
    if plan == CheckpointPlan.FULL:
        episode.checkpoints_full += 1
    elif plan == CheckpointPlan.PARTIAL:
        episode.checkpoints_partial += 1
    else:
        episode.checkpoints_restart += 1


@compiled
def complete(params, state, env: int, task_id: int) -> None:
    """The task's work is done."""
    config, episode, task = params.config[0], state.episodes[env], state.tasks[env, task_id]
    instance_id = leave_instance(params, state, env, task_id, task.work_s, 0.0)
    task.status = TaskStatus.DONE
    task.placement = 0
    task.completion_s = episode.now_s
    episode.done += 1
    log_event(state, env, LogKind.COMPLETION, task_id, instance_id, 0.0, 0.0)
    if episode.now_s > task.deadline_s + LATE_S:
        miss_deadline(config, state, env, task_id)
    vacate(params, state, env, instance_id)
    if task.next_instance != NONE:
        give_up_next(params, state, env, task_id)


@compiled
def give_up_next(params, state, env: int, task_id: int) -> None:
    """The task does not need the instance that is prepared for it."""
    task = state.tasks[env, task_id]
    instance_id = task.next_instance
    task.next_instance = NONE
    task.moving = 0
    charge_until_now(params, state, env, instance_id, Use.SETUP)
    vacate(params, state, env, instance_id)


@compiled
def miss_deadline(config, state, env: int, task_id: int) -> None:
    """Count a missed deadline, with its penalty."""
    episode, task = state.episodes[env], state.tasks[env, task_id]
    state.episodes[env].deadlines_missed += 1
    penalise(state, env, task_id, config.missed_weight * task.work_s / episode.total_work_s)
    log_event(state, env, LogKind.MISSED, task_id, NONE, 0.0, 0.0)

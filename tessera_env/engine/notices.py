"""What the notice of an instance does to its task: work on to the end, work on and move, or stop and be asked."""

from tessera_env.engine.accounts import Use, charge_until_now
from tessera_env.engine.event_queue import push
from tessera_env.engine.instances import announce
from tessera_env.engine.kinds import AskReason, EventKind, InstanceStatus, TaskStatus
from tessera_env.engine.linked_lists import DISPLACED, insert, task_node
from tessera_env.engine.moves import latest_stop_s, schedule_handover, take_next
from tessera_env.engine.seats import on_seat_noticed
from tessera_env.engine.tasks import ask, ask_later, give_up_next, stop_at_notice
from tessera_env.engine.work import done_s
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE


@compiled
def give_notice(params, state, env: int, instance_id: int, end_s: float, lifetime: int) -> None:
    """The instance is announced to end at `end_s`; a task that it concerns is asked where to go, if it has to."""
    task_id = state.instances[env, instance_id].task
    announce(state, env, instance_id, end_s, lifetime)
    if task_id < 0:
        return
    if state.tasks[env, task_id].service != NONE:
        on_seat_noticed(params, state, env, task_id)
    elif state.tasks[env, task_id].next_instance == instance_id:
        lose_next(params, state, env, task_id)
    elif params.config[0].just_in_time and works_on(params, state, env, task_id):
        return
    else:
        stop_and_go(params, state, env, task_id)


@compiled
def works_on(params, state, env: int, task_id: int) -> bool:
    """Let the task, if its work runs, use the grace period, if it can; returns whether it does."""
    config, now_s, task = params.config[0], state.episodes[env].now_s, state.tasks[env, task_id]
    if task.ready_s > now_s:
        return False
    if done_s(config, task) <= state.instances[env, task.instance].end_s:
        task.ask_generation += 1
        task.ask_s = -1.0
        task.handover_generation += 1
        if task.next_instance != NONE:
            give_up_next(params, state, env, task_id)
        return True
    stop_s = latest_stop_s(params, state, env, task_id)
    if stop_s <= now_s:
        return False
    task.stop_s = stop_s
    task.interruptions += 1
    if task.next_instance == NONE:
        schedule_handover(state, env, task_id, stop_s)
        displace(params, state, env, task_id)
    else:
        schedule_handover(state, env, task_id, min(stop_s, state.instances[env, task.next_instance].setup_done_s))
    return True


@compiled
def stop_and_go(params, state, env: int, task_id: int) -> None:
    """Stop the task; with all its work saved it goes where it was moving to, else it is asked."""
    task = state.tasks[env, task_id]
    lost_s = stop_at_notice(params, state, env, task_id)
    if task.next_instance == NONE:
        displace(params, state, env, task_id)
    elif lost_s > 0.0:
        give_up_next(params, state, env, task_id)
        displace(params, state, env, task_id)
    else:
        take_next(params, state, env, task_id)


@compiled
def lose_next(params, state, env: int, task_id: int) -> None:
    """The instance that was prepared for the task is lost; the task, which works on, is asked at once."""
    task = state.tasks[env, task_id]
    charge_until_now(params, state, env, task.next_instance, Use.SETUP)
    state.instances[env, task.next_instance].task = NONE
    task.next_instance = NONE
    task.moving = 0
    task.handover_generation += 1
    if state.instances[env, task.instance].status == InstanceStatus.NOTICED:
        schedule_handover(state, env, task_id, task.stop_s)
        displace(params, state, env, task_id)
    elif task.prepared_s == state.episodes[env].now_s:
        ask_later(params, state, env, task_id, AskReason.RECONSIDER)  # else it could move for ever at one instant
    else:
        ask(params, state, env, task_id, state.episodes[env].now_s, AskReason.RECONSIDER)


@compiled
def displace(params, state, env: int, task_id: int) -> None:
    """The task is to be asked where it wants to go, and assigned when all who are displaced have been asked."""
    episode, task = state.episodes[env], state.tasks[env, task_id]
    if episode.displaced == 0:
        push(state, env, episode.now_s, EventKind.MIGRATE, 0, 0, 0)
    task.status = TaskStatus.DISPLACED
    task.placement = 0
    insert(state, env, DISPLACED, task_node(state, task_id))
    episode.displaced += 1
    ask(params, state, env, task_id, episode.now_s, AskReason.INTERRUPTION)

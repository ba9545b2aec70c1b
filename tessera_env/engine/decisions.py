"""What the focal task's answer does."""

from tessera_env.engine.answers import meant
from tessera_env.engine.instances import finds_capacity, launch, obtain
from tessera_env.engine.kinds import AskReason, LogKind, TaskStatus
from tessera_env.engine.linked_lists import BOOKED, idle_node, insert, remove, task_node
from tessera_env.engine.log import log_event, log_pool
from tessera_env.engine.moves import may_prepare, prepare, wait_or_work_on
from tessera_env.engine.rounds import answer_seat
from tessera_env.engine.tasks import ask_later, count_down, place, stay, stop_waiting, stop_with_save, wait
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import FOR_DISPLACED, NONE


@compiled
def decide(params, state, env: int, action: int) -> None:
    """Carry out the focal task's answer; an invalid one is counted, and means another: see `meant`."""
    episode = state.episodes[env]
    task_id = episode.focal
    task = state.tasks[env, task_id]
    episode.decisions += 1
    action = meant(params, state, env, action)
    log_event(state, env, LogKind.DECISION, task_id, NONE, float(action), float(episode.reason))
    if task.service != NONE:
        answer_seat(params, state, env, action)
        return
    if task.status == TaskStatus.PLACED:
        reconsider(params, state, env, task_id, action)
        return
    if task.instance == NONE:
        count_down(params, state, env, task_id, episode.now_s)
    if task.status == TaskStatus.DISPLACED:
        request(params, state, env, task_id, action)
    else:
        answer_waiting(params, state, env, task_id, action)


@compiled
def acquire(params, state, env: int, task_id: int, offer_id: int) -> int:
    """An instance of the offer for the task; NONE if there is no capacity, which is noted."""
    instance_id = obtain(params, state, env, offer_id)
    if instance_id == NONE:
        fail_launch(state, env, task_id, offer_id)
    return instance_id


@compiled
def fail_launch(state, env: int, task_id: int, offer_id: int) -> None:
    """The task's request found no capacity."""
    offer = state.offers[env, offer_id]
    state.tasks[env, task_id].launch_failed = 1
    state.episodes[env].failed_launches += 1
    log_pool(state, env, LogKind.LAUNCH_FAILED, task_id, offer.pool, offer.on_demand, 0.0)


@compiled
def answer_waiting(params, state, env: int, task_id: int, action: int) -> None:
    """A waiting task waits on, or goes to an instance if there is one."""
    task = state.tasks[env, task_id]
    task.launch_failed = 0
    if action != 0:
        instance_id = acquire(params, state, env, task_id, action - 1)
        if instance_id != NONE:
            stop_waiting(state, env, task_id)
            place(params, state, env, task_id, instance_id)
            return
    ask_later(params, state, env, task_id, AskReason.RETRY)


@compiled
def reconsider(params, state, env: int, task_id: int, action: int) -> None:
    """A running task stays, pauses, or moves; it stays too if the place it wants has no capacity."""
    task = state.tasks[env, task_id]
    task.launch_failed = 0
    if action == 0:
        stop_with_save(params, state, env, task_id)
        wait(state, env, task_id)
        ask_later(params, state, env, task_id, AskReason.RETRY)
        return
    instance_id = NONE
    if action != task.placement:
        instance_id = acquire(params, state, env, task_id, action - 1)
    if instance_id == NONE:
        stay(params, state, env, task_id)
        return
    if may_prepare(params, state, env, task_id, instance_id):
        task.moving = 1
        prepare(params, state, env, task_id, instance_id)
        return
    state.episodes[env].moves += 1
    stop_with_save(params, state, env, task_id)
    place(params, state, env, task_id, instance_id)


@compiled
def request(params, state, env: int, task_id: int, action: int) -> None:
    """A displaced task says where it wants to be; who gets which instance is settled when all have been asked."""
    episode, task = state.episodes[env], state.tasks[env, task_id]
    episode.displaced -= 1
    task.launch_failed = 0
    if action == 0:
        remove(state, env, task_node(state, task_id))
        wait_or_work_on(params, state, env, task_id)
        return
    task.status = TaskStatus.REQUESTED
    task.placement = action
    episode.requested += 1
    offer_id = action - 1
    if not claim_idle(state, env, offer_id):
        if finds_capacity(params, state, env, offer_id):
            book(params, state, env, task_id, offer_id)
        else:
            fail_launch(state, env, task_id, offer_id)


@compiled
def claim_idle(state, env: int, offer_id: int) -> bool:
    """Count on one more idle instance of the offer, if there is one that nobody counts on."""
    offer = state.offers[env, offer_id]
    if offer.idle <= offer.claimed:
        return False
    offer.claimed += 1
    return True


@compiled
def book(params, state, env: int, task_id: int, offer_id: int) -> None:
    """Launch an instance, as the task asked, for whichever displaced task it will be assigned to."""
    instance_id = launch(params, state, env, offer_id)
    state.instances[env, instance_id].payer = task_id
    state.instances[env, instance_id].task = FOR_DISPLACED
    insert(state, env, BOOKED, idle_node(state, instance_id))

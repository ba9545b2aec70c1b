"""One handler a kind of event of the world. Asks and migrations are handled by who calls the engine."""

from tessera_env.engine.billing import start_billing
from tessera_env.engine.event_queue import push
from tessera_env.engine.instances import end_instance, is_full, leave_idle
from tessera_env.engine.kinds import AskReason, EventKind, InstanceStatus, LogKind
from tessera_env.engine.linked_lists import WAITING, after, first, held_list, instance_of, task_of
from tessera_env.engine.log import log_event, log_pool
from tessera_env.engine.moves import hand_over
from tessera_env.engine.notices import give_notice
from tessera_env.engine.pool_history import note_change
from tessera_env.engine.seats import on_seat_due, on_seat_end
from tessera_env.engine.services import set_demand
from tessera_env.engine.tasks import ask, complete, wait
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE


@compiled
def on_arrival(params, state, env: int, task_id: int) -> None:
    """The task is there: it waits, and is asked at once; the next arrival is scheduled."""
    episode, task = state.episodes[env], state.tasks[env, task_id]
    task.waiting_since_s = episode.now_s
    task.down_since_s = episode.now_s
    log_event(state, env, LogKind.ARRIVAL, task_id, NONE, 0.0, 0.0)
    wait(state, env, task_id)
    ask(params, state, env, task_id, episode.now_s, AskReason.ARRIVAL)
    episode.next_arrival = task_id + 1
    schedule_arrival(state, env)


@compiled
def schedule_arrival(state, env: int) -> None:
    """Only the next arrival is on the heap: tasks are numbered by arrival."""
    episode = state.episodes[env]
    if episode.next_arrival < episode.task_count:
        time_s = state.tasks[env, episode.next_arrival].arrival_s
        push(state, env, time_s, EventKind.ARRIVAL, episode.next_arrival, episode.next_arrival, 0)


@compiled
def on_completion(params, state, env: int, task_id: int) -> None:
    """The task's work is done; what a seat waited for has come."""
    if state.tasks[env, task_id].service == NONE:
        complete(params, state, env, task_id)
    else:
        on_seat_due(params, state, env, task_id)


@compiled
def on_demand_change(params, state, env: int, service_id: int) -> None:
    """The next point of a service's demand holds."""
    set_demand(params, state, env, service_id, state.services[env, service_id].demand_point + 1)


@compiled
def on_handover(params, state, env: int, task_id: int) -> None:
    """The task leaves its instance."""
    hand_over(params, state, env, task_id)


@compiled
def on_billing_start(params, state, env: int, instance_id: int) -> None:
    """Provisioning is over: set-up begins, and is billed."""
    start_billing(params, state, env, instance_id)


@compiled
def on_idle_timeout(params, state, env: int, instance_id: int) -> None:
    """The instance has been idle for too long: release it."""
    leave_idle(state, env, instance_id)
    end_instance(params, state, env, instance_id, False)


@compiled
def on_end(params, state, env: int, instance_id: int) -> None:
    """The cloud takes the instance."""
    on_seat_end(params, state, env, instance_id)
    end_instance(params, state, env, instance_id, True)


@compiled
def on_notice(params, state, env: int, instance_id: int) -> None:
    """A lifetime ends soon."""
    give_notice(params, state, env, instance_id, state.instances[env, instance_id].end_s, 1)


@compiled
def on_market(params, state, env: int, pool_id: int) -> None:
    """The pool's capacity changes: the surplus gets notice, newest first; whoever waits is asked."""
    episode, pool = state.episodes[env], state.pools[env, pool_id]
    before = state.market[env, pool_id, pool.capacity_point].capacity
    was_full = is_full(state, env, pool_id)
    pool.capacity_point = next_capacity_point(state, env, pool_id)
    capacity = state.market[env, pool_id, pool.capacity_point].capacity
    log_pool(state, env, LogKind.CAPACITY, NONE, pool_id, NONE, float(capacity))
    if (before > 0) != (capacity > 0):
        note_change(pool, episode.now_s, before > 0)
    for _ in range(pool.held - capacity):
        newest = instance_of(state, first(state, env, held_list(pool_id)))
        give_notice(params, state, env, newest, episode.now_s + params.config[0].notice_s, 0)
    ask_waiting(params, state, env)
    if was_full and not is_full(state, env, pool_id):
        episode.room_freed = 1
    if capacity > before and params.config[0].reconsider_at_capacity:
        ask_on_demand(params, state, env)
    schedule_market(state, env, pool_id)


@compiled
def next_capacity_point(state, env: int, pool_id: int) -> int:
    """The next point at which the pool's capacity is another one; the present point if there is none."""
    pool = state.pools[env, pool_id]
    capacity = state.market[env, pool_id, pool.capacity_point].capacity
    for k in range(pool.capacity_point + 1, pool.point_count):
        if state.market[env, pool_id, k].capacity != capacity:
            return k
    return pool.capacity_point


@compiled
def schedule_market(state, env: int, pool_id: int) -> None:
    """Put the pool's next change of capacity on the heap."""
    k = next_capacity_point(state, env, pool_id)
    if k != state.pools[env, pool_id].capacity_point:
        push(state, env, state.market[env, pool_id, k].time_s, EventKind.MARKET, pool_id, pool_id, 0)


@compiled
def ask_waiting(params, state, env: int) -> None:
    """Ask every waiting task now."""
    node = first(state, env, WAITING)
    while node != WAITING:
        ask(params, state, env, task_of(state, node), state.episodes[env].now_s, AskReason.RETRY)
        node = after(state, env, node)


@compiled
def ask_on_demand(params, state, env: int) -> None:
    """Ask every task on on-demand now, unless it is moving: it may go back to spot."""
    for instance_id in range(state.episodes[env].slots_used):
        if works_on_demand(state, env, instance_id):
            task_id = state.instances[env, instance_id].task
            ask(params, state, env, task_id, state.episodes[env].now_s, AskReason.RECONSIDER)


@compiled
def works_on_demand(state, env: int, instance_id: int) -> bool:
    """Whether the instance is on-demand and has a task that is not moving."""
    instance = state.instances[env, instance_id]
    if instance.status == InstanceStatus.FREE or not instance.on_demand or instance.task < 0:
        return False
    task = state.tasks[env, instance.task]
    return task.instance == instance_id and task.next_instance == NONE and task.service == NONE


@compiled
def ask_about_room(params, state, env: int) -> None:
    """A full pool has room again: ask who waits or is on on-demand, but for those who gave up spot at this instant.

    A task can do that once at an instant, since it is next asked after an interval, so that every instant ends.
    """
    state.episodes[env].room_freed = 0
    if not params.config[0].ask_at_freed_room:
        return
    node = first(state, env, WAITING)
    while node != WAITING:
        ask_unless_due(params, state, env, task_of(state, node), AskReason.RETRY)
        node = after(state, env, node)
    for instance_id in range(state.episodes[env].slots_used):
        if works_on_demand(state, env, instance_id):
            ask_unless_due(params, state, env, state.instances[env, instance_id].task, AskReason.RECONSIDER)


@compiled
def ask_unless_due(params, state, env: int, task_id: int, reason: int) -> None:
    """Ask the task now, unless it is to be asked now anyhow, or gave up a spot instance at this instant."""
    task, now_s = state.tasks[env, task_id], state.episodes[env].now_s
    if task.ask_s != now_s and task.left_spot_s != now_s:
        ask(params, state, env, task_id, now_s, reason)

"""What the focal task is shown of the other tasks: how many are tighter or looser than it, and where they are."""

from tessera_env.engine.deadlines import urgency, work_left_now_s
from tessera_env.engine.instances import launch_room
from tessera_env.engine.kinds import InstanceStatus
from tessera_env.engine.linked_lists import WAITING, after, first, task_of
from tessera_env.jit.compiled import compiled
from tessera_env.observation.layout import Field
from tessera_env.observation.squash import squash

_MOST_SEEN = 256  # tasks that wait, and rows of the instance table: a step must not take longer with a million tasks


@compiled
def write_rivals(params, state, env: int, out) -> None:
    """Write the fields about the other tasks."""
    for field in range(Field.TIGHTER_WAITING, Field.ROOM_FOR_IT + 1):
        out[env, field] = 0.0
    config, episode = params.config[0], state.episodes[env]
    own = urgency(config, state.tasks[env, episode.focal], episode.now_s)
    look_at_waiting(config, state, env, own, out)
    look_at_placed(config, state, env, own, out)
    for field in range(Field.TIGHTER_WAITING, Field.LOOSER_ON_SPOT + 1):
        out[env, field] = squash(out[env, field], 8.0)
    out[env, Field.ON_DEMAND_H] = squash(out[env, Field.ON_DEMAND_H], 24.0)
    out[env, Field.WAITING_H] = squash(out[env, Field.WAITING_H], 24.0)
    out[env, Field.LONGEST_ON_DEMAND_H] = squash(out[env, Field.LONGEST_ON_DEMAND_H], 4.0)
    out[env, Field.ROOM_FOR_IT] = squash(float(room_for_it(params, state, env)), 8.0)


@compiled
def look_at_waiting(config, state, env: int, own: int, out) -> None:
    """Count the tasks that wait, the newest first."""
    episode, seen = state.episodes[env], 0
    node = first(state, env, WAITING)
    while node != WAITING and seen < _MOST_SEEN:
        task_id = task_of(state, node)
        if task_id != episode.focal:
            task = state.tasks[env, task_id]
            tighter = is_tighter(config, task, task_id, own, episode)
            out[env, Field.TIGHTER_WAITING if tighter else Field.LOOSER_WAITING] += 1.0
            out[env, Field.WAITING_H] += work_left_now_s(config, task, episode.now_s) / 3600.0
        seen += 1
        node = after(state, env, node)


@compiled
def look_at_placed(config, state, env: int, own: int, out) -> None:
    """Count the tasks on instances."""
    episode = state.episodes[env]
    for instance_id in range(min(episode.slots_used, _MOST_SEEN)):
        instance = state.instances[env, instance_id]
        if instance.status == InstanceStatus.FREE or instance.task < 0 or instance.task == episode.focal:
            continue
        task = state.tasks[env, instance.task]
        if task.instance != instance_id:
            continue
        tighter = is_tighter(config, task, instance.task, own, episode)
        if not instance.on_demand:
            out[env, Field.TIGHTER_ON_SPOT if tighter else Field.LOOSER_ON_SPOT] += 1.0
            continue
        out[env, Field.TIGHTER_ON_DEMAND if tighter else Field.LOOSER_ON_DEMAND] += 1.0
        left_h = work_left_now_s(config, task, episode.now_s) / 3600.0
        out[env, Field.ON_DEMAND_H] += left_h
        if tighter:
            out[env, Field.LONGEST_ON_DEMAND_H] = max(out[env, Field.LONGEST_ON_DEMAND_H], left_h)


@compiled
def is_tighter(config, task, task_id: int, own: int, episode) -> bool:
    """Whether the task is asked before the focal one, whose urgency is `own`."""
    its = urgency(config, task, episode.now_s)
    return its < own or (its == own and task_id < episode.focal)


@compiled
def room_for_it(params, state, env: int) -> int:
    """Spot instances that the focal task could have now."""
    task, count = state.tasks[env, state.episodes[env].focal], 0
    for pool_id in range(params.pools.shape[0]):
        if task.gpu_memory_mb <= params.pools[pool_id].gpu_memory_mb:
            spot = state.offers[env, pool_id]
            count += max(launch_room(state, env, pool_id), 0) + spot.idle - spot.claimed
    return min(max(count, 0), 1_000_000)

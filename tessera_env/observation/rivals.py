"""What the focal task is shown of the other tasks: how many are tighter or looser than it, and where they are."""

from tessera_env.engine.deadlines import urgency_s
from tessera_env.engine.instances import launch_room
from tessera_env.engine.kinds import InstanceStatus
from tessera_env.engine.linked_lists import WAITING, after, first, task_node
from tessera_env.jit.compiled import compiled
from tessera_env.observation.layout import Field
from tessera_env.observation.squash import squash

_MOST_SEEN = 256  # tasks that wait, and rows of the instance table: a step must not take longer with a million tasks


@compiled
def write_rivals(params, state, env: int, out) -> None:
    """Write the fields about the other tasks."""
    for field in range(Field.TIGHTER_WAITING, Field.ROOM_FOR_IT):
        out[env, field] = 0.0
    episode = state.episodes[env]
    own_s = urgency_s(state.tasks[env, episode.focal], episode.now_s)
    look_at_waiting(state, env, own_s, out)
    look_at_placed(state, env, own_s, out)
    for field in range(Field.TIGHTER_WAITING, Field.LOOSER_ON_SPOT + 1):
        out[env, field] = squash(out[env, field], 8.0)
    out[env, Field.ON_DEMAND_H] = squash(out[env, Field.ON_DEMAND_H], 24.0)
    out[env, Field.WAITING_H] = squash(out[env, Field.WAITING_H], 24.0)
    out[env, Field.LONGEST_ON_DEMAND_H] = squash(out[env, Field.LONGEST_ON_DEMAND_H], 4.0)
    out[env, Field.ROOM_FOR_IT] = squash(float(room_for_it(params, state, env)), 8.0)


@compiled
def look_at_waiting(state, env: int, own_s: float, out) -> None:
    """Count the tasks that wait, the newest first."""
    episode = state.episodes[env]
    focal, now_s, first_task = episode.focal, episode.now_s, task_node(state, 0)
    tighter, looser, work_s = 0, 0, 0.0
    node = first(state, env, WAITING)
    for _ in range(_MOST_SEEN):
        if node == WAITING:
            break
        task_id = node - first_task
        if task_id != focal:
            task = state.tasks[env, task_id]
            its_s = urgency_s(task, now_s)
            if its_s < own_s or (its_s == own_s and task_id < focal):
                tighter += 1
            else:
                looser += 1
            work_s += task.work_s - task.progress_s
        node = after(state, env, node)
    out[env, Field.TIGHTER_WAITING] = tighter
    out[env, Field.LOOSER_WAITING] = looser
    out[env, Field.WAITING_H] = work_s / 3600.0


@compiled
def look_at_placed(state, env: int, own_s: float, out) -> None:
    """Count the tasks on instances."""
    episode = state.episodes[env]
    focal, now_s = episode.focal, episode.now_s
    for instance_id in range(min(episode.slots_used, _MOST_SEEN)):
        instance = state.instances[env, instance_id]
        task_id = instance.task
        if instance.status == InstanceStatus.FREE or task_id < 0 or task_id == focal:
            continue
        task = state.tasks[env, task_id]
        if task.instance != instance_id:
            continue
        its_s = urgency_s(task, now_s)
        tighter = its_s < own_s or (its_s == own_s and task_id < focal)
        if not instance.on_demand:
            out[env, Field.TIGHTER_ON_SPOT if tighter else Field.LOOSER_ON_SPOT] += 1.0
            continue
        out[env, Field.TIGHTER_ON_DEMAND if tighter else Field.LOOSER_ON_DEMAND] += 1.0
        left_h = (task.work_s - task.progress_s - max(0.0, now_s - task.ready_s)) / 3600.0
        out[env, Field.ON_DEMAND_H] += left_h
        if tighter:
            out[env, Field.LONGEST_ON_DEMAND_H] = max(out[env, Field.LONGEST_ON_DEMAND_H], left_h)


@compiled
def room_for_it(params, state, env: int) -> int:
    """Spot instances that the focal task could have now."""
    task, count = state.tasks[env, state.episodes[env].focal], 0
    for pool_id in range(params.pools.shape[0]):
        if task.gpu_memory_mb <= params.pools[pool_id].gpu_memory_mb:
            spot = state.offers[env, pool_id]
            count += max(launch_room(state, env, pool_id), 0) + spot.idle - spot.claimed
    return min(max(count, 0), 1_000_000)

"""What the focal task sees of the others: who is tighter and pays for on-demand, who is looser and has spot."""

from tessera_env.engine.deadlines import urgency_s
from tessera_env.engine.instances import launch_room
from tessera_env.engine.kinds import InstanceStatus
from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import Field
from tessera_env.observation.squash import squash

_MOST_SEEN = 256  # rows of the instance table: a step must not take longer with a million tasks


@compiled
def write_rivals(params, state, env: int, out) -> None:
    """Write the fields about the other tasks."""
    episode = state.episodes[env]
    focal, now_s = episode.focal, episode.now_s
    own_s = urgency_s(state.tasks[env, focal], now_s)
    looser_on_spot, tighter_on_demand, longest_s = 0.0, 0.0, 0.0
    for instance_id in range(min(episode.slots_used, _MOST_SEEN)):
        instance = state.instances[env, instance_id]
        task_id = instance.task
        if instance.status == InstanceStatus.FREE or task_id < 0 or task_id == focal:
            continue
        task = state.tasks[env, task_id]
        if task.instance != instance_id:
            continue  # it is prepared for the task, which is elsewhere
        tighter = is_tighter(task, task_id, own_s, focal, now_s)
        if instance.on_demand and tighter:
            tighter_on_demand += 1.0
            longest_s = max(longest_s, task.work_s - task.progress_s - max(0.0, now_s - task.ready_s))
        elif not instance.on_demand and not tighter:
            looser_on_spot += 1.0
    out[env, Field.TIGHTER_ON_DEMAND] = squash(tighter_on_demand, 8.0)
    out[env, Field.LONGEST_ON_DEMAND_H] = squash(longest_s, 4.0 * 3600.0)
    out[env, Field.LOOSER_ON_SPOT] = squash(looser_on_spot, 8.0)
    out[env, Field.ROOM_FOR_IT] = squash(float(room_for_it(params, state, env)), 8.0)


@compiled
def is_tighter(task, task_id: int, own_s: float, focal: int, now_s: float) -> bool:
    """Whether the task is asked before the focal one, whose urgency is `own_s`."""
    its_s = urgency_s(task, now_s)
    return its_s < own_s or (its_s == own_s and task_id < focal)


@compiled
def room_for_it(params, state, env: int) -> int:
    """Spot instances that the focal task could have now."""
    task, count = state.tasks[env, state.episodes[env].focal], 0
    for pool_id in range(params.pools.shape[0]):
        if task.gpu_memory_mb <= params.pools[pool_id].gpu_memory_mb:
            spot = state.offers[env, pool_id]
            count += max(launch_room(state, env, pool_id), 0) + spot.idle - spot.claimed
    return min(max(count, 0), 1_000_000)

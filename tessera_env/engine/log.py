"""The event log: one record an event, written only where the state has room for a log."""

from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE


@compiled
def log_event(state, env: int, kind: int, task_id: int, instance_id: int, value: float, other: float) -> None:
    """Log an event about a task, an instance, or both."""
    if state.log.shape[1] == 0:
        return
    entry = new_entry(state, env, kind, value, other)
    entry.task = task_id
    if instance_id != NONE:
        instance = state.instances[env, instance_id]
        entry.launch = instance.launch
        entry.pool = instance.pool
        entry.on_demand = instance.on_demand


@compiled
def log_pool(state, env: int, kind: int, task_id: int, pool_id: int, on_demand: int, value: float) -> None:
    """Log an event about a pool."""
    if state.log.shape[1] == 0:
        return
    entry = new_entry(state, env, kind, value, 0.0)
    entry.task = task_id
    entry.pool = pool_id
    entry.on_demand = on_demand


@compiled
def new_entry(state, env: int, kind: int, value: float, other: float):
    """The next entry of the log, about nothing yet."""
    episode = state.episodes[env]
    entry = state.log[env, episode.log_count]
    episode.log_count += 1
    entry.time_s = episode.now_s
    entry.kind = kind
    entry.task = NONE
    entry.launch = NONE
    entry.pool = NONE
    entry.on_demand = NONE
    entry.value = value
    entry.other = other
    return entry

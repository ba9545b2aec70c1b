"""The event log: one record an event, written only where the state has room for a log, read by its figures' names."""

from collections.abc import Iterator

import numpy as np

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.state import LOG
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE

# What the columns `value` and `other` hold in an event of each kind, in this order.
FIGURES: dict[int, tuple[str, ...]] = {
    LogKind.ARRIVAL: (),
    LogKind.DECISION: ("action", "reason"),  # the placement asked for; why the task was asked, an EventKind
    LogKind.LAUNCH: ("billed_from_s", "set_up_s"),  # when provisioning ends; when set-up ends
    LogKind.LAUNCH_FAILED: (),
    LogKind.PLACE: ("works_from_s",),  # when its state is loaded
    LogKind.STOP: ("kept_s", "lost_s"),  # all its work that is done and saved; what this stop lost
    LogKind.NOTICE: ("ends_s",),  # when the cloud takes the instance
    LogKind.CHECKPOINT: ("plan", "saved_s"),  # a CheckpointPlan; work that the grace period saved
    LogKind.COMPLETION: (),
    LogKind.IDLE: (),
    LogKind.END: ("usd", "billed_until_s"),
    LogKind.CANCEL: (),
    LogKind.CAPACITY: ("instances",),  # spot instances that can be had from now on, up to UNLIMITED
    LogKind.MISSED: (),
    LogKind.PREPARE: ("takes_over_s",),  # when the task leaves its instance for this one
    LogKind.DEMAND: ("target", "requests_per_s"),  # replicas that are to be ready from now on
    LogKind.READY: (),
    LogKind.UNREADY: (),
}
_CHUNK = 65_536  # records turned into Python's numbers at once: fast, and some 20 MB

# time_s, kind, task, launch, pool, on_demand, figures by name
Entry = tuple[float, int, int, int, int, int, dict[str, float]]


def entries_of(log: np.ndarray) -> Iterator[Entry]:
    """Every entry in Python's numbers, with its figures by name.

    Args:
        log: (entries,) LOG records.
    """
    for first in range(0, len(log), _CHUNK):
        for time_s, kind, task, launch, pool, on_demand, value, other in log[first : first + _CHUNK].tolist():
            figures = dict(zip(FIGURES[kind], (value, other)))  # noqa: B905  (`strict=` takes a fifth of all the time)
            yield time_s, kind, task, launch, pool, on_demand, figures


def columns_of(log: np.ndarray, kind: LogKind) -> np.ndarray:
    """The entries of a kind, with its figures in columns of their names.

    Args:
        log: (entries,) LOG records.
        kind: which ones.
    """
    names = dict(zip(("value", "other"), FIGURES[kind], strict=False))
    named = np.dtype([(names.get(name, name), LOG[name]) for name in LOG.names or ()], align=True)
    return log[log["kind"] == kind].view(named)


@compiled
def log_event(state, env: int, kind: int, task_id: int, instance_id: int, value: float, other: float) -> None:
    """Log an event about a task, an instance, or both, with its figures as FIGURES has them, or 0."""
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

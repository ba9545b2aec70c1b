"""Ready replicas and their target as changes over time, read from the event log."""

from typing import NamedTuple

import numpy as np

from tessera_env.engine.kinds import LogKind


class Changes(NamedTuple):
    """When a number changes, and by how much."""

    times_s: np.ndarray
    steps: np.ndarray

    def until(self, times_s: np.ndarray) -> np.ndarray:
        """The number at each time, with what changes then."""
        sums = np.concatenate([[0], np.cumsum(self.steps)])
        return sums[np.searchsorted(self.times_s, times_s, side="right")]


def ready_changes(log: np.ndarray, pool: int | None = None, on_demand: int | None = None) -> Changes:
    """Ready replicas of all services together: of a pool, of a purchase, or of all where none is named."""
    found = log[np.isin(log["kind"], (LogKind.READY, LogKind.UNREADY))]
    if pool is not None:
        found = found[found["pool"] == pool]
    if on_demand is not None:
        found = found[found["on_demand"] == on_demand]
    return Changes(found["time_s"], np.where(found["kind"] == LogKind.READY, 1, -1))


def target_changes(log: np.ndarray) -> Changes:
    """The target of all services together."""
    found = log[log["kind"] == LogKind.DEMAND]
    steps = found["value"].astype(np.int64)
    for service in np.unique(found["task"]):
        own = found["task"] == service
        steps[own] = np.diff(steps[own], prepend=0)
    return Changes(found["time_s"], steps)


def change_times_s(log: np.ndarray, now_s: float) -> np.ndarray:
    """Every time at which one of them changes, the start and the end, ascending."""
    return np.unique(np.concatenate([[0.0], ready_changes(log).times_s, target_changes(log).times_s, [now_s]]))

"""What changes over an episode, read from its event log: waiting tasks, work, spot capacity."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import columns_of
from tessera_env.rendering.lives import Life


class Curve(NamedTuple):
    """A quantity over time, as the corners of a line."""

    times_s: np.ndarray
    values: np.ndarray


class Curves(NamedTuple):
    """What the panels below the lanes show."""

    waiting: Curve  # tasks
    done: Curve  # s of work, as arrived is
    arrived: Curve


def waiting_curve(log: np.ndarray, now_s: float) -> Curve:
    """How many tasks are there, not done and on no instance: a staircase."""
    change = np.zeros(len(LogKind), dtype=np.int64)
    change[[LogKind.ARRIVAL, LogKind.STOP]] = 1
    change[[LogKind.PLACE, LogKind.COMPLETION]] = -1
    changes = change[log["kind"]]
    return staircase(log["time_s"][changes != 0], changes[changes != 0], now_s)


def arrived_work_curve(log: np.ndarray, tasks: np.ndarray, now_s: float) -> Curve:
    """The work of all tasks that have arrived, in seconds: a staircase."""
    arrivals = log[log["kind"] == LogKind.ARRIVAL]
    return staircase(arrivals["time_s"], tasks["work_s"][arrivals["task"]], now_s)


def staircase(times_s: np.ndarray, changes: np.ndarray, now_s: float) -> Curve:
    """The sum of the changes so far; of what happens at one instant only the outcome shows."""
    levels = np.cumsum(changes, dtype=np.float64)
    is_last = np.diff(times_s, append=np.inf) > 0.0
    times_s, levels = times_s[is_last], np.concatenate([[0.0], levels[is_last]])
    corners_s = np.concatenate([[0.0], np.repeat(times_s, 2), [now_s]])
    return Curve(corners_s, np.repeat(levels, 2))


def work_done_curve(lives: Iterable[Life], now_s: float) -> Curve:
    """Work done by all tasks, in seconds; it falls where an interruption loses work.

    Within a stay that has ended it rises evenly, whatever its periodic checkpoints; a stay that goes on works without
    them.
    """
    saved_s: dict[int, float] = {}
    changes = []  # (time, change of work per second, change of work)
    for stay in sorted((stay for life in lives for stay in life.stays), key=lambda stay: stay.placed_s):
        left_s = min(stay.left_s, now_s)
        run_s = max(left_s - stay.ready_s, 0.0)
        gain_s = run_s if stay.left_s > now_s else stay.kept_s + stay.lost_s - saved_s.get(stay.task, 0.0)
        saved_s[stay.task] = stay.kept_s
        if run_s > 0.0:
            changes += [
                (stay.ready_s, gain_s / run_s, 0.0),
                (left_s, -gain_s / run_s, 0.0),
                (left_s, 0.0, -stay.lost_s),
            ]
    changes = [(0.0, 0.0, 0.0), *sorted(changes), (now_s, 0.0, 0.0)]
    times_s, rates, jumps_s = np.array(changes).T
    grown_s = np.cumsum(rates)[:-1] * np.diff(times_s)
    return Curve(times_s, np.cumsum(jumps_s) + np.concatenate([[0.0], np.cumsum(grown_s)]))


def spells_without_capacity(
    log: np.ndarray, first_capacity: Sequence[int], now_s: float
) -> list[list[tuple[float, float]]]:
    """When each pool had no spot capacity, up to now: (start, end) in seconds, a list a pool.

    Args:
        log: LOG records.
        first_capacity: (P,) spot instances to be had at the start.
        now_s: where the last spell is cut.
    """
    changes: list[Any] = columns_of(log, LogKind.CAPACITY)[["time_s", "pool", "instances"]].tolist()
    spells: list[list[tuple[float, float]]] = [[] for _ in first_capacity]
    down_s = [None if capacity > 0 else 0.0 for capacity in first_capacity]
    for time_s, pool, capacity in changes:
        start_s = down_s[pool]
        if capacity > 0 and start_s is not None:
            spells[pool].append((start_s, time_s))
            down_s[pool] = None
        elif capacity <= 0 and start_s is None:
            down_s[pool] = time_s
    for pool, start_s in enumerate(down_s):
        if start_s is not None:
            spells[pool].append((start_s, now_s))
    return spells

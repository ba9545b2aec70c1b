"""From an event log to what a Gantt chart shows: lives of instances, packed into rows, and counts over time."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from tessera_env.engine.kinds import LogKind
from tessera_env.parameters import NONE


class Phase(IntEnum):
    """What an instance is doing."""

    LAUNCHING = 0  # not billed yet
    SETUP = 1  # billed, and no work is done: set-up, or loading a task's state
    RUNNING = 2
    IDLE = 3
    NOTICED = 4  # its task has left it, and the cloud is about to take it


class Segment(NamedTuple):
    """A stretch of an instance's life in which it does one thing."""

    start_s: float
    end_s: float
    phase: Phase
    task: int  # NONE: no task is on it


@dataclass
class Stay:
    """A task's time on an instance."""

    task: int
    placed_s: float
    ready_s: float  # work goes on from here
    left_s: float = math.inf
    kept_s: float = math.nan  # work of the task that is done and saved when it leaves
    lost_s: float = 0.0  # work of this stay that is lost as it leaves
    completed: bool = False


@dataclass
class Life:
    """An instance from its launch to its end; infinite times have not come yet."""

    pool: int
    on_demand: int
    launch_s: float
    billing_start_s: float
    setup_done_s: float
    notice_s: float = math.inf
    end_s: float = math.inf
    stays: list[Stay] = field(default_factory=list)

    def stay_at(self, time_s: float) -> Stay | None:
        """The stay of the task that is on it at a time, if one is."""
        k = bisect_right(self.stays, time_s, key=lambda stay: stay.placed_s) - 1
        return self.stays[k] if k >= 0 and time_s < self.stays[k].left_s else None

    def segments(self, now_s: float) -> list[Segment]:
        """Its life up to now, without gaps, in order."""
        end_s = min(self.end_s, now_s)
        times_s = {self.launch_s, self.billing_start_s, self.setup_done_s, self.notice_s, end_s}
        for stay in self.stays:
            times_s |= {stay.placed_s, stay.ready_s, stay.left_s}
        cuts_s = sorted(time_s for time_s in times_s if self.launch_s <= time_s <= end_s)
        merged: list[Segment] = []
        for start_s, stop_s in zip(cuts_s, cuts_s[1:], strict=False):
            stay = self.stay_at(start_s)
            phase, task = self._phase_at(start_s, stay), stay.task if stay else NONE
            if merged and merged[-1][2:] == (phase, task):
                start_s = merged.pop().start_s
            merged.append(Segment(start_s, stop_s, phase, task))
        return merged

    def _phase_at(self, time_s: float, stay: Stay | None) -> Phase:
        if time_s >= self.notice_s:
            return Phase.NOTICED
        if time_s < self.billing_start_s:
            return Phase.LAUNCHING
        if time_s < self.setup_done_s or (stay and time_s < stay.ready_s):
            return Phase.SETUP
        return Phase.RUNNING if stay else Phase.IDLE


def read_lives(log: np.ndarray) -> list[Life]:
    """Every instance of an episode, by launch.

    Args:
        log: LOG records, from the episode's start.
    """
    lives: list[Life] = []
    for time_s, kind, task, launch, pool, on_demand, value, other in log[log["launch"] != NONE].tolist():
        if kind == LogKind.LAUNCH:
            lives.append(Life(pool, on_demand, time_s, value, other))
        elif kind == LogKind.PLACE:
            lives[launch].stays.append(Stay(task, time_s, value))
        elif kind == LogKind.STOP:
            stay = lives[launch].stays[-1]
            stay.left_s, stay.kept_s, stay.lost_s = time_s, value, other
        elif kind == LogKind.COMPLETION:
            lives[launch].stays[-1].completed = True
        elif kind == LogKind.NOTICE:
            lives[launch].notice_s = time_s
        elif kind == LogKind.END:
            lives[launch].end_s = time_s
    return lives


def packed(lives: Iterable[Life]) -> list[list[Life]]:
    """Rows of lives that do not overlap, as few as instances are ever held at once.

    Args:
        lives: by launch. A cancelled one has no length, and no place.
    """
    rows: list[list[Life]] = []
    busy: list[tuple[float, int]] = []  # heap of (end, row)
    free: list[int] = []  # heap of rows
    for life in lives:
        if life.end_s <= life.launch_s:
            continue
        while busy and busy[0][0] <= life.launch_s:
            heappush(free, heappop(busy)[1])
        row = heappop(free) if free else len(rows)
        if row == len(rows):
            rows.append([])
        rows[row].append(life)
        heappush(busy, (life.end_s, row))
    return rows


class Curve(NamedTuple):
    """A quantity over time, as the corners of a line."""

    times_s: np.ndarray
    values: np.ndarray


def waiting_curve(log: np.ndarray, now_s: float) -> Curve:
    """How many tasks are there, not done and on no instance: a staircase."""
    change = np.zeros(len(LogKind), dtype=np.int64)
    change[[LogKind.ARRIVAL, LogKind.STOP]] = 1
    change[[LogKind.PLACE, LogKind.COMPLETION]] = -1
    changes = change[log["kind"]]
    return _staircase(log["time_s"][changes != 0], changes[changes != 0], now_s)


def arrived_work_curve(log: np.ndarray, tasks: np.ndarray, now_s: float) -> Curve:
    """The work of all tasks that have arrived, in seconds: a staircase."""
    arrivals = log[log["kind"] == LogKind.ARRIVAL]
    return _staircase(arrivals["time_s"], tasks["work_s"][arrivals["task"]], now_s)


def _staircase(times_s: np.ndarray, changes: np.ndarray, now_s: float) -> Curve:
    levels = np.concatenate([[0.0], np.cumsum(changes, dtype=np.float64)])
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


def capacity_spells(log: np.ndarray, first_capacity: Sequence[int], now_s: float) -> list[list[tuple[float, float]]]:
    """When each pool had no spot capacity, up to now: (start, end) in seconds, a list a pool.

    Args:
        log: LOG records.
        first_capacity: (P,) spot instances to be had at the start.
        now_s: where the last spell is cut.
    """
    changes: list[Any] = log[log["kind"] == LogKind.CAPACITY][["time_s", "pool", "value"]].tolist()
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

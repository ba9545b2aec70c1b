"""The lives of an episode's instances, read from its event log, cut into segments and packed into rows."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import entries_of
from tessera_env.world.parameters import NONE


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
    late: bool = False  # completed after its deadline


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
        for start_s, stop_s in pairwise(cuts_s):
            present = self.stay_at(start_s)
            phase, task = self._phase_at(start_s, present), present.task if present else NONE
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
    last_stays: dict[int, Stay] = {}  # by task
    told = (log["launch"] != NONE) | (log["kind"] == LogKind.MISSED)
    for time_s, kind, task, launch, pool, on_demand, figures in entries_of(log[told]):
        if kind == LogKind.LAUNCH:
            lives.append(Life(pool, on_demand, time_s, figures["billed_from_s"], figures["set_up_s"]))
        elif kind == LogKind.PLACE:
            last_stays[task] = Stay(task, time_s, figures["works_from_s"])
            lives[launch].stays.append(last_stays[task])
        elif kind == LogKind.STOP:
            stay = last_stays[task]
            stay.left_s, stay.kept_s, stay.lost_s = time_s, figures["kept_s"], figures["lost_s"]
        elif kind == LogKind.COMPLETION:
            last_stays[task].completed = True
        elif kind == LogKind.MISSED and task in last_stays:
            last_stays[task].late = last_stays[task].completed
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

"""What a policy does in an episode's log: with outages, with spot that is back, and how far ahead it works.

An outage is a time without spot that begins while the job runs on spot or holds nothing. It is waited through, or left
for on-demand at once or later. A spell is a time with spot that begins while the job runs on on-demand. It is taken, at
once or later, or skipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import entries_of
from tessera_env.evaluation.episodes import Episode

MOMENTS = (0.25, 0.5, 0.75)  # shares of the time to the deadline at which progress is looked at


@dataclass(frozen=True)
class Stay:
    """A time on one instance."""

    start_s: float
    end_s: float
    on_demand: bool
    ready_s: float  # work goes on from here
    done_s: float  # work done before


@dataclass(frozen=True)
class Outage:
    """How one was dealt with."""

    slack_h: float  # time left less work left, when it began
    waited_h: float | None  # before on-demand, 0 at once; None: waited through


@dataclass(frozen=True)
class Spell:
    """What was made of one."""

    hours: float
    taken_after_h: float | None  # None: skipped


@dataclass(frozen=True)
class Behaviour:
    """Of one job."""

    outages: tuple[Outage, ...]
    spells: tuple[Spell, ...]
    on_demand_h: tuple[float, ...]  # each stretch on on-demand
    given_up: int  # times that on-demand was left for nothing
    ahead_h: tuple[float, ...]  # work done less even progress up to the deadline, at MOMENTS


def behaviour(episode: Episode) -> Behaviour:
    """Of an episode with one job and one pool.

    Raises:
        ValueError: there are several.
    """
    if len(episode.tasks) != 1 or len(episode.market) != 1:
        raise ValueError(f"episode: {len(episode.tasks)} tasks, {len(episode.market)} pools (allowed: one of each)")
    task, stays = episode.tasks[0], stays_of(episode.log)
    end_s = min(float(task["completion_s"]), episode.metrics["elapsed_h"] * 3600.0)
    job = _Job(stays, float(task["work_s"]), float(task["deadline_s"]), end_s)
    down, up = spells_of(episode.market[0], end_s)
    on_demand = [stay for stay in stays if stay.on_demand]
    return Behaviour(
        outages=tuple(job.outage(*spell) for spell in down if not job.is_on_demand_before(spell[0])),
        spells=tuple(job.spell(*spell) for spell in up if job.is_on_demand_before(spell[0])),
        on_demand_h=tuple((stay.end_s - stay.start_s) / 3600.0 for stay in on_demand),
        given_up=sum(stay.end_s < end_s and not job.begins_at(stay.end_s) for stay in on_demand),
        ahead_h=tuple(job.ahead_h(share * job.deadline_s) for share in MOMENTS),
    )


def stays_of(log: np.ndarray) -> list[Stay]:
    """The job's times on instances, in order."""
    stays, done_s = [], 0.0
    placed: tuple[float, bool, float] | None = None  # when, on on-demand, and when work goes on
    for time_s, kind, _, _, _, on_demand, figures in entries_of(log):
        if kind == LogKind.PLACE:
            placed = time_s, bool(on_demand), figures["works_from_s"]
        elif placed is not None and kind in (LogKind.STOP, LogKind.COMPLETION):
            start_s, is_on_demand, ready_s = placed
            stays.append(Stay(start_s, time_s, is_on_demand, ready_s, done_s))
            if kind == LogKind.STOP:
                done_s = figures["kept_s"]
            placed = None
    return stays


def spells_of(points: np.ndarray, end_s: float) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Times (start, end) without spot and with it, up to `end_s`."""
    up = points["capacity"] > 0
    first = np.flatnonzero(np.append(True, up[1:] != up[:-1]))
    starts = points["time_s"][first]
    ends = np.minimum(np.append(starts[1:], np.inf), end_s)
    spells = [(float(a), float(b), bool(up[k])) for a, b, k in zip(starts, ends, first, strict=True) if a < end_s]
    return [(a, b) for a, b, is_up in spells if not is_up], [(a, b) for a, b, is_up in spells if is_up]


@dataclass(frozen=True)
class _Job:
    stays: list[Stay]
    work_s: float
    deadline_s: float
    end_s: float

    def is_on_demand_before(self, time_s: float) -> bool:
        """Whether it runs on on-demand until that time, at least."""
        return any(stay.on_demand and stay.start_s < time_s <= stay.end_s for stay in self.stays)

    def begins_at(self, time_s: float) -> bool:
        """Whether it comes to an instance then."""
        return any(stay.start_s == time_s for stay in self.stays)

    def outage(self, start_s: float, end_s: float) -> Outage:
        slack_s = self.deadline_s - start_s - (self.work_s - self.done_s(start_s))
        return Outage(slack_s / 3600.0, _first(self._starts(True), start_s, end_s))

    def spell(self, start_s: float, end_s: float) -> Spell:
        return Spell((end_s - start_s) / 3600.0, _first(self._starts(False), start_s, end_s))

    def ahead_h(self, time_s: float) -> float:
        """Work done less even progress; nothing after the job's end is held against it."""
        return (self.done_s(time_s) - min(time_s, self.deadline_s) * self.work_s / self.deadline_s) / 3600.0

    def done_s(self, time_s: float) -> float:
        """Work done by then; nothing is lost where the state that must be saved is nil."""
        before = [stay for stay in self.stays if stay.start_s <= time_s]
        if not before:
            return 0.0
        last = before[-1]
        return min(self.work_s, last.done_s + max(0.0, min(time_s, last.end_s) - last.ready_s))

    def _starts(self, on_demand: bool) -> Iterator[float]:
        return (stay.start_s for stay in self.stays if stay.on_demand == on_demand)


def _first(times_s: Iterator[float], start_s: float, end_s: float) -> float | None:
    """Hours from `start_s` to the first of the times before `end_s`; None: there is none."""
    return next(((time_s - start_s) / 3600.0 for time_s in times_s if start_s <= time_s < end_s), None)

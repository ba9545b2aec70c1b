"""Who is asked next at one instant, and who is asked because a pool has room again."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.reference.world import INF, ON_DEMAND, SPOT, AskReason, Kind

if TYPE_CHECKING:
    from tests.reference.simulator import Simulator
    from tests.reference.world import Task

YEAR_S = 2**25  # about; slack beyond is all the same


def ask_event(sim: "Simulator", i: int) -> tuple[float, Kind, int, int]:
    """The task's ask as an event: its time, its kind, and its place among those of that kind at one instant."""
    time_s, reason = sim.tasks[i].ask
    kind = Kind["ASK_" + reason.name]
    if not sim.rules.ask_tightest_first:
        return time_s, kind, 0, i
    return time_s, kind if kind == Kind.ASK_INTERRUPTION else Kind.ASK_URGENT, urgency(sim, i, time_s), i


def urgency(sim: "Simulator", i: int, at_s: float) -> int:
    """INTERACTIVE first, then by whole seconds of slack, then those without a deadline."""
    task = sim.tasks[i]
    slack_s = -INF if task.interactive else latest_start_s(sim, i) - start_s(task, at_s)
    return math.floor(min(max(slack_s, -YEAR_S), YEAR_S))


def latest_start_s(sim: "Simulator", i: int) -> float:
    """When the task, with the work that its last stop saved, would have to be launched on on-demand."""
    task = sim.tasks[i]
    latest_s = task.deadline_s - sim.rules.guard_margin_s - sim.quickest_changeover_s(i)
    return latest_s - sim.rules.run_time(task.work_s - task.progress_s)


def start_s(task: "Task", at_s: float) -> float:
    """When its work has begun to run since then; now, if it does not run."""
    return task.ready_s if task.instance is not None and task.ready_s < at_s else at_s


# --- room that is freed ----------------------------------------------------------------------------------------------


@contextmanager
def change_of_room(sim: "Simulator", p: int) -> Iterator[None]:
    """Something happens to the pool's spot capacity: remember it if there was no room before, and is after it."""
    was_full = not has_room(sim, p)
    yield
    if was_full and has_room(sim, p):
        sim.room_freed = True


def has_room(sim: "Simulator", p: int) -> bool:
    """Whether a spot instance can be had there: a new one, or an idle one."""
    return sim.room((SPOT, p)) or bool(sim.idle((SPOT, p)))


def ask_about_room(sim: "Simulator") -> None:
    """Ask who waits, and who is on on-demand, and is not to be asked now anyhow.

    Not who has given up spot at this instant of its own will, or two tasks could swap a place for ever.
    """
    sim.room_freed = False
    for task in sim.tasks:
        is_due = task.ask is not None and task.ask[0] == sim.now
        if not sim.rules.ask_at_freed_room or is_due or task.left_spot_s == sim.now:
            continue
        if task.status == "waiting":
            task.ask = (sim.now, AskReason.RETRY)
        elif task.status == "placed" and task.instance.purchase == ON_DEMAND and task.next is None:
            task.ask = (sim.now, AskReason.RECONSIDER)

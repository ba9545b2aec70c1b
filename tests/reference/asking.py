"""Who is asked next at one instant, and who is asked because a pool has room again."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.reference.world import INF, ON_DEMAND, SPOT, AskReason, Kind

if TYPE_CHECKING:
    from tests.reference.simulator import Simulator

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
    if task.interactive:
        return 0
    if task.deadline_s == INF:
        return 2 + 2 * YEAR_S
    return 1 + YEAR_S + min(max(math.floor(slack_s(sim, i, at_s)), -YEAR_S), YEAR_S)


def slack_s(sim: "Simulator", i: int, at_s: float) -> float:
    """How long the task can still wait until it has to be launched on on-demand; in whole ticks, if there are any."""
    task, rules = sim.tasks[i], sim.rules
    changeover_s = sim.quickest_changeover_s(i)
    done_s = task.progress_s if task.instance is None else sim.done_at(task, at_s)
    needed_s = rules.run_time(max(0.0, task.work_s - done_s)) + changeover_s
    # in the engine's order of additions: whole seconds turn on the last bit
    left_s = task.deadline_s - rules.guard_margin_s - changeover_s - at_s + changeover_s
    if rules.slack_tick_s == 0.0:
        return left_s - needed_s
    left, needed = left_s / rules.slack_tick_s, needed_s / rules.slack_tick_s
    return (math.floor(left + 1e-9) - math.ceil(needed - 1e-9)) * rules.slack_tick_s


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

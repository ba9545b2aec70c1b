"""Decisions of a rollout, each linked to the next one of its own task."""

import numba
import numpy as np

from tessera_env.world.parameters import NONE

# What follows on a decision, where it is not a later step of the rollout.
OPEN = -1  # nobody knows yet: the task is asked again some time after the rollout
SETTLED = -2  # nothing: the task is not asked again

DECISION = np.dtype(
    [
        ("owed", np.float64),  # by its task when it was asked, as ASKED has it
        ("hour", np.float64),
        ("paid", np.float64),  # by its task from this decision to its next, or to the end; a share of `scale_usd`
        ("next", np.int64),  # step of the task's next decision, OPEN or SETTLED; the rollout's length: it is asked now
        ("last", np.int64),  # 1: with this decision the row's episode ended
    ],
    align=True,
)


@numba.njit
def note_decisions(decisions, latest, step: int, answered, ended, settled) -> None:
    """Add a step's decisions: each ends the time of its task's decision before it.

    Args:
        decisions: (steps, N) DECISION, changed.
        latest: (N, tasks) the step of each task's latest decision in this rollout and episode, or NONE; changed.
        step: of the decisions.
        answered: (N,) ASKED.
        ended: (N,) bool, rows whose episode ended with the decision.
        settled: (N, tasks) what each task owed in the end in rows that have ended.
    """
    for row in range(answered.shape[0]):
        asked, decision = answered[row], decisions[step, row]
        decision.owed = asked.owed
        decision.hour = asked.hour
        decision.paid = 0.0
        decision.next = OPEN
        decision.last = ended[row]
        close_latest(decisions, latest, row, asked.task, asked.owed, step)
        latest[row, asked.task] = step
        if ended[row]:
            for task in range(latest.shape[1]):
                close_latest(decisions, latest, row, task, settled[row, task], SETTLED)
                latest[row, task] = NONE


@numba.njit
def close_latest(decisions, latest, row: int, task: int, owed: float, following: int) -> None:
    """The task's latest decision, if it has one, is followed by this; by then the task owes so much."""
    if latest[row, task] != NONE:
        decision = decisions[latest[row, task], row]
        decision.paid = owed - decision.owed
        decision.next = following


@numba.njit
def close_rollout(decisions, latest, asked, owed, done) -> None:
    """The rollout is over: tasks that are done have paid all, who is asked now has a next decision, others stay OPEN.

    What is billed for an instance that idles on after its task is done (`idle_timeout_s`, 0 in the presets) counts only
    where the episode ends within the rollout.

    Args:
        decisions: (steps, N) DECISION, changed.
        latest: (N, tasks) as `note_decisions` left it.
        asked: (N,) ASKED, what the rows ask now.
        owed: (N, tasks) what each task owes now, as a share of the row's `scale_usd`.
        done: (N, tasks) bool.
    """
    for row in range(latest.shape[0]):
        for task in range(latest.shape[1]):
            if done[row, task]:
                close_latest(decisions, latest, row, task, owed[row, task], SETTLED)
        close_latest(decisions, latest, row, asked[row].task, asked[row].owed, decisions.shape[0])

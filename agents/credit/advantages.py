"""Advantages along each task's own decisions, and along all of a row's."""

import math
from typing import NamedTuple

import numba

from agents.credit.trajectories import OPEN, SETTLED


class Look(NamedTuple):
    """How far ahead."""

    gamma: float  # what later counts, per decision
    hours: float  # after which a dollar counts 1/e, however many decisions lie between; inf: as much as now
    gae_lambda: float  # how far advantages look ahead before they trust values, per decision


@numba.njit
def task_advantages(decisions, values, last_values, last_hours, look: Look, out) -> None:
    """Generalised advantages (Schulman et al., "High-Dimensional Continuous Control Using GAE", 2016) by task.

    Where a task is asked again only after the rollout, nobody can say yet what its last decision led to: that one's
    advantage is 0, its value counts as it is, and the decisions before it look ahead as far as to that value.

    Args:
        decisions: (steps, N) DECISION, with `paid` in the unit of the values.
        values: (steps, N) of what each task asked will yet pay, negated.
        last_values: (N,) likewise, of the tasks that are asked after the last step.
        last_hours: (N,) the time after the last step.
        look: its decisions are those of a task.
        out: (steps, N), written.
    """
    steps, rows = decisions.shape
    for step in range(steps - 1, -1, -1):
        for row in range(rows):
            decision = decisions[step, row]
            following = decision.next
            if following == OPEN:
                out[step, row] = 0.0
                continue
            out[step, row] = -decision.paid - values[step, row]
            if following == steps:
                later = look.gamma * math.exp((decision.hour - last_hours[row]) / look.hours)
                out[step, row] += later * last_values[row]
            elif following != SETTLED:
                later = look.gamma * math.exp((decision.hour - decisions[following, row].hour) / look.hours)
                out[step, row] += later * (values[following, row] + look.gae_lambda * out[following, row])


@numba.njit
def fleet_advantages(decisions, rewards, values, last_values, last_hours, look: Look, out) -> None:
    """Generalised advantages of a row's rewards, all tasks together.

    Args:
        decisions: (steps, N) DECISION.
        rewards: (steps, N) of the rows.
        values: (steps, N) the discounted rewards that are expected.
        last_values: (N,) likewise, after the last step.
        last_hours: (N,) the time after the last step.
        look: its decisions are those of the row.
        out: (steps, N), written.
    """
    steps, rows = decisions.shape
    for row in range(rows):
        value, hour, advantage = last_values[row], last_hours[row], 0.0
        for step in range(steps - 1, -1, -1):
            decision = decisions[step, row]
            later = 0.0 if decision.last else look.gamma * math.exp((decision.hour - hour) / look.hours)
            advantage = rewards[step, row] + later * (value + look.gae_lambda * advantage) - values[step, row]
            value, hour = values[step, row], decision.hour
            out[step, row] = advantage

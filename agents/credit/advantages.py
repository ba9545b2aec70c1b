"""Advantages along each task's own decisions, and those of the fleet's cost in the hours after a decision."""

import math

import numba

from agents.credit.trajectories import OPEN, SETTLED


@numba.njit
def task_advantages(decisions, values, last_values, gamma: float, gae_lambda: float, out) -> None:
    """Generalised advantages (Schulman et al., "High-Dimensional Continuous Control Using GAE", 2016) by task.

    Where a task is asked again only after the rollout, nobody can say yet what its last decision led to: that one's
    advantage is 0, its value counts as it is, and the decisions before it look ahead as far as to that value.

    Args:
        decisions: (steps, N) DECISION, with `paid` in the unit of the values.
        values: (steps, N) of what each task asked will yet pay, negated.
        last_values: (N,) likewise, of the tasks that are asked after the last step.
        gamma: discount per decision of a task.
        gae_lambda: how far advantages look ahead, per decision of a task.
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
                out[step, row] += gamma * last_values[row]
            elif following != SETTLED:
                out[step, row] += gamma * (values[following, row] + gae_lambda * out[following, row])


@numba.njit
def fleet_advantages(decisions, rewards, baseline, last_baseline, last_hours, hours: float, out) -> None:
    """The discounted rewards of a row, all tasks together, that follow on each decision, above what was expected.

    What is paid an hour later counts exp(-1 / hours), however many decisions lie between. They are added up as they
    came; only what lies beyond the rollout is as expected.

    Args:
        decisions: (steps, N) DECISION.
        rewards: (steps, N) of the rows.
        baseline: (steps, N) the discounted rewards that were expected.
        last_baseline: (N,) likewise, after the last step.
        last_hours: (N,) the time after the last step.
        hours: after which a dollar counts 1/e.
        out: (steps, N), written.
    """
    steps, rows = decisions.shape
    for row in range(rows):
        following, hour = last_baseline[row], last_hours[row]
        for step in range(steps - 1, -1, -1):
            decision = decisions[step, row]
            if decision.last:
                following = rewards[step, row]
            else:
                following = rewards[step, row] + math.exp((decision.hour - hour) / hours) * following
            hour = decision.hour
            out[step, row] = following - baseline[step, row]

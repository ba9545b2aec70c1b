"""Which displaced task goes to which instance: planners, small and exchangeable."""

from typing import Protocol

import numpy as np
from scipy.optimize import linear_sum_assignment

UNASSIGNED = -1


class Planner(Protocol):
    """Assigns displaced tasks to instances."""

    def __call__(self, costs: np.ndarray) -> np.ndarray:
        """Column of each row, or UNASSIGNED.

        Args:
            costs: (n, m) float64, seconds until task i runs again on instance j; infinite where it does not fit.
                Rows are ordered by task, columns by launch.

        Returns:
            (n,) int64; no column twice, no infinite pair.
        """
        ...


class KuhnMunkres:
    """Most tasks placed first, least total seconds second: Kuhn (1955), Munkres (1957), by SciPy's solver.

    Each row gets a private column "stays unassigned" at a cost just above what any assignment of all rows can cost,
    so no infeasible matrix reaches the solver, and one more placed task outweighs all seconds.
    """

    def __call__(self, costs: np.ndarray) -> np.ndarray:
        """Column of each row, or UNASSIGNED; see Planner."""
        tasks, instances = costs.shape
        largest = costs.max(where=np.isfinite(costs), initial=0.0)
        padded = np.full((tasks, instances + tasks), np.inf)
        padded[:, :instances] = costs
        np.fill_diagonal(padded[:, instances:], (min(tasks, instances) + 1) * (largest + 1.0))
        _rows, columns = linear_sum_assignment(padded)
        return np.where(columns < instances, columns, UNASSIGNED)


class NearestFirst:
    """Each task in turn takes the free instance on which it runs soonest: what a scheduler without a plan does."""

    def __call__(self, costs: np.ndarray) -> np.ndarray:
        """Column of each row, or UNASSIGNED; see Planner."""
        chosen = np.full(len(costs), UNASSIGNED, dtype=np.int64)
        free = costs.copy()
        for row in range(len(costs)):
            if free.shape[1] and np.isfinite(free[row].min()):
                chosen[row] = int(np.argmin(free[row]))
                free[:, chosen[row]] = np.inf
        return chosen

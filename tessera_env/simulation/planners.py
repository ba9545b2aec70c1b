"""Which displaced task goes to which instance: planners, small and exchangeable."""

from typing import Protocol

import numpy as np
from scipy.optimize import linear_sum_assignment

UNASSIGNED = -1


class Planner(Protocol):
    """Assigns displaced tasks to instances."""

    def __call__(self, costs: np.ndarray) -> np.ndarray:
        """Column of each row, or UNASSIGNED.

        The deadline guard's promise needs a planner that leaves no row unassigned that could be assigned, as
        Kuhn-Munkres does: whoever gets no instance waits for a whole decision interval.

        Args:
            costs: (n, m) float64, seconds until task i runs again on instance j; infinite where it does not fit the
                memory, or where on-demand would make a guarded task late that need not be.
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


def checked_columns(columns: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """What a planner answered, (n,) int64, after making sure that it can be carried out.

    Raises:
        ValueError: it is not one column a row, names a column twice or out of range, or a pair that does not fit.
    """
    columns = np.asarray(columns)
    tasks, instances = costs.shape
    if columns.shape != (tasks,) or not np.issubdtype(columns.dtype, np.integer):
        raise ValueError(f"planner: {columns.dtype} of shape {columns.shape} (allowed: integers of shape ({tasks},))")
    rows = np.flatnonzero(columns != UNASSIGNED)
    taken = columns[rows].tolist()
    if taken and not 0 <= min(taken) <= max(taken) < instances:
        raise ValueError(f"planner: columns {columns.tolist()} (allowed: {UNASSIGNED} to {instances - 1})")
    if len(set(taken)) < len(taken):
        raise ValueError(f"planner: columns {columns.tolist()} (allowed: each column once)")
    if not np.isfinite(costs[rows, taken]).all():
        raise ValueError(f"planner: columns {columns.tolist()} (allowed: pairs of finite cost)")
    return columns.astype(np.int64)

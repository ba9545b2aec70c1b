"""The linear programme of a plan: hours of each task on spot and on on-demand, in bins of time from now on."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

LATER = 1e-3
SOON = 1e-3  # of a price: so much an hour of spot is better a day earlier, and one of on-demand a day later


@dataclass(frozen=True)
class Demand:
    """What is to be done: n tasks, or lots of them that are alike; (n,) each unless told otherwise.

    Attributes:
        count: how many tasks a lot is; 1 for a task.
        work_h: of all of them.
        from_h: from when on they can work, hours from now.
        until_h: until when their work must be done.
        interactive: whether each hour without them costs.
        undone_usd_per_h: what work costs that is not done in time, or an hour without an INTERACTIVE one.
        on_demand_usd_per_h: the least that fits.
        fits: (n, G) whether spot of a group of pools fits.
        gain: (n, G) work done in an hour of spot there, what interruptions cost taken off.
        stay_spot_usd: what it is worth that it is on spot, in the first bin; 0: it is not.
        stay_on_demand_usd: likewise on on-demand.
    """

    count: np.ndarray
    work_h: np.ndarray
    from_h: np.ndarray
    until_h: np.ndarray
    interactive: np.ndarray
    undone_usd_per_h: np.ndarray
    on_demand_usd_per_h: np.ndarray
    fits: np.ndarray
    gain: np.ndarray
    stay_spot_usd: np.ndarray
    stay_on_demand_usd: np.ndarray


@dataclass(frozen=True)
class Supply:
    """What is expected: G groups of like pools in each bin.

    Attributes:
        edges_h: (bins + 1,) of the bins, from 0 = now.
        capacity: (G, bins) spot instances.
        spot_usd_per_h: (G, bins).
    """

    edges_h: np.ndarray
    capacity: np.ndarray
    spot_usd_per_h: np.ndarray


@dataclass(frozen=True)
class Plan:
    """What each task has, and could have worked.

    Attributes:
        spot_h: (n, bins) on spot.
        on_demand_h: (n, bins).
        open_h: (n, bins) in which it could work.
    """

    spot_h: np.ndarray
    on_demand_h: np.ndarray
    open_h: np.ndarray


def solve(demand: Demand, supply: Supply) -> Plan:
    """The plan of least cost.

    Raises:
        RuntimeError: the solver gave up.
    """
    n, bins, groups = len(demand.work_h), len(supply.edges_h) - 1, len(supply.capacity)
    starts_h, ends_h = supply.edges_h[:-1], supply.edges_h[1:]
    open_h = np.clip(
        np.minimum(ends_h, demand.until_h[:, None]) - np.maximum(starts_h, demand.from_h[:, None]), 0.0, None
    )
    open_h = open_h * demand.count[:, None]  # (n, bins)
    must_h = _must_h(demand, starts_h, ends_h)  # (n, bins)
    runs = np.where(must_h > 0.0, 1.0, 0.0)

    spot = np.arange(n * groups * bins).reshape(n, groups, bins)
    bought = spot.size + np.arange(n * bins).reshape(n, bins)
    down = bought.max(initial=-1) + 1 + np.arange(n * bins).reshape(n, bins)
    undone = down.max(initial=-1) + 1 + np.arange(n)

    days = (starts_h + ends_h) / 48.0
    usd = np.zeros(undone.max(initial=-1) + 1)
    spot_usd = np.broadcast_to(supply.spot_usd_per_h * (1.0 + SOON * days), (n, groups, bins)).copy()
    spot_usd[:, :, 0] -= (demand.stay_spot_usd / (ends_h[0] - starts_h[0]))[:, None]
    bought_usd = demand.on_demand_usd_per_h[:, None] * (1.0 - LATER * days)
    bought_usd[:, 0] -= demand.stay_on_demand_usd / (ends_h[0] - starts_h[0])
    usd[spot], usd[bought] = spot_usd, bought_usd
    usd[down], usd[undone] = demand.undone_usd_per_h[:, None], demand.undone_usd_per_h
    upper = np.zeros(len(usd))
    upper[spot] = open_h[:, None, :] * demand.fits[:, :, None]
    upper[bought], upper[down], upper[undone] = open_h, must_h, demand.work_h

    work_rows = np.arange(n)
    time_rows = n + np.arange(n * bins).reshape(n, bins)
    must_rows = time_rows + n * bins
    room_rows = n + 2 * n * bins + np.arange(groups * bins).reshape(groups, bins)
    entries = [
        (work_rows[:, None, None], spot, -demand.gain[:, :, None]),
        (work_rows[:, None], bought, -1.0),
        (work_rows, undone, -1.0),
        (time_rows[:, None, :], spot, 1.0),
        (time_rows, bought, 1.0),
        (must_rows[:, None, :], spot, -runs[:, None, :]),
        (must_rows, bought, -runs),
        (must_rows, down, -runs),
        (room_rows[None], spot, 1.0),
    ]
    limits = np.concatenate(
        (-demand.work_h, open_h.ravel(), -must_h.ravel(), (supply.capacity * (ends_h - starts_h)).ravel())
    )
    hours = _least(usd, upper, limits, entries)
    return Plan(hours[spot].sum(axis=1), hours[bought], open_h)


def _must_h(demand: Demand, starts_h: np.ndarray, ends_h: np.ndarray) -> np.ndarray:
    """(n, bins) the hours in each bin in which an INTERACTIVE task would run if it ran from its arrival on."""
    each_h = (demand.work_h / np.maximum(demand.count, 1e-9))[:, None]

    def run_h(at_h: np.ndarray) -> np.ndarray:
        return np.minimum(np.clip(at_h - demand.from_h[:, None], 0.0, None), each_h)

    return (run_h(ends_h) - run_h(starts_h)) * (demand.count * demand.interactive)[:, None]


def _least(usd: np.ndarray, upper: np.ndarray, limits: np.ndarray, entries: list) -> np.ndarray:
    """The columns, between 0 and `upper`, of least dollars whose rows keep to their limits."""
    rows, columns, factors = (
        np.concatenate([part.ravel() for part in parts])
        for parts in zip(*(np.broadcast_arrays(*entry) for entry in entries), strict=True)
    )
    used = (upper[columns] > 0.0) & (factors != 0.0)  # what is always 0 need not be solved for
    matrix = sparse.csr_array((factors[used], (rows[used], columns[used])), shape=(len(limits), len(usd)))
    kept = np.flatnonzero(upper > 0.0)
    needed = np.flatnonzero(np.diff(matrix.indptr))
    found = linprog(
        usd[kept],
        A_ub=matrix[needed][:, kept],
        b_ub=limits[needed],
        bounds=np.column_stack((np.zeros(len(kept)), upper[kept])),
        method="highs",
    )
    if found.status != 0:
        raise RuntimeError(f"the plan was not found: {found.message}")
    hours = np.zeros(len(usd))
    hours[kept] = found.x
    return hours

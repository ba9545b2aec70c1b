"""The linear programme of a plan: hours of each task on spot and on on-demand, in bins of time from now on."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

_SOON = 1e-3  # of a price: so much an hour of spot is better a day earlier, and one of on-demand a day later


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


class _Columns(NamedTuple):
    """The numbers of the programme's columns, each of them hours."""

    spot: np.ndarray  # (n, G, bins)
    on_demand: np.ndarray  # (n, bins)
    down: np.ndarray  # (n, bins) an INTERACTIVE task does not run
    undone: np.ndarray  # (n,) of work
    total: int


class _Entry(NamedTuple):
    """An hour of these columns counts so much in these rows; all of one shape, once they are broadcast."""

    rows: np.ndarray
    columns: np.ndarray
    factors: np.ndarray | float


def solve(demand: Demand, supply: Supply) -> Plan:
    """The plan of least cost.

    Raises:
        RuntimeError: the solver gave up.
    """
    open_h, must_h = _open_h(demand, supply), _must_h(demand, supply)
    columns = _columns(len(demand.work_h), *supply.capacity.shape)
    limits, entries = _rows(demand, supply, columns, open_h, must_h)
    hours = _least(_usd(demand, supply, columns), _upper(demand, columns, open_h, must_h), limits, entries)
    return Plan(hours[columns.spot].sum(axis=1), hours[columns.on_demand], open_h)


def _open_h(demand: Demand, supply: Supply) -> np.ndarray:
    """(n, bins) hours in which a task can work, or a lot's tasks together."""
    until_h = np.minimum(supply.edges_h[1:], demand.until_h[:, None])
    from_h = np.maximum(supply.edges_h[:-1], demand.from_h[:, None])
    return np.maximum(until_h - from_h, 0.0) * demand.count[:, None]


def _must_h(demand: Demand, supply: Supply) -> np.ndarray:
    """(n, bins) the hours in each bin in which INTERACTIVE tasks would run if they ran from their arrival on."""
    work_h = (demand.work_h / demand.count)[:, None]
    run_h = np.clip(supply.edges_h - demand.from_h[:, None], 0.0, work_h)
    return np.diff(run_h, axis=1) * (demand.count * demand.interactive)[:, None]


def _columns(n: int, groups: int, bins: int) -> _Columns:
    sizes = {"spot": (n, groups, bins), "on_demand": (n, bins), "down": (n, bins), "undone": (n,)}
    ends = np.cumsum([np.prod(size) for size in sizes.values()])
    parts = np.split(np.arange(ends[-1]), ends[:-1])
    named = {name: part.reshape(size) for (name, size), part in zip(sizes.items(), parts, strict=True)}
    return _Columns(**named, total=int(ends[-1]))


def _usd(demand: Demand, supply: Supply, columns: _Columns) -> np.ndarray:
    """What an hour of each column costs."""
    usd, first_h = np.empty(columns.total), supply.edges_h[1] - supply.edges_h[0]
    days = (supply.edges_h[:-1] + supply.edges_h[1:]) / 48.0
    usd[columns.spot] = supply.spot_usd_per_h * (1.0 + _SOON * days)
    usd[columns.spot[:, :, 0]] -= (demand.stay_spot_usd / first_h)[:, None]
    usd[columns.on_demand] = demand.on_demand_usd_per_h[:, None] * (1.0 - _SOON * days)
    usd[columns.on_demand[:, 0]] -= demand.stay_on_demand_usd / first_h
    usd[columns.down] = demand.undone_usd_per_h[:, None]
    usd[columns.undone] = demand.undone_usd_per_h
    return usd


def _upper(demand: Demand, columns: _Columns, open_h: np.ndarray, must_h: np.ndarray) -> np.ndarray:
    """How many hours there can be at most of each column."""
    upper = np.empty(columns.total)
    upper[columns.spot] = open_h[:, None, :] * demand.fits[:, :, None]
    upper[columns.on_demand], upper[columns.down] = open_h, must_h
    upper[columns.undone] = demand.work_h
    return upper


def _rows(
    demand: Demand, supply: Supply, columns: _Columns, open_h: np.ndarray, must_h: np.ndarray
) -> tuple[np.ndarray, list[_Entry]]:
    """The rows' limits, and what stands in them.

    All work is done or left; a task works no longer than it can; an INTERACTIVE one runs or is down; room is kept to.
    """
    n, groups, bins = columns.spot.shape
    work = np.arange(n)
    time = n + np.arange(n * bins).reshape(n, bins)
    run = time + n * bins
    room = n + 2 * n * bins + np.arange(groups * bins).reshape(groups, bins)
    runs = np.where(must_h > 0.0, -1.0, 0.0)
    room_h = supply.capacity * np.diff(supply.edges_h)
    limits = np.concatenate((-demand.work_h, open_h.ravel(), -must_h.ravel(), room_h.ravel()))
    return limits, [
        _Entry(work[:, None, None], columns.spot, -demand.gain[:, :, None]),
        _Entry(work[:, None], columns.on_demand, -1.0),
        _Entry(work, columns.undone, -1.0),
        _Entry(time[:, None, :], columns.spot, 1.0),
        _Entry(time, columns.on_demand, 1.0),
        _Entry(run[:, None, :], columns.spot, runs[:, None, :]),
        _Entry(run, columns.on_demand, runs),
        _Entry(run, columns.down, runs),
        _Entry(room[None], columns.spot, 1.0),
    ]


def _least(usd: np.ndarray, upper: np.ndarray, limits: np.ndarray, entries: list[_Entry]) -> np.ndarray:
    """The columns, between 0 and `upper`, of least dollars whose rows keep to their limits."""
    rows, columns, factors = (
        np.concatenate([part.ravel() for part in parts])
        for parts in zip(*(np.broadcast_arrays(*entry) for entry in entries), strict=True)
    )
    used = (upper[columns] > 0.0) & (factors != 0.0)  # what is always 0 need not be solved for
    matrix = sparse.csr_array((factors[used], (rows[used], columns[used])), shape=(len(limits), len(usd)))
    kept, needed = np.flatnonzero(upper > 0.0), np.flatnonzero(np.diff(matrix.indptr))
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

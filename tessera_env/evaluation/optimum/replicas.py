"""The least cost of a service for who knows the whole future: how many replicas to hold where in each tick.

Assumed is what SkyServe's published simulator assumes (Mao et al., EuroSys'25): replicas are alike and have no names,
what is held in a tick is paid for the whole tick, starting or ready, a replica is ready once it was held for
`cold_ticks` ticks and in the next, launches never fail while there is capacity, on-demand has no limit, and to let go
costs nothing. The target is met in every tick from `scored_from` on.

The published programme says how many are held and how many are ready. This one is smaller: x replicas of a group are
ready in a tick, and y become ready, at the price of the ticks that they started in. It has the same optimum. What is
held for ready replicas x is the most of x in this tick and the next `cold_ticks`, never more than x and all y of those
ticks, and the same where no rise follows a fall within `cold_ticks`, which holds for all that a holding makes ready.
Capacity is an upper end of x: the least in this tick and the `cold_ticks` before.

*Whole numbers.* What is ready beyond the target can be let go earlier or started later, so with "target not wanted" as
one group more, which costs nothing, exactly the largest target is ready in every tick. As many units then flow from
tick to tick, staying in their group or passing through a hub to another, which costs y: a network, whose corners are
whole. With `most` it is none any more, and the solver has to look for whole numbers.

*Cells.* Ticks in a row in which nothing differs are one cell, but for the last of them: replicas that become ready
within can as well do so at its first tick or at the last one, at the same price, and what is ready be what it is in the
cheapest of its ticks.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tessera_env.evaluation.optimum.programme import Programme
from tessera_env.evaluation.optimum.replica_rows import Cells, Replicas, add_replicas
from tessera_env.evaluation.optimum.service_checks import check_service

_WHOLE = 1e-6  # what the solver leaves of a whole number


class Plan(NamedTuple):
    """What is held and ready in each tick, and what it costs."""

    usd: float  # all ticks
    scored_usd: float  # the ticks from `scored_from` on; of this plan, not the least that these could cost
    held: np.ndarray  # (P, T) spot replicas, starting or ready
    on_demand: np.ndarray  # (T,) on-demand replicas, likewise
    ready: np.ndarray  # (T,) of both


def least_cost(
    capacity: np.ndarray,
    spot_price: np.ndarray,
    on_demand_price: float | np.ndarray,
    target: np.ndarray,
    cold_ticks: int,
    most: int | None,
    scored_from: int,
) -> Plan:
    """The plan that costs the least over all ticks, and is never below target from `scored_from` on.

    Whoever wants the least cost of the scored ticks alone gives prices of 0 before them.

    Args:
        capacity: spot replicas that can be held, (P, T).
        spot_price: dollars of one for a tick, (P, T).
        on_demand_price: likewise, in the cheapest pool; one number, or (T,).
        target: replicas that have to be ready, (T,); not looked at before `scored_from`.
        cold_ticks: ticks that a replica is held before it is ready.
        most: replicas that may be held in a tick in all, starting or ready; none: as many as one likes.
        scored_from: the first tick that counts.

    Raises:
        ValueError: a shape or number that makes no sense; one line that names it.
        RuntimeError: the solver gave up.
    """
    capacity, spot_price, target = (np.asarray(values) for values in (capacity, spot_price, target))
    check_service(capacity, spot_price, np.asarray(on_demand_price), target, cold_ticks, most, scored_from)
    wanted = np.where(np.arange(len(target)) >= scored_from, target, 0)
    price = np.vstack((spot_price, np.broadcast_to(on_demand_price, target.shape))).astype(float)
    scaled = price / (price.max() or 1.0)  # the solver takes what is below 1e-7 for nothing
    ticks = Cells(_room(capacity, wanted, cold_ticks), scaled, _start_usd(scaled, cold_ticks))
    held = _held(_ready(ticks, wanted), cold_ticks)
    if most is not None and held.sum(axis=0).max() > most:
        held = _held(_ready_of_few(ticks, wanted, cold_ticks, most), cold_ticks)
    usd = (price * held).sum(axis=0)
    ready = _ready_of(held, cold_ticks).sum(axis=0)
    return Plan(float(usd.sum()), float(usd[scored_from:].sum()), held[:-1], held[-1], ready)


def _room(capacity: np.ndarray, wanted: np.ndarray, cold_ticks: int) -> np.ndarray:
    """How many replicas can be ready, (P + 1, T), on-demand last; more than are ever wanted are never of use."""
    unlimited = np.full((1, len(wanted)), wanted.max())
    return _ready_of(np.minimum(np.vstack((capacity, unlimited)), wanted.max()), cold_ticks)


def _ready_of(held: np.ndarray, cold_ticks: int) -> np.ndarray:
    """What is ready of those held: the least that was held in this tick and the cold ticks before it."""
    before = np.zeros((len(held), cold_ticks), dtype=held.dtype)
    return sliding_window_view(np.hstack((before, held)), cold_ticks + 1, axis=1).min(axis=-1)


def _held(ready: np.ndarray, cold_ticks: int) -> np.ndarray:
    """What must be held of those ready: the most that is ready in this tick and the cold ticks after it."""
    after = np.zeros((len(ready), cold_ticks), dtype=ready.dtype)
    return sliding_window_view(np.hstack((ready, after)), cold_ticks + 1, axis=1).max(axis=-1)


def _start_usd(price: np.ndarray, cold_ticks: int) -> np.ndarray:
    """What the ticks before a tick cost in which a replica starts that is ready then; 0 where none can be."""
    usd = np.zeros_like(price)
    if 0 < cold_ticks < price.shape[1]:
        # Each window is summed by itself, so that equal ones are equal to the last digit.
        usd[:, cold_ticks:] = sliding_window_view(price, cold_ticks, axis=1)[:, :-1].sum(axis=-1)
    return usd


def _ready(ticks: Cells, wanted: np.ndarray) -> np.ndarray:
    """What is ready of the cheapest plan without limit, (P + 1, T)."""
    starts = _cell_starts(ticks, wanted)
    use_usd = np.add.reduceat(ticks.use_usd, starts, axis=1)
    cells = Cells(ticks.room[:, starts], use_usd, ticks.start_usd[:, starts])
    programme, columns = _programme(cells, wanted[starts])
    lengths = np.diff(np.append(starts, len(wanted)))
    return np.repeat(_whole_numbers(programme)[columns.ready], lengths, axis=1)


def _cell_starts(ticks: Cells, wanted: np.ndarray) -> np.ndarray:
    """The first tick of each cell."""
    figures = np.vstack((*ticks, wanted))
    changes = 1 + np.flatnonzero((np.diff(figures, axis=1) != 0).any(axis=0))
    return np.unique(np.concatenate(([0], changes - 1, changes)))


def _programme(cells: Cells, wanted: np.ndarray) -> tuple[Programme, Replicas]:
    programme = Programme()
    columns = add_replicas(programme, cells)
    programme.enter(programme.rows(-wanted), columns.ready, -1.0)
    programme.enter(programme.rows(np.full(len(wanted), wanted.max())), columns.ready, 1.0)
    return programme, columns


def _whole_numbers(programme: Programme) -> np.ndarray:
    """The least columns in whole numbers; looked for only where they do not come by themselves."""
    columns = programme.least_columns()
    if np.abs(columns - np.rint(columns)).max() > _WHOLE:
        columns = programme.least_columns(whole=True)
    return np.rint(columns).astype(np.int64)


def _ready_of_few(ticks: Cells, wanted: np.ndarray, cold_ticks: int, most: int) -> np.ndarray:
    """What is ready of the cheapest plan that holds no more than `most`, (P + 1, T)."""
    programme, columns = _programme(ticks, wanted)
    rows = programme.rows(np.full(len(wanted), most))
    programme.enter(rows, columns.ready, 1.0)
    for ahead in range(1, min(cold_ticks, len(wanted) - 1) + 1):
        programme.enter(rows[:-ahead], columns.starts[:, ahead:], 1.0)
    return _whole_numbers(programme)[columns.ready]

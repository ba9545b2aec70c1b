"""What a world's market has to offer to those who know it: spells, in which a pool has spot instances, and their hours.

Everything here is at least as good as what the engine gives:

- *Work.* A task works on a spot instance that is held without notice: no more than the pool's capacity at each instant,
  which has announced losses taken out. With `just_in_time` it also works on one that was given notice, for `notice_s`
  at most. Then no more work than the largest capacity of the last `notice_s`: launches need room beside those held and
  those whose lifetime ends, a fall from a to b gives notice to a - b at most, and since the fall counts from `notice_s`
  before it happens, no rise follows within `notice_s` of it. So a launch lives within one spell of that capacity.
- *Price.* An instance costs the integral of the pool's price over the time it is held from its set-up on, or more.
  With `free_first_hour` those that the cloud takes within their first hour are free: the hour before each loss is, and
  all hours where lifetimes end too.
- *Pools that have room for all tasks at all times* and take equally large ones are one pool, with the least price of
  the moment, the shortest set-up and provisioning, the fastest network.
- *Cells.* A spell is cut at bins of time and where its price changes. In a bin with many prices these are put into a
  few cells by rank, each with its least price, open from the first to the last of its pieces.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.simulation.rows import Simulation
from tessera_env.world.parameters import MB_PER_GBIT, new_table

_PRICES = 4  # of a pool in one bin
_ROUNDING_S = 1e-6


class Seller(NamedTuple):
    """Spot instances of a pool, or of several alike: price and capacity hold from each time to the next."""

    time_s: np.ndarray  # (n,) from 0
    usd_per_h: np.ndarray  # (n,)
    capacity: np.ndarray  # (n,)
    setup_s: float
    provisioning_s: float
    mb_per_s: float
    gpu_memory_mb: float


# A stretch of time in which a seller has instances.
SPELL = np.dtype(
    [
        ("start_s", np.float64),
        ("end_s", np.float64),
        ("room_h", np.float64),  # instance-hours
        ("is_scarce", np.bool_),  # whether all tasks together could want more at some time
        ("low_usd_per_h", np.float64),  # the least price that an instance of it can be billed
        ("setup_s", np.float64),  # of its seller, here and below
        ("provisioning_s", np.float64),
        ("mb_per_s", np.float64),
        ("gpu_memory_mb", np.float64),
    ]
)

# A part of a spell, within one bin of time, at one price.
CELL = np.dtype(
    [
        ("spell", np.int64),
        ("bin", np.int64),
        ("start_s", np.float64),
        ("end_s", np.float64),
        ("length_s", np.float64),  # less than from start to end where other prices lie between
        ("room_h", np.float64),  # instance-hours
        ("is_scarce", np.bool_),
        ("usd_per_h", np.float64),
    ]
)


def sellers_of(simulation: Simulation, row: int) -> list[Seller]:
    """Who sells spot instances in the world that the row has just started."""
    count = int(simulation.state.episodes[row].task_count)
    works_on_s = simulation.scenario.notice_s if simulation.scenario.just_in_time else 0.0
    sellers = [seller_of(simulation, row, pool_id, works_on_s) for pool_id in range(len(simulation.scenario.pools))]
    ample: dict[float, list[Seller]] = {}
    for seller in sellers:
        if seller.capacity.min() >= count:
            ample.setdefault(seller.gpu_memory_mb, []).append(seller)
    return [seller for seller in sellers if seller.capacity.min() < count] + [
        _joined(alike) for alike in ample.values()
    ]


def seller_of(simulation: Simulation, row: int, pool_id: int, works_on_s: float) -> Seller:
    """A pool's spot instances in that world, each of which is of use for `works_on_s` after a notice."""
    scenario, state, pool = simulation.scenario, simulation.state, simulation.scenario.pools[pool_id]
    points = np.asarray(state.market[row, pool_id, : state.pools[row, pool_id].point_count])
    times_s, prices, capacities = points["time_s"], points["spot_price"], points["capacity"]
    horizon_s = scenario.horizon_h * HOUR_S
    if scenario.billing.free_first_hour:
        losses_s = times_s[1:][np.diff(capacities) < 0] + scenario.notice_s
        prices = np.zeros_like(prices) if pool.hazard.model != "none" else prices
        price_at_s, prices = _free_before(losses_s, times_s, prices)
    else:
        price_at_s = times_s
    room_at_s, rooms = _largest_of_late(times_s, capacities, works_on_s)
    edges_s = np.union1d(price_at_s, room_at_s)
    edges_s = edges_s[edges_s < horizon_s]
    return Seller(
        time_s=edges_s,
        usd_per_h=_values_at(price_at_s, prices, edges_s),
        capacity=_values_at(room_at_s, rooms, edges_s),
        setup_s=float(state.pools[row, pool_id].setup_s),
        provisioning_s=pool.provisioning_s.lowest,
        mb_per_s=min(pool.bandwidth_gbps, scenario.checkpoint.store_bandwidth_gbps) * MB_PER_GBIT,
        gpu_memory_mb=pool.gpu_memory_mb,
    )


def _values_at(times_s: np.ndarray, values: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """A step function's values, each of which holds from its time to the next."""
    return values[np.searchsorted(times_s, at_s, side="right") - 1]


def _free_before(losses_s: np.ndarray, times_s: np.ndarray, prices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The prices with 0 in the hour before each loss."""
    edges_s = np.unique(np.concatenate((times_s, np.maximum(losses_s - HOUR_S, 0.0), losses_s)))
    upcoming = np.searchsorted(losses_s, edges_s, side="right")
    until_s = np.append(losses_s, np.inf)[upcoming] - edges_s
    return edges_s, np.where(until_s <= HOUR_S + _ROUNDING_S, 0.0, _values_at(times_s, prices, edges_s))


def _largest_of_late(times_s: np.ndarray, values: np.ndarray, span_s: float) -> tuple[np.ndarray, np.ndarray]:
    """The largest value that a step function had within the last `span_s`, as one."""
    changes = np.append(True, np.diff(values) != 0)
    times_s, values = times_s[changes], values[changes]
    if span_s <= 0.0:
        return times_s, values
    edges_s = np.union1d(times_s, times_s + span_s)
    last = np.searchsorted(times_s, edges_s, side="right")
    first = np.searchsorted(np.append(times_s[1:], np.inf), edges_s - span_s + _ROUNDING_S, side="right")
    return edges_s, np.array([values[k:n].max() for k, n in zip(first, last, strict=True)])


def _joined(alike: Sequence[Seller]) -> Seller:
    """Several sellers of ample capacity as one that is as good as the best of them at each instant."""
    edges_s = np.unique(np.concatenate([seller.time_s for seller in alike]))
    prices = np.array([_values_at(seller.time_s, seller.usd_per_h, edges_s) for seller in alike])
    capacities = np.array([_values_at(seller.time_s, seller.capacity, edges_s) for seller in alike])
    return Seller(
        time_s=edges_s,
        usd_per_h=prices.min(axis=0),
        capacity=capacities.max(axis=0),
        setup_s=min(seller.setup_s for seller in alike),
        provisioning_s=min(seller.provisioning_s for seller in alike),
        mb_per_s=max(seller.mb_per_s for seller in alike),
        gpu_memory_mb=alike[0].gpu_memory_mb,
    )


def spot_hours(
    sellers: Sequence[Seller], edges_s: np.ndarray, task_count: int, billing_minimum_s: float
) -> tuple[np.recarray, np.recarray]:
    """All spells and all cells, as (S,) SPELL and (C,) CELL.

    Args:
        sellers: who sells.
        edges_s: (bins + 1,) of the bins, from 0 to the horizon.
        task_count: how many instances could be wanted at most.
        billing_minimum_s: an instance may be billed this long, beyond its spell's end too.
    """
    spells, cells = [new_table(0, SPELL)], [new_table(0, CELL)]
    for seller in sellers:
        pieces = _pieces(seller, edges_s)
        pieces.is_scarce = pieces.room_h * HOUR_S < task_count * pieces.length_s
        pieces.spell += sum(map(len, spells))
        pieces = pieces[pieces.room_h > 0.0].view(np.recarray)
        if len(pieces):
            spells.append(_spells(seller, pieces, billing_minimum_s))
            cells.append(_ranked(pieces))
    return np.concatenate(spells).view(np.recarray), np.concatenate(cells).view(np.recarray)


def _pieces(seller: Seller, edges_s: np.ndarray) -> np.recarray:
    """The seller's whole time, cut wherever anything changes, with the number of the spell that is on or comes next."""
    times_s = np.union1d(seller.time_s, edges_s)
    pieces = new_table(len(times_s) - 1, CELL)
    pieces.start_s, pieces.end_s, pieces.length_s = times_s[:-1], times_s[1:], np.diff(times_s)
    pieces.bin = np.searchsorted(edges_s, pieces.start_s, side="right") - 1
    capacity = _values_at(seller.time_s, seller.capacity, pieces.start_s)
    pieces.room_h = capacity * pieces.length_s / HOUR_S
    pieces.spell = np.cumsum((capacity == 0) & (np.append(0, capacity[:-1]) > 0))
    pieces.usd_per_h = _values_at(seller.time_s, seller.usd_per_h, pieces.start_s)
    return pieces


def _spells(seller: Seller, pieces: np.recarray, billing_minimum_s: float) -> np.recarray:
    """One spell of each number among the pieces."""
    firsts = _firsts(pieces.spell)
    spells = new_table(len(firsts), SPELL)
    spells.start_s, spells.end_s = pieces.start_s[firsts], np.append(pieces.end_s[firsts[1:] - 1], pieces.end_s[-1])
    spells.room_h = np.add.reduceat(pieces.room_h, firsts)
    spells.is_scarce = np.logical_or.reduceat(pieces.is_scarce, firsts)
    ends = np.searchsorted(seller.time_s, spells.end_s + billing_minimum_s)
    starts = np.searchsorted(seller.time_s, spells.start_s, side="right") - 1
    spells.low_usd_per_h = [seller.usd_per_h[k:n].min() for k, n in zip(starts, ends, strict=True)]
    for name in ("setup_s", "provisioning_s", "mb_per_s", "gpu_memory_mb"):
        spells[name] = getattr(seller, name)
    return spells


def _firsts(numbers: np.ndarray) -> np.ndarray:
    """Where another number begins."""
    return np.flatnonzero(np.append(True, np.diff(numbers) != 0))


def _ranked(pieces: np.recarray) -> np.recarray:
    """The pieces as cells: those of one spell and bin together where they are many, by the rank of their prices."""
    pieces = pieces[np.lexsort((pieces.usd_per_h, pieces.bin, pieces.spell))].view(np.recarray)
    groups = _firsts(pieces.spell * (pieces.bin.max() + 1) + pieces.bin)
    counts = np.diff(np.append(groups, len(pieces)))
    group = np.repeat(np.arange(len(groups)), counts)
    rank = np.arange(len(pieces)) - groups[group]
    level = np.where(counts[group] > _PRICES, rank * _PRICES // counts[group], rank)
    firsts = _firsts(group * (_PRICES + 1) + level)
    cells = pieces[firsts].copy()  # the first has the least price
    for name in ("length_s", "room_h"):
        cells[name] = np.add.reduceat(pieces[name], firsts)
    cells.start_s = np.minimum.reduceat(pieces.start_s, firsts)
    cells.end_s = np.maximum.reduceat(pieces.end_s, firsts)
    cells.is_scarce = np.logical_or.reduceat(pieces.is_scarce, firsts)
    return cells.view(np.recarray)

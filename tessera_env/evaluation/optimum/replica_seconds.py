"""A lower bound of what a service costs where nothing keeps to ticks: replicas in continuous time.

Time is cut where a price or capacity changes, once more a set-up and a cold start later, and where the target changes.
The programme has the mean number r of ready replicas of each offer in each cell, and for each edge between cells the
number w that become ready about there. What any policy does satisfies it, at no more than what it pays:

- *Room.* Who is ready was held for the whole cold start before: r is no more than the least capacity of that time,
  which is the same throughout a cell. More than the largest target, of one offer, can be left out: it only costs.
- *Starts.* A replica that becomes ready with a share f of a cell behind it counts 1 - f at the cell's first edge and f
  at its last. The mean of a cell exceeds what is ready at its first edge by the sum of its 1 - f or less, and what is
  ready at its last edge exceeds the mean by the sum of its f or less. So from cell to cell r grows by w or less.
- *Price.* Who is ready pays the price of the moment, which is the same throughout a cell. Who becomes ready has paid
  for the set-up: the price's integral over the time before, which is linear in the moment within a cell, so that
  counting 1 - f and f at what it is at the edges gives just that.
- *Target.* Let v be the share of a cell in which as many are ready as the target says. On that part, s <= r of each
  offer, its room times v at most, make up the target times v. The time without, 1 - v, is a share of the scored time
  of `1 - availability` at most.

Launches that fail, lost lifetimes, minimum bills, whole billed seconds and idle replicas only cost a policy more. Where
a lost replica may be had for nothing (a free first hour), the price must be 0.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tessera_env.evaluation.optimum.programme import Programme
from tessera_env.evaluation.optimum.replica_rows import Cells, Replicas, add_replicas
from tessera_env.evaluation.optimum.service_checks import check_counts, check_prices
from tessera_env.files.numbers import exact
from tessera_env.recordings.traces.series import HOUR_S

_SLIVER_S = 1e-6  # a shorter cell is one of rounding


class Offer(NamedTuple):
    """Spot instances of a pool, or on-demand: price and capacity hold from each time to the next."""

    time_s: np.ndarray  # (n,) from 0, rising
    usd_per_h: np.ndarray  # (n,)
    capacity: np.ndarray  # (n,) that can be held, until the grace period's end where there is a notice
    boot_s: float  # not billed; the shortest
    setup_s: float  # billed; the shortest


class Demand(NamedTuple):
    """Replicas that have to be ready from each time to the next."""

    time_s: np.ndarray  # (n,) from 0, rising
    replicas: np.ndarray  # (n,)


def service_bound_usd(
    offers: Sequence[Offer], target: Demand, from_s: float, until_s: float, availability: float = 1.0
) -> float:
    """No policy that has the target ready for this share of the time from `from_s` on pays less, from 0 to `until_s`.

    Args:
        offers: all that there is to be had, on-demand too.
        target: how many have to be ready.
        from_s: when it starts to count; the first cold start's end, or later.
        until_s: when it ends.
        availability: the least share of that time in which the target is met.

    Raises:
        ValueError: a figure that makes no sense; one line that names it.
        RuntimeError: the solver gave up, or no policy could do it.
    """
    _check(offers, target, from_s, until_s, availability)
    edges_s = _edges_s(offers, target, from_s, until_s)
    lengths_s, middles_s = np.diff(edges_s), (edges_s[:-1] + edges_s[1:]) / 2.0
    is_sliver = lengths_s < _SLIVER_S
    wanted = np.where((middles_s >= from_s) & ~is_sliver, _at(target.time_s, target.replicas, middles_s), 0)
    programme = Programme()
    cells = _cells(offers, edges_s, is_sliver, int(wanted.max()))
    scale_usd = cells.use_usd.max() or 1.0  # the solver takes what is below 1e-7 for nothing
    scaled = cells._replace(use_usd=cells.use_usd / scale_usd, start_usd=cells.start_usd / scale_usd)
    replicas = add_replicas(programme, scaled)
    if availability == 1.0:
        programme.enter(programme.rows(-wanted), replicas.ready, -1.0)
    else:
        scored_s = np.where(middles_s >= from_s, lengths_s, 0.0)
        _add_shares(programme, cells, replicas, wanted, scored_s, availability)
    return max(programme.least_usd(), 0.0) * float(scale_usd)


def _at(time_s: np.ndarray, values: np.ndarray, moments_s: np.ndarray) -> np.ndarray:
    return np.asarray(values)[np.maximum(np.searchsorted(time_s, moments_s, side="right") - 1, 0)]


def _edges_s(offers: Sequence[Offer], target: Demand, from_s: float, until_s: float) -> np.ndarray:
    """Where cells begin and end."""
    edges = [np.array([0.0, from_s, until_s]), target.time_s]
    for offer in offers:
        edges += [offer.time_s, offer.time_s + offer.setup_s, offer.time_s + (offer.boot_s + offer.setup_s)]
    edges_s = np.unique(np.concatenate(edges))
    return edges_s[(edges_s >= 0.0) & (edges_s <= until_s)]


def _cells(offers: Sequence[Offer], edges_s: np.ndarray, is_sliver: np.ndarray, highest: int) -> Cells:
    """The offers between the edges; of a sliver nothing is certain, so there all is for nothing."""
    room = np.where(is_sliver, highest, [np.minimum(_room(offer, edges_s), highest) for offer in offers])
    price = np.stack([_at(offer.time_s, offer.usd_per_h, edges_s[:-1]) for offer in offers])
    setup_usd = np.stack([np.maximum(_setup_usd(offer, edges_s), 0.0) for offer in offers])
    return Cells(room, price * np.where(is_sliver, 0.0, np.diff(edges_s)) / HOUR_S, setup_usd)


def _room(offer: Offer, edges_s: np.ndarray) -> np.ndarray:
    """The least capacity of the cold start before each cell's middle; nothing is held before 0."""
    middles_s = (edges_s[:-1] + edges_s[1:]) / 2.0
    begin_s = middles_s - (offer.boot_s + offer.setup_s)
    first = np.maximum(np.searchsorted(offer.time_s, begin_s, side="right") - 1, 0)
    last = np.searchsorted(offer.time_s, middles_s, side="right")
    capacity = np.append(offer.capacity, 0)  # a stretch that ends with the last piece has to end before something
    least = np.minimum.reduceat(capacity, np.column_stack((first, last)).ravel())[::2]
    return np.where(begin_s >= 0.0, least, 0)


def _setup_usd(offer: Offer, edges_s: np.ndarray) -> np.ndarray:
    """What the set-up has cost who becomes ready at each cell's first edge."""
    paid_usd = np.append(0.0, np.cumsum(np.diff(offer.time_s) * offer.usd_per_h[:-1])) / HOUR_S

    def until_usd(moments_s: np.ndarray) -> np.ndarray:
        piece = np.searchsorted(offer.time_s, moments_s, side="right") - 1
        return paid_usd[piece] + (moments_s - offer.time_s[piece]) * offer.usd_per_h[piece] / HOUR_S

    return until_usd(edges_s[:-1]) - until_usd(np.maximum(edges_s[:-1] - offer.setup_s, 0.0))


def _add_shares(
    programme: Programme,
    cells: Cells,
    replicas: Replicas,
    wanted: np.ndarray,
    scored_s: np.ndarray,
    availability: float,
) -> None:
    """The share of each cell in which the target is met, and who meets it."""
    met = programme.columns(np.zeros(len(wanted)), 1.0)
    serving = programme.columns(np.zeros(cells.room.size), cells.room.ravel()).reshape(cells.room.shape)
    for there, factors in ((replicas.ready, 1.0), (met, cells.room)):
        rows = programme.rows(np.zeros(cells.room.size)).reshape(cells.room.shape)
        programme.enter(rows, serving, 1.0)
        programme.enter(rows, there, -factors)
    rows = programme.rows(np.zeros(len(wanted)))
    programme.enter(rows, met, wanted)
    programme.enter(rows, serving, -1.0)
    programme.at_most(-availability * scored_s.sum(), (met, -scored_s))


def _check(offers: Sequence[Offer], target: Demand, from_s: float, until_s: float, availability: float) -> None:
    if not offers:
        raise ValueError("offers: none (allowed: one or more)")
    if not 0.0 <= from_s < until_s < np.inf:
        raise ValueError(f"from_s: {exact(from_s)} (allowed: 0 or more, and less than until_s = {exact(until_s)})")
    if not 0.0 <= availability <= 1.0:
        raise ValueError(f"availability: {exact(availability)} (allowed: 0 to 1)")
    _check_times("target", target.time_s)
    _check_length("target.replicas", target.replicas, target.time_s)
    check_counts("target.replicas", np.asarray(target.replicas))
    for index, offer in enumerate(offers):
        field = f"offers.{index}"
        _check_times(field, offer.time_s)
        for name in ("capacity", "usd_per_h"):
            _check_length(f"{field}.{name}", getattr(offer, name), offer.time_s)
        check_counts(f"{field}.capacity", np.asarray(offer.capacity))
        check_prices(f"{field}.usd_per_h", np.asarray(offer.usd_per_h))
        for name in ("boot_s", "setup_s"):
            if not 0.0 <= getattr(offer, name) < np.inf:
                raise ValueError(f"{field}.{name}: {exact(getattr(offer, name))} (allowed: 0 or more)")


def _check_times(field: str, time_s: np.ndarray) -> None:
    rising = len(time_s) and time_s[0] == 0.0 and np.isfinite(time_s).all() and (np.diff(time_s) > 0.0).all()
    if not rising:
        raise ValueError(f"{field}.time_s: {np.asarray(time_s).tolist()[:3]} (allowed: times from 0 that rise)")


def _check_length(field: str, values: np.ndarray, time_s: np.ndarray) -> None:
    if np.shape(values) != np.shape(time_s):
        raise ValueError(f"{field}: shape {np.shape(values)} (allowed: {np.shape(time_s)}, that of time_s)")

"""What a service can hold, as cells of time: cut where a price or a capacity changes, and once more a cold start later.

Throughout a cell the price of who is ready is the same, so is the capacity that there was all through a cold start
before, and what a set-up cost who becomes ready is linear in the moment.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tessera_env.evaluation.optimum.replica_rows import Cells
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


class Timeline(NamedTuple):
    """The cells, what is wanted in them, and how much of that counts; n cells."""

    cells: Cells
    wanted: np.ndarray  # (n,) replicas that have to be ready; 0 before it counts
    lengths_s: np.ndarray  # (n,)
    scored_s: np.ndarray  # (n,) of its length, what counts


def timeline_of(offers: Sequence[Offer], target: Demand, from_s: float, until_s: float) -> Timeline:
    """The cells from 0 to `until_s`, of which those from `from_s` on count.

    Raises:
        ValueError: a figure that makes no sense; one line that names it.
    """
    _check(offers, target, from_s, until_s)
    edges_s = _edges_s(offers, target, from_s, until_s)
    lengths_s, middles_s = np.diff(edges_s), (edges_s[:-1] + edges_s[1:]) / 2.0
    is_sliver, counts = lengths_s < _SLIVER_S, middles_s >= from_s
    wanted = np.where(counts & ~is_sliver, _at(target.time_s, target.replicas, middles_s), 0)
    cells = _cells(offers, edges_s, is_sliver, int(wanted.max()))
    return Timeline(cells, wanted, lengths_s, np.where(counts, lengths_s, 0.0))


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


def _check(offers: Sequence[Offer], target: Demand, from_s: float, until_s: float) -> None:
    if not offers:
        raise ValueError("offers: none (allowed: one or more)")
    if not 0.0 <= from_s < until_s < np.inf:
        raise ValueError(f"from_s: {exact(from_s)} (allowed: 0 or more, and less than until_s = {exact(until_s)})")
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

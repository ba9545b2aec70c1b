"""What a recorded spot market is like: its spells with and without capacity, its losses, its price."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tessera_env.recordings.traces.series import HOUR_S, Series

Floats = NDArray[np.float64]

DAY_S = 24 * HOUR_S
_MOST_STEPS = 5_000_000  # samples that the correlation looks at; a trace with fractions of seconds may have more


@dataclass(frozen=True, eq=False)
class Spells:
    """Lengths of times with capacity (up) and without (down), in seconds, in the order in which they came.

    The first and the last spell are left out: the recording cut them, so their lengths are not known.
    """

    up_s: Floats  # (n,)
    down_s: Floats  # (m,)


@dataclass(frozen=True)
class Levels:
    """How many instances there were while there were any."""

    most: int
    partial_share: float  # of the time up, with fewer
    stay_s: float  # mean stay at a number below the most; 0: there is none


@dataclass(frozen=True)
class PriceStatistics:
    """A recorded price; means are over time, so a price counts by how long it held."""

    mean: float  # $/h
    variation: float  # coefficient of variation: standard deviation / mean
    lowest: float  # $/h
    highest: float  # $/h
    changes_per_day: float
    interruption_correlation: float | None  # None where price or loss never varies


@dataclass(frozen=True, eq=False)
class SeriesStatistics:
    """One zone's figures."""

    name: str
    hours: float
    share_available: float  # of the time, at least one instance was to be had
    losses_per_day: float  # falls of the capacity to 0
    spells: Spells
    price: PriceStatistics | None


def statistics_of(series: Series) -> SeriesStatistics:
    """All figures of one series."""
    lengths_s = held_s(series)
    up = series.capacity > 0
    return SeriesStatistics(
        name=series.name,
        hours=series.end_s / HOUR_S,
        share_available=float(np.sum(lengths_s[up]) / series.end_s),
        losses_per_day=float(np.sum(up[:-1] & ~up[1:]) / (series.end_s / DAY_S)),
        spells=spells_of(series),
        price=price_statistics(series),
    )


def held_s(series: Series) -> Floats:
    """How long each change point holds, (n,) seconds."""
    return np.diff(series.time_s, append=series.end_s)


def spells_of(series: Series) -> Spells:
    """The complete spells."""
    return complete_spells(series.time_s, series.capacity)


def levels_of(series: Series) -> Levels:
    """Of the whole recording; stays that it cuts are as long as they are seen."""
    lengths_s, most = held_s(series), int(series.capacity.max(initial=0))
    partial = (series.capacity > 0) & (series.capacity < most)
    begins = np.diff(series.capacity, prepend=-1) != 0
    partial_s, up_s = lengths_s[partial].sum(), lengths_s[series.capacity > 0].sum()
    stays = np.count_nonzero(begins & partial)
    return Levels(most, float(partial_s / up_s) if up_s else 0.0, float(partial_s / stays) if stays else 0.0)


def complete_spells(time_s: Floats, capacity: NDArray[np.int64]) -> Spells:
    """Spells between the first and the last time at which capacity comes or goes.

    Args:
        time_s: (n,) when the capacity changes.
        capacity: (n,) from then on.
    """
    up = capacity > 0
    turns = np.flatnonzero(up[1:] != up[:-1]) + 1
    lengths_s = np.diff(time_s[turns])
    is_up = up[turns[:-1]]
    return Spells(up_s=lengths_s[is_up], down_s=lengths_s[~is_up])


def price_statistics(series: Series) -> PriceStatistics | None:
    """Figures of the price; none where none was recorded."""
    if series.price is None:
        return None
    mean = float(np.average(series.price, weights=held_s(series)))
    deviation = math.sqrt(float(np.average((series.price - mean) ** 2, weights=held_s(series))))
    return PriceStatistics(
        mean=mean,
        variation=deviation / mean if mean > 0.0 else 0.0,
        lowest=float(series.price.min()),
        highest=float(series.price.max()),
        changes_per_day=float(np.count_nonzero(np.diff(series.price)) / (series.end_s / DAY_S)),
        interruption_correlation=interruption_correlation(series),
    )


def interruption_correlation(series: Series) -> float | None:
    """Pearson's correlation of price and interruption over all samples with capacity.

    A sample's price is paired with 1 if the next sample has no capacity and with 0 if it has: so this asks whether
    capacity that is there at a high price is lost sooner. None where one of the two never varies.
    """
    steps = int(series.end_s // series.sample_s)
    if series.price is None or not 2 <= steps <= _MOST_STEPS:
        return None
    rows = np.searchsorted(series.time_s, np.arange(steps) * series.sample_s, side="right") - 1
    up, price = series.capacity[rows] > 0, series.price[rows]
    held = up[:-1]
    lost, paid = (~up[1:][held]).astype(np.float64), price[:-1][held]
    if held.sum() < 2 or np.ptp(lost) == 0.0 or np.ptp(paid) == 0.0:
        return None
    return float(np.corrcoef(paid, lost)[0, 1])


def survival(lengths_s: Floats) -> tuple[Floats, Floats]:
    """(length, share of spells at least that long), at each length that occurs, ascending."""
    lengths, counts = np.unique(lengths_s, return_counts=True)
    longer = counts[::-1].cumsum()[::-1]
    return lengths, longer / max(len(lengths_s), 1)

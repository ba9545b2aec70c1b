"""One recorded pool of a spot market, as change points that can be replayed."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Polarity = Literal["available", "unavailable"]  # what a 1 means
NAMEABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")  # as scenarios name zones
NAMEABLE_WORDS = "letters, digits and _ . : - only, a letter or digit first, to be named in a scenario"
PRINTABLE_WORDS = "a name of 1 to 100 printable characters"
HOUR_S = 3600.0  # recordings and scenarios are in hours, series and the engine in seconds
MAX_COUNT = 1_000_000
MAX_PRICE = 10_000.0


def is_printable(name: str) -> bool:
    """Whether a series may have the name: control characters would reach the terminal with every message."""
    return 1 <= len(name) <= 100 and name.isprintable()


class TraceError(ValueError):
    """A trace that cannot be used; its text has one line a problem."""


@dataclass(frozen=True, eq=False)
class Series:
    """One recorded pool: n change points, each holding until the next; arrays that are read are read-only."""

    name: str
    time_s: NDArray[np.float64]  # (n,) rising strictly from 0
    capacity: NDArray[np.int64]  # (n,) instances to be had
    price: NDArray[np.float64] | None  # (n,) $/h; None where none was recorded
    end_s: float  # the last point holds until here
    sample_s: float  # all times are multiples of this
    last_row_s: float = math.nan  # of what was read, change or not; NaN: it was not read

    @property
    def held_h(self) -> float:
        """How long after its last row or sample its values were taken to hold."""
        return (self.end_s - self.last_row_s) / HOUR_S


def series_of(
    name: str,
    time_s: Sequence[float],
    capacity: Sequence[int],
    price: Sequence[float] | None,
    end_s: float,
    sample_s: float,
) -> Series:
    """Only the points where something changes, as read-only arrays."""
    counts, prices = np.array(capacity, np.int64), None if price is None else np.array(price, np.float64)
    changes = np.ones(len(counts), np.bool_)
    changes[1:] = counts[1:] != counts[:-1]
    if prices is not None:
        changes[1:] |= prices[1:] != prices[:-1]
        prices = _frozen(prices[changes])
    points_s = _frozen(np.array(time_s, np.float64)[changes])
    return Series(name, points_s, _frozen(counts[changes]), prices, end_s, sample_s, time_s[-1])


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """An array that its sharers cannot change."""
    array.setflags(write=False)
    return array

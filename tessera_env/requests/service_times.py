"""How long each of a world's requests takes on a replica."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tessera_env.requests.calling import call
from tessera_env.requests.draws import check_world, fill_exponentials, fill_uniforms
from tessera_env.requests.settings import is_number
from tessera_env.world.random_stream import Purpose


@dataclass(frozen=True)
class Exponential:
    """Exponential with a mean.

    Raises:
        ValueError: the mean is no number from 0 on.
    """

    mean_s: float

    def __post_init__(self):
        _check("mean_s", self.mean_s)


@dataclass(frozen=True)
class Constant:
    """All the same.

    Raises:
        ValueError: the time is no number from 0 on.
    """

    service_s: float

    def __post_init__(self):
        _check("service_s", self.service_s)


@dataclass(frozen=True, eq=False)
class Tokens:
    """Of a language model: `first_s` + tokens in × `per_in_s` + tokens out × `per_out_s`.

    Attributes:
        counts: (rows, 2) tokens in and out, such as a recording's; each request draws one row.

    Raises:
        ValueError: the counts are no such table, or a time is no number from 0 on; one line.
    """

    counts: Any
    first_s: float
    per_in_s: float
    per_out_s: float

    def __post_init__(self):
        for name in ("first_s", "per_in_s", "per_out_s"):
            _check(name, getattr(self, name))
        counts = np.asarray(self.counts)
        if counts.ndim != 2 or counts.shape[1] != 2 or not len(counts) or counts.dtype.kind not in "iuf":
            raise ValueError(f"counts: {counts.dtype} of shape {counts.shape} (allowed: numbers of shape (rows, 2))")
        wrong = ~(np.isfinite(counts) & (counts >= 0)).all(axis=1)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(f"counts.{row}: {counts[row].tolist()} (allowed: numbers from 0 on)")

    @property
    def times_s(self) -> np.ndarray:
        """Of each row."""
        counts = np.asarray(self.counts, dtype=np.float64)
        return self.first_s + counts[:, 0] * self.per_in_s + counts[:, 1] * self.per_out_s


def service_times_of(times: Exponential | Constant | Tokens, count: int, world: np.recarray) -> np.ndarray:
    """The service times of so many requests, s; request k's is the same however many there are.

    Args:
        times: their distribution.
        count: how many.
        world: see `world_of`.

    Raises:
        ValueError: count or world are not allowed; one line.
    """
    check_world(world)
    if not isinstance(count, int | np.integer) or count < 0:
        raise ValueError(f"count: {count!r} (allowed: a whole number from 0 on)")
    values = np.zeros(count)
    if isinstance(times, Constant):
        return values + times.service_s
    if isinstance(times, Exponential):
        call(fill_exponentials, count, world, int(Purpose.SERVICE_TIME), values)
        return values * times.mean_s
    call(fill_uniforms, count, world, int(Purpose.SERVICE_TIME), values)
    rows_s = times.times_s
    return rows_s[(values * len(rows_s)).astype(np.int64)]


def _check(name: str, value: Any) -> None:
    if not is_number(value) or not 0.0 <= value < math.inf:
        raise ValueError(f"{name}: {value!r} (allowed: a number from 0 on)")

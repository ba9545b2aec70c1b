"""When a world's requests come: a Poisson process whose rate is piecewise constant."""

import math
from typing import Any

import numpy as np

from tessera_env.files.numbers import exact
from tessera_env.jit.kernel import Kernel
from tessera_env.requests.calling import call
from tessera_env.requests.draws import check_world
from tessera_env.requests.settings import is_number
from tessera_env.world.parameters import NONE
from tessera_env.world.random_stream import Purpose, exponential

ROOM = 64  # for arrivals beyond those expected, and eight standard deviations
_MOST_EXPECTED = 100_000_000


def arrivals_of(points: Any, until_s: float, world: np.recarray) -> np.ndarray:
    """Sorted arrivals up to the end of the run, s; with a later end the first ones are the same.

    Args:
        points: (m, 2) from which time on, s, there are how many requests a second; before the first one there are none.
        until_s: the end of the run.
        world: see `world_of`.

    Raises:
        ValueError: the points, the end or the world are not allowed; one line.
    """
    rates = _checked(points)
    check_world(world)
    if not is_number(until_s) or not 0.0 < until_s < math.inf:
        raise ValueError(f"until_s: {until_s!r} (allowed: a number above 0)")
    lengths_s = np.diff(np.minimum(rates[:, 0], until_s), append=until_s)
    expected = float((rates[:, 1] * lengths_s).sum())
    if expected > _MOST_EXPECTED:
        raise ValueError(f"points: {expected:.3g} requests expected (allowed: up to {_MOST_EXPECTED})")
    room = max(int(expected + 8.0 * math.sqrt(expected)) + ROOM, 1)
    while True:
        arrivals_s = np.zeros(room)
        count = call(fill_arrivals, room, world, rates, float(until_s), arrivals_s)
        if count != NONE:
            return arrivals_s[:count].copy()
        room *= 2


def _checked(points: Any) -> np.ndarray:
    rates = np.asarray(points)
    if rates.ndim != 2 or rates.shape[1] != 2 or not len(rates) or rates.dtype.kind not in "iuf":
        raise ValueError(
            f"points: {rates.dtype} of shape {rates.shape} (allowed: numbers of shape (m, 2), m from 1 on)"
        )
    rates = rates.astype(np.float64)
    for column, name in enumerate(("time_s", "rate")):
        wrong = ~(np.isfinite(rates[:, column]) & (rates[:, column] >= 0.0))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(f"points.{row}.{name}: {exact(rates[row, column])} (allowed: a number from 0 on)")
    unsorted = np.diff(rates[:, 0], prepend=-1.0) <= 0.0
    if unsorted.any():
        row = int(np.argmax(unsorted))
        raise ValueError(f"points.{row}.time_s: {exact(rates[row, 0])} (allowed: more than the one above it)")
    return rates


def _fill_arrivals(worlds, rates, until_s, arrivals_s) -> int:
    """Write the arrivals down; returns how many, NONE: there is no room for all.

    Inversion: between two arrivals the integral of the rate grows by a unit exponential draw.
    """
    time_s, piece, count = rates[0, 0], 0, 0
    while True:
        wanted = exponential(worlds[0], Purpose.REQUEST, 0, count)
        while piece + 1 < rates.shape[0] and wanted > rates[piece, 1] * (rates[piece + 1, 0] - time_s):
            wanted -= rates[piece, 1] * (rates[piece + 1, 0] - time_s)
            piece += 1
            time_s = rates[piece, 0]
        if rates[piece, 1] == 0.0:
            return count
        time_s += wanted / rates[piece, 1]
        if time_s > until_s:
            return count
        if count == arrivals_s.shape[0]:
            return NONE
        arrivals_s[count] = time_s
        count += 1


fill_arrivals = Kernel(_fill_arrivals)

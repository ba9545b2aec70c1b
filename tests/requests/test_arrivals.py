"""Arrivals of a Poisson process with a piecewise constant rate."""

import math

import numpy as np
import pytest
from scipy.stats import kstest

from tessera_env.requests.arrivals import arrivals_of
from tessera_env.requests.draws import world_of

POINTS = [(10.0, 2.0), (60.0, 0.0), (80.0, 10.0), (100.0, 0.5)]
UNTIL_S = 200.0


def integral(times_s: np.ndarray) -> np.ndarray:
    """Requests expected up to each time."""
    return np.interp(times_s, [0.0, 10.0, 60.0, 80.0, 100.0, 200.0], [0.0, 0.0, 100.0, 100.0, 300.0, 350.0])


@pytest.fixture(scope="module")
def worlds() -> list[np.ndarray]:
    return [arrivals_of(POINTS, UNTIL_S, world_of(1, episode)) for episode in range(60)]


def test_they_are_sorted_and_where_the_rate_is(worlds):
    for arrivals_s in worlds:
        assert (np.diff(arrivals_s) > 0.0).all()
        assert arrivals_s[0] > 10.0 and arrivals_s[-1] <= UNTIL_S
        assert not ((arrivals_s > 60.0) & (arrivals_s < 80.0)).any()


def test_their_number_is_that_of_a_poisson_process(worlds):
    for first_s, last_s in ((0.0, 200.0), (10.0, 60.0), (80.0, 100.0), (100.0, 200.0)):
        expected = float(integral(np.array(last_s)) - integral(np.array(first_s)))
        counts = np.array([((one > first_s) & (one <= last_s)).sum() for one in worlds])
        assert abs(counts.mean() - expected) < 4.0 * math.sqrt(expected / len(worlds))
        spread = (counts.var(ddof=1) / expected - 1.0) * math.sqrt(len(worlds) / 2.0)
        assert abs(spread) < 4.0


def test_the_integral_grows_by_unit_exponential_draws(worlds):
    """Kolmogorov and Smirnov; on a line of time, which forgets the rates, they are rejected."""
    grown = np.concatenate([np.diff(integral(one), prepend=0.0) for one in worlds])
    assert kstest(grown, "expon").pvalue > 1e-4
    on_time = np.concatenate([np.diff(one) for one in worlds])
    assert kstest(on_time / on_time.mean(), "expon").pvalue < 1e-9


def test_a_later_end_changes_none_of_the_first_ones():
    world = world_of(5, 3)
    short, long = arrivals_of(POINTS, 90.0, world), arrivals_of([*POINTS, (150.0, 3.0)], 400.0, world)
    assert (long[: len(short)] == short).all()
    assert len(long) > len(short)


def test_worlds_differ():
    first = arrivals_of(POINTS, UNTIL_S, world_of(5, 3))
    assert (arrivals_of(POINTS, UNTIL_S, world_of(5, 3)) == first).all()
    for other in (world_of(6, 3), world_of(5, 4), world_of(5 + 2**40, 3)):
        assert arrivals_of(POINTS, UNTIL_S, other)[0] != first[0]


def test_more_than_there_was_room_for(monkeypatch):
    """The room is doubled until all fit."""
    expected = arrivals_of([(0.0, 5.0)], 100.0, world_of(2, 0))
    monkeypatch.setattr("tessera_env.requests.arrivals.ROOM", -400)
    assert (arrivals_of([(0.0, 5.0)], 100.0, world_of(2, 0)) == expected).all()


@pytest.mark.parametrize("points", [[(0.0, 0.0)], [(500.0, 3.0)], [(0.0, 0.0), (199.9999999, 0.1)]])
def test_none(points):
    assert arrivals_of(points, UNTIL_S, world_of(0, 0)).shape == (0,)


@pytest.mark.parametrize(
    ("points", "until_s", "line"),
    [
        ([], 9.0, "points: float64 of shape (0,) (allowed: numbers of shape (m, 2), m from 1 on)"),
        ([1.0, 2.0], 9.0, "points: float64 of shape (2,) (allowed: numbers of shape (m, 2), m from 1 on)"),
        ([(0.0, -1.0)], 9.0, "points.0.rate: -1 (allowed: a number from 0 on)"),
        ([(0.0, 1.0), (math.nan, 1.0)], 9.0, "points.1.time_s: nan (allowed: a number from 0 on)"),
        ([(5.0, 1.0), (5.0, 2.0)], 9.0, "points.1.time_s: 5 (allowed: more than the one above it)"),
        ([(0.0, 1e9)], 9.0, "points: 9e+09 requests expected (allowed: up to 100000000)"),
        ([(0.0, 1.0)], math.inf, "until_s: inf (allowed: a number above 0)"),
        ([(0.0, 1.0)], "9", "until_s: '9' (allowed: a number above 0)"),
    ],
)
def test_what_is_refused(points, until_s, line):
    with pytest.raises(ValueError) as raised:
        arrivals_of(points, until_s, world_of(0, 0))
    assert str(raised.value) == line

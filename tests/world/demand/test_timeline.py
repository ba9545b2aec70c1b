"""Timelines of demand: steps of the rate with their integral, and steps of the target put into them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_env.world.demand.timeline import DEMAND_POINT, append_rate, merge_targets, requests_by
from tessera_env.world.parameters import new_table
from tests.kept import kept


def rated(steps, length: int = 64) -> tuple[np.recarray, int]:
    """A table of one service with these steps (time_s, requests_per_s), and how many points it has."""
    demand, count = new_table((1, 1, length), DEMAND_POINT), 0
    for time_s, rate in steps:
        count = kept(append_rate)(demand, 0, 0, count, float(time_s), float(rate))
    return demand, count


def merged(demand, count: int, steps) -> list[tuple[float, float, float, int]]:
    """The points after these steps (time_s, target) were put in."""
    times_s = np.array([float(time_s) for time_s, _ in steps])
    targets = np.array([target for _, target in steps], np.int64)
    total = kept(merge_targets)(demand, 0, 0, count, times_s, targets, len(steps))
    return [tuple(point) for point in demand[0, 0, :total].tolist()]


def test_the_integral_by_hand():
    # 2/s for 100 s, none for 50 s, then 0.5/s.
    demand, count = rated([(0, 2.0), (100, 0.0), (150, 0.5)])
    assert demand[0, 0, :count].requests.tolist() == [0.0, 200.0, 200.0]
    assert [requests_by(demand, 0, 0, k, t) for k, t in ((0, 60.0), (1, 149.0), (2, 250.0))] == [120.0, 200.0, 250.0]


def test_a_rate_that_stays_makes_no_point():
    demand, count = rated([(0, 2.0), (10, 2.0), (20, 3.0), (30, 3.0), (40, 2.0)])
    assert demand[0, 0, :count].time_s.tolist() == [0.0, 20.0, 40.0]
    assert demand[0, 0, :count].requests.tolist() == [0.0, 40.0, 100.0]


def test_steps_of_the_target_by_hand():
    """One at a point's time, one between two, one after the last."""
    demand, count = rated([(0, 2.0), (100, 1.0), (200, 4.0)])
    assert merged(demand, count, [(0, 3), (100, 4), (150, 5), (300, 0)]) == [
        (0.0, 2.0, 0.0, 3),
        (100.0, 1.0, 200.0, 4),
        (150.0, 1.0, 250.0, 5),
        (200.0, 4.0, 300.0, 5),
        (300.0, 4.0, 700.0, 0),
    ]


@given(
    st.lists(st.integers(1, 30), max_size=20, unique=True),
    st.lists(st.integers(1, 30), max_size=20, unique=True),
    st.randoms(use_true_random=False),
)
def test_merging_keeps_both_step_functions(rate_times, target_times, random):
    """Read at every instant. Bug: from the first point forwards, which overwrites what is still to be read."""
    rates = [(t, random.randrange(5)) for t in [0, *sorted(rate_times)]]
    targets = [(t, random.randrange(5)) for t in [0, *sorted(target_times)]]
    demand, count = rated(rates)
    points = merged(demand, count, targets)
    times = [point[0] for point in points]
    assert times == sorted(set(times)) and set(times) >= {t for t, _ in targets}
    for instant in range(40):
        point = points[np.searchsorted(times, instant, side="right") - 1]
        assert point[1] == value_at(rates, instant) and point[3] == value_at(targets, instant)
        past = sum(value_at(rates, t) for t in range(instant))
        assert point[2] + (instant - point[0]) * point[1] == pytest.approx(past)


def value_at(steps, instant: int) -> int:
    """The last value at or before it."""
    return [value for time, value in steps if time <= instant][-1]

"""Timelines: merging steps, exact integrals, lookup, and the inversion of the cumulative hazard."""

import math

import numpy as np
import pytest
from scipy import stats

from tessera_env.world.market.hazards import hazard_per_s
from tessera_env.world.market.timeline import (
    hazard_integral_at,
    integrate,
    merge,
    point_at,
    price_integral_at,
    time_of_hazard,
)
from tessera_env.world.parameters import HazardModel
from tests.world.market.tables import parameters, timeline


def filled(points):
    """A market table from (time_s, spot_price, hazard_per_s) points, integrated."""
    market = timeline(len(points))
    for record, (time_s, price, hazard) in zip(market[0, 0], points, strict=True):
        record.time_s, record.spot_price, record.hazard_per_s = time_s, price, hazard
    integrate(market, 0, 0, len(points))
    return market


def test_integrals_by_hand():
    # 1 h at $2/h and hazard 0; half an hour at $4/h and 1e-3/s; then $1/h and 2e-3/s.
    market = filled([(0.0, 2.0, 0.0), (3_600.0, 4.0, 1e-3), (5_400.0, 1.0, 2e-3)])
    assert [price_integral_at(market, 0, 0, 0, t) for t in (0.0, 1_800.0)] == [0.0, 1.0]
    assert price_integral_at(market, 0, 0, 1, 4_500.0) == pytest.approx(3.0)
    assert price_integral_at(market, 0, 0, 2, 9_000.0) == pytest.approx(5.0)
    assert hazard_integral_at(market, 0, 0, 1, 4_600.0) == pytest.approx(1.0)
    assert hazard_integral_at(market, 0, 0, 2, 6_400.0) == pytest.approx(3.8)


def test_integrals_equal_a_sum_of_small_steps():
    rng = np.random.default_rng(2)
    times_s = np.concatenate([[0.0], np.cumsum(rng.uniform(10.0, 500.0, 19))])
    prices = rng.uniform(0.1, 3.0, 20)
    market = filled(list(zip(times_s, prices, prices / 1e3, strict=True)))
    edges_s = np.linspace(0.0, times_s[-1] + 300.0, 200_001)
    middles_s = 0.5 * (edges_s[:-1] + edges_s[1:])
    summed = prices[np.searchsorted(times_s, middles_s, side="right") - 1].sum() * edges_s[1] / 3600.0
    assert price_integral_at(market, 0, 0, 19, edges_s[-1]) == pytest.approx(summed, rel=1e-4)


def test_point_at_is_the_last_at_or_before():
    market = filled([(0.0, 1.0, 0.0), (10.0, 1.0, 0.0), (20.0, 1.0, 0.0)])
    assert [point_at(market, 0, 0, 0, 3, t) for t in (0.0, 9.9, 10.0, 19.0, 20.0, 1e9)] == [0, 0, 1, 1, 2, 2]
    assert point_at(market, 0, 0, 0, 2, 25.0) == 1  # points beyond the count do not exist
    assert point_at(market, 0, 0, 1, 3, 25.0) == 2


def test_time_of_hazard_by_hand():
    market = filled([(0.0, 1.0, 0.0), (100.0, 1.0, 0.01), (200.0, 1.0, 0.0), (300.0, 1.0, 0.002)])
    assert time_of_hazard(market, 0, 0, 0, 4, 0.5) == pytest.approx(150.0)
    assert time_of_hazard(market, 0, 0, 0, 4, 1.2) == pytest.approx(400.0)  # nothing happens from 200 to 300
    assert time_of_hazard(market, 0, 0, 2, 4, 5.0) == pytest.approx(2_300.0)  # the last point holds for ever
    assert time_of_hazard(market, 0, 0, 0, 3, 1.5) == math.inf


def test_inversion_gives_the_cumulative_hazard_back():
    rng = np.random.default_rng(3)
    for _ in range(200):
        count = int(rng.integers(1, 8))
        times_s = np.concatenate([[0.0], np.cumsum(rng.uniform(1.0, 100.0, count - 1))])
        market = filled([(t, 1.0, float(rng.choice([0.0, rng.uniform(1e-3, 0.1)]))) for t in times_s])
        target = rng.exponential()
        end_s = time_of_hazard(market, 0, 0, 0, count, target)
        if end_s == math.inf:
            k = count - 1
            assert market[0, 0, k].hazard_per_s == 0.0 and market[0, 0, k].hazard_integral <= target
        else:
            k = int(np.searchsorted(times_s, end_s, side="right")) - 1
            assert hazard_integral_at(market, 0, 0, k, end_s) == pytest.approx(target, rel=1e-9)


def test_lifetimes_follow_the_hazard():
    """1 - exp(-cumulative hazard(T)) is uniform for T by inversion; a hazard frozen at its start is the planted bug."""
    market = filled([(0.0, 1.0, 1e-4), (3_600.0, 1.0, 1e-3), (7_200.0, 1.0, 1e-5)])
    rng = np.random.default_rng(4)
    ends_s = np.array([time_of_hazard(market, 0, 0, 0, 3, e) for e in rng.exponential(size=4_000)])

    def cumulative(t):
        return 1e-4 * np.minimum(t, 3_600) + 1e-3 * np.clip(t - 3_600, 0, 3_600) + 1e-5 * np.maximum(t - 7_200, 0)

    assert stats.kstest(1.0 - np.exp(-cumulative(ends_s)), "uniform").pvalue > 1e-4
    assert stats.kstest(1.0 - np.exp(-1e-4 * ends_s), "uniform").pvalue < 1e-15


def test_merge_makes_one_point_of_equal_times():
    market = timeline(6)
    prices_at, prices = np.array([0.0, 100.0, 300.0]), np.array([1.0, 2.0, 3.0])
    known_at, known = np.array([0.0, 100.0, 200.0]), np.array([5, 0, 4])
    count = merge(prices_at, prices, 3, known_at, known, 3, market, 0, 0)
    points = [(p.time_s, p.spot_price, p.capacity) for p in market[0, 0][:count]]
    assert points == [(0.0, 1.0, 5), (100.0, 2.0, 0), (200.0, 2.0, 4), (300.0, 3.0, 4)]


@pytest.mark.parametrize(
    ("model", "spot_price", "expected_per_h"),
    [
        (HazardModel.NONE, 0.5, 0.0),
        (HazardModel.CONSTANT, 0.5, 0.05),
        (HazardModel.CONSTANT, 1.9, 0.05),
        (HazardModel.DISCOUNT, 0.5, 0.05 * 0.75),  # 1 - 0.5 / 2
        (HazardModel.DISCOUNT, 1.9, 0.05 * 0.1),  # the least factor
        (HazardModel.DISCOUNT, 3.0, 0.05 * 0.1),
    ],
)
def test_hazard_models(model, spot_price, expected_per_h):
    params = parameters({"hazard_model": int(model), "hazard_per_h": 0.05, "on_demand_price": 2.0})
    assert hazard_per_s(params.pools[0], spot_price) * 3600.0 == pytest.approx(expected_per_h)

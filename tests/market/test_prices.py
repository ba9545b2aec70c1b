"""Spot prices: the Ornstein-Uhlenbeck process by its moments at every step size, and replayed steps by hand."""

import math

import numpy as np
import pytest
from numba import config as numba_config

from tessera_env.market.prices import price_steps
from tessera_env.parameters import PriceSource
from tests.market.tables import parameters, steps, value_at, world, z_of_mean

THETA_PER_H, DEVIATION, MEAN = 0.5, 0.2, 5.0
LAG_H = 4.0
WORLDS = 100 if numba_config.DISABLE_JIT else 4_000
STEPS_S = [900.0, 3_600.0, 14_400.0]

PROCESS = {
    "price_source": int(PriceSource.ORNSTEIN_UHLENBECK),
    "price_mean": MEAN,
    "price_deviation": DEVIATION,
    "price_reversion_per_h": THETA_PER_H,
    "price_lowest": 0.0,  # far enough for the clip never to bite
    "price_highest": 100.0,
}


def sample(step_s: float, worlds: int = WORLDS) -> tuple[np.ndarray, np.ndarray]:
    """Deviations from the mean at the start and LAG_H later, one pair a world."""
    params = parameters({**PROCESS, "price_step_s": step_s}, horizon_s=LAG_H * 3600.0 + step_s)
    pairs = []
    for episode in range(worlds):
        times_s, prices = steps(price_steps, params, world(episode=episode))
        pairs.append(value_at(times_s, prices, np.array([0.0, LAG_H * 3600.0])) - MEAN)
    return tuple(np.array(pairs).T)


def euler(step_s: float, worlds: int) -> tuple[np.ndarray, np.ndarray]:
    """The planted bug: x' = x - theta h x + sigma sqrt(h) z, the process's first-order approximation."""
    rng, h = np.random.default_rng(0), step_s / 3600.0
    sigma = DEVIATION * math.sqrt(2.0 * THETA_PER_H)
    first = DEVIATION * rng.standard_normal(worlds)
    x = first
    for _ in range(round(LAG_H / h)):
        x = x - THETA_PER_H * h * x + sigma * math.sqrt(h) * rng.standard_normal(worlds)
    return first, x


def scores(first: np.ndarray, later: np.ndarray) -> dict[str, float]:
    """z of mean, variance and autocovariance against the closed forms."""
    return {
        "mean": z_of_mean(later, 0.0),
        "variance": z_of_mean(later**2, DEVIATION**2),
        "autocovariance": z_of_mean(first * later, DEVIATION**2 * math.exp(-THETA_PER_H * LAG_H)),
    }


@pytest.mark.parametrize("step_s", STEPS_S)
def test_moments_do_not_depend_on_the_step(step_s):
    for name, z in scores(*sample(step_s)).items():
        assert abs(z) < 4.0, name


def test_eulers_step_would_be_rejected():
    assert abs(scores(*euler(3_600.0, 100_000))["variance"]) > 8.0


def test_the_process_is_stationary_from_the_start():
    first, _later = sample(3_600.0)
    assert abs(z_of_mean(first**2, DEVIATION**2)) < 4.0


def test_the_grid_covers_the_horizon():
    params = parameters({**PROCESS, "price_step_s": 3_600.0}, horizon_s=9_000.0)
    times_s, _prices = steps(price_steps, params, world())
    assert times_s.tolist() == [0.0, 3_600.0, 7_200.0]


def test_prices_are_clipped_and_the_process_is_not():
    fields = {**PROCESS, "price_deviation": 5.0, "price_step_s": 3_600.0}
    free = steps(price_steps, parameters(fields), world())[1]
    clipped = steps(price_steps, parameters({**fields, "price_lowest": 4.0, "price_highest": 6.0}), world())[1]
    assert clipped.tolist() == np.clip(free, 4.0, 6.0).tolist()
    assert {4.0, 6.0} <= set(clipped.tolist())


def test_the_daily_factor_multiplies_what_is_paid():
    fields = {**PROCESS, "price_deviation": 0.0, "price_daily_share": 0.1, "price_step_s": 21_600.0}
    _times_s, prices = steps(price_steps, parameters(fields), world())
    assert prices == pytest.approx([5.0, 5.5, 5.0, 4.5])  # 0, 6, 12, 18 h


def test_a_constant_price_is_one_step():
    times_s, prices = steps(price_steps, parameters({"price_mean": 0.7}), world())
    assert (times_s.tolist(), prices.tolist()) == ([0.0], [0.7])


def test_another_pool_leaves_a_pools_prices_as_they_are():
    fields = {**PROCESS, "price_step_s": 3_600.0}
    alone = steps(price_steps, parameters(fields), world(seed=5))[1]
    beside = steps(price_steps, parameters(fields, fields), world(seed=5))[1]
    other = steps(price_steps, parameters(fields, fields), world(seed=5), pool_id=1)[1]
    assert alone.tolist() == beside.tolist()
    assert not set(alone.tolist()) & set(other.tolist())


TRACE = [(0.0, 1.0, 1), (100.0, 2.0, 1), (200.0, 2.0, 0), (300.0, 3.0, 0), (400.0, 1.0, 1)]


@pytest.mark.parametrize(
    ("window_s", "times_s", "prices"),
    [
        (0.0, [0.0, 100.0], [1.0, 2.0]),
        (100.0, [0.0], [2.0]),  # the point at 300 is the horizon's: outside
        (150.0, [0.0, 150.0], [2.0, 3.0]),
        (250.0, [0.0, 50.0, 150.0], [2.0, 3.0, 1.0]),
        (1_000.0, [0.0], [1.0]),  # the last point holds
    ],
)
def test_a_replayed_window(window_s, times_s, prices):
    params = parameters({"price_source": int(PriceSource.TRACE)}, horizon_s=200.0, points=TRACE)
    got = steps(price_steps, params, world(window_s=window_s))
    assert (got[0].tolist(), got[1].tolist()) == (times_s, prices)

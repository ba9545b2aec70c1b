"""Spot prices: two processes by their moments, and replayed steps by hand."""

import math

import numpy as np
import pytest
from numba import config as numba_config
from scipy import stats

from tessera_env.world.market.prices import price_steps, stepped_prices_bound
from tessera_env.world.parameters import PriceSource
from tests.world.market.tables import parameters, steps, value_at, world, z_of_mean

PLAIN = bool(numba_config.DISABLE_JIT)
THETA_PER_H, DEVIATION, MEAN = 0.5, 0.2, 5.0
LAG_H = 4.0
WORLDS = 100 if PLAIN else 4_000
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


# --- a price in steps ------------------------------------------------------------------------------------------------

STEPPED = {
    "price_source": int(PriceSource.STEPS),
    "price_mean": 0.3,
    "price_lowest": 0.1,
    "price_highest": 1.0,
    "price_changes_per_day": 240.0,
    "price_step_low": 0.01,
    "price_step_high": 0.05,
}
DAY_S = 86_400.0
STEPPED_WORLDS, STEPPED_DAYS = (64, 0.5) if PLAIN else (2_000, 2.0)
WIDTH = math.log(1.0 / 0.3)  # from the mean to the farther bound, in logarithms


def stepped(worlds: int = STEPPED_WORLDS, days: float = STEPPED_DAYS, **fields) -> list[tuple[np.ndarray, np.ndarray]]:
    """The pool's price steps in many worlds."""
    params = parameters({**STEPPED, **fields}, horizon_s=days * DAY_S)
    return [steps(price_steps, params, world(episode=episode)) for episode in range(worlds)]


@pytest.fixture(scope="module")
def stepped_worlds():
    return stepped()


def log_moments(low: float = 0.01, high: float = 0.05) -> tuple[float, float]:
    """E[L] and E[L^2] of a step's length in the logarithm, L = log(1 + u), u uniform."""
    u = low + (high - low) * (np.arange(100_000) + 0.5) / 100_000
    return float(np.log1p(u).mean()), float((np.log1p(u) ** 2).mean())


def deviations(worlds: list, day: float) -> np.ndarray:
    """log(price / mean) at a time, one a world."""
    return np.array([math.log(value_at(times_s, prices, day * DAY_S) / 0.3) for times_s, prices in worlds])


def walk(first: np.ndarray, changes: float) -> np.ndarray:
    """The planted bug: up and down equally likely, whatever the price."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(changes, len(first))
    return first + np.array([(np.log1p(rng.uniform(0.01, 0.05, n)) * rng.choice([-1, 1], n)).sum() for n in counts])


def test_changes_come_as_a_poisson_process(stepped_worlds):
    """As many a day as said, their number's variance is its mean, and any time is as likely. Bug: equal intervals."""
    counts = np.array([len(times_s) - 1 for times_s, _prices in stepped_worlds])
    expected = 240.0 * STEPPED_DAYS
    assert abs(z_of_mean(counts, expected)) < 4.0
    assert abs(z_of_mean((counts - expected) ** 2, expected)) < 4.0
    shares = np.concatenate([times_s[1:] for times_s, _prices in stepped_worlds]) / (STEPPED_DAYS * DAY_S)
    assert stats.kstest(shares, "uniform").pvalue > 1e-4
    if not PLAIN:
        regular = np.floor(expected + np.random.default_rng(0).random(STEPPED_WORLDS))  # a grid at a random phase
        assert abs(z_of_mean((regular - expected) ** 2, expected)) > 8.0


def test_a_step_is_a_uniform_share_of_the_price(stepped_worlds):
    """Up by 1 + u, down by 1 / (1 + u). Bug: down by 1 - u, so that u = 1 / ratio - 1 seems too large."""
    logs = np.concatenate([np.diff(np.log(prices)) for _times_s, prices in stepped_worlds[:200]])
    u = np.expm1(np.abs(logs))
    assert u.min() >= 0.01 - 1e-12 and u.max() <= 0.05 + 1e-12
    assert {-1.0, 1.0} == set(np.sign(logs))
    assert stats.kstest((u - 0.01) / 0.04, "uniform").pvalue > 1e-4
    if not PLAIN:
        down = u[logs < 0]
        assert stats.kstest((1.0 / (1.0 - down) - 1.01) / 0.04, "uniform").pvalue < 1e-15


@pytest.mark.parametrize("day", [0.0, 0.25 * STEPPED_DAYS, 0.999 * STEPPED_DAYS])
def test_a_stepped_price_reverts_to_its_mean(stepped_worlds, day):
    """The logarithm lies around that of the mean by width E[L^2] / (2 E[L]), from the start on. Bug: a random walk."""
    first, second = log_moments()
    variance = WIDTH * second / (2.0 * first)
    x = deviations(stepped_worlds, day)
    assert abs(z_of_mean(x, 0.0)) < 4.0
    assert abs(z_of_mean(x**2, variance)) < 4.0
    if not PLAIN and day > 0.0:
        bug = walk(deviations(stepped_worlds, 0.0), 240.0 * day)
        assert abs(z_of_mean(bug**2, variance)) > 8.0


def test_how_fast_it_reverts(stepped_worlds):
    """Each change keeps 1 - E[L] / width of the deviation: an autocovariance e^(-changes E[L] / width). Bug: none."""
    first, second = log_moments()
    day = 0.25 * STEPPED_DAYS
    x, later = deviations(stepped_worlds, 0.0), deviations(stepped_worlds, day)
    variance = WIDTH * second / (2.0 * first)
    assert abs(z_of_mean(x * later, variance * math.exp(-240.0 * day * first / WIDTH))) < 4.0
    if not PLAIN:
        assert abs(z_of_mean(x * later, variance)) > 8.0


def test_a_stepped_price_stays_within_its_bounds():
    _times_s, prices = stepped(1, 2.0, price_lowest=0.28, price_highest=0.31)[0]
    assert (prices.min(), prices.max()) == (0.28, 0.31)
    assert (np.diff(prices) != 0.0).all()  # a change that the clip undoes is none


def test_a_price_that_hardly_ever_changes_starts_near_its_mean():
    prices = np.array([prices[0] for _times_s, prices in stepped(500, 1.0, price_changes_per_day=1e-6)])
    assert abs(z_of_mean(np.log(prices / 0.3), 0.0)) < 4.0
    assert 0.1 < prices.min() < 0.25 and 0.35 < prices.max() < 1.0


def test_more_changes_than_the_mean_find_room():
    for changes_per_day in (0.1, 3.0, 1_000.0):
        fields = {**STEPPED, "price_changes_per_day": changes_per_day}
        room = stepped_prices_bound(parameters(fields).pools[0], DAY_S)
        assert stats.poisson.sf(room - 1, changes_per_day) < 1e-12


def test_a_stepped_price_is_a_pools_own():
    alone = steps(price_steps, parameters(STEPPED), world(seed=5))
    beside = steps(price_steps, parameters(STEPPED, STEPPED), world(seed=5))
    other = steps(price_steps, parameters(STEPPED, STEPPED), world(seed=5), pool_id=1)
    assert alone[1].tolist() == beside[1].tolist()
    assert alone[0].tolist() == beside[0].tolist()
    assert set(alone[0].tolist()) & set(other[0].tolist()) == {0.0}

"""Hazards by hand, and lifetimes by age against the paper's formula."""

import math

import numpy as np
import pytest
from numba import config as numba_config
from scipy import integrate, stats

from tessera_env.world.market.hazards import bathtub_age_s, bathtub_share, hazard_per_s
from tessera_env.world.parameters import HazardModel
from tests.world.market.tables import parameters, z_of_mean

DRAWS = 200 if numba_config.DISABLE_JIT else 20_000
HOUR_S = 3_600.0

# All types of Google's preemptible instances: Kadupitiya, Jadhao and Sharma, HPDC'20.
GOOGLE = {
    "hazard_model": int(HazardModel.BATHTUB),
    "hazard_scale": 0.638,
    "hazard_tau1_h": 0.963,
    "hazard_tau2_h": 1.094,
    "hazard_b_h": 25.36,
    "hazard_cap_h": 24.0,
}


def spec(**fields):
    """A pool's numbers."""
    return parameters({**GOOGLE, **fields}).pools[0]


def published(age_h):
    """F(t) as printed, before the cap."""
    return 0.638 * (1.0 - np.exp(-age_h / 0.963) + np.exp((age_h - 25.36) / 1.094))


@pytest.mark.parametrize(
    ("model", "price", "per_h"),
    [
        (HazardModel.NONE, 0.3, 0.0),
        (HazardModel.CONSTANT, 0.3, 0.05),
        (HazardModel.CONSTANT, 0.9, 0.05),
        (HazardModel.DISCOUNT, 0.3, 0.035),  # 0.05 x (1 - 0.3)
        (HazardModel.DISCOUNT, 0.95, 0.005),  # at least a tenth
        (HazardModel.BATHTUB, 0.3, 0.0),  # by age, not by the hour
    ],
)
def test_the_rate_by_the_price(model, price, per_h):
    pool = spec(hazard_model=int(model), hazard_per_h=0.05)  # on-demand costs $1/h
    assert hazard_per_s(pool, price) == pytest.approx(per_h / HOUR_S)


@pytest.mark.parametrize("age_h", [0.0, 0.25, 0.963, 3.0, 12.0, 20.0, 23.0, 23.99])
def test_the_share_lost_by_an_age_is_the_papers(age_h):
    assert bathtub_share(spec(), age_h) == pytest.approx(published(age_h), abs=1e-15)


def test_none_outlives_the_cap():
    assert bathtub_share(spec(), 23.999) == pytest.approx(0.822, abs=0.001)
    assert bathtub_share(spec(), 24.0) == bathtub_share(spec(), 1_000.0) == 1.0


def test_many_are_lost_early_few_in_between_many_late():
    def lost_between(from_h, until_h):
        return bathtub_share(spec(), until_h) - bathtub_share(spec(), from_h)

    assert lost_between(0.0, 3.0) > 0.6
    assert lost_between(6.0, 18.0) < 0.01
    assert lost_between(21.0, 24.0) > 0.3


def test_a_share_stays_a_share_where_the_formula_leaves_it():
    assert bathtub_share(spec(hazard_scale=1.0, hazard_b_h=1.0), 20.0) == 1.0


def unit_draws(count: int = DRAWS) -> np.ndarray:
    """Evenly spread unit-exponential draws, in no order."""
    shares = (np.arange(count) + np.random.default_rng(0).random(count)) / count
    return -np.log1p(-np.random.default_rng(1).permutation(shares))


def ages_h(pool, draws: np.ndarray) -> np.ndarray:
    """Lifetimes, h."""
    return np.array([bathtub_age_s(pool, draw) for draw in draws]) / HOUR_S


def test_an_age_is_where_the_cumulative_hazard_reaches_the_draw():
    """-log(1 - F(age)) = draw, up to the cap, where 1 - F(24) = 0.178 of all instances end."""
    draws = unit_draws(200)
    at_cap = -math.log(1.0 - published(24.0))
    for draw, age_h in zip(draws, ages_h(spec(), draws), strict=True):
        if draw < at_cap - 1e-9:
            assert -math.log(1.0 - published(age_h)) == pytest.approx(draw, abs=1e-9)
        else:
            assert age_h == 24.0


def test_the_end_points():
    assert bathtub_age_s(spec(), 1e-300) < 1e-6
    assert bathtub_age_s(spec(), 700.0) == 24.0 * HOUR_S
    assert bathtub_age_s(spec(hazard_cap_h=0.01), 0.5) == 36.0  # the cap comes before most are lost


def test_lifetimes_follow_the_formula():
    """KS below the cap, the mass at it, and the mean. Bug: the draw is taken for the share itself."""
    draws = np.random.default_rng(2).exponential(size=DRAWS)
    lives_h, bug_h = ages_h(spec(), draws), ages_h(spec(), -np.log(np.clip(1.0 - draws, 1e-12, 1.0)))
    below = published(24.0)
    expected_h = integrate.quad(lambda t: 1.0 - published(t), 0.0, 24.0)[0]
    assert expected_h == pytest.approx(9.10, abs=0.01)
    assert abs(z_of_mean(lives_h == 24.0, 1.0 - below)) < 4.0
    assert abs(z_of_mean(lives_h, expected_h)) < 4.0
    assert stats.kstest(published(lives_h[lives_h < 24.0]) / below, "uniform").pvalue > 1e-4
    if not numba_config.DISABLE_JIT:
        assert abs(z_of_mean(bug_h == 24.0, 1.0 - below)) > 8.0
        assert abs(z_of_mean(bug_h, expected_h)) > 8.0


def test_an_end_that_comes_at_once_is_no_overflow():
    """Long after b with a short tau2: e^23000 is an error in plain Python."""
    sudden = spec(hazard_b_h=1.0, hazard_tau2_h=0.001)
    assert bathtub_share(sudden, 20.0) == 1.0
    assert bathtub_share(sudden, 0.99) == pytest.approx(0.638 * (1.0 - math.exp(-0.99 / 0.963)), abs=1e-4)
    assert bathtub_age_s(sudden, 5.0) == pytest.approx(HOUR_S, rel=1e-3)

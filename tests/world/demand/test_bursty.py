"""Demand in bursts: two rates in turn, their stays, starts and means by law."""

import math
from itertools import pairwise

import numpy as np
import pytest
from numba import config as numba_config
from scipy import stats

from tessera_env.world.demand.bursty import bursty_rates_bound
from tessera_env.world.demand.timeline import DemandSource
from tests.world.demand.tables import HOUR_S, drawn, requests_at_end, specs_of
from tests.world.market.tables import z_of_mean

PLAIN = bool(numba_config.DISABLE_JIT)
WORLDS = 100 if PLAIN else 4_000
HORIZON_S = 24 * HOUR_S
SHARE = 0.25  # of the time in bursts
CALM = 2.0 / (1.0 + SHARE * 4.0)  # a mean of 2 requests/s, bursts of five times the calm rate


def bursty(**fields) -> dict:
    """A service of 2 requests/s in the mean: 1 h of calm, 20 min of burst."""
    source = {"source": int(DemandSource.BURSTY), "requests_per_s": 2.0, "burst_factor": 5.0}
    return {**source, "calm_s": HOUR_S, "burst_s": HOUR_S / 3.0, **fields}


@pytest.fixture(scope="module")
def worlds():
    specs = specs_of(bursty())
    return [drawn(specs, HORIZON_S, episode=episode) for episode in range(WORLDS)]


def test_two_rates_take_turns(worlds):
    for points in worlds[:50]:
        assert points.time_s[0] == 0.0 and points.time_s[-1] < HORIZON_S
        assert (np.diff(points.time_s) > 0.0).all()
        rates = points.requests_per_s.tolist()
        assert set(rates) <= {CALM, 5.0 * CALM}
        assert all(one != other for one, other in pairwise(rates))


def test_the_first_state_has_its_share_of_the_time(worlds):
    """Bug: every world starts calm."""
    starts = [points.requests_per_s[0] > CALM for points in worlds]
    assert abs(z_of_mean(starts, SHARE)) < 4.0


def test_the_mean_rate_is_what_is_asked(worlds):
    """At every time, so over the horizon too. Bug: the given rate is the calm one, and the mean twice as high."""
    means = [requests_at_end(points, HORIZON_S) / HORIZON_S for points in worlds]
    assert abs(z_of_mean(means, 2.0)) < 4.0
    for at_s in (60.0, 20_000.0):
        rates = [points.requests_per_s[np.searchsorted(points.time_s, at_s, side="right") - 1] for points in worlds]
        assert abs(z_of_mean(rates, 2.0)) < 4.0
    if not PLAIN:
        assert abs(z_of_mean(np.array(means) * 2.0, 2.0)) > 8.0


def test_the_variance_of_the_counts_is_that_of_the_chain(worlds):
    """Var of the integral over T: 2 v tau (T - tau (1 - e^(-T / tau))), v the rate's variance, 1 / tau both exits."""
    tau_s = 1.0 / (1.0 / HOUR_S + 3.0 / HOUR_S)
    variance = SHARE * (1.0 - SHARE) * (4.0 * CALM) ** 2
    expected = 2.0 * variance * tau_s * (HORIZON_S - tau_s * (1.0 - math.exp(-HORIZON_S / tau_s)))
    totals = np.array([requests_at_end(points, HORIZON_S) for points in worlds])
    assert abs(z_of_mean((totals - 2.0 * HORIZON_S) ** 2, expected)) < 4.0


@pytest.mark.parametrize(("rate", "mean_s"), [(CALM, HOUR_S), (5.0 * CALM, HOUR_S / 3.0)])
def test_stays_are_exponential(worlds, rate, mean_s):
    """The first three of a world, which the horizon does not cut."""
    stays = [np.diff(points.time_s)[:3] for points in worlds if len(points) > 3]
    states = [points.requests_per_s[:3] for points in worlds if len(points) > 3]
    stays_s = np.concatenate(stays)[np.concatenate(states) == rate]
    assert stats.kstest(stays_s / mean_s, "expon").pvalue > 1e-4
    if not PLAIN:
        assert stats.kstest(stays_s / mean_s / 1.2, "expon").pvalue < 1e-8


@pytest.mark.parametrize("burst_s", [10.0, 60.0, 3_600.0, 360_000.0])
def test_a_world_fits_its_room(burst_s):
    """The longest of many worlds has less than half of what is allowed, or a handful of points."""
    fields = bursty(burst_s=burst_s, calm_s=60.0)
    bound = bursty_rates_bound(specs_of(fields)[0], HORIZON_S)
    most = max(len(drawn(specs_of(fields), HORIZON_S, episode=k)) for k in range(20 if PLAIN else 200))
    assert most <= 0.9 * bound
    assert most > 2 or burst_s > HORIZON_S


def test_a_factor_of_1_is_constant():
    assert drawn(specs_of(bursty(burst_factor=1.0)), HORIZON_S).tolist() == [(0.0, 2.0, 0.0, 1)]

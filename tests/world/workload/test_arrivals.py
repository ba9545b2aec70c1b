"""When tasks arrive: Poisson, with a daily pattern, in bursts; counts, times and sizes by their laws."""

import math

import numpy as np
import pytest
from numba import config as numba_config
from scipy import stats

from tessera_env.world.parameters import Arrivals
from tessera_env.world.workload.arrivals import draw_arrivals_s
from tests.world.market.tables import parameters, world, z_of_mean

PLAIN = bool(numba_config.DISABLE_JIT)
WORLDS = 100 if PLAIN else 4_000
HOUR_S = 3_600.0
DAY_H = 24.0

POISSON = {"arrivals": int(Arrivals.POISSON), "arrivals_per_h": 0.5, "arrival_share": 0.75}  # 18 in 36 h
BURSTS = {**POISSON, "arrivals": int(Arrivals.BURSTS), "burst_size": 4.0}
DAILY = {**POISSON, "arrivals_per_h": 2.0, "arrival_share": 1.0, "arrival_daily_share": 0.8}


def drawn_s(worlds: int = WORLDS, horizon_h: float = 48.0, **config) -> list[np.ndarray]:
    """Arrival times (s) of many worlds of at most 1,000 tasks."""
    params = parameters({}, horizon_s=horizon_h * HOUR_S, **{"task_count": 1_000, **config})
    return [draw_arrivals_s(params, world(episode=episode)) for episode in range(worlds)]


def counts_of(worlds: list[np.ndarray]) -> np.ndarray:
    """How many tasks each world has."""
    return np.array([len(arrivals_s) for arrivals_s in worlds])


@pytest.fixture(scope="module")
def poisson():
    return drawn_s(**POISSON)


@pytest.fixture(scope="module")
def daily():
    return drawn_s(WORLDS // 10, **DAILY)


# --- one by one ------------------------------------------------------------------------------------------------------


def test_the_number_of_tasks_is_poisson(poisson):
    """Mean and variance are rate x time. Bug: the rate counts for the whole horizon, not for its share."""
    counts = counts_of(poisson)
    assert abs(z_of_mean(counts, 18.0)) < 4.0
    assert abs(z_of_mean((counts - 18.0) ** 2, 18.0)) < 4.0
    if not PLAIN:
        edges = np.arange(10, 28)
        seen = np.array([np.count_nonzero(np.digitize(counts, edges) == k) for k in range(len(edges) + 1)])
        chances = np.diff(stats.poisson.cdf(np.concatenate(([-1], edges - 1, [np.inf])), 18.0))
        assert stats.chisquare(seen, chances * WORLDS).pvalue > 1e-4
        assert abs(z_of_mean(counts_of(drawn_s(**{**POISSON, "arrival_share": 1.0})), 18.0)) > 8.0


def test_arrivals_are_sorted_within_their_share_of_the_horizon(poisson):
    for arrivals_s in poisson:
        assert (np.diff(arrivals_s) >= 0.0).all()
        assert arrivals_s[0] > 0.0 and arrivals_s[-1] < 36.0 * HOUR_S


def test_given_their_number_arrivals_are_uniform(poisson):
    """All of them, and the first of them: (1 - first)^n is uniform. Bug: a fixed number at equal intervals."""
    shares = np.concatenate(poisson) / (36.0 * HOUR_S)
    assert stats.kstest(shares, "uniform").pvalue > 1e-4
    first = np.array([(1.0 - arrivals_s[0] / (36.0 * HOUR_S)) ** len(arrivals_s) for arrivals_s in poisson])
    assert stats.kstest(first, "uniform").pvalue > 1e-4
    if not PLAIN:
        regular = (1.0 - np.random.default_rng(0).random(WORLDS) / 18.0) ** 18
        assert stats.kstest(regular, "uniform").pvalue < 1e-15


def test_times_between_arrivals_are_exponential_and_independent(poisson):
    gaps_h = np.concatenate([np.diff(arrivals_s)[:5] for arrivals_s in poisson if len(arrivals_s) > 5]) / HOUR_S
    assert stats.kstest(gaps_h * 0.5, "expon").pvalue > 1e-4
    pairs = np.array([np.diff(arrivals_s)[:2] for arrivals_s in poisson if len(arrivals_s) > 5])
    assert abs(np.corrcoef(pairs.T)[0, 1]) * math.sqrt(len(pairs)) < 4.0


# --- daily pattern ---------------------------------------------------------------------------------------------------


def daily_factor(from_h, until_h, share: float = 0.8):
    """Mean of 1 + share x sin(2 pi (t - 9 h) / 24 h) between two times."""
    angles = [2.0 * math.pi * (np.asarray(hour) - 9.0) / DAY_H for hour in (from_h, until_h)]
    swing = (np.cos(angles[0]) - np.cos(angles[1])) * DAY_H / (2.0 * math.pi)
    return 1.0 + share * swing / (np.asarray(until_h) - np.asarray(from_h))


def by_hour(worlds: list[np.ndarray]) -> np.ndarray:
    """Arrivals in each hour of the day."""
    hours = np.concatenate(worlds) / HOUR_S % DAY_H
    return np.bincount(hours.astype(int), minlength=24)


def test_arrivals_follow_the_day(daily):
    """Most at 15 h, fewest at 3 h, in between as said. Bug: no thinning, so every hour is alike."""
    seen, hours = by_hour(daily), np.arange(24)
    expected = daily_factor(hours, hours + 1) / 24.0 * seen.sum()
    assert stats.chisquare(seen, expected).pvalue > 1e-4
    assert seen[14:16].sum() > 4 * seen[2:4].sum()
    if not PLAIN:
        bug = by_hour(drawn_s(WORLDS // 10, **{**DAILY, "arrival_daily_share": 0.0}))
        assert stats.chisquare(bug, daily_factor(hours, hours + 1) / 24.0 * bug.sum()).pvalue < 1e-15


def test_the_pattern_leaves_a_days_number_as_it_is(daily):
    """Bug: candidates at the highest rate, all kept."""
    counts = counts_of(daily)
    assert abs(z_of_mean(counts, 96.0)) < 4.0
    assert abs(z_of_mean((counts - 96.0) ** 2, 96.0)) < 4.0
    if not PLAIN:
        bug = drawn_s(WORLDS // 10, **{**DAILY, "arrivals_per_h": 3.6, "arrival_daily_share": 0.0})
        assert abs(z_of_mean(counts_of(bug), 96.0)) > 8.0


@pytest.mark.parametrize("until_h", [3.0, 12.0])
def test_a_part_of_a_day_has_its_part(until_h):
    config = {**DAILY, "arrivals_per_h": 10.0}
    expected = 10.0 * until_h * daily_factor(0.0, until_h)
    assert abs(z_of_mean(counts_of(drawn_s(WORLDS // 10, until_h, **config)), expected)) < 4.0


def test_a_rate_that_falls_to_nothing():
    """At a share of 1 nobody comes at 3 h."""
    config = {**DAILY, "arrival_daily_share": 1.0, "arrivals_per_h": 20.0}
    hours = np.concatenate(drawn_s(20 if PLAIN else 100, 24.0, **config))
    assert np.count_nonzero(np.abs(hours / HOUR_S - 3.0) < 0.25) < 0.001 * len(hours)


# --- bursts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1.0, 4.0, 20.0])
def test_bursts_bring_as_many_tasks_and_come_all_at_once(size):
    """Mean rate x time; variance / mean = E[N^2] / E[N] = 2 size - 1, N geometric. Bug: a rate of bursts, not tasks."""
    counts = counts_of(drawn_s(**{**BURSTS, "burst_size": size, "arrivals_per_h": 2.0}))  # hardly a world has none
    expected, dispersion = 72.0, 2.0 * size - 1.0
    assert abs(z_of_mean(counts, expected)) < 4.0
    assert abs(z_of_mean((counts - expected) ** 2, expected * dispersion)) < 4.0
    if not PLAIN and size > 1.0:
        assert abs(z_of_mean(counts, expected * size)) > 8.0
        assert abs(z_of_mean((counts - expected) ** 2, expected)) > 8.0  # that of single tasks


def sizes_of(worlds: list[np.ndarray]) -> np.ndarray:
    """Tasks at each instant."""
    return np.concatenate([np.unique(arrivals_s, return_counts=True)[1] for arrivals_s in worlds])


def test_a_bursts_size_is_geometric():
    sizes = sizes_of(drawn_s(WORLDS // 4, **BURSTS))
    assert abs(z_of_mean(sizes, 4.0)) < 4.0
    counts = np.bincount(np.minimum(sizes, 12), minlength=13)[1:]
    chances = np.append(stats.geom.pmf(range(1, 12), 0.25), stats.geom.sf(11, 0.25))
    assert stats.chisquare(counts, chances * counts.sum()).pvalue > 1e-4


def test_bursts_of_one_are_single_tasks(poisson):
    single = drawn_s(20, **{**BURSTS, "burst_size": 1.0})
    for one, other in zip(single, poisson, strict=False):
        assert one.tolist() == other.tolist()


def test_a_burst_spreads_evenly_over_its_time():
    """Bursts of 50 within an hour, ten years apart: between a burst's first and last task the others are uniform."""
    config = {**BURSTS, "arrivals_per_h": 50.0 / 87_600.0, "burst_size": 50.0, "burst_spread_s": HOUR_S}
    offsets = []
    for arrivals_s in drawn_s(20 if PLAIN else 100, 876_000.0, **config):
        starts = np.flatnonzero(np.diff(arrivals_s, prepend=-np.inf) > HOUR_S)
        for burst in np.split(arrivals_s, starts[1:]):
            assert burst[-1] - burst[0] < HOUR_S
            if len(burst) > 2:
                offsets.append((burst[1:-1] - burst[0]) / (burst[-1] - burst[0]))
    assert stats.kstest(np.concatenate(offsets), "uniform").pvalue > 1e-4


def test_a_burst_ends_with_the_arrivals_share():
    for arrivals_s in drawn_s(100, 2.0, **{**BURSTS, "arrivals_per_h": 40.0, "burst_spread_s": 3_000.0}):
        assert (np.diff(arrivals_s) >= 0.0).all()
        assert arrivals_s[-1] < 1.5 * HOUR_S


def test_bursts_follow_the_day():
    config = {**BURSTS, "arrival_share": 1.0, "arrivals_per_h": 8.0, "arrival_daily_share": 0.8}
    hours = np.concatenate([np.unique(arrivals_s) for arrivals_s in drawn_s(WORLDS // 10, **config)]) / HOUR_S % DAY_H
    counts, each = np.bincount(hours.astype(int), minlength=24), np.arange(24)
    assert stats.chisquare(counts, daily_factor(each, each + 1) / 24.0 * counts.sum()).pvalue > 1e-4


# --- at least one, at most `task_count` ------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [POISSON, BURSTS])
def test_a_world_without_arrivals_has_one_task_at_any_time(config):
    worlds = drawn_s(**{**config, "arrivals_per_h": 1e-6})
    assert (counts_of(worlds) == 1).all()
    assert stats.kstest(np.concatenate(worlds) / (36.0 * HOUR_S), "uniform").pvalue > 1e-4


def test_so_has_one_whose_candidates_the_night_refused():
    """3 h of night, at 3 h nobody: the one task's time has nothing to do with who was refused."""
    config = {**DAILY, "arrival_daily_share": 1.0, "horizon_s": 3.0 * HOUR_S, "task_count": 9}
    times_s = []
    for episode in range(200 if PLAIN else 10_000):
        arrivals_s, shorter_s = (
            draw_arrivals_s(parameters({}, **{**config, "arrival_share": share}), world(episode=episode))
            for share in (1.0, 1.0 - 1e-9)
        )
        if arrivals_s[0] != shorter_s[0]:  # a share of the time that tasks may come in, so nobody had come
            times_s.append(arrivals_s[0])
    assert len(times_s) > 0.3 * (episode + 1)
    assert stats.kstest(np.array(times_s) / (3.0 * HOUR_S), "uniform").pvalue > 1e-4


@pytest.mark.parametrize("config", [POISSON, BURSTS, DAILY])
def test_a_world_has_no_more_tasks_than_it_may(config):
    config = {**config, "arrivals_per_h": 30.0}
    assert set(counts_of(drawn_s(50, **config, task_count=7))) == {7}


def test_a_cap_takes_the_last_of_the_single_tasks():
    capped, all_of_them = drawn_s(20, **POISSON, task_count=5), drawn_s(20, **POISSON)
    for few, many in zip(capped, all_of_them, strict=True):
        assert few.tolist() == many[:5].tolist()


def test_arrivals_are_a_function_of_seed_and_episode():
    params = parameters({}, horizon_s=48.0 * HOUR_S, task_count=1_000, **BURSTS, burst_spread_s=300.0)
    base = draw_arrivals_s(params, world(seed=7)).tolist()
    assert base == draw_arrivals_s(params, world(seed=7)).tolist()
    for address in (world(seed=8), world(seed=7, episode=1)):
        assert not set(base) & set(draw_arrivals_s(params, address).tolist())

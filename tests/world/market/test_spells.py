"""Spells by quantile functions: lengths by their law, availability U/(U + D) at every time, the first spell, shocks."""

import math

import numpy as np
import pytest
from numba import config as numba_config
from scipy import stats

from tessera_env.world.market.capacity import capacity_steps
from tessera_env.world.market.spells import DOWN, UP, covering_h, mean_h, quantile_h, spells_bound
from tessera_env.world.parameters import CapacitySource, Parameters
from tests.world.market.tables import parameters, steps, value_at, world, z_of_mean

PLAIN = bool(numba_config.DISABLE_JIT)
WORLDS = 60 if PLAIN else 4_000
HOUR_S = 3_600.0
UP_H, DOWN_H = (0.1, 0.2, 0.3, 10.0), (0.05, 0.5, 4.0)


def tables(up_h=UP_H, down_h=DOWN_H, pools: int = 1, horizon_h: float = 24.0, **fields) -> Parameters:
    """Pools with these quantiles of up- and down-spells, h."""
    pool = {"capacity_source": int(CapacitySource.SPELLS), "capacity": 3, **fields}
    pool |= {"up_points": len(up_h), "down_points": len(down_h)}
    params = parameters(*[pool] * pools, horizon_s=horizon_h * HOUR_S)
    params.quantiles[:, UP, : len(up_h)], params.quantiles[:, DOWN, : len(down_h)] = up_h, down_h
    return params


def drawn(params: Parameters, worlds: int = WORLDS, pool_id: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """The pool's steps in many worlds."""
    return [steps(capacity_steps, params, world(episode=episode), pool_id) for episode in range(worlds)]


@pytest.fixture(scope="module")
def worlds():
    return drawn(tables(horizon_h=100.0))


def moments(lengths_h) -> tuple[float, float]:
    """E[L] and E[L^2] where the quantile function is linear between these."""
    low, high = np.array(lengths_h[:-1]), np.array(lengths_h[1:])
    return float(((low + high) / 2.0).mean()), float(((low * low + low * high + high * high) / 3.0).mean())


def up_at(worlds: list, hour: float) -> np.ndarray:
    """Whether the pool is up at that hour, one flag a world."""
    return np.array([value_at(times_s, values, hour * HOUR_S) > 0 for times_s, values in worlds])


def whole_spells(worlds: list, up: bool) -> np.ndarray:
    """Lengths (h) of the first three spells of a kind that a world saw from their start."""
    lengths = []
    for times_s, values in worlds:
        lengths += (np.diff(times_s)[1:] / HOUR_S)[(values[1:-1] > 0) == up][:3].tolist()
    return np.array(lengths)


# --- quantile functions by hand --------------------------------------------------------------------------------------


def test_a_quantile_lies_on_the_line_between_two():
    params = tables(up_h=(1.0, 2.0, 6.0))
    assert [quantile_h(params, 0, UP, 3, share) for share in (0.0, 0.25, 0.5, 0.75)] == [1.0, 1.5, 2.0, 4.0]
    assert quantile_h(params, 0, UP, 3, 1.0 - 1e-16) == pytest.approx(6.0)


def test_the_mean_is_the_area_under_the_quantile_function():
    assert mean_h(tables(up_h=(1.0, 2.0, 6.0)), 0, UP, 3) == 2.75  # (1.5 + 4) / 2
    assert mean_h(tables(down_h=(0.5, 0.5)), 0, DOWN, 2) == 0.5


def test_the_spell_that_covers_an_instant_counts_by_its_length():
    """Uniform between 1 and 3 h: the share of time in spells up to q is (q^2 - 1) / 8."""
    params = tables(up_h=(1.0, 3.0))
    for share in (0.0, 0.1, 0.5, 0.9):
        assert covering_h(params, 0, UP, 2, share) == pytest.approx(math.sqrt(1.0 + 8.0 * share))
    params = tables(up_h=(1.0, 1.0, 3.0))  # half of the spells, a third of the time
    assert covering_h(params, 0, UP, 3, 0.3) == 1.0
    assert covering_h(params, 0, UP, 3, 1.0 / 3.0 + 0.5 * 2.0 / 3.0) == pytest.approx(math.sqrt(5.0))
    assert covering_h(params, 0, UP, 3, 1.0 - 1e-16) == pytest.approx(3.0)


# --- laws ------------------------------------------------------------------------------------------------------------


def test_spells_follow_their_quantile_functions(worlds):
    """Bug: a length uniform between the extremes."""
    for up, lengths_h in ((True, UP_H), (False, DOWN_H)):
        shares = np.interp(whole_spells(worlds, up), lengths_h, np.linspace(0.0, 1.0, len(lengths_h)))
        assert stats.kstest(shares, "uniform").pvalue > 1e-4
        if not PLAIN:
            bug_h = np.random.default_rng(0).uniform(lengths_h[0], lengths_h[-1], len(shares))
            bug = np.interp(bug_h, lengths_h, np.linspace(0.0, 1.0, len(lengths_h)))
            assert stats.kstest(bug, "uniform").pvalue < 1e-15


@pytest.mark.parametrize("hour", [0.0, 0.15, 0.5, 2.0, 6.0, 25.0, 99.9])
def test_availability_is_the_same_at_every_time(worlds, hour):
    """U/(U + D), from the start on. Bug: the share of medians."""
    up_h, down_h = moments(UP_H)[0], moments(DOWN_H)[0]
    up = up_at(worlds, hour)
    assert abs(z_of_mean(up, up_h / (up_h + down_h))) < 4.0
    if not PLAIN:
        assert abs(z_of_mean(up, 0.25 / (0.25 + 0.5))) > 8.0


def test_the_first_spell_is_one_that_covers_the_start(worlds):
    """What is left of it has mean E[L^2] / (2 E[L]) (renewal theory). Bugs: a fresh spell, and half of one."""
    mean, square = moments(UP_H)
    first_h = np.array([times_s[1] / HOUR_S for times_s, values in worlds if values[0] > 0])
    assert abs(z_of_mean(first_h, square / (2.0 * mean))) < 4.0
    fresh_h = whole_spells(worlds, True)
    if not PLAIN:
        for bug_h in (fresh_h, 0.5 * fresh_h):
            assert abs(z_of_mean(bug_h, square / (2.0 * mean))) > 8.0


@pytest.mark.parametrize("hour", [0.05, 0.5, 24.0])
def test_changes_come_at_one_rate_from_the_start_on(worlds, hour):
    """2 t / (U + D) by any time t. Bug: the world starts with a fresh spell, so that it changes at other times."""
    up_h, down_h = moments(UP_H)[0], moments(DOWN_H)[0]
    expected = 2.0 * hour / (up_h + down_h)
    assert abs(z_of_mean(changes_by(worlds, hour), expected)) < 4.0
    if not PLAIN and hour < 24.0:
        rng = np.random.default_rng(0)
        fresh = [fresh_start(rng, up_h / (up_h + down_h)) for _ in range(WORLDS)]
        assert abs(z_of_mean(changes_by(fresh, hour), expected)) > 8.0


def changes_by(worlds: list, hour: float) -> np.ndarray:
    """How often capacity has changed by that hour, one count a world."""
    return np.array([np.count_nonzero(times_s[1:] <= hour * HOUR_S) for times_s, _values in worlds])


def fresh_start(rng: np.random.Generator, up_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Spells one after the other, the first a whole one."""
    first = 0 if rng.random() < up_share else 1
    sides = [(UP_H, DOWN_H)[(first + k) % 2] for k in range(20)]
    lengths_h = [np.interp(rng.random(), np.linspace(0.0, 1.0, len(side)), side) for side in sides]
    return np.concatenate(([0.0], np.cumsum(lengths_h) * HOUR_S)), np.zeros(21)


# --- what else a pool's steps are ------------------------------------------------------------------------------------


def test_up_and_down_alternate_and_up_is_all(worlds):
    for times_s, values in worlds[:50]:
        assert set(values.tolist()) <= {0, 3}
        assert (np.diff(values) != 0).all()
        assert (np.diff(times_s) >= 60.0 - 1e-6).all()  # none is shorter than a minute


def test_steps_find_room_where_most_spells_are_short():
    """Half of the spells take a minute; the steps reach the horizon all the same."""
    params = tables(up_h=(1 / 60, 1 / 60, 8.0), down_h=(1 / 60,) * 3 + (1.0,), horizon_h=500.0)
    room = spells_bound(params, 0)
    counts = []
    for times_s, _values in drawn(params, 5 if PLAIN else 100):
        counts.append(len(times_s))
        assert times_s[-1] > 480.0 * HOUR_S
    assert max(counts) < room / 10


def test_constant_spells_are_a_clock_at_a_random_phase():
    for times_s, values in drawn(tables(up_h=(2.0, 2.0), down_h=(1.0, 1.0)), 20):
        lengths_h = np.diff(times_s)[1:] / HOUR_S
        assert lengths_h == pytest.approx(np.where(values[1:-1] > 0, 2.0, 1.0))
        assert times_s[1] <= 2.0 * HOUR_S


def test_most_quantiles_can_be_given():
    lengths_h = tuple(np.geomspace(0.1, 5.0, 65))
    shares = np.interp(whole_spells(drawn(tables(lengths_h, lengths_h), 200), True), lengths_h, np.linspace(0, 1, 65))
    assert stats.kstest(shares, "uniform").pvalue > 1e-4


def test_a_world_is_its_seed_its_episode_and_its_pool():
    params = tables(pools=2, horizon_h=100.0)
    base = steps(capacity_steps, params, world(seed=5))
    assert base[0].tolist() == steps(capacity_steps, tables(horizon_h=100.0), world(seed=5))[0].tolist()
    for address, pool_id in ((world(seed=6), 0), (world(seed=5, episode=1), 0), (world(seed=5), 1)):
        assert set(base[0].tolist()) & set(steps(capacity_steps, params, address, pool_id)[0].tolist()) == {0.0}


def test_shocks_strike_a_zone_of_spells_together():
    """Pools that are up all the time but for a minute now and then: a shock clears both, one of another zone none."""
    shocks = {"shocks_per_day": 12.0, "shock_median_h": 0.25}
    params = tables(up_h=(400.0, 500.0), down_h=(1 / 60, 1 / 60), pools=3, horizon_h=48.0, **shocks)
    params.pools[2].zone = 1
    down = [up_share_by_minute(drawn(params, 1, pool_id)[0]) for pool_id in range(3)]
    assert (down[0] != down[1]).mean() < 0.002
    assert (down[0] != down[2]).mean() > 0.1


def up_share_by_minute(world_steps) -> np.ndarray:
    """Whether the pool is up, minute by minute."""
    return value_at(*world_steps, np.arange(0.0, 48.0 * HOUR_S, 60.0)) > 0


def test_how_much_shocks_take():
    """Between two of them 1 / rate; lognormal lengths with a log-deviation of 1. Bug: a shock takes its median."""
    shocks = {"shocks_per_day": 12.0, "shock_median_h": 0.5}
    params = tables(up_h=(9_000.0, 9_000.0), down_h=(1 / 60, 1 / 60), horizon_h=100.0, **shocks)
    up = up_at(drawn(params, 60 if PLAIN else 2_000), 99.0)
    assert abs(z_of_mean(up, 2.0 / (2.0 + 0.5 * math.exp(0.5)))) < 4.0
    if not PLAIN:
        assert abs(z_of_mean(up, 2.0 / (2.0 + 0.25))) > 8.0

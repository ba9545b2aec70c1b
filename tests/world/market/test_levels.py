"""Capacity in steps: levels by their law and only while a pool is up, spells untouched, bounds that hold."""

import math

import numpy as np
import pytest
from numba import config as numba_config

from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.rows import Simulation
from tessera_env.world.market.capacity import capacity_steps
from tessera_env.world.market.levels import in_levels, levels_bound
from tests.kept import kept
from tests.world.market.tables import parameters, steps, value_at, world, z_of_mean
from tests.world.market.test_capacity import HOUR_S, spells

WORLDS = 30 if numba_config.DISABLE_JIT else 1_000
INSTANCES = 4


def drawn(episode: int, horizon_h: float = 24.0, low: float = 0.4, high: float = 0.4, **fields):
    """A world's steps without levels, and with them."""
    levels = {"partial_share_low": low, "partial_share_high": high, "level_mean_h": 0.3}
    params = parameters(spells(capacity=INSTANCES, **levels, **fields), horizon_s=horizon_h * HOUR_S)
    address = world(episode=episode)
    times_s, values = steps(capacity_steps, params, address)
    out_s, out = np.empty(10_000), np.empty(10_000, np.int64)
    count = kept(in_levels)(params, address, 0, len(times_s), times_s, values, out_s, out)
    return (times_s, values), (out_s[:count], out[:count])


def test_up_and_down_are_as_without_levels():
    for episode in range(20):
        (times_s, values), (level_s, levels) = drawn(episode, up_sigma=0.7)
        at_s = np.random.default_rng(episode).uniform(0.0, 86_400.0, 500)
        plain, stepped = value_at(times_s, values, at_s), value_at(level_s, levels, at_s)
        assert ((stepped > 0) == (plain > 0)).all()
        assert set(stepped.tolist()) <= {0, 1, 2, 3, INSTANCES}
        assert (np.diff(levels) != 0).all() and (np.diff(level_s) > 0).all() and level_s[0] == 0.0


@pytest.mark.parametrize("hour", [0.0, 0.2, 5.0, 23.5])
def test_a_share_of_the_time_up_has_fewer_each_number_as_often(hour):
    seen = [value_at(*drawn(episode, up_median=1e6)[1], hour * HOUR_S) for episode in range(WORLDS)]
    assert abs(z_of_mean(np.array(seen) < INSTANCES, 0.4)) < 4.0
    for level in (1, 2, 3):
        assert abs(z_of_mean(np.array(seen) == level, 0.4 / 3.0)) < 4.0


def test_levels_last_as_long_as_they_are_said_to():
    """A stretch at the same number as the one before lengthens the stay: the chance of that is 0.4 / 3 at a level."""
    stays_h = []
    for episode in range(WORLDS // 5):
        level_s, levels = drawn(episode, up_median=1e6)[1]
        stays_h += (np.diff(level_s)[1:] / HOUR_S)[levels[1:-1] < INSTANCES][:20].tolist()
    assert abs(z_of_mean(stays_h, 0.3 / (1.0 - 0.4 / 3.0))) < 4.0


def test_each_world_draws_its_share():
    """Uniform on [0, 0.8]: the share of the time has that mean, and differs by more than chance."""
    shares = []
    for episode in range(min(WORLDS, 200)):
        level_s, levels = drawn(episode, 240.0, 0.0, 0.8, up_median=1e6)[1]
        shares.append((np.diff([*level_s, 240.0 * HOUR_S])[levels < INSTANCES]).sum() / (240.0 * HOUR_S))
    assert abs(z_of_mean(shares, 0.4)) < 4.0
    assert np.std(shares) > 0.8 * 0.8 / math.sqrt(12.0)


def test_the_bound_holds_and_is_none_without_levels():
    spec = parameters(spells(capacity=INSTANCES, partial_share_high=1.0, level_mean_h=0.3)).pools[0]
    counts = [len(drawn(episode, up_median=1e6, low=1.0, high=1.0)[1][0]) for episode in range(50)]
    assert max(counts) < levels_bound(spec, 86_400.0)
    assert levels_bound(parameters(spells()).pools[0], 86_400.0) == 0


def test_worlds_of_scenarios_have_them():
    changes = {"pools.*.capacity.partial_share": [0.0, 0.8], "horizon_h": 12}
    seen = []
    for extra in ({}, changes):
        simulation = Simulation(load_scenario("service-train", **extra), 4)
        simulation.start(np.ones(4, dtype=bool), [3] * 4, np.arange(4))
        seen.append(np.unique(simulation.state.market["capacity"]).tolist())
    assert seen == [[0, 4], [0, 1, 2, 3, 4]]

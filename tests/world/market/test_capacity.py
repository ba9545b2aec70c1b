"""Spot capacity: spells by their distribution, availability U/(U + D), shocks by zone, replay and notice by hand."""

import math

import numpy as np
import pytest
from numba import config as numba_config
from scipy import stats

from tessera_env.world.market.capacity import announce_losses, capacity_steps, clear_between
from tessera_env.world.parameters import CapacitySource
from tests.world.market.tables import parameters, steps, value_at, world, z_of_mean

WORLDS = 60 if numba_config.DISABLE_JIT else 2_000
HOUR_S = 3600.0


def spells(**fields) -> dict:
    """A semi-Markov pool: 2 h up, 1 h down in the median, the same in every world."""
    base = {"capacity_source": int(CapacitySource.SEMI_MARKOV), "capacity": 3}
    defaults = {"up_median": 2.0, "up_sigma": 0.0, "down_median": 1.0, "down_sigma": 0.0, **fields}
    for name in ("up_median", "up_sigma", "down_median", "down_sigma"):
        unit = "_h" if "median" in name else ""
        base[f"{name}_low{unit}"] = base[f"{name}_high{unit}"] = defaults.pop(name)
    return {**base, **defaults}


def drawn(fields: dict, worlds: int = WORLDS, horizon_h: float = 24.0, pool_id: int = 0) -> list:
    """The pool's steps in many worlds."""
    params = parameters(fields, horizon_s=horizon_h * HOUR_S)
    return [steps(capacity_steps, params, world(episode=k), pool_id) for k in range(worlds)]


def up_at(worlds: list, hour: float) -> np.ndarray:
    """Whether the pool is up at that hour, one flag a world."""
    return np.array([value_at(times_s, values, hour * HOUR_S) > 0 for times_s, values in worlds])


@pytest.mark.parametrize("hour", [0.0, 0.1, 1.7, 23.0])
def test_availability_of_fixed_spells_is_stationary(hour):
    """Up 2 h, down 1 h, at a random phase: available 2/3 of the worlds at any instant."""
    up = up_at(drawn(spells()), hour)
    assert abs(z_of_mean(up, 2.0 / 3.0)) < 4.0


def test_availability_of_heavy_tailed_spells():
    """E[up] = 2 exp(0.5), E[down] = 1: a ratio of medians (2/3) is the planted bug."""
    up = up_at(drawn(spells(up_sigma=1.0), WORLDS, horizon_h=200.0), 199.0)
    mean_up_h = 2.0 * math.exp(0.5)
    assert abs(z_of_mean(up, mean_up_h / (mean_up_h + 1.0))) < 4.0
    if not numba_config.DISABLE_JIT:
        assert abs(z_of_mean(up, 2.0 / 3.0)) > 8.0


@pytest.mark.parametrize("hour", [0.5, 2.0, 6.0])
def test_heavy_tailed_spells_are_stationary_from_the_start(hour):
    """The spell that covers the start is length-biased, or the pool would change too soon."""
    up = up_at(drawn(spells(up_sigma=1.0)), hour)
    mean_up_h = 2.0 * math.exp(0.5)
    assert abs(z_of_mean(up, mean_up_h / (mean_up_h + 1.0))) < 4.0


def test_the_first_spell_is_length_biased():
    """Renewal theory: what is left of the spell at the start has mean E[L^2] / (2 E[L]); E[L]/2 is the planted bug."""
    sigma = 0.8
    rest_h = [times_s[1] / HOUR_S for times_s, values in drawn(spells(up_sigma=sigma), horizon_h=500.0) if values[0]]
    mean_h = 2.0 * math.exp(0.5 * sigma**2)
    assert abs(z_of_mean(rest_h, mean_h * math.exp(sigma**2) / 2.0)) < 4.0
    if not numba_config.DISABLE_JIT:
        assert abs(z_of_mean(rest_h, mean_h / 2.0)) > 8.0


def whole_spells(worlds: list, up: bool) -> np.ndarray:
    """Lengths (h) of the spells that a world saw from their start to their end, at most the first three a world.

    More would prefer short spells: a fixed number starting early in a long horizon does not.
    """
    lengths = []
    for times_s, values in worlds:
        whole = np.diff(times_s)[1:] / HOUR_S
        lengths += whole[(values[1:-1] > 0) == up][:3].tolist()
    return np.array(lengths)


def test_spells_are_lognormal():
    worlds = drawn(spells(up_sigma=0.7, down_sigma=0.4), WORLDS // 2, horizon_h=200.0)
    for up, median_h, sigma in ((True, 2.0, 0.7), (False, 1.0, 0.4)):
        z = np.log(whole_spells(worlds, up) / median_h) / sigma
        assert stats.kstest(z, "norm").pvalue > 1e-4


def test_up_and_down_alternate_and_up_is_all():
    for _times_s, values in drawn(spells(up_sigma=0.5), 20):
        assert set(values.tolist()) <= {0, 3}
        assert (np.diff(values) != 0).all()


def test_a_member_of_the_family_is_drawn_between_its_bounds():
    fields = {**spells(), "up_median_low_h": 1.0, "up_median_high_h": 4.0}
    lengths_h = []
    for times_s, values in drawn(fields, 200, horizon_h=60.0):
        own = np.diff(times_s)[1:][values[1:-1] > 0] / HOUR_S
        assert own.max() - own.min() < 1e-9  # one member a world
        lengths_h.append(own[0])
    logs = np.log(lengths_h) / math.log(4.0)
    assert stats.kstest(logs, "uniform").pvalue > 1e-4


def test_in_the_bad_regime_up_spells_are_shorter_and_down_spells_longer():
    fields = {**spells(), "regime_mean_h": 1e6, "regime_factor_high": 16.0}
    up_h, down_h = [], []
    for times_s, values in drawn(fields, 300, horizon_h=100.0):
        lengths_h = np.diff(times_s)[1:] / HOUR_S
        up_h += lengths_h[values[1:-1] > 0][:1].tolist()
        down_h += lengths_h[values[1:-1] == 0][:1].tolist()
    good = np.isclose(up_h, 2.0).mean()
    assert abs(good - 0.5) < 4.0 * 0.5 / math.sqrt(len(up_h))
    assert min(up_h) < 1.0 and max(up_h) < 2.0 + 1e-9
    assert max(down_h) > 2.0 and min(down_h) > 1.0 - 1e-9


def test_regimes_change():
    fields = {**spells(), "regime_mean_h": 20.0, "regime_factor_high": 16.0}
    both = 0
    for times_s, values in drawn(fields, 50, horizon_h=200.0):
        up_h = np.diff(times_s)[1:][values[1:-1] > 0] / HOUR_S
        both += up_h.max() - up_h.min() > 0.1
    assert both > 25


def test_shocks_strike_every_pool_of_the_zone_together():
    always = spells(up_median=1e5, shocks_per_day=4.0, shock_median_h=0.5)
    params = parameters({**always, "zone": 0}, {**always, "zone": 0}, {**always, "zone": 1}, horizon_s=10 * 86_400.0)
    address = world(seed=3)
    first, second, elsewhere = (steps(capacity_steps, params, address, p)[0].tolist() for p in range(3))
    assert len(first) > 20
    assert first[1:] == second[1:]
    assert not set(first[1:]) & set(elsewhere[1:])


def test_shocks_come_at_their_rate():
    always = spells(up_median=1e5, shocks_per_day=6.0, shock_median_h=0.02)
    counts = [(values == 0).sum() for _times_s, values in drawn(always, WORLDS // 4, horizon_h=240.0)]
    # A shock lasts 0.02 exp(0.5) h in the mean, and the next one's wait starts when it is over.
    cycle_h = 4.0 + 0.02 * math.exp(0.5)
    assert abs(np.mean(counts) / (240.0 / cycle_h) - 1.0) < 0.02 + 4.0 / math.sqrt(60.0 * len(counts))


@pytest.mark.parametrize(
    ("start_s", "end_s", "steps_after"),
    [
        (20.0, 30.0, [(0, 5), (10, 2), (20, 0), (30, 2), (40, 7)]),  # inside one step
        (5.0, 15.0, [(0, 5), (5, 0), (15, 2), (40, 7)]),  # over one change
        (5.0, 50.0, [(0, 5), (5, 0), (50, 7)]),  # over two changes
        (10.0, 40.0, [(0, 5), (10, 0), (40, 7)]),  # from change to change
        (50.0, 60.0, [(0, 5), (10, 2), (40, 7), (50, 0), (60, 7)]),  # behind all
    ],
)
def test_clear_between(start_s, end_s, steps_after):
    times_s, capacities = np.zeros(10), np.zeros(10, np.int64)
    times_s[:3], capacities[:3] = [0, 10, 40], [5, 2, 7]
    count = clear_between(times_s, capacities, 3, start_s, end_s)
    assert list(zip(times_s[:count].tolist(), capacities[:count].tolist(), strict=True)) == steps_after


def announced(times_s, capacities, notice_s: float) -> tuple[np.ndarray, np.ndarray]:
    """The steps of what can be launched."""
    out_s, out = np.empty(2 * len(times_s) + 2), np.empty(2 * len(times_s) + 2, np.int64)
    raw_s, raw = np.array(times_s, float), np.array(capacities, np.int64)
    count = announce_losses(raw_s, raw, len(raw), notice_s, out_s, out)
    return out_s[:count], out[:count]


def test_a_loss_counts_from_its_notice_and_a_rise_when_it_comes():
    times_s, values = announced([0.0, 1_000.0, 2_000.0], [4, 1, 3], 120.0)
    assert times_s.tolist() == [0.0, 880.0, 2_000.0]
    assert values.tolist() == [4, 1, 3]


def test_a_peak_shorter_than_the_notice_never_counts():
    times_s, values = announced([0.0, 1_000.0, 1_060.0], [1, 5, 1], 120.0)
    assert (times_s.tolist(), values.tolist()) == ([0.0], [1])


def test_a_loss_within_the_first_notice_counts_from_the_start():
    times_s, values = announced([0.0, 60.0], [2, 0], 120.0)
    assert (times_s.tolist(), values.tolist()) == ([0.0], [0])


def test_announced_capacity_is_the_least_within_the_notice():
    rng = np.random.default_rng(1)
    for _ in range(200):
        count, notice_s = int(rng.integers(1, 12)), float(rng.choice([0.0, 1.0, 7.0, 50.0]))
        raw_s = np.concatenate([[0.0], np.cumsum(rng.integers(1, 20, count - 1))]).astype(float)
        raw = rng.integers(0, 4, count)
        times_s, values = announced(raw_s, raw, notice_s)
        assert (np.diff(times_s) > 0).all() and (np.diff(values) != 0).all()
        for t in np.arange(0.0, raw_s[-1] + 3.0, 0.5):
            within = (raw_s > t) & (raw_s <= t + notice_s)
            least = min([value_at(raw_s, raw, t), *raw[within].tolist()])
            assert value_at(times_s, values, t) == least


TRACE = [(0.0, 1.0, 1), (100.0, 2.0, 1), (200.0, 2.0, 0), (300.0, 3.0, 0), (400.0, 1.0, 1)]


@pytest.mark.parametrize(
    ("window_s", "times_s", "values"),
    [
        (0.0, [0.0], [4]),  # the step at 200 is the horizon's: outside
        (50.0, [0.0, 150.0], [4, 0]),
        (250.0, [0.0, 150.0], [0, 4]),
        (500.0, [0.0], [4]),
    ],
)
def test_a_replayed_window_times_the_pools_size(window_s, times_s, values):
    fields = {"capacity_source": int(CapacitySource.TRACE), "capacity": 4}
    got = steps(capacity_steps, parameters(fields, horizon_s=200.0, points=TRACE), world(window_s=window_s))
    assert (got[0].tolist(), got[1].tolist()) == (times_s, values)


def test_a_constant_capacity_is_one_step():
    times_s, values = steps(capacity_steps, parameters({"capacity": 7}), world())
    assert (times_s.tolist(), values.tolist()) == ([0.0], [7])

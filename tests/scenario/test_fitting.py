"""The fitted generator is like the trace: its spells come from one law with the recorded ones."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

from tessera_env.env import TesseraEnv
from tessera_env.recordings.traces.parts import chosen_series, part_of
from tessera_env.recordings.traces.reading import read_series
from tessera_env.recordings.traces.series import Series, TraceError
from tessera_env.recordings.traces.statistics import complete_spells, spells_of, statistics_of
from tessera_env.scenario.conversion import parameters_of
from tessera_env.scenario.fitting import Origin, fitted_toml, instances_when_up, price_steps, spell_quantiles_h
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tests.generated_traces import heavy_tailed_csv
from tests.traces import trace_file

WORLDS = 30
DEVELOPMENT_H = 700.0
ORIGIN = Origin("spot.csv", 0.0, 1_000.0)


def fitted(series: tuple[Series, ...], folder: Path, **overrides: object) -> Scenario:
    """The scenario as a user gets it, over as many hours as the trace has; a loss is not announced before it comes."""
    path = folder / "fitted.toml"
    path.write_text(fitted_toml(series, ORIGIN, 3.06), encoding="utf-8")
    hours = min(one.end_s for one in series) / 3600.0
    return load_scenario(path, **{"horizon_h": hours, "notice_s": 0, **overrides})


def drawn_markets(scenario: Scenario, worlds: int = WORLDS) -> list[list[np.ndarray]]:
    """Of each pool, its timeline in every world."""
    env = TesseraEnv(scenario)
    timelines: list[list[np.ndarray]] = [[] for _ in scenario.pools]
    for world in range(worlds):
        env.reset(seed=11, options={"world": world})
        state = env.simulation.state
        for pool, drawn in enumerate(timelines):
            drawn.append(np.array(state.market[0, pool, : state.pools[0, pool].point_count]))
    return timelines


def generated_spells(timelines: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All complete up- and down-spells: the worlds are as long as the trace, so the same spells are cut off."""
    spells = [complete_spells(one["time_s"], one["capacity"]) for one in timelines]
    return np.concatenate([one.up_s for one in spells]), np.concatenate([one.down_s for one in spells])


def same_law_p(series: Series, timelines: list[np.ndarray]) -> list[float]:
    """p of a two-sample Kolmogorov-Smirnov test for up- and down-spells.

    The trace knows its spells to a sample only, so the generated ones are rounded to samples too; ties make the test
    keep the hypothesis more often than it says, never less. The planted mistake below is rejected all the same.
    """
    recorded = spells_of(series)
    drawn = [np.maximum(np.rint(one / series.sample_s), 1) * series.sample_s for one in generated_spells(timelines)]
    return [float(ks_2samp(a, b).pvalue) for a, b in zip((recorded.up_s, recorded.down_s), drawn, strict=True)]


@pytest.fixture
def generated(tmp_path: Path) -> tuple[Series, ...]:
    file = tmp_path / "spot.csv"
    file.write_text(heavy_tailed_csv(), encoding="utf-8")
    return read_series([str(file)])


def test_spells_follow_the_trace(generated, tmp_path):
    timelines = drawn_markets(fitted(generated, tmp_path))
    p = [value for one, drawn in zip(generated, timelines, strict=True) for value in same_law_p(one, drawn)]
    assert min(p) > 0.01, p


def test_exponential_spells_of_the_same_mean_are_told_apart(generated, tmp_path):
    shares = np.append(np.linspace(0.0, 1.0, 65)[:-1], 1.0 - 1e-3)
    wrong: dict[str, object] = {}
    for pool, one in enumerate(generated):
        for key, lengths_s in (("up_h", spells_of(one).up_s), ("down_h", spells_of(one).down_s)):
            quantiles_h = np.maximum(-np.log1p(-shares) * lengths_s.mean() / 3600.0, 0.02)
            wrong[f"pools.{pool}.capacity.{key}"] = quantiles_h.tolist()
    timelines = drawn_markets(fitted(generated, tmp_path, **wrong))
    p = [value for one, drawn in zip(generated, timelines, strict=True) for value in same_law_p(one, drawn)]
    assert max(p) < 0.01, p


def test_spells_follow_the_bundled_trace(tmp_path):
    series = chosen_series("aws_v100_2023", None, None, 0.0, DEVELOPMENT_H)
    timelines = drawn_markets(fitted(series, tmp_path))
    p = {one.name: same_law_p(one, drawn) for one, drawn in zip(series, timelines, strict=True)}
    assert min(min(values) for values in p.values()) > 0.01, p


@pytest.mark.parametrize(
    ("folder", "zone", "polarity"),
    [
        ("spot_availability", "us-west-2a", "available"),
        ("spot_preemption", "us-east-1f", "available"),
        ("spot_nodes", "us-west-2c", "available"),
    ],
)
def test_spells_follow_recorded_samples(folder, zone, polarity, tmp_path):
    series = read_series([str(trace_file(f"{folder}/{zone}_v100_1.json"))], polarity)
    series = tuple(part_of(one, 0.0, min(one.end_s, DEVELOPMENT_H * 3600.0)) for one in series)
    assert min(same_law_p(series[0], drawn_markets(fitted(series, tmp_path))[0])) > 0.01


def test_the_share_of_time_available_is_the_traces(generated, tmp_path):
    timelines = drawn_markets(fitted(generated, tmp_path), worlds=60)
    for one, drawn in zip(generated, timelines, strict=True):
        shares = [up_share(timeline, one.end_s) for timeline in drawn]
        # The fit is to complete spells, so it may differ from the trace by what the first and the last spell weigh.
        spells = spells_of(one)
        expected = spells.up_s.sum() / (spells.up_s.sum() + spells.down_s.sum())
        error = np.std(shares) / len(shares) ** 0.5
        assert abs(np.mean(shares) - expected) < 4.0 * error + 0.01


def up_share(timeline: np.ndarray, end_s: float) -> float:
    lengths_s = np.diff(timeline["time_s"], append=end_s)
    return float(lengths_s[timeline["capacity"] > 0].sum() / end_s)


def test_prices_move_as_recorded(generated, tmp_path):
    scenario = fitted(generated, tmp_path)
    for one, drawn, pool in zip(generated, drawn_markets(scenario), scenario.pools, strict=True):
        price = statistics_of(one).price
        assert price is not None
        prices = np.concatenate([timeline["spot_price"] for timeline in drawn])
        changes = sum(np.count_nonzero(np.diff(timeline["spot_price"])) for timeline in drawn)
        assert changes / (WORLDS * one.end_s / 86_400.0) == pytest.approx(price.changes_per_day, rel=0.05)
        assert price.lowest - 1e-5 <= prices.min()
        assert prices.max() <= price.highest + 1e-5
        assert np.mean(prices) == pytest.approx(price.mean, rel=0.1)
        assert pool.price.step_high_share == pytest.approx(np.quantile(price_steps(one), 0.95), rel=1e-3)


def test_quantiles_keep_order_and_mean():
    lengths_s = np.random.default_rng(3).lognormal(8.0, 1.6, 300)
    quantiles_h = spell_quantiles_h(lengths_s)
    assert len(quantiles_h) == 65
    assert quantiles_h == sorted(quantiles_h)
    assert np.trapezoid(quantiles_h) / 64 == pytest.approx(
        lengths_s.mean() / 3600.0, rel=5e-3
    )  # the shortest are lengthened
    assert spell_quantiles_h(np.array([7200.0, 7200.0])) == [2.0, 2.0]
    assert min(spell_quantiles_h(np.array([1.0, 2.0, 7200.0]))) >= 1 / 60  # none shorter can be generated


def test_a_trace_without_prices_says_so(tmp_path):
    series = Series("east", np.arange(6) * 3600.0, np.array([0, 4, 0, 6, 0, 5]), None, 6 * 3600.0, 3600.0)
    text = fitted_toml((series,), ORIGIN, 2.0)
    assert "# no price was recorded" in text
    scenario = fitted((series,), tmp_path)
    assert scenario.pools[0].price.source == "constant"


def test_capacity_in_steps_has_them_when_fitted(tmp_path):
    """Of seven hours up three with 4 or 5 of 6, in two stays."""
    time_s = np.array([0.0, 1.0, 2.0, 3.5, 5.0, 6.0, 8.0, 11.0]) * 3600.0
    series = Series("east", time_s, np.array([0, 6, 4, 5, 0, 6, 0, 6]), None, 12 * 3600.0, 1800.0)
    capacity = fitted((series,), tmp_path).pools[0].capacity
    assert instances_when_up(series) == 5
    assert (capacity.instances, capacity.level_mean_h) == (6, 1.5)
    assert capacity.partial_share == pytest.approx((3.0 / 7.0, 3.0 / 7.0), abs=1e-5)
    seen = np.concatenate([one["capacity"] for one in drawn_markets(load_scenario(tmp_path / "fitted.toml"))[0]])
    assert set(seen.tolist()) == set(range(7))
    steady = Series("west", time_s, np.array([0, 6, 0, 6, 0, 6, 0, 6]), None, 12 * 3600.0, 1800.0)
    assert "partial_share" not in fitted_toml((steady,), ORIGIN, 3.06)


def test_names_that_are_no_pools(tmp_path):
    time_s, capacity = np.arange(6) * 3600.0, np.array([0, 1, 0, 1, 0, 1])
    names = ("us east", "us/east", "-x", "\x1b[2J")
    series = tuple(Series(name, time_s, capacity, None, 6 * 3600.0, 3600.0) for name in names)
    assert [pool.name for pool in fitted(series, tmp_path).pools] == ["us-east", "us-east.2", "z-x", "z--2J"]


def test_too_few_spells():
    series = Series("east", np.arange(3) * 3600.0, np.array([0, 1, 0]), None, 3 * 3600.0, 3600.0)
    with pytest.raises(TraceError, match=r"spot.csv: zone east: must have at least 2 complete up-spells \(got 1\)"):
        fitted_toml((series,), ORIGIN, 3.06)


def test_what_was_always_available_is_constant(tmp_path):
    """Its price is fitted; a zone beside it that came and went keeps its spells."""
    time_s = np.arange(6) * 3600.0
    prices = np.array([1.0, 1.1, 1.0, 0.9, 1.0, 1.1])
    always = Series("always", time_s, np.array([2, 4, 4, 4, 4, 4]), prices, 6 * 3600.0, 3600.0)
    steady = Series("steady", time_s[:1], np.array([1]), np.array([0.5]), 6 * 3600.0, 3600.0)
    other = Series("other", time_s, np.array([0, 1, 0, 1, 0, 1]), None, 6 * 3600.0, 3600.0)
    scenario = fitted((always, steady, other), tmp_path)
    assert [pool.capacity.source for pool in scenario.pools] == ["constant", "constant", "spells"]
    assert [pool.capacity.instances for pool in scenario.pools] == [4, 1, 1]
    assert [pool.price.source for pool in scenario.pools] == ["steps", "constant", "constant"]
    assert scenario.pools[1].price.usd_per_h == 0.5
    timelines = drawn_markets(scenario, worlds=3)
    assert all((timeline["capacity"] == 4).all() for timeline in timelines[0])
    never = Series("never", time_s[:1], np.array([0]), None, 6 * 3600.0, 3600.0)
    with pytest.raises(TraceError, match=r"zone never: must have at least 2 complete up-spells \(got 0\)"):
        fitted_toml((never,), ORIGIN, 3.06)


def test_the_fitted_file_is_valid_for_the_engine(generated, tmp_path):
    parameters = parameters_of(fitted(generated, tmp_path))
    assert parameters.pools.shape[0] == len(generated)

"""Bootstrap intervals: they cover what they should, stay paired, and do not change from run to run."""

import numpy as np
import pytest

from tessera_env.evaluation.statistics import (
    Estimate,
    bootstrap_means,
    estimate,
    gap_closed,
    percentile_interval,
    savings,
)


def interval_of(values: np.ndarray, seed: int = 0, resamples: int = 1_000) -> tuple[float, float]:
    return percentile_interval(bootstrap_means(values[:, None], seed, resamples)[:, 0])


def coverage(true_mean: float, scale: float = 1.0, worlds: int = 400, size: int = 60) -> float:
    """Share of independent samples of an exponential law whose interval, stretched by `scale`, holds `true_mean`."""
    generator = np.random.default_rng(11)
    hits = 0
    for trial in range(worlds):
        values = generator.exponential(3.0, size)
        low, high = interval_of(values, seed=trial)
        middle, half = (low + high) / 2, scale * (high - low) / 2
        hits += middle - half <= true_mean <= middle + half
    return hits / worlds


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    # Percentile intervals of 60 skewed values cover about 93 %; the error of 400 trials is 1.2 %.
    assert 0.89 <= coverage(3.0) <= 0.98


def test_planted_errors_are_found() -> None:
    assert coverage(3.0, scale=0.5) < 0.80  # an interval of half the width
    assert coverage(3.9) < 0.60  # a mean that is off by 30 %


def test_it_agrees_with_the_central_limit() -> None:
    values = np.random.default_rng(1).normal(10.0, 2.0, 4_000)
    low, high = interval_of(values, resamples=10_000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.05 * half)


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    columns = np.random.default_rng(2).normal(size=(50, 3))
    first = bootstrap_means(columns, 7)
    assert first.shape == (10_000, 3)
    assert np.array_equal(first, bootstrap_means(columns, 7))
    assert not np.array_equal(first, bootstrap_means(columns, 8))


def test_a_column_does_not_depend_on_those_beside_it() -> None:
    columns = np.random.default_rng(3).normal(size=(50, 3))
    together = bootstrap_means(columns, 7, 500)
    assert np.array_equal(together[:, 1], bootstrap_means(columns[:, 1:2], 7, 500)[:, 0])


def test_chunks_cover_every_resample() -> None:
    values = np.random.default_rng(4).normal(5.0, 1.0, size=(30_001, 1))  # 33 resamples at once
    means = bootstrap_means(values, 1, 100)
    assert np.all(np.abs(means - 5.0) < 0.05)
    assert len(np.unique(means)) == 100


def test_pairing_removes_what_worlds_have_in_common() -> None:
    """Costs differ by 100 $ between worlds but by 1 $ between policies: only paired intervals see it."""
    generator = np.random.default_rng(5)
    world = generator.normal(500.0, 100.0, 100)
    cheap, dear = world, world + generator.normal(1.0, 0.5, 100)
    resampled = bootstrap_means(np.column_stack([cheap, dear]), 1)
    paired = estimate(dear - cheap, resampled[:, 1] - resampled[:, 0])
    assert paired.is_clear_of_zero
    assert 0.8 < paired.low < paired.mean < paired.high < 1.2
    unpaired = resampled[:, 1] - np.random.default_rng(0).permutation(resampled[:, 0])
    assert not Estimate(1.0, *percentile_interval(unpaired)).is_clear_of_zero


def test_savings_are_a_ratio_of_means() -> None:
    cost, full = np.array([1.0, 30.0]), np.array([10.0, 30.0])
    resampled = bootstrap_means(np.column_stack([cost, full]), 1)
    saved = savings(cost, full, resampled[:, 0], resampled[:, 1])
    assert saved.mean == pytest.approx(1 - 31 / 40)  # the mean of ratios would be 0.45
    assert (saved.low, saved.high) == pytest.approx((0.0, 0.9))


def test_one_episode_has_no_interval_and_is_never_clear() -> None:
    only = estimate(np.array([4.0]), np.full(10, 4.0))
    assert (only.mean, only.low, only.high) == (4.0, -np.inf, np.inf)
    assert not only.is_clear_of_zero


@pytest.mark.parametrize(
    ("low", "high", "clear"), [(-1, 1, False), (0.1, 1, True), (-2, -1, True), (0, 1, False), (-1, 0, False)]
)
def test_clear_of_zero(low: float, high: float, clear: bool) -> None:
    assert Estimate(0.5, low, high).is_clear_of_zero is clear


class TestGapClosed:
    """The share of the way from a reference down to the optimum."""

    COSTS = np.column_stack([np.linspace(60.0, 70.0, 40), np.linspace(70.0, 90.0, 40), np.linspace(50.0, 60.0, 40)])

    def test_it_is_a_ratio_of_means_with_the_interval_of_paired_resamples(self) -> None:
        resampled = bootstrap_means(self.COSTS, 1)
        found = gap_closed(self.COSTS, resampled)
        assert found is not None
        assert found.mean == pytest.approx((80 - 65) / (80 - 55))
        shares = (resampled[:, 1] - resampled[:, 0]) / (resampled[:, 1] - resampled[:, 2])
        assert (found.low, found.high) == percentile_interval(shares)
        assert found.low < found.mean < found.high

    def test_the_reference_closes_nothing_and_the_optimum_everything(self) -> None:
        for column, share in ((1, 0.0), (2, 1.0)):
            costs = self.COSTS[:, [column, 1, 2]]
            assert gap_closed(costs, bootstrap_means(costs, 1)) == Estimate(share, share, share)

    def test_without_a_gap_there_is_none(self) -> None:
        costs = self.COSTS[:, [0, 1, 1]]
        assert gap_closed(costs, bootstrap_means(costs, 1)) is None

    def test_resamples_without_a_gap_leave_no_interval(self) -> None:
        costs = np.full((3, 3), 50.0)
        costs[0] = [55.0, 60.0, 50.0]  # a third of the gap's worlds: many resamples have none
        found = gap_closed(costs, bootstrap_means(costs, 1))
        assert found is not None
        assert (found.mean, found.low, found.high) == (pytest.approx(0.5), -np.inf, np.inf)

    def test_one_episode_has_no_interval(self) -> None:
        found = gap_closed(self.COSTS[:1], self.COSTS[:1])
        assert found is not None
        assert (found.low, found.high) == (-np.inf, np.inf)

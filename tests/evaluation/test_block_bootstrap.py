"""Blocks are drawn whole: intervals of alike rows are as wide as they must be, and ratios stay paired."""

import numpy as np
import pytest

from tessera_env.evaluation.block_bootstrap import BlockSums, block_of, block_sums, times_drawn
from tessera_env.evaluation.statistics import bootstrap_means, estimate


def mean(sums: np.ndarray) -> np.ndarray:
    """Of rows of (value, 1)."""
    return sums[..., 0] / sums[..., 1]


def sums_of(values: np.ndarray, blocks: np.ndarray, seed: int = 0) -> BlockSums:
    return block_sums(np.column_stack([values, np.ones(len(values))]), blocks, seed)


def alike_rows(blocks: int, rows: int, seed: int, between: float = 1.0, within: float = 0.5) -> np.ndarray:
    """(blocks, rows): a block's own level plus noise."""
    generator = np.random.default_rng(seed)
    return between * generator.standard_normal((blocks, 1)) + within * generator.standard_normal((blocks, rows))


def test_rows_that_agree_in_all_keys_share_a_block():
    zone, week = np.array([1, 1, 0, 1, 0]), np.array([4, 5, 4, 4, 4])
    blocks = block_of(zone, week)
    assert len(set(blocks.tolist())) == 3
    assert blocks[0] == blocks[3]
    assert blocks[2] == blocks[4]
    assert sorted(set(blocks.tolist())) == [0, 1, 2]


def test_each_draw_has_as_many_blocks_as_there_are():
    drawn = times_drawn(7, seed=3, draws=500)
    assert drawn.shape == (500, 7)
    assert (drawn.sum(axis=1) == 7).all()
    assert abs(drawn.mean() - 1.0) < 1e-12
    assert drawn.max() >= 3  # with replacement
    assert (times_drawn(7, seed=3, draws=500) == drawn).all()
    assert (times_drawn(7, seed=4, draws=500) != drawn).any()


def test_the_interval_of_alike_rows_is_as_wide_as_the_closed_form_says():
    """Variance of the mean of b blocks of m rows: (between² + within² / m) / b."""
    values = alike_rows(300, 20, seed=1)
    blocks = np.repeat(np.arange(300), 20)
    found = sums_of(values.ravel(), blocks).estimate(mean)
    assert found.mean == pytest.approx(values.mean())
    expected = 2.0 * 1.96 * np.sqrt((1.0 + 0.25 / 20) / 300)
    assert found.high - found.low == pytest.approx(expected, rel=0.12)
    naive = estimate(values.ravel(), bootstrap_means(values.reshape(-1, 1), 0)[:, 0])
    too_narrow = 2.0 * 1.96 * np.sqrt((1.0 + 0.25) / 6000)
    assert naive.high - naive.low == pytest.approx(too_narrow, rel=0.12)
    assert found.high - found.low > 3.5 * (naive.high - naive.low)


def test_independent_rows_as_blocks_of_their_own_give_the_plain_bootstrap():
    values = np.random.default_rng(2).standard_normal(400)
    blocked = sums_of(values, np.arange(400)).estimate(mean)
    plain = estimate(values, bootstrap_means(values[:, None], 0)[:, 0])
    assert blocked.mean == pytest.approx(plain.mean)
    assert blocked.high - blocked.low == pytest.approx(plain.high - plain.low, rel=0.08)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    blocks = np.repeat(np.arange(40), 10)
    held = 0
    for seed in range(200):
        found = sums_of(alike_rows(40, 10, seed).ravel(), blocks, seed).estimate(mean)
        held += found.low <= 0.0 <= found.high
    assert 0.88 <= held / 200 <= 0.98  # 0.95 less what a percentile interval of 40 blocks lacks


def test_ratios_and_differences_stay_paired():
    """A cost that is always 0.8 of another one has a ratio without any spread."""
    level = np.exp(alike_rows(20, 5, seed=3)).ravel()
    rows = np.column_stack([level, 0.8 * level])
    sums = block_sums(rows, np.repeat(np.arange(20), 5), seed=0)
    ratio = sums.estimate(lambda total: total[..., 1] / total[..., 0])
    assert ratio.low == pytest.approx(0.8)
    assert ratio.high == pytest.approx(0.8)


def test_unlike_blocks_weigh_by_their_rows():
    sums = sums_of(np.array([1.0, 1.0, 1.0, 5.0]), np.array([0, 0, 0, 1]))
    assert sums.estimate(mean).mean == 2.0
    assert set(np.round(mean(sums.draws), 9).tolist()) == {1.0, 2.0, 5.0}


@pytest.mark.parametrize("values", [np.zeros((4, 1)), np.array([[0.0], [0.0], [1.0], [1.0]])])
def test_what_a_draw_leaves_undefined_has_no_interval(values):
    sums = block_sums(np.column_stack([values, np.ones(4)]), np.array([0, 0, 1, 1]), seed=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = sums.estimate(lambda total: total[..., 1] / total[..., 0])
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert not found.is_clear_of_zero


def test_one_block_has_no_interval():
    found = sums_of(np.ones(5), np.zeros(5, dtype=np.int64)).estimate(mean)
    assert (found.mean, found.low, found.high) == (1.0, -np.inf, np.inf)


def test_rows_and_blocks_must_go_together():
    with pytest.raises(ValueError, match=r"blocks: of shape \(2,\) for 3 rows"):
        block_sums(np.ones((3, 1)), np.zeros(2, dtype=np.int64), 0)
    with pytest.raises(ValueError, match="at least one row"):
        block_sums(np.ones((0, 1)), np.zeros(0, dtype=np.int64), 0)

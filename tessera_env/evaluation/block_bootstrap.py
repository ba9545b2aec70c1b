"""Intervals for rows that are not independent, such as overlapping windows of one recording: whole blocks are drawn.

A block holds all rows that may be alike; blocks are drawn with replacement, and every figure is worked out anew from
the rows of the drawn ones (Künsch, "The Jackknife and the Bootstrap for General Stationary Observations", 1989; blocks
here do not overlap). Figures are functions of sums over rows, so that ratios and paired differences stay paired: all of
them see the same draws.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tessera_env.evaluation.statistics import Estimate, percentile_interval

DRAWS = 2_000
_STREAM = 0x626C6F63  # sets the draws apart from all else that the seed draws

# A figure from sums over rows, (..., whatever a row holds), one for each of the leading axes.
Statistic = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class BlockSums:
    """Sums over rows: of all of them, and of each draw of blocks."""

    blocks: int
    total: np.ndarray  # (...) as a row
    draws: np.ndarray  # (draws, ...)

    def estimate(self, statistic: Statistic) -> Estimate:
        """The figure and its interval.

        One block says nothing about the spread, nor does a figure that some draw leaves undefined: the interval is
        infinite then, so never clear of 0.
        """
        value = float(statistic(self.total))
        drawn = np.asarray(statistic(self.draws), dtype=np.float64)
        if self.blocks < 2 or not np.isfinite(drawn).all():
            return Estimate(value, -np.inf, np.inf)
        return Estimate(value, *percentile_interval(drawn))


def block_of(*keys: np.ndarray) -> np.ndarray:
    """(n,) int64 numbers of blocks from 0 on: rows that agree in all keys, each (n,), share one."""
    _, numbers = np.unique(np.column_stack(keys), axis=0, return_inverse=True)
    return numbers.reshape(-1).astype(np.int64)


def block_sums(rows: np.ndarray, blocks: np.ndarray, seed: int, draws: int = DRAWS) -> BlockSums:
    """Sums of rows over all blocks, and over as many blocks drawn with replacement, `draws` times.

    Args:
        rows: (n, ...) what each row adds to the sums.
        blocks: (n,) as from `block_of`.
        seed: of the draws.
        draws: how many.

    Raises:
        ValueError: there are no rows, or not one block a row.
    """
    if len(rows) == 0 or blocks.shape != (len(rows),):
        raise ValueError(f"blocks: of shape {blocks.shape} for {len(rows)} rows (allowed: one a row, at least one row)")
    count = int(blocks.max()) + 1
    sums = np.zeros((count, *rows.shape[1:]))
    np.add.at(sums, blocks, rows)
    return BlockSums(count, sums.sum(axis=0), np.tensordot(times_drawn(count, seed, draws), sums, axes=1))


def times_drawn(blocks: int, seed: int, draws: int) -> np.ndarray:
    """(draws, blocks) float64, how often each block is drawn."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, _STREAM])))
    drawn = generator.integers(0, blocks, size=(draws, blocks)) + blocks * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * blocks).reshape(draws, blocks).astype(np.float64)

"""Means with bootstrap intervals, and paired comparisons on the same worlds."""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
LEVEL = 0.95
FEW = 30  # from fewer episodes a percentile interval is visibly too narrow
_CHUNK = 1_000_000  # resampled values held at once, which bounds memory to some 20 MB a column
_NO_GAP = 1e-6  # relative; far above the bracket of an optimum
_STREAM = 0x626F6F74  # sets the resampling's random numbers apart from all else that the seed draws


@dataclass(frozen=True)
class Estimate:
    """A mean over episodes and its interval at level 0.95."""

    mean: float
    low: float
    high: float

    @property
    def is_clear_of_zero(self) -> bool:
        """Whether the interval excludes 0: only then does one policy beat another."""
        return self.low > 0.0 or self.high < 0.0


def bootstrap_means(columns: np.ndarray, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """Means of each column over resampled rows, (resamples, m) from (n, m) float64.

    All columns use the same resampled rows, so that differences and ratios of columns stay paired
    (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).
    """
    columns = np.ascontiguousarray(columns, dtype=np.float64)
    episodes = len(columns)
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, _STREAM])))
    chunk = max(1, _CHUNK // episodes)
    means = np.empty((resamples, columns.shape[1]))
    for first in range(0, resamples, chunk):
        count = min(chunk, resamples - first)
        rows = generator.integers(0, episodes, size=(count, episodes))
        for column in range(columns.shape[1]):
            means[first : first + count, column] = columns[:, column][rows].mean(axis=1)
    return means


def percentile_interval(samples: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """The central interval that holds `level` of the samples."""
    low, high = np.quantile(samples, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def estimate(values: np.ndarray, resampled: np.ndarray) -> Estimate:
    """The mean of an episode column, with the interval from its resampled means.

    One episode says nothing about the spread: its interval is infinite, so never clear of 0.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Estimate(mean, -np.inf, np.inf)
    return Estimate(mean, *percentile_interval(resampled))


def gap_closed(costs: np.ndarray, resampled: np.ndarray) -> Estimate | None:
    """Share of the way from a reference's mean cost, or objective, down to the least possible that a policy comes.

    Args:
        costs: (n, 3) costs, or objectives, of the policy, of the reference and of the floor.
        resampled: (resamples, 3) their resampled means.

    Returns:
        None where the reference costs what the floor does: there is no gap. Where some resamples have none, the
        interval is infinite: too few worlds carry the gap.
    """
    cost, reference, least = costs.mean(axis=0)
    if reference - least <= _NO_GAP * abs(reference):
        return None
    share = float((reference - cost) / (reference - least))
    gaps = resampled[:, 1] - resampled[:, 2]
    kept = gaps > _NO_GAP * np.abs(resampled[:, 1])
    if len(costs) < 2 or not kept.all():
        return Estimate(share, -np.inf, np.inf)
    return Estimate(share, *percentile_interval((resampled[:, 1] - resampled[:, 0]) / gaps))


def savings(cost: np.ndarray, full: np.ndarray, resampled_cost: np.ndarray, resampled_full: np.ndarray) -> Estimate:
    """Share of the mean cost `full` that `cost` saves: a ratio of means, not a mean of ratios."""
    share = 1.0 - float(np.mean(cost)) / float(np.mean(full))
    if len(cost) < 2:
        return Estimate(share, -np.inf, np.inf)
    return Estimate(share, *percentile_interval(1.0 - resampled_cost / resampled_full))

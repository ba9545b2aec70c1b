"""What spot is expected to be: capacity, price and interruptions of each pool, from what the observation shows."""

from dataclasses import dataclass

import numpy as np

from tessera_env.observation.layout import Layout
from tessera_env.observation.queue import Queue

_MOST_ROOM = 16.0  # that the observation shows
_MANY = 1e6  # for what it shows as 1
_PRIOR_H = 4.0  # so long a look at a pool counts as much as what the others are like
_FADING_H = 4.0  # what is now turns into the average within so many hours, as exp(-t / fading)


@dataclass(frozen=True)
class Outlook:
    """The pools as they are now, and on average; (P,) each.

    Attributes:
        capacity: spot instances that can be held now: those held and those that can be launched.
        average_capacity: of times to come.
        spot_usd_per_h: now.
        average_usd_per_h: of times to come.
        ends_per_h: how often spot ends while there is some.
        changeover_h: until the focal task would run on a new instance.
        free: whether the focal task can have a spot instance now.
    """

    capacity: np.ndarray
    average_capacity: np.ndarray
    spot_usd_per_h: np.ndarray
    average_usd_per_h: np.ndarray
    ends_per_h: np.ndarray
    changeover_h: np.ndarray
    free: np.ndarray

    def expected(self, edges_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Capacity and spot price, $/h, on average in each bin, (P, bins) each; `edges_h` (bins + 1,) from now on."""
        now = _fading(edges_h)
        return (
            _between(self.capacity, self.average_capacity, now),
            _between(self.spot_usd_per_h, self.average_usd_per_h, now),
        )


def outlook_of(layout: Layout, observation: np.ndarray, queue: Queue, most: np.ndarray) -> Outlook:
    """The outlook that a row's observation (K,) gives.

    Args:
        layout: of the observation.
        observation: (K,).
        queue: of the row.
        most: (P,) the most spot instances that were seen at once in each pool.
    """

    def read(name: str) -> np.ndarray:
        return layout.read(observation, name).astype(np.float64)

    dearest, now_h = queue.pools.on_demand_usd_per_h.max(), queue.now_h
    share = read("available_episode")
    up_h = share * now_h
    common = (up_h.sum() + _PRIOR_H * share.mean()) / (len(share) * now_h + _PRIOR_H)
    average = (up_h + _PRIOR_H * common) / (now_h + _PRIOR_H)
    return Outlook(
        capacity=capacity_of(layout, observation),
        average_capacity=average * np.where(most > 0.0, most, most.mean()),
        spot_usd_per_h=read("spot_price") * dearest,
        average_usd_per_h=read("price_average") * dearest,
        ends_per_h=(unsquashed(read("up_spells"), 8.0) + 1.0) / (up_h + _PRIOR_H),
        changeover_h=unsquashed(read("spot_changeover"), 0.1),
        free=read("available") > 0.0,
    )


def capacity_of(layout: Layout, observation: np.ndarray) -> np.ndarray:
    """(P,) spot instances that are held or can be launched."""
    held = unsquashed(layout.read(observation, "held").astype(np.float64), 8.0)
    return np.round(held + layout.read(observation, "room") * _MOST_ROOM)


def unsquashed(values: np.ndarray, half: float) -> np.ndarray:
    """The x >= 0 of x / (x + half)."""
    return np.minimum(half * values / np.maximum(1.0 - values, half / _MANY), _MANY)


def _fading(edges_h: np.ndarray) -> np.ndarray:
    """(bins,) the mean of exp(-t / fading) in each bin; the first bin is now."""
    falls = np.exp(-edges_h / _FADING_H)
    means = _FADING_H * -np.diff(falls) / np.diff(edges_h)
    means[0] = 1.0
    return means


def _between(now: np.ndarray, later: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return later[:, None] + (now - later)[:, None] * weight

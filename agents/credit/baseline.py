"""What the fleet was going to pay anyway: a ridge regression on the observations of earlier rollouts."""

import numpy as np
from numpy.typing import NDArray

from tessera_env.observation.layout import Layout

_KEPT = 0.8  # of what is known, with each new rollout: policies change
_RIDGE = 1e-3  # of the observations' mean square


class FleetBaseline:
    """Expected discounted rewards of the fleet, (n,) from observations (n, K), for any number of pools.

    Any function of what a decision is made on leaves the gradient's mean as it is (Greensmith, Bartlett and Baxter,
    "Variance Reduction Techniques for Gradient Estimates in Reinforcement Learning", 2004), if the decision's own
    outcome is not in it: so a rollout is judged by what earlier ones taught. Solved, not learned step by step: no
    learning rate, no random numbers, and a twentieth of a second for 65,536 decisions.
    """

    def __init__(self, pool_count: int) -> None:
        layout = Layout(pool_count)
        self.pool_count, self.first_pool_index = pool_count, layout.first_pool_index
        size = 1 + 2 * (layout.first_pool_index + layout.pool_field_count)
        self._squares = np.zeros((size, size))
        self._products = np.zeros(size)
        self._weights: NDArray[np.float64] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it has learned from a rollout."""
        return self._weights is not None

    def predict(self, observations: np.ndarray) -> np.ndarray:
        """Expected discounted rewards (n,)."""
        assert self._weights is not None, "nothing learned yet"
        return np.asarray(self._features(observations) @ self._weights)

    def learn(self, observations: np.ndarray, rewards: np.ndarray) -> None:
        """From a rollout's observations (n, K) and the discounted rewards (n,) that followed."""
        features = self._features(observations)
        self._squares = _KEPT * self._squares + features.T @ features
        self._products = _KEPT * self._products + features.T @ rewards
        ridge = _RIDGE * np.trace(self._squares) / len(self._squares)
        self._weights = np.linalg.solve(self._squares + ridge * np.eye(len(self._squares)), self._products)

    def _features(self, observations: np.ndarray) -> np.ndarray:
        """A constant, what is seen beside the pools, the pools' mean, and the squares of both."""
        pools = observations[:, self.first_pool_index :].reshape(len(observations), self.pool_count, -1)
        seen = np.concatenate([observations[:, : self.first_pool_index], pools.mean(axis=1)], axis=1)
        return np.concatenate([np.ones((len(seen), 1), seen.dtype), seen, seen**2], axis=1).astype(np.float64)

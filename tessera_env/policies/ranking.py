"""Preferences over placements as numbers: the lowest valid rank is chosen, on ties the lowest action.

A rank is a tier plus, within a tier, the price in units of the dearest on-demand price. Ranks of all actions give a
rule its answer under any mask: where the wish is invalid, the next best valid placement is taken.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tessera_env.observation import Layout

STAY = 0.0
FIRST, SECOND, THIRD = 1e3, 2e3, 3e3  # far apart against any price in the observation
UNAVAILABLE = 8e3  # a launch that fails
DOES_NOT_FIT = 9e3  # a placement that is never valid


def on_demand_ranks(layout: Layout, observation: np.ndarray, tier: np.ndarray | float) -> np.ndarray:
    """(n, P): staying on on-demand before all, then `tier` (scalar or (n, 1)), the cheapest first."""
    ranks = tier + layout.read(observation, "on_demand_price").astype(np.float64)
    ranks = np.where(layout.read(observation, "fits") > 0, ranks, DOES_NOT_FIT)
    return np.where(layout.read(observation, "here_on_demand") > 0, STAY, ranks)


def spot_ranks(layout: Layout, observation: np.ndarray, tier: np.ndarray | float, stays: np.ndarray) -> np.ndarray:
    """(n, P): staying where `stays` (n,) and on spot, then `tier`, the cheapest available first."""
    ranks = tier + layout.read(observation, "spot_price").astype(np.float64)
    ranks = np.where(layout.read(observation, "available") > 0, ranks, UNAVAILABLE)
    ranks = np.where(layout.read(observation, "fits") > 0, ranks, DOES_NOT_FIT)
    return np.where((layout.read(observation, "here_spot") > 0) & stays[:, None], STAY, ranks)


def join_ranks(wait: np.ndarray | float, spot: np.ndarray, on_demand: np.ndarray) -> np.ndarray:
    """(n, 1 + 2P) in the order of the actions, from WAIT (scalar or (n,)), SPOT and ON_DEMAND (n, P)."""
    return np.column_stack([np.broadcast_to(wait, len(spot)), spot, on_demand])


def best_valid(ranks: np.ndarray, action_masks: np.ndarray | None) -> np.ndarray:
    """(n,) int64: the action of lowest rank among the valid ones; WAIT where the mask allows nothing."""
    if action_masks is not None:
        ranks = np.where(checked_masks(action_masks, ranks.shape), ranks, np.inf)
    return np.argmin(ranks, axis=1)


def checked_observation(layout: Layout, observation: np.ndarray) -> np.ndarray:
    """The observation, if its shape is (n, K).

    Raises:
        ValueError: it is not.
    """
    observation = np.asarray(observation)
    if observation.ndim != 2 or observation.shape[1] != layout.size:
        raise ValueError(f"observation: shape {observation.shape} (allowed: (n, {layout.size}))")
    return observation


def checked_masks(action_masks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The masks as bool, if their shape fits.

    Raises:
        ValueError: it does not.
    """
    masks = np.asarray(action_masks, dtype=bool)
    if masks.shape != shape:
        raise ValueError(f"action_masks: shape {masks.shape} (allowed: {shape})")
    return masks


class RankingPolicy:
    """A rule that is a pure function of the observation: its ranks, and the best valid one."""

    def __init__(self, layout: Layout, name: str, ranks: Callable[[Layout, np.ndarray], np.ndarray]) -> None:
        self.name = name
        self._layout = layout
        self._ranks = ranks

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """See `tessera_env.policies.protocol.Policy`."""
        observation = checked_observation(self._layout, observation)
        return best_valid(self._ranks(self._layout, observation), action_masks), state

"""Uniformly random valid placements: the floor that every policy must stay above."""

from typing import Any

import numpy as np

from tessera_env.observation.checked import checked_question
from tessera_env.observation.layout import Layout
from tessera_env.policies.fields_v1 import FIELDS

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Random:
    """Each valid action with equal chance; without masks, each action.

    The draw is a hash of (seed, observation), not the next number of a generator: it is the same whichever rows share
    the batch and however often it is asked, so that a random policy too gives one result for one world. Two focal tasks
    that look exactly alike get the same draw; that takes two equal observations, clock included.
    """

    name = "random"

    def __init__(self, layout: Layout, seed: int = 0) -> None:
        if not 0 <= seed < 2**64:
            raise ValueError(f"random: seed: {seed} (allowed: 0 to 2**64 - 1)")
        self._layout = layout
        self._seed = np.uint64(seed)
        self._hashed = _hashed_places(layout)
        # Odd multipliers, one for each field: a multiply-add hash (Dietzfelbinger, 1996) that the mixer finishes.
        self._multipliers = _mixed(
            np.arange(1, len(self._hashed) + 1, dtype=np.uint64) * _GOLDEN + self._seed
        ) | np.uint64(1)

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """See `tessera_env.policies.protocol.Policy`; `deterministic` changes nothing."""
        observation, valid = checked_question(self._layout, observation, action_masks)
        order = np.cumsum(valid, axis=1)  # the k-th valid action is the first where this reaches k
        wanted = 1 + np.floor(self._uniform(observation) * order[:, -1]).astype(np.int64)
        return np.argmax(order == wanted[:, None], axis=1), state

    def _uniform(self, observation: np.ndarray) -> np.ndarray:
        """(n,) float64 in [0, 1) from the observations' bits."""
        # Adding 0 turns -0.0 into 0.0: equal observations must have equal bits.
        bits = (observation[:, self._hashed].astype(np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)
        hashed = _mixed((bits * self._multipliers).sum(axis=1, dtype=np.uint64) + self._seed)
        return (hashed >> np.uint64(11)) * 2.0**-53


def _hashed_places(layout: Layout) -> np.ndarray:
    """Where the fields stand that draws have always depended on, in their order: new ones do not change the draws."""
    if layout.has_services:
        return np.arange(layout.size)
    names = {signature.split(":")[0] for signature in FIELDS}
    blocks = [range(layout.first_pool_index)]
    starts = range(layout.first_pool_index, layout.size, layout.pool_field_count)
    blocks += [range(start, start + layout.pool_field_count) for start in starts]
    groups = [layout.task_fields, *[layout.pool_fields] * layout.pool_count]
    return np.array(
        [
            place
            for block, fields in zip(blocks, groups, strict=True)
            for place, field in zip(block, fields, strict=True)
            if field.name.lower() in names
        ]
    )


def _mixed(words: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser (Steele, Lea, Flood, 2014): every bit of the result depends on all bits of the word."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))

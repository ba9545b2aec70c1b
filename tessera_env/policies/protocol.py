"""What everything that acts has in common: hand-coded rules, random play and exported networks."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from tessera_env.observation.queue import Queue


@runtime_checkable
class Policy(Protocol):
    """A policy for n environments at once; it sees observations and masks, never the simulator.

    The signature is Stable-Baselines3's `predict`, with sb3-contrib's `action_masks`, so that its models fit too.
    """

    name: str

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """Placements for n focal tasks.

        Args:
            observation: (n, K) float32, see `tessera_env.observation.layout.Layout`.
            state: what the last call returned; policies without memory give it back as it came.
            episode_start: (n,) bool, rows whose episode has just begun; of use to policies with memory.
            deterministic: the likeliest action instead of a drawn one; of use to stochastic policies.
            action_masks: (n, 1 + 2P) bool, True where an action is valid; None: all are.

        Returns:
            (actions, state): actions (n,) int64, each 0 WAIT, 1 + p SPOT in pool p, or 1 + P + p ON_DEMAND in pool p;
            the state is for the next call.
        """
        ...


@runtime_checkable
class QueuePolicy(Policy, Protocol):
    """A policy that looks at all tasks that a scheduler has: whoever plays it calls `see` before each `predict`."""

    def see(self, queues: Sequence[Queue]) -> None:
        """The queues of the n environments that `predict` is asked about next, in their order."""
        ...

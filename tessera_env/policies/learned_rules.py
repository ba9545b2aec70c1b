"""The policies that are a rule with learned weights and no network, by the kind that a card gives."""

from typing import Any, ClassVar, Protocol, Self

import numpy as np

from tessera_env.observation.checked import checked_question
from tessera_env.observation.layout import Layout
from tessera_env.policies.hedging.policy import Hedges
from tessera_env.policies.shifting.policy import Shifts


class Chooser(Protocol):
    """Chooses for rows of observations by sets of weights, a set a row."""

    def choose(
        self, observations: np.ndarray, masks: np.ndarray, rows: np.ndarray, sets: np.ndarray, actions: np.ndarray
    ) -> None:
        """Write the actions of some rows: `observations` (N, K), `masks` (N, 1 + 2P), `rows` (n,), the rest (N,)."""
        ...

    def add_figures(self, observations: np.ndarray, masks: np.ndarray, rows: np.ndarray, sums: np.ndarray) -> None:
        """Add the figures of some rows that are scaled, and their squares, to `sums` (2, those)."""
        ...


class RuleWeights(Protocol):
    """Weights of one policy or of several side by side.

    Attributes:
        kind: as cards call it.
        count: weights of a set.
        unscaled: a scale that leaves figures as they are, (2, figures that are scaled).
        for_services: whether it places services' replicas, else tasks.
        read: what it reads of an observation, by name.
    """

    kind: ClassVar[str]
    count: ClassVar[int]
    unscaled: ClassVar[np.ndarray]
    for_services: ClassVar[bool]
    read: ClassVar[tuple[str, ...]]

    @classmethod
    def of(cls, scale: np.ndarray, flat: np.ndarray) -> Self:
        """The sets that stand in the rows of `flat` (sets, count), with the figures' mean and deviation."""
        ...

    @classmethod
    def of_tensors(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The one set of an exported policy's tensors; ValueError if they are none."""
        ...

    @property
    def scale(self) -> np.ndarray:
        """Mean and deviation of the figures that are scaled, (2, those)."""
        ...

    @property
    def flat(self) -> np.ndarray:
        """The sets as rows, (sets, count)."""
        ...

    def tensors(self) -> dict[str, np.ndarray]:
        """The first set as tensors."""
        ...

    def chooser(self) -> Chooser:
        """What chooses by them."""
        ...


class LearnedRule:
    """A policy of one set of weights; deterministic whatever is asked for.

    Args:
        layout: of the environment that it is to play in.
        weights: of which it plays the first set.

    Attributes:
        name: as results call it; the weights' kind unless it is given another.
    """

    def __init__(self, layout: Layout, weights: RuleWeights) -> None:
        self.name = weights.kind
        self._layout = layout
        self._chooser = weights.chooser()

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """See `tessera_env.policies.protocol.Policy`."""
        observation, masks = checked_question(self._layout, observation, action_masks)
        observation, masks = np.ascontiguousarray(observation, dtype=np.float32), np.ascontiguousarray(masks)
        sets, actions = np.zeros((2, len(observation)), dtype=np.int64)
        self._chooser.choose(observation, masks, np.arange(len(observation)), sets, actions)
        return actions, state


def rule_for(layout: Layout) -> type[RuleWeights]:
    """The one that places what there is in an environment of the layout."""
    return next(rule for rule in LEARNED_RULES.values() if rule.for_services == layout.has_services)


LEARNED_RULES: dict[str, type[RuleWeights]] = {rule.kind: rule for rule in (Shifts, Hedges)}

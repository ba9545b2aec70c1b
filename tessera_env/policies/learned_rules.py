"""The policies that are a rule with learned weights and no network, by the kind that a card gives."""

from typing import ClassVar, Protocol, Self

import numpy as np

from tessera_env.observation.layout import Layout
from tessera_env.policies.hedging.policy import Hedges
from tessera_env.policies.protocol import Policy
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

    def policy(self, layout: Layout) -> Policy:
        """What plays by the first set."""
        ...


def rule_for(layout: Layout) -> type[RuleWeights]:
    """The one that places what there is in an environment of the layout."""
    return next(rule for rule in LEARNED_RULES.values() if rule.for_services == layout.has_services)


LEARNED_RULES: dict[str, type[RuleWeights]] = {rule.kind: rule for rule in (Shifts, Hedges)}

"""The learned shifts of a rule for tasks, and what chooses by them: numpy and the compiled helpers, no torch."""

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from tessera_env.observation.fields import Field, PoolField
from tessera_env.policies.shifting.choice import Turn, add_figures, choose_rows
from tessera_env.policies.shifting.figures import (
    AVERAGED,
    FIGURE_COUNT,
    OF_ITS_POOL,
    OF_NEXT_POOL,
    SINGLE_COUNT,
    TAKEN,
)
from tessera_env.policies.shifting.placing import CONTEXTS, POOL_TERMS
from tessera_env.policies.tensors import checked_tensors

# What is read of an observation, by name.
READ = tuple(
    field.name.lower()
    for field in (
        *TAKEN,
        *(Field.ON_SPOT, Field.ON_ON_DEMAND, Field.WAIT_SLACK, Field.HAS_DEADLINE),
        *dict.fromkeys((*AVERAGED, *OF_ITS_POOL, *OF_NEXT_POOL, *POOL_TERMS)),
        *(PoolField.PRICE_AVERAGE, PoolField.ON_DEMAND_PRICE, PoolField.FITS),
        *(PoolField.HERE_SPOT, PoolField.HERE_ON_DEMAND),
    )
)

UNSCALED = np.repeat([[0.0], [1.0]], SINGLE_COUNT, axis=1)  # a scale that leaves figures as they are
SHAPES = {
    "scale": (2, SINGLE_COUNT),
    "turns": (len(Turn), FIGURE_COUNT + 1),
    "pools": (len(POOL_TERMS), 1 + len(CONTEXTS)),
}
_TURN_WEIGHTS = math.prod(SHAPES["turns"])
WEIGHT_COUNT = _TURN_WEIGHTS + math.prod(SHAPES["pools"])


@dataclass(frozen=True)
class Shifts:
    """Weights, of one policy or of several side by side."""

    scale: np.ndarray  # (2, singles): single figures' mean and deviation, in the worlds that it was trained in
    turns: np.ndarray  # (sets, turns, figures + 1)
    pools: np.ndarray  # (sets, pool terms, 1 + contexts)

    kind: ClassVar[str] = "shifted_rule"
    count: ClassVar[int] = WEIGHT_COUNT
    unscaled: ClassVar[np.ndarray] = UNSCALED
    for_services: ClassVar[bool] = False
    read: ClassVar[tuple[str, ...]] = READ

    @classmethod
    def of(cls, scale: np.ndarray, flat: np.ndarray) -> Self:
        """The sets of weights that stand in the rows of `flat` (sets, WEIGHT_COUNT)."""
        flat = flat.astype(np.float64)
        turns = flat[:, :_TURN_WEIGHTS].reshape(-1, len(Turn), FIGURE_COUNT + 1)
        pools = flat[:, _TURN_WEIGHTS:].reshape(-1, *SHAPES["pools"])
        return cls(scale, np.ascontiguousarray(turns), np.ascontiguousarray(pools))

    @property
    def flat(self) -> np.ndarray:
        """The sets as rows, (sets, WEIGHT_COUNT): see `of`."""
        return np.concatenate([part.reshape(len(part), -1) for part in (self.turns, self.pools)], axis=1)

    @classmethod
    def of_tensors(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The one set that an exported policy's tensors hold.

        Raises:
            ValueError: as `checked_tensors`, or a deviation is not above 0; one line.
        """
        scale, turns, pools = checked_tensors(cls.kind, arrays, SHAPES).values()
        if not (scale[1] > 0.0).all():
            raise ValueError("scale: holds a deviation that is not above 0")
        return cls(scale, turns[None], pools[None])

    def tensors(self) -> dict[str, np.ndarray]:
        """The first set as tensors."""
        values = (self.scale, self.turns[0], self.pools[0])
        return {name: value.astype(np.float32) for name, value in zip(SHAPES, values, strict=True)}

    def chooser(self) -> "Shifted":
        """What chooses by them."""
        return Shifted(self)


class Shifted:
    """Chooses for rows of observations by sets of weights, a set a row.

    Args:
        shifts: the sets.
    """

    def __init__(self, shifts: Shifts) -> None:
        self.shifts = shifts
        self._figures, self._weights = np.zeros(FIGURE_COUNT), np.zeros(len(POOL_TERMS))

    def choose(
        self, observations: np.ndarray, masks: np.ndarray, rows: np.ndarray, sets: np.ndarray, actions: np.ndarray
    ) -> None:
        """Write the actions of some rows.

        Args:
            observations: (N, K) float32, C-contiguous.
            masks: (N, 1 + 2P) bool.
            rows: (n,) int64, which rows.
            sets: (N,) int64, the set of weights of each row.
            actions: (N,) int64; those of `rows` are written.
        """
        of = self.shifts
        room = self._figures, self._weights
        choose_rows(observations, masks, rows, sets, of.turns, of.pools, of.scale, *room, actions)

    def add_figures(self, observations: np.ndarray, masks: np.ndarray, rows: np.ndarray, sums: np.ndarray) -> None:
        """Add single figures of some rows, as they are, and their squares to `sums` (2, singles); by the first set."""
        room = self._figures, self._weights
        add_figures(observations, masks, rows, self.shifts.pools, UNSCALED, *room, sums)

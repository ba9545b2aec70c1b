"""The learned shifts of a rule for services, and what chooses by them: numpy and compiled code, no torch."""

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from tessera_env.observation.fields import ServiceField, ServicePoolField
from tessera_env.policies.hedging.choice import choose_rows
from tessera_env.policies.hedging.figures import POOL_FIGURES, SERVICE_FIGURES, ServiceFigure
from tessera_env.policies.hedging.plan import NOTES
from tessera_env.policies.hedging.shifts import POOL_TURNS, SERVICE_TURNS, ServiceTurn
from tessera_env.policies.tensors import checked_tensors

SHAPES = {"pools": (POOL_TURNS, POOL_FIGURES), "services": (SERVICE_TURNS, SERVICE_FIGURES)}
_POOL_WEIGHTS = math.prod(SHAPES["pools"])


@dataclass(frozen=True)
class Hedges:
    """Weights, of one policy or of several side by side; nothing is scaled by what was seen in training."""

    pools: np.ndarray  # (sets, pool turns, pool figures)
    services: np.ndarray  # (sets, service turns, service figures)

    kind: ClassVar[str] = "shifted_hedge"
    count: ClassVar[int] = _POOL_WEIGHTS + math.prod(SHAPES["services"])
    unscaled: ClassVar[np.ndarray] = np.zeros((2, 0))
    for_services: ClassVar[bool] = True
    read: ClassVar[tuple[str, ...]] = tuple(
        field.name.lower()
        for field in (
            *(ServiceField.CLOCK_SIN, ServiceField.CLOCK_COS, ServiceField.TARGET, ServiceField.EXTRA),
            *(ServiceField.BASE_ON_DEMAND, ServiceField.MOST, ServiceField.READY_SPOT, ServiceField.READY_ON_DEMAND),
            *(ServiceField.CLAIMED_ON_DEMAND, ServiceField.LACKING, ServiceField.SEAT_EMPTY, ServiceField.SEAT_READY),
            ServiceField.COLD_START,
            *(ServicePoolField.USABLE, ServicePoolField.SEAT_HERE_SPOT, ServicePoolField.SEAT_HERE_ON_DEMAND),
            *(ServicePoolField.SPOT_COST, ServicePoolField.ON_DEMAND_COST, ServicePoolField.SPOT_HERE),
            *(ServicePoolField.READY_HERE, ServicePoolField.SPOT_CLAIMED_HERE, ServicePoolField.FAILED_AGE),
            *(ServicePoolField.LOST_AGE, ServicePoolField.GOT_AGE, ServicePoolField.FAILURES, ServicePoolField.LOSSES),
            *(ServicePoolField.LIFETIME, ServicePoolField.STARTING_HERE, ServicePoolField.UP_AGE),
            ServicePoolField.PARTIAL_AGE,
        )
    )

    @classmethod
    def of(cls, scale: np.ndarray, flat: np.ndarray) -> Self:
        """The sets of weights that stand in the rows of `flat` (sets, count); there is nothing to scale."""
        flat = flat.astype(np.float64)
        parts = flat[:, :_POOL_WEIGHTS], flat[:, _POOL_WEIGHTS:]
        shaped = (part.reshape(-1, *shape) for part, shape in zip(parts, SHAPES.values(), strict=True))
        return cls(*(np.ascontiguousarray(part) for part in shaped))

    @property
    def scale(self) -> np.ndarray:
        """None of anything."""
        return self.unscaled

    @property
    def flat(self) -> np.ndarray:
        """The sets as rows, (sets, count): see `of`."""
        return np.concatenate([part.reshape(len(part), -1) for part in (self.pools, self.services)], axis=1)

    @classmethod
    def of_tensors(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The one set that an exported policy's tensors hold; raises as `checked_tensors`."""
        checked = checked_tensors(cls.kind, arrays, SHAPES)
        return cls(checked["pools"][None], checked["services"][None])

    def weighing(self, outage: float) -> Self:
        """The same, but that an outage is worth so many times as much: exactly as if it were dearer."""
        services = self.services.copy()
        services[:, ServiceTurn.OUTAGE, ServiceFigure.ONE] += math.log(outage)
        return type(self)(self.pools, services)

    def tensors(self) -> dict[str, np.ndarray]:
        """The first set as tensors."""
        return {"pools": self.pools[0].astype(np.float32), "services": self.services[0].astype(np.float32)}

    def chooser(self) -> "Hedging":
        """What chooses by them."""
        return Hedging(self)


class Hedging:
    """Chooses for rows of observations by sets of weights, a set a row.

    Args:
        hedges: the sets.
    """

    def __init__(self, hedges: Hedges) -> None:
        self.hedges = hedges
        self._room: tuple[tuple[np.ndarray, np.ndarray], np.ndarray] | None = None

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
        pool_count = masks.shape[1] // 2
        if self._room is None or len(self._room[1]) != pool_count:
            figures = np.zeros((pool_count, POOL_FIGURES)), np.zeros(SERVICE_FIGURES)
            self._room = figures, np.zeros((pool_count, NOTES))
        shifts = self.hedges.pools, self.hedges.services
        choose_rows(observations, masks, rows, sets, shifts, *self._room, actions)

    def add_figures(self, observations: np.ndarray, masks: np.ndarray, rows: np.ndarray, sums: np.ndarray) -> None:
        """None of them is scaled."""

"""What a step's reward says, as who makes an environment chooses it."""

import math
from dataclasses import dataclass

from tessera_env.world.parameters import Parameters

PLAIN, SHAPED = "plain", "shaped"


@dataclass(frozen=True)
class Rewards:
    """Dollars and penalties when they are due, or shaped so that they are felt at once; and their unit.

    Attributes:
        kind: PLAIN or SHAPED; see `tessera_env.engine.reward`.
        scale: rewards are multiplied by it.

    Raises:
        ValueError: neither, or a scale that is not above 0; one line.
    """

    kind: str = PLAIN
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in (PLAIN, SHAPED):
            raise ValueError(f"reward: {self.kind!r} (allowed: {PLAIN!r}, {SHAPED!r})")
        is_number = isinstance(self.scale, int | float) and not isinstance(self.scale, bool)
        if not is_number or not 0.0 < self.scale < math.inf:
            raise ValueError(f"reward_scale: {self.scale!r} (allowed: a number above 0)")

    def write(self, params: Parameters) -> None:
        """Tell the engine."""
        params.config[0].shaped_reward = self.kind == SHAPED
        params.config[0].reward_scale = self.scale

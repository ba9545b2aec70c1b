"""How unbounded figures become values of the observation."""

import math

from tessera_env.jit.compiled import compiled


@compiled
def squash(x: float, half: float) -> float:
    """x mapped to (-1, 1), sign kept, 0.5 at `half`; infinity gives 1."""
    if x == math.inf:
        return 1.0
    return x / (abs(x) + half)

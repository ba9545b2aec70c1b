"""Figures read back from the observation."""

import math

from tessera_env.jit.compiled import compiled

MANY = 1e9  # for what the observation shows as 1


@compiled
def seen(observations, env: int, field: int) -> float:
    """A field of a row, for arithmetic: plain Python would go on in float32, compiled code does not."""
    return float(observations[env, field])


@compiled
def unsquashed(value: float, half: float) -> float:
    """The x of x / (|x| + half)."""
    return half * value / (1.0 - abs(value)) if abs(value) < 1.0 else math.copysign(MANY, value)


@compiled
def hours(observations, env: int, field: int, half: float) -> float:
    """The hours, or the number, behind a field that shows x / (|x| + half)."""
    return unsquashed(seen(observations, env, field), half)

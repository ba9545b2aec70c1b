"""Distributions that a scenario can name for a quantity, drawn from a world's random streams."""

import math
from enum import IntEnum

import numpy as np

from tessera_env.jit.compiled import compiled
from tessera_env.world.random_stream import normal, uniform

MAX_CHOICES = 16


class DistributionKind(IntEnum):
    """How a quantity is drawn."""

    CONSTANT = 0  # always `low`
    UNIFORM = 1  # between `low` and `high`
    LOG_UNIFORM = 2  # its logarithm is uniform between those of `low` and `high`
    CHOICE = 3  # one of `choices`, equally likely
    LOGNORMAL = 4  # median `median`, log-deviation `sigma`, clipped to [`low`, `high`]


DISTRIBUTION = np.dtype(
    [
        ("kind", np.int64),  # DistributionKind
        ("low", np.float64),
        ("high", np.float64),
        ("median", np.float64),
        ("sigma", np.float64),
        ("choice_count", np.int64),
        ("choices", np.float64, (MAX_CHOICES,)),
    ],
    align=True,
)


@compiled
def draw(distribution, world, purpose: int, stream: int, index: int) -> float:
    """One value of the distribution (a DISTRIBUTION record), addressed by (world, purpose, stream, index)."""
    if distribution.kind == DistributionKind.CONSTANT:
        return distribution.low
    if distribution.kind == DistributionKind.LOGNORMAL:
        z = normal(world, purpose, stream, index)
        value = distribution.median * math.exp(distribution.sigma * z)
        return min(max(value, distribution.low), distribution.high)
    u = uniform(world, purpose, stream, index)
    if distribution.kind == DistributionKind.CHOICE:
        return distribution.choices[int(u * distribution.choice_count)]
    if distribution.kind == DistributionKind.LOG_UNIFORM:
        return distribution.low * math.exp(u * math.log(distribution.high / distribution.low))
    return distribution.low + u * (distribution.high - distribution.low)

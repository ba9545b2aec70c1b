"""The turning points that are shifted, and by how much.

Weights are (sets, pool turns, pool figures) and (sets, service turns, service figures). Where all are 0 the rule is
`spot_hedge_plus` as it is by default.
"""

import math
from enum import IntEnum

from tessera_env.jit.compiled import compiled

FAR = 2.0  # what is shifted lies at most so far from its turn
_MOST = 3.0  # of a logarithm


class PoolTurn(IntEnum):
    """Of a pool."""

    RATE = 0  # logarithm of what the losses to be expected are multiplied by
    PRICE = 1  # what is added to its spot price where pools are put in order, in UNIT
    OPEN = 2  # above 0: it has no mark
    FILL = 3  # above 0: it may hold all at once, not one more at a time
    TRUST = 4  # above 0: a replica that starts there needs no on-demand in its place until then
    STEPS = 5  # above 0: it loses the fewer, the fewer it is to hold


class ServiceTurn(IntEnum):
    """Of the service."""

    OUTAGE = 0  # logarithm of what the price of an outage is multiplied by
    PAIR = 1  # of what two losses together are multiplied by
    STAND_BY = 2  # above 0: one replica more on on-demand
    SPARE = 3  # logarithm of what the price of spares on on-demand is multiplied by


POOL_TURNS, SERVICE_TURNS = len(PoolTurn), len(ServiceTurn)
UNIT = 0.1  # of the dearest on-demand price


@compiled
def shift_of(weights, number: int, turn: int, figures) -> float:
    """How far a turn is shifted by the set of that number."""
    total = 0.0
    for k in range(figures.shape[0]):
        total += weights[number, turn, k] * figures[k]
    return total


@compiled
def factor_of(weights, number: int, turn: int, figures) -> float:
    """What a quantity is multiplied by."""
    return math.exp(min(max(shift_of(weights, number, turn, figures), -_MOST), _MOST))


@compiled
def cut(turn: float) -> float:
    """The same, at most FAR from 0."""
    return min(max(turn, -FAR), FAR)

"""Counter-based random numbers: every draw of a world is a pure function of what it is for.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11). A draw is
addressed by (seed, episode, purpose, stream, index), so no draw depends on how many were made before it: a pool
added to a scenario, another policy or another number of environments changes no other number of a world.
Written in plain 64-bit integers with masks, so compiled and uncompiled runs give the same bits.
"""

import math
from enum import IntEnum

import numpy as np

from tessera_env.jit.compiled import compiled

_MASK = 0xFFFFFFFF
_ROUNDS = 10

# What addresses a world; no policy can change a field of it.
WORLD = np.dtype(
    [
        ("seed_low", np.int64),  # the seed's lower 32 bits
        ("seed_high", np.int64),  # the next 32 bits
        ("episode", np.int64),  # 0 for the first world of a seed
        ("window_s", np.float64),  # where in the replayed traces the episode starts
    ],
    align=True,
)


class Purpose(IntEnum):
    """What a random stream is for; streams of different purposes are independent."""

    WINDOW = 0
    SERIES = 1
    PRICE = 2
    CAPACITY = 3
    SHOCK = 4
    LIFETIME = 5
    SETUP = 6
    ARRIVAL = 7
    WORK = 8
    DEADLINE = 9
    MEMORY = 10
    STATE = 11
    KIND = 12
    FAMILY = 13
    PROVISIONING = 14
    ON_DEMAND = 15
    JOB = 16
    BURST = 17
    REQUEST = 18
    SERVICE_TIME = 19
    DEMAND = 20
    COIN = 21
    LEVEL = 22


def seed_words(seed: int) -> tuple[int, int]:
    """The two 32-bit key words of a seed.

    Raises:
        ValueError: the seed is not in 0 … 2**64 - 1.
    """
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed: {seed} (allowed: 0 to 2**64 - 1)")
    return seed & _MASK, seed >> 32


@compiled
def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Four random 32-bit words from a 128-bit counter and a 64-bit key, all given as 32-bit words."""
    for _ in range(_ROUNDS):
        product0 = c0 * 0xD2511F53
        product1 = c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (
            ((product1 >> 32) & _MASK) ^ c1 ^ k0,
            product1 & _MASK,
            ((product0 >> 32) & _MASK) ^ c3 ^ k1,
            product0 & _MASK,
        )
        k0 = (k0 + 0x9E3779B9) & _MASK
        k1 = (k1 + 0xBB67AE85) & _MASK
    return c0, c1, c2, c3


@compiled
def _words(world, purpose: int, stream: int, index: int) -> tuple[int, int, int, int]:
    return philox(
        int(index) & _MASK,
        int(stream),
        purpose,
        int(world.episode) & _MASK,
        int(world.seed_low),
        int(world.seed_high),
    )


@compiled
def _open_unit(high: int, low: int) -> float:
    """52 random bits as a float strictly between 0 and 1, so that its logarithm is finite."""
    return ((high >> 6) * 67108864.0 + (low >> 6) + 0.5) / 4503599627370496.0


@compiled
def uniform(world, purpose: int, stream: int, index: int) -> float:
    """A uniform draw in the open interval (0, 1)."""
    w0, w1, _w2, _w3 = _words(world, purpose, stream, index)
    return _open_unit(w0, w1)


@compiled
def exponential(world, purpose: int, stream: int, index: int) -> float:
    """A draw of the exponential distribution with mean 1."""
    return -math.log(uniform(world, purpose, stream, index))


@compiled
def normal(world, purpose: int, stream: int, index: int) -> float:
    """A standard normal draw (Box and Muller, 1958)."""
    w0, w1, w2, w3 = _words(world, purpose, stream, index)
    return math.sqrt(-2.0 * math.log(_open_unit(w0, w1))) * math.cos(2.0 * math.pi * _open_unit(w2, w3))

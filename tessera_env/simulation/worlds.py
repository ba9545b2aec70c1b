"""Which world each row plays: (seed, episode), chosen as Gymnasium's `reset` says."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from tessera_env.world.random_stream import seed_words

_SEED_BOUND = 2**63
_WORLDS = 2**32


class Worlds:
    """The seed of each of N rows, and which world of it is played.

    Attributes:
        seeds: (N,) one a row; empty before the first choice.
        episodes: (N,) int64.
    """

    def __init__(self, count: int):
        self.seeds: list[int] = []
        self.episodes = np.zeros(count, dtype=np.int64)

    def choose(
        self,
        chosen: np.ndarray,
        seeds: Sequence[int | None],
        worlds: np.ndarray | None,
        rng: np.random.Generator | None,
    ) -> None:
        """Address the next episode of the chosen rows.

        Args:
            chosen: (N,) bool.
            seeds: (N,) a new seed starts with its world 0; None: the present seed's next world.
            worlds: (N,) which world of the seed, whatever came before; None: as above.
            rng: draws the seeds of rows that never had one; needed at the first choice.
        """
        if not self.seeds:
            drawn = (rng or np.random.default_rng()).integers(_SEED_BOUND, size=len(seeds)).tolist()
            seeds = [random if one is None else one for one, random in zip(seeds, drawn, strict=True)]
            self.seeds = [0] * len(seeds)
        for row in np.flatnonzero(chosen).tolist():
            seed = seeds[row]
            self.episodes[row] = self.episodes[row] + 1 if seed is None else 0
            self.seeds[row] = self.seeds[row] if seed is None else seed
        if worlds is not None:
            self.episodes[chosen] = worlds[chosen]


def checked_world(world: Any) -> np.ndarray | None:
    """The world of the only row, (1,); None where none is named.

    Raises:
        ValueError: it is no whole number, or out of range.
    """
    if world is None:
        return None
    if not isinstance(world, int | np.integer) or not 0 <= world < _WORLDS:
        raise ValueError(f"world: {world!r} (allowed: 0 to 2**32 - 1)")
    return np.array([int(world)])


def checked_worlds(world: Any, count: int) -> np.ndarray | None:
    """The world of each row, (N,); None where none is named.

    Raises:
        ValueError: they are no whole numbers, not one or N, or out of range.
    """
    if world is None:
        return None
    worlds = np.asarray(world)
    if not np.issubdtype(worlds.dtype, np.integer) or worlds.shape not in ((), (count,)):
        raise ValueError(f"world: {worlds.dtype} of shape {worlds.shape} (allowed: one integer, or ({count},))")
    if worlds.min() < 0 or worlds.max() >= _WORLDS:
        raise ValueError(f"world: {world} (allowed: 0 to 2**32 - 1)")
    return np.broadcast_to(worlds, (count,))


def checked_seeds(seed: int | Sequence[int | None] | None, count: int) -> list[int | None]:
    """Each row's seed, None where it keeps its own; one seed gives row k seed + k.

    Raises:
        ValueError: a seed is out of range, or there is not one a row.
    """
    if seed is None:
        return [None] * count
    if isinstance(seed, int | np.integer):
        seed_words(int(seed))
        seed_words(int(seed) + count - 1)
        return [int(seed) + row for row in range(count)]
    seeds = [None if one is None else operator.index(one) for one in seed]
    if len(seeds) != count:
        raise ValueError(f"seed: {len(seeds)} seeds (allowed: {count}, one a row)")
    for one in seeds:
        if one is not None:
            seed_words(one)
    return seeds

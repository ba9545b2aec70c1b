"""Random numbers of a world's requests: each is a pure function of the world and of what it is for."""

from typing import Any

import numpy as np

from tessera_env.jit.kernel import Kernel
from tessera_env.world.parameters import new_table
from tessera_env.world.random_stream import WORLD, exponential, seed_words, uniform


def world_of(seed: int, episode: int) -> np.recarray:
    """The address of a world, (1,) WORLD.

    Raises:
        ValueError: the seed or the episode is out of range.
    """
    for name, value, bits in (("seed", seed, 64), ("episode", episode, 32)):
        if not isinstance(value, int | np.integer) or not 0 <= value < 2**bits:
            raise ValueError(f"{name}: {value!r} (allowed: 0 to 2**{bits} - 1)")
    world = new_table(1, WORLD)
    world.seed_low, world.seed_high = seed_words(int(seed))
    world.episode = episode
    return world


def check_world(world: Any) -> None:
    """Refuse what is no world's address.

    Raises:
        ValueError: one line.
    """
    if not isinstance(world, np.recarray) or world.dtype != WORLD or world.shape != (1,):
        raise ValueError(f"world: {type(world).__name__} (allowed: what world_of makes)")


def _fill_exponentials(worlds, purpose, values) -> None:
    """Draws of the exponential distribution with mean 1."""
    for k in range(values.shape[0]):
        values[k] = exponential(worlds[0], purpose, 0, k)


def _fill_uniforms(worlds, purpose, values) -> None:
    """Uniform draws in the open interval (0, 1)."""
    for k in range(values.shape[0]):
        values[k] = uniform(worlds[0], purpose, 0, k)


fill_exponentials = Kernel(_fill_exponentials)
fill_uniforms = Kernel(_fill_uniforms)

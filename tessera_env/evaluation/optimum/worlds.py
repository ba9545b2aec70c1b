"""Worlds one after the other, for what is worked out of each: started in blocks, told when done, named in errors."""

from collections.abc import Callable, Iterator

import numpy as np

from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation

MOST_EPISODES = 100_000
_BLOCK = 64  # worlds drawn side by side


def block_of(scenario: Scenario, episodes: int) -> Simulation:
    """Rows for that many worlds, or for as many as are drawn side by side."""
    return Simulation(scenario, min(_BLOCK, episodes))


def started(simulation: Simulation, seed: int, episodes: int) -> Iterator[int]:
    """Start the seed's worlds, a block at a time; yields the row of each."""
    rows = np.arange(simulation.row_count)
    for first in range(0, episodes, simulation.row_count):
        count = min(simulation.row_count, episodes - first)
        simulation.start(rows < count, [seed] * len(rows), first + rows)
        yield from range(count)


def usd_of_worlds(
    scenario: Scenario,
    seed: int,
    episodes: int,
    world_usd: Callable[[Simulation, int], float],
    on_done: Callable[[float], None],
) -> np.ndarray:
    """What `world_usd` says of worlds 0 ... episodes - 1 of the seed, each just started in its row: (episodes,).

    Raises:
        RuntimeError: a solver gave up on a world.
        ValueError: there are no worlds, or too many.
    """
    if not 1 <= episodes <= MOST_EPISODES:
        raise ValueError(f"episodes: {episodes} (allowed: 1 to {MOST_EPISODES})")
    simulation, usd = block_of(scenario, episodes), np.zeros(episodes)
    for world, row in enumerate(started(simulation, seed, episodes)):
        try:
            usd[world] = world_usd(simulation, row)
        except RuntimeError as error:
            raise RuntimeError(f"world {world}: {error}") from None
        on_done(1.0)
    return usd

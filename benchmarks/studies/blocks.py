"""Worlds that may be alike: windows of one recording that start near each other."""

import numpy as np

from tessera_env.evaluation.block_bootstrap import block_of
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation


def blocks_of(scenario: Scenario, episodes: int, seed: int, block_h: float) -> tuple[np.ndarray, str]:
    """(episodes,) blocks of a seed's worlds that may be alike, and what they are: windows that start within so many
    hours of each other; where nothing is replayed, each world by itself.
    """
    if not scenario.replays:
        return np.arange(episodes), "worlds"
    simulation = Simulation(scenario, episodes)
    simulation.start(np.ones(episodes, dtype=bool), [seed] * episodes, np.arange(episodes))
    start_h = simulation.state.worlds["window_s"] / 3600.0
    blocks = block_of(np.floor((start_h - scenario.market.from_h) / block_h))
    return blocks, f"{blocks.max() + 1} stretches of {block_h:g} h in which windows start"

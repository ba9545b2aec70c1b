"""The one world that a report looks into: which it is, and every policy's episode in it."""

from dataclasses import dataclass

import numpy as np

from tessera_env.evaluation.episodes import play_episode
from tessera_env.evaluation.experiment import Prepared
from tessera_env.evaluation.results import Results
from tessera_env.simulation.episode import Episode


@dataclass(frozen=True)
class ShownWorld:
    """A world played once more by every policy, with its events."""

    pools: list[str]  # names
    episodes: dict[str, Episode]  # by label


def play_shown_world(results: Results, prepared: Prepared) -> ShownWorld:
    """Every policy in the world of middling cost."""
    world, asked = middling_world(results), prepared.experiment
    episodes = {
        label: play_episode(prepared.scenario, policy, asked.seed, world, asked.planner)
        for label, policy in prepared.policies.items()
    }
    return ShownWorld([pool.name for pool in prepared.scenario.pools], episodes)


def middling_world(results: Results) -> int:
    """The world whose cost under the baseline, or else the first policy, is the (lower) median."""
    costs = results.tables[_told_by(results)]["cost_usd"]
    return int(np.argsort(costs, kind="stable")[(len(costs) - 1) // 2])


def world_in_words(results: Results) -> str:
    """Which world it is, as the start of a sentence."""
    if results.episodes == 1:
        return "The one world"
    return f"World {middling_world(results)}, that of median cost under {_told_by(results)}"


def _told_by(results: Results) -> str:
    return results.baseline or next(iter(results.tables))

"""Greedy until a task has been interrupted too often, then on-demand for that task."""

from functools import partial

import numpy as np

from tessera_env.observation import Layout
from tessera_env.policies.greedy import greedy_ranks
from tessera_env.policies.on_demand_only import on_demand_only_ranks
from tessera_env.policies.ranking import RankingPolicy

MOST_INTERRUPTIONS = 16  # the observation counts no further


def on_demand_fallback_ranks(layout: Layout, observation: np.ndarray, count: int) -> np.ndarray:
    """(n, 1 + 2P): those of Greedy, or of OnDemandOnly for tasks interrupted at least `count` times."""
    # Sixteenths are exact in float32, so the comparison is of whole numbers.
    gave_up = layout.read(observation, "interruptions") * MOST_INTERRUPTIONS >= count
    return np.where(gave_up[:, None], on_demand_only_ranks(layout, observation), greedy_ranks(layout, observation))


class OnDemandFallback(RankingPolicy):
    """Greedy until the task was interrupted `count` times, then on-demand to its end.

    Raises:
        ValueError: `count` is not in 1 ... 16.
    """

    def __init__(self, layout: Layout, count: int = 2) -> None:
        if not 1 <= count <= MOST_INTERRUPTIONS:
            raise ValueError(f"on_demand_fallback: count: {count} (allowed: 1 to {MOST_INTERRUPTIONS})")
        super().__init__(layout, "on_demand_fallback", partial(on_demand_fallback_ranks, count=count))

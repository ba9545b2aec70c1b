"""On-demand for everything: the cost that all savings are measured against."""

import numpy as np

from tessera_env.observation import Layout
from tessera_env.policies.ranking import FIRST, SECOND, THIRD, RankingPolicy, join_ranks, on_demand_ranks, spot_ranks


def on_demand_only_ranks(layout: Layout, observation: np.ndarray) -> np.ndarray:
    """(n, 1 + 2P): the on-demand placement it has, the cheapest that fits, WAIT, then available spot."""
    never = np.zeros(len(observation), dtype=bool)
    return join_ranks(
        SECOND, spot_ranks(layout, observation, THIRD, stays=never), on_demand_ranks(layout, observation, FIRST)
    )


class OnDemandOnly(RankingPolicy):
    """Every task at once on the cheapest on-demand instance that fits it, and there until it is done."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, "on_demand_only", on_demand_only_ranks)

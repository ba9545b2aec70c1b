"""Spot whenever it is to be had, on-demand when the deadline leaves no other choice.

The rule is the `greedy` of Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under Deadlines", NSDI'24,
for any number of pools. A task is *forced* when it could not wait one more decision interval and still make its
deadline on on-demand (`wait_slack` < 0). A task without a deadline is never forced. In this order:

1. A task on on-demand stays there to its end. It came there because it was forced, and running on on-demand uses up
   work and time at the same rate, so it would stay forced.
2. A task on spot stays there, with one exception: it is forced and its changeover is not yet worked off. It has
   gained nothing on that instance, and another interruption now would cost it the deadline, so it goes on-demand.
   Once it runs it stays even when forced, since every hour on spot is an hour of work.
3. A forced task that is on no instance goes on the cheapest on-demand that fits, even if spot is to be had: a spot
   launch could be lost before the changeover is worked off.
4. Any other task takes the cheapest spot that is available and fits. Without one, a BATCH task waits; an INTERACTIVE
   one, whose every hour of waiting costs, goes on-demand (and by rule 1 stays).

Their program differs in one thing: there a task on no instance is forced as soon as two changeovers would use up its
time, which goes on-demand earlier where a changeover is longer than a decision interval.

Where the mask forbids the wish, the next in the order counts: spot, waiting, on-demand; when forced on-demand, spot,
waiting; INTERACTIVE: spot, on-demand, waiting.
"""

import numpy as np

from tessera_env.observation import Layout
from tessera_env.policies.ranking import FIRST, SECOND, THIRD, RankingPolicy, join_ranks, on_demand_ranks, spot_ranks


def greedy_ranks(layout: Layout, observation: np.ndarray) -> np.ndarray:
    """(n, 1 + 2P): the order that the module's docstring states."""
    forced = layout.read(observation, "wait_slack") < 0
    interactive = layout.read(observation, "interactive") > 0
    in_changeover = layout.read(observation, "changeover_left") > 0
    spot_tier = np.where(forced, SECOND, FIRST)
    on_demand_tier = np.where(forced, FIRST, np.where(interactive, SECOND, THIRD))
    wait = np.where(forced | interactive, THIRD, SECOND)
    spot = spot_ranks(layout, observation, spot_tier[:, None], stays=~(forced & in_changeover))
    return join_ranks(wait, spot, on_demand_ranks(layout, observation, on_demand_tier[:, None]))


class Greedy(RankingPolicy):
    """Spot while it is available, waiting while the deadline allows, then on-demand; see the module's docstring."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, "greedy", greedy_ranks)

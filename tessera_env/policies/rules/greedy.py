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

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import Field
from tessera_env.policies.rules.ranking import FIRST, SECOND, THIRD, on_demand_rank, spot_rank
from tessera_env.policies.rules.rule_policy import RulePolicy


@compiled
def greedy_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place in the order that the module's docstring states; the lowest comes first."""
    forced = observations[env, Field.WAIT_SLACK] < 0.0
    interactive = observations[env, Field.INTERACTIVE] > 0.0
    if action == 0:
        return THIRD if forced or interactive else SECOND
    if action <= pool_count:
        stays = not (forced and observations[env, Field.CHANGEOVER_LEFT] > 0.0)
        return spot_rank(observations, env, action - 1, SECOND if forced else FIRST, stays)
    tier = SECOND if interactive else THIRD
    return on_demand_rank(observations, env, action - 1 - pool_count, FIRST if forced else tier)


class Greedy(RulePolicy):
    """Spot, waiting while the deadline allows, then on-demand."""

    name = "greedy"
    rank = greedy_rank

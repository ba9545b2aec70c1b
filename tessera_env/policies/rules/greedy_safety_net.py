"""Spot when it is to be had, else nothing, with the published safety rule: the `greedy` of "Can't Be Late" exactly.

`tessera_env.policies.rules.greedy` is the same idea for any number of tasks, with a reserve of one changeover instead
of two.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.safety_net import FREE, safety_net
from tessera_env.policies.rules.wishes import SPOT_OR_WAIT, wish_rank


@compiled
def greedy_safety_net_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; the lowest comes first."""
    forced = safety_net(observations, env)
    return wish_rank(observations, env, action, pool_count, SPOT_OR_WAIT if forced == FREE else forced)


class GreedySafetyNet(RulePolicy):
    """Spot, else nothing, with the published safety rule."""

    name = "greedy_safety_net"
    rank = greedy_safety_net_rank

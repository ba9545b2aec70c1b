"""On-demand for everything: the cost that all savings are measured against.

A service has as many on-demand replicas as its target, in the cheapest pool. Every task is at once on the cheapest
on-demand instance that fits it, and there until it is done. Where the mask forbids that, it waits, or takes available
spot if it must not.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.policies.rules.ranking import FIRST, SECOND, THIRD, on_demand_rank, spot_rank
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.seats import NEVER, is_seat, seat_rank, target_of


@compiled
def on_demand_only_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The on-demand placement it has, the cheapest that fits, WAIT, then available spot; the lowest comes first."""
    if is_seat(observations, env, pool_count):
        return seat_rank(observations, env, action, pool_count, 0, target_of(observations, env, pool_count), NEVER)
    if action == 0:
        return SECOND
    if action <= pool_count:
        return spot_rank(observations, env, action - 1, THIRD, False)
    return on_demand_rank(observations, env, action - 1 - pool_count, FIRST)


class OnDemandOnly(RulePolicy):
    """Every task at once on the cheapest on-demand that fits it."""

    name = "on_demand_only"
    rank = on_demand_only_rank
    for_services = True
    for_tasks_alone = True

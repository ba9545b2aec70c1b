"""Spot alone, spread evenly: what is missing goes to the pool with the fewest replicas, the first of several.

The "Even Spread" of Mao et al., "SkyServe", EuroSys'25: an empty pool is tried again for ever.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import ServicePoolField
from tessera_env.policies.rules.greedy import greedy_rank
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.seats import is_seat, known_count, seat_rank, wanted_spot


@compiled
def even_spread_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; tasks beside services go as `greedy` has it."""
    if not is_seat(observations, env, pool_count):
        return greedy_rank(options, observations, env, action, pool_count)
    claimed = known_count(observations, env, (action - 1) % pool_count, ServicePoolField.SPOT_CLAIMED_HERE, pool_count)
    spot = wanted_spot(observations, env, pool_count)
    return seat_rank(observations, env, action, pool_count, spot, 0, float(claimed))


class EvenSpread(RulePolicy):
    """Spot spread evenly over pools, no on-demand."""

    name = "even_spread"
    rank = even_spread_rank
    for_services = True

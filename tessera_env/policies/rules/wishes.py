"""Ranks of what a deadline policy may wish for: spot or else nothing, spot or else on-demand, or on-demand."""

from tessera_env.jit.compiled import compiled
from tessera_env.policies.rules.ranking import FIRST, SECOND, THIRD, UNAVAILABLE, on_demand_rank, spot_rank

SPOT_OR_WAIT, SPOT_OR_ON_DEMAND, ONLY_ON_DEMAND = 0, 1, 2


@compiled
def wish_rank(observations, env: int, action: int, pool_count: int, wish: int) -> float:
    """The action's place under a wish; the lowest comes first. On spot a task stays where it is."""
    if action == 0:
        return SECOND if wish == SPOT_OR_WAIT else THIRD
    if action <= pool_count:
        return spot_rank(
            observations, env, action - 1, SECOND if wish == ONLY_ON_DEMAND else FIRST, wish != ONLY_ON_DEMAND
        )
    if wish == ONLY_ON_DEMAND:
        return on_demand_rank(observations, env, action - 1 - pool_count, FIRST)
    return leaving_rank(observations, env, action - 1 - pool_count, SECOND if wish == SPOT_OR_ON_DEMAND else THIRD)


@compiled
def leaving_rank(observations, env: int, pool_id: int, tier: float) -> float:
    """On-demand for a task that leaves it for spot: staying there comes first in its tier only."""
    return max(on_demand_rank(observations, env, pool_id, tier), tier)


@compiled
def any_spot(observations, env: int, pool_count: int) -> bool:
    """Whether any pool that fits has a spot instance now, or the task is on one."""
    for pool_id in range(pool_count):  # noqa: SIM110 - generators do not compile
        if spot_rank(observations, env, pool_id, FIRST, True) < UNAVAILABLE:
            return True
    return False

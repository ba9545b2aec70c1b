"""Greedy until a task has been interrupted too often, then on-demand for that task to its end."""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.layout import INTERRUPTIONS_SHOWN, Field
from tessera_env.policies.rules.greedy import greedy_rank
from tessera_env.policies.rules.on_demand_only import on_demand_only_rank


@compiled
def on_demand_fallback_rank(observations, env: int, action: int, pool_count: int, count: int) -> float:
    """As OnDemandOnly for a task interrupted `count` times or more, else as Greedy; the lowest comes first."""
    # Sixteenths are exact in float32, so the comparison is of whole numbers.
    if observations[env, Field.INTERRUPTIONS] * INTERRUPTIONS_SHOWN >= count:
        return on_demand_only_rank(observations, env, action, pool_count)
    return greedy_rank(observations, env, action, pool_count)

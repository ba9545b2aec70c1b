"""Greedy until a task has been interrupted too often, then on-demand for that task to its end."""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import INTERRUPTIONS_SHOWN, Field
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.greedy import greedy_rank
from tessera_env.policies.rules.on_demand_only import on_demand_only_rank
from tessera_env.policies.rules.rule_policy import RulePolicy


@compiled
def on_demand_fallback_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """As OnDemandOnly for a task interrupted `count` times or more, else as Greedy; the lowest comes first."""
    # Sixteenths are exact in float32, so the comparison is of whole numbers.
    if observations[env, Field.INTERRUPTIONS] * INTERRUPTIONS_SHOWN >= options.count:
        return on_demand_only_rank(options, observations, env, action, pool_count)
    return greedy_rank(options, observations, env, action, pool_count)


class OnDemandFallback(RulePolicy):
    """Greedy until the task was interrupted `count` times, then on-demand.

    Raises:
        ValueError: `count` is not in 1 ... 16.
    """

    name = "on_demand_fallback"
    rank = on_demand_fallback_rank

    def __init__(self, layout: Layout, count: int = 2) -> None:
        if not 1 <= count <= INTERRUPTIONS_SHOWN:
            raise ValueError(f"on_demand_fallback: count: {count} (allowed: 1 to {INTERRUPTIONS_SHOWN})")
        super().__init__(layout, count=count)

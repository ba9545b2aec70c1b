"""`uniform_progress` without hysteresis: leaves on-demand for spot at once, and for nothing as soon as it is ahead."""

from tessera_env.jit.compiled import compiled
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.uniform_progress import uniform_progress_wish
from tessera_env.policies.rules.wishes import wish_rank


@compiled
def uniform_progress_plain_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; the lowest comes first."""
    return wish_rank(observations, env, action, pool_count, uniform_progress_wish(observations, env, pool_count, False))


class UniformProgressPlain(RulePolicy):
    """Even progress up to the deadline, without hysteresis."""

    name = "uniform_progress_plain"
    rank = uniform_progress_plain_rank

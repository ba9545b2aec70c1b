"""Work is to progress evenly up to the deadline: the policy of "Can't Be Late" (Wu et al., NSDI'24).

With cp(t) = C(0) - C(t) the work done and ep(t) = t C(0) / R(0) the expected progress:

1. Spot whenever it is there, and on it until interrupted.
2. On nothing, with cp(t) < ep(t): on-demand. Ahead of the expected progress, wait.
3. On on-demand, stay until cp(t) > ep(t + 2d), and leave for spot only then: the hysteresis, so that a start is worth
   its changeover. The plain form (`uniform_progress_plain`) leaves for spot at once, and for nothing as soon as it is
   ahead.
4. The safety rule (`tessera_env.policies.rules.safety_net`) goes before all of them.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import Field
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.safety_net import FREE, safety_net
from tessera_env.policies.rules.wishes import ONLY_ON_DEMAND, SPOT_OR_ON_DEMAND, SPOT_OR_WAIT, any_spot, wish_rank


@compiled
def uniform_progress_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; the lowest comes first."""
    return wish_rank(observations, env, action, pool_count, uniform_progress_wish(observations, env, pool_count, True))


@compiled
def uniform_progress_wish(observations, env: int, pool_count: int, hysteresis: bool) -> int:
    """What the rule wishes for."""
    forced = safety_net(observations, env)
    if forced != FREE:
        return forced
    if hysteresis and observations[env, Field.ON_ON_DEMAND] > 0.0 and stays_on_on_demand(observations, env, pool_count):
        return ONLY_ON_DEMAND
    return SPOT_OR_ON_DEMAND if observations[env, Field.AHEAD] < 0.0 else SPOT_OR_WAIT


@compiled
def stays_on_on_demand(observations, env: int, pool_count: int) -> bool:
    """Rule 3: no spot, or not yet two changeovers ahead."""
    return not any_spot(observations, env, pool_count) or observations[env, Field.AHEAD_AFTER_CHANGEOVER] <= 0.0


class UniformProgress(RulePolicy):
    """Even progress up to the deadline, with hysteresis."""

    name = "uniform_progress"
    rank = uniform_progress_rank

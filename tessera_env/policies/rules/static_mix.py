"""A fixed share of the target on on-demand, the rest on spot, spread evenly, as autoscaling groups have it.

The "ASG" of Mao et al., "SkyServe", EuroSys'25 (there a tenth is on-demand).
"""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import ServiceField, ServicePoolField
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.greedy import greedy_rank
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.seats import is_seat, known_count, seat_rank, service_count, target_of

_ROUNDING = 1e-9


@compiled
def static_mix_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; tasks beside services go as `greedy` has it."""
    if not is_seat(observations, env, pool_count):
        return greedy_rank(options, observations, env, action, pool_count)
    target = target_of(observations, env, pool_count)
    on_demand = math.ceil(target * options.share - _ROUNDING)
    spot = target - on_demand + service_count(observations, env, ServiceField.EXTRA, pool_count)
    claimed = known_count(observations, env, (action - 1) % pool_count, ServicePoolField.SPOT_CLAIMED_HERE, pool_count)
    return seat_rank(observations, env, action, pool_count, spot, on_demand, float(claimed))


class StaticMix(RulePolicy):
    """A fixed share on on-demand, the rest on spot.

    Args:
        layout: of the environment.
        share: of the target on on-demand, rounded up.

    Raises:
        ValueError: the share is not within 0 to 1.
    """

    name = "static_mix"
    rank = static_mix_rank
    for_services = True

    def __init__(self, layout: Layout, share: float = 0.1) -> None:
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"static_mix: share: {share} (allowed: 0 to 1)")
        super().__init__(layout, share=share)

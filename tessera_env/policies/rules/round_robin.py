"""Spot alone, one pool after the other: each try goes to the next pool, whatever became of the last.

The "Round Robin" of Mao et al., "SkyServe", EuroSys'25.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import ServicePoolField
from tessera_env.policies.rules.greedy import greedy_rank
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.seats import is_seat, known_value, seat_rank, wanted_spot


@compiled
def round_robin_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; tasks beside services go as `greedy` has it."""
    if not is_seat(observations, env, pool_count):
        return greedy_rank(options, observations, env, action, pool_count)
    turn = known_value(observations, env, (action - 1) % pool_count, ServicePoolField.TURN, pool_count)
    return seat_rank(observations, env, action, pool_count, wanted_spot(observations, env, pool_count), 0, 1.0 - turn)


class RoundRobin(RulePolicy):
    """Spot in each pool in turn, no on-demand."""

    name = "round_robin"
    rank = round_robin_rank
    for_services = True

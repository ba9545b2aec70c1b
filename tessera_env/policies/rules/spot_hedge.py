"""SpotHedge: spot over pools that hold, spares, and on-demand for what of it is not ready.

Mao et al., "SkyServe: Serving AI Models across Regions and Clouds with Spot Instances", EuroSys'25. With N replicas as
the target, X spares, b on on-demand anyhow and S ready on spot now:

- spot wanted: N + X - b
- on-demand wanted: min(N, b + max(0, N + X - b - S)); with N = 3, X = 1, b = 0 and 0, 1, 2, 3, 4 ready on spot 3, 3, 2,
  1, 0

A pool where a replica was lost, or a launch failed, is left out until all that is asked for there holds again, or too
few pools are left (`IN_USE`). Of those in use a new replica goes to one where it has none, if there is one; `ties` says
to which of several: the first, a random one, the cheapest, or the one with the fewest replicas (then the cheapest).
`safety_net` keeps on-demand for the whole target until it has been ready 99 % of the time, and what on-demand there was
at the last look that found too little spot for as long as a replica needs to start.
"""

from enum import IntEnum

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import ServiceField, ServicePoolField
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.greedy import greedy_rank
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.seats import (
    NEVER,
    is_seat,
    known_count,
    known_value,
    seat_rank,
    service_count,
    service_value,
    target_of,
    wanted_spot,
)


class Ties(IntEnum):
    """Which of several pools a new replica goes to."""

    FIRST = 0
    RANDOM = 1
    CHEAPEST = 2
    LEAST_LOADED = 3


NET_SHARE = 0.99
_OCCUPIED, _LEFT_OUT = 100.0, 4e3


@compiled
def fallback(observations, env: int, pool_count: int, spot: int) -> int:
    """On-demand replicas wanted for what of the spot that is wanted is not ready."""
    target = target_of(observations, env, pool_count)
    base = service_count(observations, env, ServiceField.BASE_ON_DEMAND, pool_count)
    ready = service_count(observations, env, ServiceField.READY_SPOT, pool_count)
    return min(target, base + max(0, spot - ready))


@compiled
def with_safety_net(observations, env: int, pool_count: int, on_demand: int) -> int:
    """On-demand replicas wanted with the safety net."""
    availability = service_value(observations, env, ServiceField.AVAILABILITY, pool_count)
    if service_value(observations, env, ServiceField.FIRST_ROUND, pool_count) > 0.0 or availability <= NET_SHARE:
        on_demand = max(on_demand, target_of(observations, env, pool_count))
    age = service_value(observations, env, ServiceField.DEFICIT_AGE, pool_count)
    if age <= service_value(observations, env, ServiceField.COLD_START, pool_count):
        on_demand = max(on_demand, service_count(observations, env, ServiceField.DEFICIT_ON_DEMAND, pool_count))
    return on_demand


@compiled
def pool_choice(observations, env: int, pool_id: int, pool_count: int, ties: int) -> float:
    """A pool's place among those that a new spot replica could go to, the least first."""
    if known_value(observations, env, pool_id, ServicePoolField.IN_USE, pool_count) <= 0.0:
        return _LEFT_OUT
    claimed = known_count(observations, env, pool_id, ServicePoolField.SPOT_CLAIMED_HERE, pool_count)
    place = _OCCUPIED if claimed > 0 else 0.0
    if ties == Ties.RANDOM:
        return place + known_value(observations, env, pool_id, ServicePoolField.COIN, pool_count)
    if ties == Ties.FIRST:
        return place
    cost = known_value(observations, env, pool_id, ServicePoolField.SPOT_COST, pool_count)
    return place + cost if ties == Ties.CHEAPEST else 2.0 * claimed + cost


@compiled
def spot_hedge_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; tasks beside services go as `greedy` has it."""
    if not is_seat(observations, env, pool_count):
        return greedy_rank(options, observations, env, action, pool_count)
    spot = wanted_spot(observations, env, pool_count)
    on_demand = fallback(observations, env, pool_count, spot)
    if options.safety_net:
        on_demand = with_safety_net(observations, env, pool_count, on_demand)
    choice = NEVER
    if 0 < action <= pool_count:
        choice = pool_choice(observations, env, action - 1, pool_count, options.ties)
    return seat_rank(observations, env, action, pool_count, spot, on_demand, choice)


class SpotHedge(RulePolicy):
    """Spot over pools that hold, with spares, and on-demand for what of it is not ready.

    Args:
        layout: of the environment.
        ties: which of several pools a new replica goes to; the published program's is random, its paper's cheapest.
        safety_net: on-demand for the whole target while availability is at most 99 %.

    Raises:
        ValueError: `safety_net` is neither 0 nor 1.
    """

    name = "spot_hedge"
    rank = spot_hedge_rank
    for_services = True

    def __init__(self, layout: Layout, ties: Ties = Ties.FIRST, safety_net: int = 0) -> None:
        if safety_net not in (0, 1):
            raise ValueError(f"spot_hedge: safety_net: {safety_net} (allowed: 0, 1)")
        super().__init__(layout, ties=int(ties), safety_net=safety_net)

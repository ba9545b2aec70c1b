"""What rules for services have in common: how many seats stay or come on spot and on on-demand, and in which pool.

A round asks held seats by launch, the oldest first, so that whoever keeps as many as it wants drops the newest. An
empty seat then goes where something is missing: on spot first, then on on-demand, the cheapest.
"""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import (
    COUNT_HALF,
    FIELD_COUNT,
    POOL_FIELD_COUNT,
    SERVICE_FIELD_COUNT,
    SERVICE_POOL_FIELD_COUNT,
    ServiceField,
    ServicePoolField,
)

KEPT, WAITS, NEVER = 0.0, 5e3, 9e3


@compiled
def first_index(observations, pool_count: int) -> int:
    """Where the group of services begins: at the end of the observation."""
    return observations.shape[1] - SERVICE_FIELD_COUNT - pool_count * SERVICE_POOL_FIELD_COUNT


@compiled
def is_seat(observations, env: int, pool_count: int) -> bool:
    """Whether a service's seat is asked, and no task."""
    if observations.shape[1] == FIELD_COUNT + pool_count * POOL_FIELD_COUNT:
        return False  # there are no services
    return observations[env, first_index(observations, pool_count) + ServiceField.IS_SEAT] > 0.0


@compiled
def service_value(observations, env: int, field: int, pool_count: int) -> float:
    """A field of the service or its seat."""
    return float(observations[env, first_index(observations, pool_count) + field])


@compiled
def known_value(observations, env: int, pool_id: int, field: int, pool_count: int) -> float:
    """A field of a pool as the service knows it."""
    first = first_index(observations, pool_count) + SERVICE_FIELD_COUNT
    return float(observations[env, first + pool_id * SERVICE_POOL_FIELD_COUNT + field])


@compiled
def count_of(value: float) -> int:
    """The count n of a field n / (n + 8)."""
    return math.floor(COUNT_HALF * value / (1.0 - value) + 0.5)


@compiled
def service_count(observations, env: int, field: int, pool_count: int) -> int:
    """A count of the service."""
    return count_of(service_value(observations, env, field, pool_count))


@compiled
def known_count(observations, env: int, pool_id: int, field: int, pool_count: int) -> int:
    """A count of a pool as the service knows it."""
    return count_of(known_value(observations, env, pool_id, field, pool_count))


@compiled
def span_of(value: float, half: float) -> float:
    """The time of a field t / (t + half); infinity where it is 1."""
    return half * value / (1.0 - value) if value < 1.0 else math.inf


@compiled
def seat_rank(observations, env: int, action: int, pool_count: int, spot: int, on_demand: int, choice: float) -> float:
    """The place of an action in the order of a rule that wants this many on spot and on on-demand.

    `choice` is the rule's place of the pool among those that a new spot replica could go to, the least first.
    """
    pool_id = (action - 1) % pool_count
    on_spot = 0 < action <= pool_count
    if service_value(observations, env, ServiceField.SEAT_EMPTY, pool_count) <= 0.0:
        if action == 0:
            return WAITS
        field = ServicePoolField.SEAT_HERE_SPOT if on_spot else ServicePoolField.SEAT_HERE_ON_DEMAND
        here = known_value(observations, env, pool_id, field, pool_count) > 0.0
        claimed = ServiceField.CLAIMED_SPOT if on_spot else ServiceField.CLAIMED_ON_DEMAND
        wanted = spot if on_spot else on_demand
        return KEPT if here and service_count(observations, env, claimed, pool_count) < wanted else NEVER
    if action == 0:
        return WAITS
    lacks_spot = service_count(observations, env, ServiceField.CLAIMED_SPOT, pool_count) < spot
    if on_spot:
        return choice if lacks_spot else NEVER
    lacks_on_demand = service_count(observations, env, ServiceField.CLAIMED_ON_DEMAND, pool_count) < on_demand
    if lacks_spot or not lacks_on_demand:
        return NEVER
    return known_value(observations, env, pool_id, ServicePoolField.ON_DEMAND_COST, pool_count)


@compiled
def target_of(observations, env: int, pool_count: int) -> int:
    """Replicas that are to be ready."""
    return service_count(observations, env, ServiceField.TARGET, pool_count)


@compiled
def wanted_spot(observations, env: int, pool_count: int) -> int:
    """Replicas on spot: the target and what is kept beyond it, less what is on on-demand anyhow."""
    extra = service_count(observations, env, ServiceField.EXTRA, pool_count)
    base = service_count(observations, env, ServiceField.BASE_ON_DEMAND, pool_count)
    target = target_of(observations, env, pool_count)
    return target + extra - min(base, target)

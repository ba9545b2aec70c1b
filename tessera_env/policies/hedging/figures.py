"""What shifts are linear in: figures of a pool as the service knows it, and of the service; none depends on how many
pools there are, or in which order: one set of weights plays any of them. All lie between -1 and 1.
"""

import math
from enum import IntEnum

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import ServiceField, ServicePoolField
from tessera_env.policies.rules.seats import known_count, known_value, service_value, span_of


class PoolFigure(IntEnum):
    """Of one pool."""

    ONE = 0
    HOLDS = 1  # 1: it is known to hold
    HELD_LONG = 2  # h / (h + 8), h the hours for which it is known to hold
    HELD = 3  # h / (h + 2)
    HELD_SHORT = 4  # h / (h + 0.25)
    LOSSES = 5  # n / (n + 8), n the replicas lost there
    LOSSES_FEW = 6  # n / (n + 1)
    FAILURES = 7  # n / (n + 8), n the launches that failed there
    FAILURES_FEW = 8  # n / (n + 1)
    FAILED_LATELY = 9  # 1 / (1 + h), h the hours since the last of those
    LOST_LATELY = 10
    GOT_LATELY = 11  # since a launch there found capacity
    LIFETIME = 12  # h / (h + 2), h the hours held there on spot / (losses + 1)
    DEARER = 13  # its spot price less the mean of the pools, in prices of the dearest on-demand
    HERE = 14  # n / (n + 8), n the replicas held there on spot
    READY = 15  # likewise ready
    PARTIAL_LATELY = 16  # 1 / (1 + h), h the hours since fewer were held there than asked for, but some


class ServiceFigure(IntEnum):
    """Of the service."""

    ONE = 0
    TARGET = 1  # n / (n + 8)
    HOLD = 2  # share of its pools that are known to hold
    HELD_LONGEST = 3  # h / (h + 2), h the most hours of those
    LOSSES = 4  # n / (n + 8), n the replicas lost
    FAILURES = 5  # n / (n + 8), n the launches that failed
    LOST_LATELY = 6  # 1 / (1 + h), h the hours since the last replica was lost
    READY_ON_DEMAND = 7  # n / (n + 8)
    STARTING = 8  # n / (n + 8), n the spot replicas held that are not ready
    LACKING = 9  # (target - ready) / (|target - ready| + 8)
    DAY_SIN = 10
    DAY_COS = 11
    PARTIAL = 12  # mean of its pools' PARTIAL_LATELY


POOL_FIGURES, SERVICE_FIGURES = len(PoolFigure), len(ServiceFigure)


@compiled
def write_figures(observations, env: int, pool_count: int, pools, service) -> None:
    """Write a row's figures: `pools` (pools, pool figures) and `service` (service figures,)."""
    cost, usable = 0.0, 0
    for pool_id in range(pool_count):
        write_pool(observations, env, pool_id, pool_count, pools)
        if known_value(observations, env, pool_id, ServicePoolField.USABLE, pool_count) > 0.0:
            cost += pools[pool_id, PoolFigure.DEARER]
            usable += 1
    for pool_id in range(pool_count):
        pools[pool_id, PoolFigure.DEARER] -= cost / max(usable, 1)
    write_service(observations, env, pool_count, pools, service)


@compiled
def write_pool(observations, env: int, pool_id: int, pool_count: int, pools) -> None:
    """Write the figures of one pool, with its price in place of `DEARER`."""
    out = pools[pool_id]
    age = known_value(observations, env, pool_id, ServicePoolField.UP_AGE, pool_count)
    held_h = span_of(age, 2.0)
    losses = known_count(observations, env, pool_id, ServicePoolField.LOSSES, pool_count)
    failures = known_count(observations, env, pool_id, ServicePoolField.FAILURES, pool_count)
    out[PoolFigure.ONE] = 1.0
    out[PoolFigure.HOLDS] = 1.0 if age > 0.0 else 0.0
    out[PoolFigure.HELD_LONG] = part(held_h, 8.0)
    out[PoolFigure.HELD] = age
    out[PoolFigure.HELD_SHORT] = part(held_h, 0.25)
    out[PoolFigure.LOSSES] = part(losses, 8.0)
    out[PoolFigure.LOSSES_FEW] = part(losses, 1.0)
    out[PoolFigure.FAILURES] = part(failures, 8.0)
    out[PoolFigure.FAILURES_FEW] = part(failures, 1.0)
    out[PoolFigure.FAILED_LATELY] = 1.0 - known_value(
        observations, env, pool_id, ServicePoolField.FAILED_AGE, pool_count
    )
    out[PoolFigure.LOST_LATELY] = 1.0 - known_value(observations, env, pool_id, ServicePoolField.LOST_AGE, pool_count)
    out[PoolFigure.GOT_LATELY] = 1.0 - known_value(observations, env, pool_id, ServicePoolField.GOT_AGE, pool_count)
    out[PoolFigure.PARTIAL_LATELY] = 1.0 - known_value(
        observations, env, pool_id, ServicePoolField.PARTIAL_AGE, pool_count
    )
    out[PoolFigure.LIFETIME] = known_value(observations, env, pool_id, ServicePoolField.LIFETIME, pool_count)
    out[PoolFigure.DEARER] = known_value(observations, env, pool_id, ServicePoolField.SPOT_COST, pool_count)
    out[PoolFigure.HERE] = known_value(observations, env, pool_id, ServicePoolField.SPOT_HERE, pool_count)
    out[PoolFigure.READY] = known_value(observations, env, pool_id, ServicePoolField.READY_HERE, pool_count)


@compiled
def part(value: float, half: float) -> float:
    """value / (value + half); 1 at infinity."""
    return value / (value + half) if value < math.inf else 1.0


@compiled
def write_service(observations, env: int, pool_count: int, pools, out) -> None:
    """Write the service's figures, of those of its pools."""
    usable, hold, longest, losses, failures, lately, starting, partial = 0, 0.0, 0.0, 0, 0, 0.0, 0, 0.0
    for pool_id in range(pool_count):
        if known_value(observations, env, pool_id, ServicePoolField.USABLE, pool_count) <= 0.0:
            continue
        usable += 1
        hold += pools[pool_id, PoolFigure.HOLDS]
        longest = max(longest, pools[pool_id, PoolFigure.HELD])
        losses += known_count(observations, env, pool_id, ServicePoolField.LOSSES, pool_count)
        failures += known_count(observations, env, pool_id, ServicePoolField.FAILURES, pool_count)
        partial += pools[pool_id, PoolFigure.PARTIAL_LATELY]
        lately = max(lately, pools[pool_id, PoolFigure.LOST_LATELY])
        starting += known_count(observations, env, pool_id, ServicePoolField.STARTING_HERE, pool_count)
    out[ServiceFigure.ONE] = 1.0
    out[ServiceFigure.TARGET] = service_value(observations, env, ServiceField.TARGET, pool_count)
    out[ServiceFigure.HOLD] = hold / max(usable, 1)
    out[ServiceFigure.HELD_LONGEST] = longest
    out[ServiceFigure.LOSSES] = part(losses, 8.0)
    out[ServiceFigure.FAILURES] = part(failures, 8.0)
    out[ServiceFigure.LOST_LATELY] = lately
    out[ServiceFigure.READY_ON_DEMAND] = service_value(observations, env, ServiceField.READY_ON_DEMAND, pool_count)
    out[ServiceFigure.STARTING] = part(starting, 8.0)
    out[ServiceFigure.LACKING] = service_value(observations, env, ServiceField.LACKING, pool_count)
    out[ServiceFigure.PARTIAL] = partial / max(usable, 1)
    out[ServiceFigure.DAY_SIN] = service_value(observations, env, ServiceField.CLOCK_SIN, pool_count)
    out[ServiceFigure.DAY_COS] = service_value(observations, env, ServiceField.CLOCK_COS, pool_count)

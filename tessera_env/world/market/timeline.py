"""A pool's timeline: change points of price, capacity and hazard with their integrals, and how to read it."""

import math

import numpy as np

from tessera_env.jit.compiled import compiled

# One change point; everything holds from `time_s` to the next point's time.
MARKET_POINT = np.dtype(
    [
        ("time_s", np.float64),
        ("spot_price", np.float64),  # $/h
        ("hazard_per_s", np.float64),  # rate of lifetime interruptions
        ("price_integral", np.float64),  # $ for one instance held from 0 to time_s
        ("hazard_integral", np.float64),  # expected lifetime interruptions from 0 to time_s
        ("capacity", np.int64),  # instances that can be held; announced losses are already taken out
    ],
    align=True,
)


@compiled
def point_at(market, env: int, pool_id: int, start: int, count: int, time_s: float) -> int:
    """The last of the pool's `count` points at or before `time_s`, searched forward from point `start`."""
    k = start
    while k + 1 < count and market[env, pool_id, k + 1].time_s <= time_s:
        k += 1
    return k


@compiled
def price_integral_at(market, env: int, pool_id: int, k: int, time_s: float) -> float:
    """Dollars for one spot instance held from 0 to `time_s`, which lies at or after point k."""
    point = market[env, pool_id, k]
    return point.price_integral + (time_s - point.time_s) * point.spot_price / 3600.0


@compiled
def hazard_integral_at(market, env: int, pool_id: int, k: int, time_s: float) -> float:
    """Cumulative hazard from 0 to `time_s`, which lies at or after point k."""
    point = market[env, pool_id, k]
    return point.hazard_integral + (time_s - point.time_s) * point.hazard_per_s


@compiled
def time_of_hazard(market, env: int, pool_id: int, start: int, count: int, target: float) -> float:
    """When the cumulative hazard reaches `target`; infinity if it never does.

    Inversion of the piecewise linear cumulative hazard; `start` is a point at which it is still below `target`.
    """
    low, high = start, count - 1
    while low < high:  # the last point whose integral is at or below the target
        middle = (low + high + 1) // 2
        if market[env, pool_id, middle].hazard_integral <= target:
            low = middle
        else:
            high = middle - 1
    point = market[env, pool_id, low]
    if point.hazard_per_s <= 0.0:
        return math.inf
    return point.time_s + (target - point.hazard_integral) / point.hazard_per_s


@compiled
def integrate(market, env: int, pool_id: int, count: int) -> None:
    """Fill both integrals of the pool's points from their times, prices and hazards."""
    market[env, pool_id, 0].price_integral = 0.0
    market[env, pool_id, 0].hazard_integral = 0.0
    for k in range(1, count):
        before, point = market[env, pool_id, k - 1], market[env, pool_id, k]
        elapsed_s = point.time_s - before.time_s
        point.price_integral = before.price_integral + elapsed_s * before.spot_price / 3600.0
        point.hazard_integral = before.hazard_integral + elapsed_s * before.hazard_per_s


@compiled
def merge(
    prices_at, prices, price_count: int, capacities_at, capacities, capacity_count: int, market, env, pool_id
) -> int:
    """Write one pool's timeline from its price steps and its capacity steps; returns the number of points.

    Both step functions start at 0 and are given as times (s) and values; equal times make one point.
    """
    i, j, k = 0, 0, 0
    while i < price_count or j < capacity_count:
        at_price = prices_at[i] if i < price_count else math.inf
        at_capacity = capacities_at[j] if j < capacity_count else math.inf
        time_s = min(at_price, at_capacity)
        if at_price == time_s:
            i += 1
        if at_capacity == time_s:
            j += 1
        point = market[env, pool_id, k]
        point.time_s = time_s
        point.spot_price = prices[i - 1]
        point.capacity = int(capacities[j - 1])
        k += 1
    return k

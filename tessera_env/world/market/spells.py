"""Spot capacity as up- and down-spells whose lengths follow given quantile functions, such as a trace's own.

A quantile function is a row of `Parameters.quantiles`: lengths in hours at equally spaced probabilities from 0 to 1,
linear in between. Spells alternate and are independent.
"""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.world.random_stream import Purpose, uniform

UP, DOWN = 0, 1
_SHORTEST_SPELL_S = 60.0
_FIRST_STATE, _FIRST_LENGTH, _FIRST_AGE = range(3)  # draws of Purpose.FAMILY


@compiled
def quantile_h(params, pool_id: int, side: int, points: int, share: float) -> float:
    """The length that this share of the spells does not exceed."""
    place = share * (points - 1)
    k = min(int(place), points - 2)
    low, high = params.quantiles[pool_id, side, k], params.quantiles[pool_id, side, k + 1]
    return low + (place - k) * (high - low)


@compiled
def mean_h(params, pool_id: int, side: int, points: int) -> float:
    """Mean length: the integral of the quantile function."""
    total = 0.0
    for k in range(points - 1):
        total += 0.5 * (params.quantiles[pool_id, side, k] + params.quantiles[pool_id, side, k + 1])
    return total / (points - 1)


@compiled
def covering_h(params, pool_id: int, side: int, points: int, share: float) -> float:
    """Length of the spell that covers an instant, by its own share: spells count by their lengths.

    The share of time in spells up to the quantile at u is the integral of the quantile function up to u over its mean;
    within a segment that is quadratic in u.
    """
    target = share * mean_h(params, pool_id, side, points) * (points - 1)
    for k in range(points - 1):
        low, high = params.quantiles[pool_id, side, k], params.quantiles[pool_id, side, k + 1]
        area = 0.5 * (low + high)
        if target <= area:
            return math.sqrt(low * low + 2.0 * target * (high - low))
        target -= area
    return params.quantiles[pool_id, side, points - 1]


@compiled
def spells_bound(params, pool_id: int) -> int:
    """More steps than a world will have: eight times as many as if each pair of spells had the median lengths."""
    spec, horizon_h = params.pools[pool_id], params.config[0].horizon_s / 3600.0
    up_h = quantile_h(params, pool_id, UP, spec.up_points, 0.5)
    down_h = quantile_h(params, pool_id, DOWN, spec.down_points, 0.5)
    return 64 + int(16.0 * horizon_h / (up_h + down_h) + 8.0 * horizon_h / 24.0 * spec.shocks_per_day)


@compiled
def spell_steps(params, world, pool_id: int, times_s, capacities) -> int:
    """Write the pool's capacity steps, from within a spell on; returns how many there are."""
    spec, horizon_s = params.pools[pool_id], params.config[0].horizon_s
    up_h = mean_h(params, pool_id, UP, spec.up_points)
    down_h = mean_h(params, pool_id, DOWN, spec.down_points)
    up = uniform(world, Purpose.FAMILY, pool_id, _FIRST_STATE) < up_h / (up_h + down_h)
    time_s, count = 0.0, 0
    for spell in range(spells_bound(params, pool_id)):
        if time_s >= horizon_s:
            break
        times_s[count] = time_s
        capacities[count] = spec.capacity if up else 0
        count += 1
        time_s += max(spell_h(params, world, pool_id, spell, up) * 3600.0, _SHORTEST_SPELL_S)
        up = not up
    return count


@compiled
def spell_h(params, world, pool_id: int, spell: int, up: bool) -> float:
    """Length of a spell from when the episode sees it: what is left of the first, all of later ones."""
    spec = params.pools[pool_id]
    side = UP if up else DOWN
    points = spec.up_points if up else spec.down_points
    if spell > 0:
        return quantile_h(params, pool_id, side, points, uniform(world, Purpose.CAPACITY, pool_id, spell))
    length_h = covering_h(params, pool_id, side, points, uniform(world, Purpose.FAMILY, pool_id, _FIRST_LENGTH))
    return length_h * (1.0 - uniform(world, Purpose.FAMILY, pool_id, _FIRST_AGE))

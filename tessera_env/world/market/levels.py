"""Capacity that comes and goes in steps: while a pool is up it may have fewer than all of its instances.

The time is cut into stretches of exponential lengths. In a share of them, which each world draws between the pool's
bounds, a number of instances from 1 to all but one can be had, each as likely; in the others all. Spells and shocks
are what they are without.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.world.market.replay import append_step
from tessera_env.world.random_stream import Purpose, exponential, uniform

_SHORTEST_S = 1.0
_MEMBER = 0  # the draw of the share; stretch k has the three from 1 + 3 k on


@compiled
def has_levels(spec) -> bool:
    """Whether the pool may have fewer than all."""
    return spec.partial_share_high > 0.0


@compiled
def levels_bound(spec, horizon_s: float) -> int:
    """More stretches than a world will have: four times as many as in the mean."""
    return 64 + int(4.0 * horizon_s / (3600.0 * spec.level_mean_h)) if has_levels(spec) else 0


@compiled
def in_levels(params, world, pool_id: int, count: int, times_s, capacities, out_times_s, out_capacities) -> int:
    """Write the steps with what is to be had of them in each stretch; returns how many there are."""
    spec, horizon_s = params.pools[pool_id], params.config[0].horizon_s
    low, high = spec.partial_share_low, spec.partial_share_high
    share = low + uniform(world, Purpose.LEVEL, pool_id, _MEMBER) * (high - low)
    start_s, step, out_count = 0.0, 0, 0
    for stretch in range(levels_bound(spec, horizon_s)):
        if start_s >= horizon_s:
            break
        level = level_of(spec, world, pool_id, stretch, share)
        end_s = start_s + stretch_s(spec, world, pool_id, stretch)
        while step + 1 < count and times_s[step + 1] <= start_s:
            step += 1
        out_count = append_step(out_times_s, out_capacities, out_count, start_s, min(capacities[step], level))
        while step + 1 < count and times_s[step + 1] < end_s:
            step += 1
            least = min(capacities[step], level)
            out_count = append_step(out_times_s, out_capacities, out_count, times_s[step], least)
        start_s = end_s
    return out_count


@compiled
def level_of(spec, world, pool_id: int, stretch: int, share: float) -> int:
    """How many instances are to be had in a stretch, if the pool is up."""
    if spec.capacity < 2 or uniform(world, Purpose.LEVEL, pool_id, 1 + 3 * stretch) >= share:
        return int(spec.capacity)
    return 1 + int(uniform(world, Purpose.LEVEL, pool_id, 2 + 3 * stretch) * (spec.capacity - 1))


@compiled
def stretch_s(spec, world, pool_id: int, stretch: int) -> float:
    """How long a stretch is."""
    return max(3600.0 * spec.level_mean_h * exponential(world, Purpose.LEVEL, pool_id, 3 + 3 * stretch), _SHORTEST_S)

"""Spot capacity of one pool over an episode: steps (time, instances), starting at 0."""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.world.market.replay import append_step, first_row, row_time_s
from tessera_env.world.market.spells import spell_steps, spells_bound
from tessera_env.world.parameters import CapacitySource
from tessera_env.world.random_stream import Purpose, exponential, normal, uniform

# Draws of one world's member of the family, by index in Purpose.FAMILY.
_UP_MEDIAN, _UP_SIGMA, _DOWN_MEDIAN, _DOWN_SIGMA, _REGIME_FACTOR, _FIRST_REGIME, _FIRST_STATE, _FIRST_AGE = range(8)
_SHORTEST_SPELL_S = 60.0
_SHOCK_SIGMA = 1.0


@compiled
def capacity_steps(params, world, pool_id: int, series_id: int, times_s, capacities) -> int:
    """Write the pool's raw capacity steps into `times_s` and `capacities`; returns how many there are."""
    spec = params.pools[pool_id]
    if spec.capacity_source == CapacitySource.SEMI_MARKOV:
        return semi_markov_steps(params, world, pool_id, times_s, capacities)
    if spec.capacity_source == CapacitySource.SPELLS:
        count = spell_steps(params, world, pool_id, times_s, capacities)
        return strike_shocks(params, world, pool_id, times_s, capacities, count, spells_bound(params, pool_id))
    if spec.capacity_source == CapacitySource.TRACE:
        return replayed_capacities(params, world, pool_id, series_id, times_s, capacities)
    times_s[0] = 0.0
    capacities[0] = spec.capacity
    return 1


@compiled
def replayed_capacities(params, world, pool_id: int, series_id: int, times_s, capacities) -> int:
    """The trace's capacity steps in this world's window, times the pool's size."""
    series, horizon_s = params.series[series_id], params.config[0].horizon_s
    size = params.pools[pool_id].capacity
    count = 0
    for row in range(first_row(params, world, series_id), series.first + series.count):
        time_s = row_time_s(params, world, row)
        if time_s >= horizon_s:
            break
        count = append_step(times_s, capacities, count, time_s, float(params.trace[row].capacity * size))
    return count


@compiled
def between(world, pool_id: int, index: int, low: float, high: float) -> float:
    """A member's median or factor, log-uniform between its bounds."""
    return low * math.exp(uniform(world, Purpose.FAMILY, pool_id, index) * math.log(high / low))


@compiled
def sigma_between(world, pool_id: int, index: int, low: float, high: float) -> float:
    """A member's log-deviation, uniform between its bounds, which may be 0."""
    return low + uniform(world, Purpose.FAMILY, pool_id, index) * (high - low)


@compiled
def semi_markov_steps(params, world, pool_id: int, times_s, capacities) -> int:
    """Alternating up- and down-spells with lognormal lengths, two regimes, and shocks shared by a zone.

    Each world draws one member of the family that the pool's bounds span. In the bad regime up-spells are shorter
    and down-spells longer by the member's factor. The episode starts inside a spell: up with the long-run share of
    the regime it starts in, the spell's rest uniform in it. Shocks take the capacity of every pool of the zone.
    """
    spec, horizon_s = params.pools[pool_id], params.config[0].horizon_s
    up_median_h = between(world, pool_id, _UP_MEDIAN, spec.up_median_low_h, spec.up_median_high_h)
    up_sigma = sigma_between(world, pool_id, _UP_SIGMA, spec.up_sigma_low, spec.up_sigma_high)
    down_median_h = between(world, pool_id, _DOWN_MEDIAN, spec.down_median_low_h, spec.down_median_high_h)
    down_sigma = sigma_between(world, pool_id, _DOWN_SIGMA, spec.down_sigma_low, spec.down_sigma_high)
    factor = between(world, pool_id, _REGIME_FACTOR, 1.0, spec.regime_factor_high)
    up_mean_h = up_median_h * math.exp(0.5 * up_sigma * up_sigma)
    down_mean_h = down_median_h * math.exp(0.5 * down_sigma * down_sigma)

    bad = uniform(world, Purpose.FAMILY, pool_id, _FIRST_REGIME) < 0.5
    if bad:
        up_mean_h, down_mean_h = up_mean_h / factor, down_mean_h * factor
    up = uniform(world, Purpose.FAMILY, pool_id, _FIRST_STATE) < up_mean_h / (up_mean_h + down_mean_h)
    age = uniform(world, Purpose.FAMILY, pool_id, _FIRST_AGE)
    regime_end_s = regime_length_s(spec, world, pool_id, 0)
    time_s, spell, regime, count = 0.0, 0, 0, 0
    bound = semi_markov_bound(spec, horizon_s)
    while time_s < horizon_s and count < bound:
        times_s[count] = time_s
        capacities[count] = spec.capacity if up else 0
        count += 1
        z = normal(world, Purpose.CAPACITY, pool_id, 2 * spell)
        if spell == 0:  # the spell that covers an instant is longer than most: its law is weighted by its length
            z += up_sigma if up else down_sigma
        length_h = up_median_h * math.exp(up_sigma * z) if up else down_median_h * math.exp(down_sigma * z)
        if bad:
            length_h = length_h / factor if up else length_h * factor
        length_s = max(length_h * 3600.0, _SHORTEST_SPELL_S)
        time_s += length_s * (1.0 - age) if spell == 0 else length_s
        up = not up
        spell += 1
        while regime_end_s < time_s:
            bad = not bad
            regime += 1
            regime_end_s += regime_length_s(spec, world, pool_id, regime)
    return strike_shocks(params, world, pool_id, times_s, capacities, count, bound)


@compiled
def semi_markov_bound(spec, horizon_s: float) -> int:
    """More steps than a world will have: four times as many as if all spells were as short as the shortest medians."""
    shortest_pair_h = spec.up_median_low_h / spec.regime_factor_high + spec.down_median_low_h
    horizon_h = horizon_s / 3600.0
    return 64 + int(8.0 * horizon_h / shortest_pair_h + 8.0 * horizon_h / 24.0 * spec.shocks_per_day)


@compiled
def regime_length_s(spec, world, pool_id: int, regime: int) -> float:
    """How long the pool stays in its next regime; exponential."""
    if spec.regime_mean_h == math.inf:
        return math.inf
    return spec.regime_mean_h * 3600.0 * exponential(world, Purpose.CAPACITY, pool_id, 2 * regime + 1)


@compiled
def strike_shocks(params, world, pool_id: int, times_s, capacities, count: int, bound: int) -> int:
    """Set the capacity to 0 during the zone's shocks; returns the new number of steps."""
    spec, horizon_s = params.pools[pool_id], params.config[0].horizon_s
    if spec.shocks_per_day <= 0.0:
        return count
    start_s, shock = 0.0, 0
    while True:
        start_s += exponential(world, Purpose.SHOCK, spec.zone, 2 * shock) * 86400.0 / spec.shocks_per_day
        if start_s >= horizon_s or count + 2 > bound:
            return count
        length_h = spec.shock_median_h * math.exp(_SHOCK_SIGMA * normal(world, Purpose.SHOCK, spec.zone, 2 * shock + 1))
        end_s = start_s + max(length_h * 3600.0, _SHORTEST_SPELL_S)
        count = clear_between(times_s, capacities, count, start_s, end_s)
        start_s = end_s
        shock += 1


@compiled
def clear_between(times_s, capacities, count: int, start_s: float, end_s: float) -> int:
    """Replace what the steps say from `start_s` to `end_s` by 0; returns the new number of steps (at most +2)."""
    first = 0
    while first < count and times_s[first] < start_s:
        first += 1
    after = first  # the first step behind the shock
    while after < count and times_s[after] <= end_s:
        after += 1
    resumed = capacities[after - 1] if after > 0 else 0
    tail = count - after
    if after < first + 2:  # move the tail up, last step first
        for k in range(tail - 1, -1, -1):
            times_s[first + 2 + k], capacities[first + 2 + k] = times_s[after + k], capacities[after + k]
    else:
        for k in range(tail):
            times_s[first + 2 + k], capacities[first + 2 + k] = times_s[after + k], capacities[after + k]
    times_s[first], capacities[first] = start_s, 0
    times_s[first + 1], capacities[first + 1] = end_s, resumed
    return first + 2 + tail


@compiled
def announce_losses(times_s, capacities, count: int, notice_s: float, out_times_s, out_capacities) -> int:
    """What can be launched: the least capacity from now until `notice_s` later; returns the number of steps.

    A fall at t is known from t - notice_s on, so it counts from there; a rise counts when it comes.
    """
    out_count = 0
    fall, rise = 0, 0  # next step to be announced, next step to take effect
    while True:
        at_fall = max(times_s[fall] - notice_s, 0.0) if fall < count else math.inf
        at_rise = times_s[rise] if rise < count else math.inf
        now_s = min(at_fall, at_rise)
        if now_s == math.inf:
            return out_count
        while fall < count and max(times_s[fall] - notice_s, 0.0) <= now_s:
            fall += 1
        while rise < count and times_s[rise] <= now_s:
            rise += 1
        least = capacities[rise - 1]
        for k in range(rise, fall):
            least = min(least, capacities[k])
        out_count = append_step(out_times_s, out_capacities, out_count, now_s, least)

"""Demand that follows the day: highest at 15 h, lowest at 3 h."""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.world.demand.timeline import DAY_S, append_rate

_RISING_S = 9.0 * 3600.0  # the rate is at its mean and rising, as that of arriving tasks


@compiled
def daily_rates(spec, horizon_s: float, demand, env: int, service_id: int) -> int:
    """Write the rate on its grid, each step the mean of rate x (1 + share x sin(2 pi (t - 9 h) / 24 h)) over it."""
    count = 0
    for k in range(daily_rates_bound(spec, horizon_s)):
        from_s, until_s = k * spec.step_s, min((k + 1) * spec.step_s, horizon_s)
        if from_s >= horizon_s:
            break
        rate = spec.requests_per_s * (1.0 + spec.daily_share * mean_of_sine(from_s, until_s))
        count = append_rate(demand, env, service_id, count, from_s, max(rate, 0.0))
    return count


@compiled
def daily_rates_bound(spec, horizon_s: float) -> int:
    """The most points."""
    return math.ceil(horizon_s / spec.step_s) + 1


@compiled
def mean_of_sine(from_s: float, until_s: float) -> float:
    """Mean of sin(2 pi (t - 9 h) / 24 h) between two times: that in the middle, times sin(x) / x of half the angle."""
    middle = math.pi * (from_s + until_s - 2.0 * _RISING_S) / DAY_S
    half = math.pi * (until_s - from_s) / DAY_S
    return math.sin(middle) * math.sin(half) / half

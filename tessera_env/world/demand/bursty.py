"""Demand in bursts: a rate that a hidden state sets, calm or burst (a Markov-modulated rate)."""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.world.demand.timeline import append_rate
from tessera_env.world.random_stream import Purpose, exponential, uniform

_START, _FIRST_STAY = 0, 1  # draws of Purpose.DEMAND, a stream for each service


@compiled
def bursty_rates(spec, world, horizon_s: float, demand, env: int, service_id: int) -> int:
    """Write the rate: calm and burst in turn, stays exponential, the first state by its share of the time.

    The calm rate is such that the mean over time is the one that is given.
    """
    burst_share = spec.burst_s / (spec.calm_s + spec.burst_s)
    calm_per_s = spec.requests_per_s / (1.0 + burst_share * (spec.burst_factor - 1.0))
    is_burst = uniform(world, Purpose.DEMAND, service_id, _START) < burst_share
    time_s, count = 0.0, 0
    for k in range(bursty_rates_bound(spec, horizon_s)):
        if time_s >= horizon_s:
            break
        rate = calm_per_s * spec.burst_factor if is_burst else calm_per_s
        count = append_rate(demand, env, service_id, count, time_s, rate)
        mean_s = spec.burst_s if is_burst else spec.calm_s
        time_s += mean_s * exponential(world, Purpose.DEMAND, service_id, _FIRST_STAY + k)
        is_burst = not is_burst
    return count


@compiled
def bursty_rates_bound(spec, horizon_s: float) -> int:
    """More points than a world will have: ten deviations above the mean number of longer stays, which is Poisson."""
    mean = horizon_s / max(spec.calm_s, spec.burst_s)
    return 2 * (8 + int(mean + 10.0 * math.sqrt(mean)))

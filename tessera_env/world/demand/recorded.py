"""Demand out of a recording: a window of its rates, which lie on a grid."""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.world.demand.timeline import append_rate
from tessera_env.world.random_stream import Purpose, uniform

_START = 0  # draw of Purpose.DEMAND, a stream for each service
_ROUNDING = 1e-9  # of a step, by which a start may lie before its step


@compiled
def recorded_rates(spec, recorded, world, horizon_s: float, demand, env: int, service_id: int) -> int:
    """Write the window's rates, times the factor."""
    start_s, count = window_start_s(spec, world, service_id, horizon_s), 0
    first = math.floor(start_s / spec.step_s + _ROUNDING)
    for k in range(first, spec.count):
        time_s = k * spec.step_s - start_s if k > first else 0.0
        if time_s >= horizon_s:
            break
        rate = spec.requests_per_s * recorded[spec.first + k].requests_per_s
        count = append_rate(demand, env, service_id, count, time_s, rate)
    return count


@compiled
def window_start_s(spec, world, service_id: int, horizon_s: float) -> float:
    """Where in the recording the episode starts: as given, or any step whose window fits."""
    if spec.start_s >= 0.0:
        return spec.start_s
    starts = max(spec.count - math.ceil(horizon_s / spec.step_s - _ROUNDING), 0) + 1
    return int(uniform(world, Purpose.DEMAND, service_id, _START) * starts) * spec.step_s


@compiled
def recorded_rates_bound(spec, horizon_s: float) -> int:
    """The most points: a window may begin and end within a step."""
    return min(spec.count, math.ceil(horizon_s / spec.step_s) + 2)

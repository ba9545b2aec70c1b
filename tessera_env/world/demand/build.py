"""Draw a service's demand and its target; no policy changes either."""

import numpy as np

from tessera_env.jit.compiled import INTERPRETER, compiled, compiled_allocating
from tessera_env.world.demand.autoscaler import autoscaled_targets_bound
from tessera_env.world.demand.bursty import bursty_rates, bursty_rates_bound
from tessera_env.world.demand.daily import daily_rates, daily_rates_bound
from tessera_env.world.demand.recorded import recorded_rates, recorded_rates_bound
from tessera_env.world.demand.schedule import schedule_days
from tessera_env.world.demand.target import target_steps
from tessera_env.world.demand.timeline import DemandSource, TargetSource, append_rate, merge_targets

_BOUNDS = {
    DemandSource.DAILY: daily_rates_bound,
    DemandSource.BURSTY: bursty_rates_bound,
    DemandSource.RECORDED: recorded_rates_bound,
}


def demand_length(specs: np.recarray, horizon_s: float) -> int:
    """How many points a service's timeline can have, at most; (S,) DEMAND_SPEC."""
    return max((_rates_bound(spec, horizon_s) + _targets_bound(spec, horizon_s) for spec in specs), default=1)


def _rates_bound(spec: np.record, horizon_s: float) -> int:
    bound = _BOUNDS.get(DemandSource(int(spec.source)))
    return 1 if bound is None else int(INTERPRETER.run(bound, (spec, horizon_s)))  # sooner than compiling it


def _targets_bound(spec: np.record, horizon_s: float) -> int:
    if spec.target_source == TargetSource.SCHEDULE:
        return int(INTERPRETER.run(schedule_days, (spec, horizon_s)) * spec.schedule_count)
    if spec.target_source == TargetSource.AUTOSCALER:
        return int(INTERPRETER.run(autoscaled_targets_bound, (spec, horizon_s)))
    return 1


@compiled_allocating
def draw_demand(specs, recorded, world, service_id: int, horizon_s: float, out, env: int) -> int:
    """Write one service's points into `out[env, service_id]`; returns how many there are.

    Shapes: specs (S,) DEMAND_SPEC; recorded (steps,) RECORDED_RATE, all recordings one after the other; out
    (N, S, points) DEMAND_POINT with at least `demand_length` points.
    """
    length = out.shape[2]
    times_s, targets = np.empty(length), np.empty(length, np.int64)
    count = draw_rates(specs[service_id], recorded, world, service_id, horizon_s, out, env)
    steps = target_steps(specs[service_id], out, env, service_id, count, horizon_s, times_s, targets)
    return merge_targets(out, env, service_id, count, times_s, targets, steps)


@compiled
def draw_rates(spec, recorded, world, service_id: int, horizon_s: float, out, env: int) -> int:
    """Write the points of the rate alone, with its integral; returns how many there are."""
    if spec.source == DemandSource.DAILY:
        return daily_rates(spec, horizon_s, out, env, service_id)
    if spec.source == DemandSource.BURSTY:
        return bursty_rates(spec, world, horizon_s, out, env, service_id)
    if spec.source == DemandSource.RECORDED:
        return recorded_rates(spec, recorded, world, horizon_s, out, env, service_id)
    return append_rate(out, env, service_id, 0, 0.0, spec.requests_per_s)

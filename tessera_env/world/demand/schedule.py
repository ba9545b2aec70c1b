"""A target that a schedule gives, once or the same every day."""

import math

from tessera_env.jit.compiled import compiled_allocating
from tessera_env.world.demand.timeline import DAY_S, append_target


@compiled_allocating
def scheduled_targets(spec, horizon_s: float, times_s, targets) -> int:
    """Write the target's steps; returns how many there are."""
    count = 0
    for day in range(schedule_days(spec, horizon_s)):
        for row in range(spec.schedule_count):
            time_s = day * DAY_S + spec.schedule_from_s[row]
            if time_s >= horizon_s:
                break
            count = append_target(times_s, targets, count, time_s, spec.schedule_target[row])
    return count


@compiled_allocating
def schedule_days(spec, horizon_s: float) -> int:
    """How often the schedule begins."""
    return math.ceil(horizon_s / DAY_S) if spec.schedule_daily else 1

"""A target that follows demand: more or fewer replicas once the rate has asked for them long enough.

The rules are those of SkyServe's autoscaler (Mao et al., EuroSys 2025). At each look the mean rate over the last
window, divided by what one replica is to get and rounded up, is what is wanted, within least and most. So many looks in
a row that want more than the target, or fewer, make what is wanted now the target; a look that does not want so, and a
change, start the count anew. Two things that its users missed hold here: a target of 0 becomes 1 as soon as there is
demand, without a look, and it does not fall to 0 while there is.
"""

import math

from tessera_env.jit.compiled import compiled, compiled_allocating
from tessera_env.world.demand.timeline import append_target, requests_by

_ROUNDING = 1e-9  # share of the rate; 0.3 / 0.1 must not come out as a fourth replica


@compiled_allocating
def autoscaled_targets(spec, demand, env: int, service_id: int, count: int, horizon_s: float, times_s, targets) -> int:
    """Write the target's steps for the first `count` points of the demand's rate; returns how many there are."""
    target = target_at_start(spec, demand[env, service_id, 0].requests_per_s)
    steps = append_target(times_s, targets, 0, 0.0, target)
    now, since, above, below = 0, 0, 0, 0  # points that hold at the look and at its window's start; looks in a row
    for look in range(1, looks_bound(spec, horizon_s) + 1):
        look_s = look * spec.interval_s
        while now + 1 < count and demand[env, service_id, now + 1].time_s <= look_s:
            now += 1
            if target == 0 and demand[env, service_id, now].requests_per_s > 0.0:
                target = 1  # looks at no replicas and no demand count nothing
                steps = append_target(times_s, targets, steps, demand[env, service_id, now].time_s, target)
        if look_s >= horizon_s:
            break
        since_s = max(look_s - spec.rate_window_s, 0.0)
        while since + 1 < count and demand[env, service_id, since + 1].time_s <= since_s:
            since += 1
        requests = requests_by(demand, env, service_id, now, look_s) - requests_by(
            demand, env, service_id, since, since_s
        )
        wanted = wanted_replicas(spec, requests / (look_s - since_s), demand[env, service_id, now].requests_per_s)
        above = above + 1 if wanted > target else 0
        below = below + 1 if wanted < target else 0
        if above >= spec.up_looks or below >= spec.down_looks:
            target, above, below = wanted, 0, 0
            steps = append_target(times_s, targets, steps, look_s, target)
    return steps


@compiled
def target_at_start(spec, requests_per_s: float) -> int:
    """The one that is given, or what the first rate asks for; not 0 where there is demand."""
    if spec.target < 0:
        return wanted_replicas(spec, requests_per_s, requests_per_s)
    return max(spec.target, 1) if requests_per_s > 0.0 else spec.target


@compiled
def wanted_replicas(spec, mean_per_s: float, now_per_s: float) -> int:
    """Replicas for the mean rate, within least and most; at least one while there is demand."""
    replicas = mean_per_s / spec.requests_per_replica * (1.0 - _ROUNDING)
    if replicas >= spec.most:
        return spec.most
    return max(math.ceil(replicas), spec.least, 1 if now_per_s > 0.0 else 0)


@compiled
def looks_bound(spec, horizon_s: float) -> int:
    """Looks up to the horizon, and one at or after it."""
    return math.ceil(horizon_s / spec.interval_s) + 1


@compiled
def autoscaled_targets_bound(spec, horizon_s: float) -> int:
    """The most steps: changes are some looks apart, and a target of 0, after one of them, may wake before the next."""
    return 2 + 2 * (looks_bound(spec, horizon_s) // min(spec.up_looks, spec.down_looks))

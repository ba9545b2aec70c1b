"""How many replicas a service is to have: always as many, by a schedule, or by its demand."""

from tessera_env.jit.compiled import compiled_allocating
from tessera_env.world.demand.autoscaler import autoscaled_targets
from tessera_env.world.demand.schedule import scheduled_targets
from tessera_env.world.demand.timeline import TargetSource


@compiled_allocating
def target_steps(spec, demand, env: int, service_id: int, count: int, horizon_s: float, times_s, targets) -> int:
    """Write the target's steps for a demand of `count` points of its rate; returns how many there are."""
    if spec.target_source == TargetSource.SCHEDULE:
        return scheduled_targets(spec, horizon_s, times_s, targets)
    if spec.target_source == TargetSource.AUTOSCALER:
        return autoscaled_targets(spec, demand, env, service_id, count, horizon_s, times_s, targets)
    times_s[0] = 0.0
    targets[0] = spec.target
    return 1

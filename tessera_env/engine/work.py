"""Progress of tasks: how work, periodic checkpoints and run time relate, and what a task's state weighs."""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import MB_PER_GBIT


@compiled
def gained_s(config, run_s: float) -> float:
    """Work done in `run_s` seconds on a ready instance, periodic checkpoints taken out."""
    tau, cost = config.checkpoint_interval_s, config.checkpoint_cost_s
    if tau == math.inf:
        return run_s
    rounds = math.floor(run_s / (tau + cost))
    return rounds * tau + min(run_s - rounds * (tau + cost), tau)


@compiled
def checkpointed_s(config, run_s: float) -> float:
    """The part of that work that periodic checkpoints have saved."""
    tau, cost = config.checkpoint_interval_s, config.checkpoint_cost_s
    if tau == math.inf:
        return 0.0
    return math.floor(run_s / (tau + cost)) * tau


@compiled
def run_time_s(config, work_s: float) -> float:
    """Time on a ready instance that the work takes; the last segment needs no checkpoint."""
    tau = config.checkpoint_interval_s
    if tau == math.inf or work_s <= 0.0:
        return work_s
    return work_s + config.checkpoint_cost_s * (math.ceil(work_s / tau) - 1.0)


@compiled
def progress_at(config, task, time_s: float) -> float:
    """Work done of a PLACED task at a time, saved or not, in seconds."""
    run_s = max(0.0, time_s - task.ready_s)
    return task.progress_s + min(gained_s(config, run_s), task.work_s - task.progress_s)


@compiled
def saved_at(config, task, time_s: float) -> float:
    """Work of a PLACED task that would survive losing its instance without notice, in seconds."""
    run_s = max(0.0, time_s - task.ready_s)
    return task.progress_s + min(checkpointed_s(config, run_s), task.work_s - task.progress_s)


@compiled
def done_s(config, task) -> float:
    """When the work of a PLACED task will be done, if nothing interrupts it."""
    return task.ready_s + run_time_s(config, task.work_s - task.progress_s)


@compiled
def state_mb(task, progress_s: float) -> float:
    """What has to be saved, or loaded, of a task with this much work done."""
    return min(task.state_base_mb + task.state_growth_mb_per_s * progress_s, task.state_cap_mb)


@compiled
def transfer_gbps(config, spec) -> float:
    """The slower of the instance's network and the checkpoint store."""
    return min(spec.bandwidth_gbps, config.store_bandwidth_gbps)


@compiled
def transferable_mb(config, spec) -> float:
    """What an instance of a pool can save within the grace period."""
    return transfer_gbps(config, spec) * MB_PER_GBIT * config.notice_s


@compiled
def changeover_s(config, spec, pool, megabytes: float) -> float:
    """From a launch in a pool to running there, usually: provisioning, set-up, loading this much state."""
    return spec.provisioning_s + pool.setup_s + load_s(config, spec, megabytes)


@compiled
def longest_changeover_s(config, spec, pool, megabytes: float) -> float:
    """The same with the longest provisioning that can be drawn: what a promise has to rest on."""
    return spec.provisioning_high_s + pool.setup_s + load_s(config, spec, megabytes)


@compiled
def load_s(config, spec, megabytes: float) -> float:
    """Time to load a task's state onto an instance of a pool."""
    return megabytes / (transfer_gbps(config, spec) * MB_PER_GBIT)

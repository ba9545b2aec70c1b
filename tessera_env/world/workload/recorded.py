"""A world's tasks out of recorded jobs: a run of them as it was recorded, or jobs drawn one by one."""

import math

import numpy as np

from tessera_env.jit.compiled import compiled, compiled_allocating
from tessera_env.world.parameters import Arrivals
from tessera_env.world.random_stream import Purpose, uniform


@compiled
def first_job(params, world) -> int:
    """Where the world's run of recorded jobs starts: any job that enough others follow, if there are enough."""
    config = params.config[0]
    starts = max(config.job_count - config.task_count, 0) + 1
    return int(uniform(world, Purpose.JOB, 0, 0) * starts)


@compiled_allocating
def recorded_arrivals_s(params, world):
    """Arrival times of the world's run of jobs, s: as far apart as recorded, times the scenario's factor."""
    config = params.config[0]
    first = first_job(params, world)
    count = min(config.task_count, config.job_count - first)
    arrivals_s = np.zeros(count)
    start_s, limit_s, kept = params.jobs[first].arrival_s, config.arrival_share * config.horizon_s, 0
    for k in range(count):
        at_s = (params.jobs[first + k].arrival_s - start_s) * config.arrival_scale
        if at_s >= limit_s and k > 0:
            break
        arrivals_s[k] = at_s
        kept += 1
    return arrivals_s[:kept]


@compiled
def job_of(params, world, task_id: int) -> int:
    """The recorded job that a task is: its place in the run, or any job."""
    config = params.config[0]
    if config.arrivals == Arrivals.RECORDED:
        return first_job(params, world) + task_id
    return int(uniform(world, Purpose.JOB, 1 + task_id, 0) * config.job_count)


@compiled
def or_else(recorded: float, drawn: float) -> float:
    """What was recorded, or where it was not, what was drawn."""
    return drawn if math.isnan(recorded) else recorded

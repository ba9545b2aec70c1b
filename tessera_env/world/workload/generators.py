"""Draw a world's tasks, in order of arrival."""

import math

from tessera_env.jit.compiled import compiled, compiled_allocating
from tessera_env.world.distributions import draw
from tessera_env.world.parameters import Arrivals, Quantity
from tessera_env.world.random_stream import Purpose, uniform
from tessera_env.world.workload.arrivals import draw_arrivals_s
from tessera_env.world.workload.recorded import job_of, or_else, recorded_arrivals_s


@compiled_allocating
def draw_tasks(params, world, tasks, env: int) -> int:
    """Fill the world's part of the first rows of `tasks[env]`, numbered by arrival; returns how many there are."""
    recorded = params.config[0].arrivals == Arrivals.RECORDED
    arrivals_s = recorded_arrivals_s(params, world) if recorded else draw_arrivals_s(params, world)
    for task_id in range(arrivals_s.shape[0]):
        tasks[env, task_id].arrival_s = arrivals_s[task_id]
        draw_task(params, world, tasks[env, task_id], task_id)
    return arrivals_s.shape[0]


@compiled
def draw_task(params, world, task, task_id: int) -> None:
    """What a task is like: by the scenario's distributions, or as the job that it replays was recorded."""
    config = params.config[0]
    task.work_s = 3600.0 * draw(params.distributions[Quantity.WORK_H], world, Purpose.WORK, task_id, 0)
    task.gpu_memory_mb = draw(params.distributions[Quantity.GPU_MEMORY_MB], world, Purpose.MEMORY, task_id, 0)
    task.interactive = uniform(world, Purpose.KIND, task_id, 0) < config.interactive_share
    if config.job_count > 0:
        job = params.jobs[job_of(params, world, task_id)]
        task.work_s = or_else(job.work_s, task.work_s)
        task.gpu_memory_mb = or_else(job.gpu_memory_mb, task.gpu_memory_mb)
        task.interactive = int(or_else(job.interactive, float(task.interactive)))
    task.deadline_s = draw_deadline_s(params, world, task, task_id)
    set_state_size(config, task)
    if config.job_count > 0:
        set_recorded_state(params.jobs[job_of(params, world, task_id)], task)


@compiled
def draw_deadline_s(params, world, task, task_id: int) -> float:
    """When the task must be done; infinity for INTERACTIVE tasks and where the scenario sets no deadline."""
    config = params.config[0]
    if task.interactive:
        return math.inf
    if config.deadline_from_arrival:
        return task.arrival_s + 3600.0 * draw(
            params.distributions[Quantity.DEADLINE_H], world, Purpose.DEADLINE, task_id, 0
        )
    if config.deadline_from_slack:
        slack = draw(params.distributions[Quantity.SLACK], world, Purpose.DEADLINE, task_id, 0)
        return task.arrival_s + task.work_s * (1.0 + slack)
    return math.inf


@compiled
def set_state_size(config, task) -> None:
    """State grows linearly with the work done, from the base to what the task's size gives, up to the cap."""
    final_mb = min(config.state_base_mb + config.state_mb_per_work_h * task.work_s / 3600.0, config.state_cap_mb)
    task.state_cap_mb = final_mb
    task.state_base_mb = min(config.state_base_mb, final_mb)
    task.state_growth_mb_per_s = (final_mb - task.state_base_mb) / task.work_s


@compiled
def set_recorded_state(job, task) -> None:
    """A recorded size of the state holds from the start to the end."""
    task.state_cap_mb = or_else(job.state_mb, task.state_cap_mb)
    task.state_base_mb = or_else(job.state_mb, task.state_base_mb)
    task.state_growth_mb_per_s = (task.state_cap_mb - task.state_base_mb) / task.work_s

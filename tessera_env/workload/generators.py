"""Draw a world's tasks, in order of arrival."""

import math

import numpy as np

from tessera_env.compiled import compiled, compiled_allocating
from tessera_env.distributions import draw
from tessera_env.parameters import Arrivals, Quantity
from tessera_env.random_stream import Purpose, uniform


@compiled_allocating
def draw_tasks(params, world, tasks, env: int) -> None:
    """Fill the world's part of the first `task_count` rows of `tasks[env]`, numbered by arrival."""
    config = params.config[0]
    arrivals_s = draw_arrivals_s(params, world)
    for task_id in range(config.task_count):
        task = tasks[env, task_id]
        task.arrival_s = arrivals_s[task_id]
        task.work_s = 3600.0 * draw(params.distributions[Quantity.WORK_H], world, Purpose.WORK, task_id, 0)
        task.gpu_memory_mb = draw(params.distributions[Quantity.GPU_MEMORY_MB], world, Purpose.MEMORY, task_id, 0)
        task.interactive = uniform(world, Purpose.KIND, task_id, 0) < config.interactive_share
        task.deadline_s = draw_deadline_s(params, world, task, task_id)
        set_state_size(config, task)


@compiled_allocating
def draw_arrivals_s(params, world):
    """Sorted arrival times: all at the start, or uniform over the first share of the horizon."""
    config = params.config[0]
    arrivals_s = np.zeros(config.task_count)
    if config.arrivals == Arrivals.UNIFORM:
        for k in range(config.task_count):
            arrivals_s[k] = uniform(world, Purpose.ARRIVAL, k, 0) * config.arrival_share * config.horizon_s
        arrivals_s.sort()
    return arrivals_s


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

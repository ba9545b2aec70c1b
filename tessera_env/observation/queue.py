"""What a scheduler knows of its own tasks: those that have arrived and are not done, and what an instance is like.

Nothing here tells of tasks that have not arrived, nor of the market's future: two worlds that differ later only look
the same now.
"""

import math
from dataclasses import dataclass

import numpy as np

from tessera_env.engine.deadlines import slack_now_s, work_left_if_lost_s, work_left_now_s
from tessera_env.engine.kinds import TaskStatus
from tessera_env.engine.work import state_mb
from tessera_env.jit.compiled import compiled

KNOWN_TASK = np.dtype(
    [
        ("number", np.int64),  # in order of arrival, from 0 on
        ("interactive", np.int64),  # 1: INTERACTIVE, 0: BATCH
        ("arrival_h", np.float64),  # since the episode's start, as all times
        ("work_h", np.float64),  # that it asks for
        ("work_left_h", np.float64),  # if it stopped now with a save
        ("unsaved_h", np.float64),  # of the work done, what losing its instance without notice would cost
        ("deadline_h", np.float64),  # inf: none
        ("slack_h", np.float64),  # what it can still lose before it must be on on-demand; inf: no deadline
        ("gpu_memory_mb", np.float64),
        ("state_mb", np.float64),  # to save or load now
        ("on_demand_usd_per_h", np.float64),  # the least of a pool that it fits
        ("placement", np.int64),  # 0: on nothing, 1 + p: spot, 1 + P + p: on-demand in pool p, or asked to be there
        ("changeover_left_h", np.float64),  # until it runs there; 0: it runs, or is on nothing
    ],
    align=True,
)

KNOWN_POOL = np.dtype(
    [
        ("gpu_memory_mb", np.float64),
        ("on_demand_usd_per_h", np.float64),
        ("savable_mb", np.float64),  # that the grace period saves at most
    ],
    align=True,
)


@dataclass(frozen=True)
class Queue:
    """The tasks that a scheduler has now, and the terms on which it works; arrays are copies.

    Attributes:
        now_h: hours since the episode's start.
        focal: which of the tasks is asked; -1: none, the episode is over.
        tasks: (n,) KNOWN_TASK, in order of arrival.
        horizon_h: when the episode ends.
        pools: (P,) KNOWN_POOL.
        downtime_weight: what an hour without an INTERACTIVE task costs, in hours of on-demand.
        missed_weight: what an hour of work that is late or left undone costs, likewise.
        full_fraction: of the state, what must be saved in the grace period for all progress to be kept.
        partial_fraction: likewise, for a part of it.
    """

    now_h: float
    focal: int
    tasks: np.recarray
    horizon_h: float
    pools: np.recarray
    downtime_weight: float
    missed_weight: float
    full_fraction: float
    partial_fraction: float


@compiled
def write_queue(params, state, env: int, out, row: int) -> int:
    """Write the tasks that have arrived and are not done into `out[row]`; returns how many they are."""
    count = 0
    for task_id in range(state.episodes[env].next_arrival):
        task = state.tasks[env, task_id]
        if task.status == TaskStatus.DONE or task.status == TaskStatus.UNFINISHED or task.status == TaskStatus.FUTURE:
            continue
        write_known(params, state, env, task_id, out[row, count])
        count += 1
    return count


@compiled
def write_known(params, state, env: int, task_id: int, known) -> None:
    """Write what is known of a task."""
    config, now_s, task = params.config[0], state.episodes[env].now_s, state.tasks[env, task_id]
    left_s = work_left_now_s(config, task, now_s)
    known.number = task_id
    known.interactive = task.interactive
    known.arrival_h = task.arrival_s / 3600.0
    known.work_h = task.work_s / 3600.0
    known.work_left_h = left_s / 3600.0
    known.unsaved_h = (work_left_if_lost_s(config, task, now_s) - left_s) / 3600.0
    known.deadline_h = task.deadline_s / 3600.0
    known.slack_h = slack_now_s(config, task, now_s) / 3600.0 if task.deadline_s < math.inf else math.inf
    known.gpu_memory_mb = task.gpu_memory_mb
    known.state_mb = state_mb(task, task.work_s - left_s)
    known.on_demand_usd_per_h = task.on_demand_price
    known.placement = task.placement
    known.changeover_left_h = max(0.0, task.ready_s - now_s) / 3600.0 if task.status == TaskStatus.PLACED else 0.0

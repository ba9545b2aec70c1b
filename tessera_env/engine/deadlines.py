"""How a task stands against its deadline: what is left, and until when it can still fall back on on-demand.

The mask's guard, the assignment of displaced tasks and the observation must agree on these; they stand here once.
"""

import math

from tessera_env.engine.kinds import TaskStatus
from tessera_env.engine.work import longest_changeover_s, progress_at, run_time_s, saved_at, transferable_mb
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE

_ROUNDING = 1e-9  # of a tick: what float64 may be off after a few additions


@compiled
def latest_deadline_s(config, task) -> float:
    """When the task has to be done for the guard: its deadline less the scenario's margin."""
    return task.deadline_s - config.guard_margin_s


@compiled
def latest_fallback_s(config, task) -> float:
    """The instant by which the task, with no work done, would have to be launched on on-demand."""
    return latest_deadline_s(config, task) - task.fallback_changeover_s


@compiled
def work_left_now_s(config, task, now_s: float) -> float:
    """Work left if the task stopped now with a save."""
    if task.instance != NONE:
        return max(0.0, task.work_s - progress_at(config, task, now_s))
    return task.work_s - task.progress_s


@compiled
def progress_now_s(config, task, now_s: float) -> float:
    """Work done, saved or not."""
    return task.progress_s if task.instance == NONE else progress_at(config, task, now_s)


@compiled
def work_left_if_lost_s(config, task, now_s: float) -> float:
    """Work left if the task lost its instance now and nothing since the last save could be kept."""
    if task.status == TaskStatus.PLACED:
        return task.work_s - saved_at(config, task, now_s)
    return work_left_now_s(config, task, now_s)


@compiled
def whole_ticks_slack_s(config, left_s: float, needed_s: float) -> float:
    """Time left less time needed; with ticks both in whole ones, as who decides and is billed by ticks has to count."""
    tick_s = config.slack_tick_s
    if tick_s <= 0.0 or left_s == math.inf:  # without a deadline there is no last tick
        return left_s - needed_s
    return (math.floor(left_s / tick_s + _ROUNDING) - math.ceil(needed_s / tick_s - _ROUNDING)) * tick_s


@compiled
def slack_now_s(config, task, now_s: float) -> float:
    """How long the task, which has a deadline, can still make no progress before it must be on on-demand."""
    run_s, changeover_s = run_time_s(config, work_left_now_s(config, task, now_s)), task.fallback_changeover_s
    return whole_ticks_slack_s(config, latest_fallback_s(config, task) - now_s + changeover_s, run_s + changeover_s)


@compiled
def is_lossless(params, task, pool_id: int) -> bool:
    """Whether the grace period in this pool always saves all the progress."""
    config = params.config[0]
    needed_mb = config.full_fraction * task.state_cap_mb
    return config.saves_at_notice and needed_mb <= transferable_mb(config, params.pools[pool_id])


@compiled
def note_latest(config, task) -> None:
    """Keep until when the task, with the work that is saved, could wait; its slack is read from this."""
    task.latest_s = latest_fallback_s(config, task) - run_time_s(config, task.work_s - task.progress_s)


@compiled
def urgency_s(task, now_s: float) -> float:
    """What orders tasks, the tightest first: INTERACTIVE before all, then by slack in seconds, no deadline last."""
    if task.interactive:
        return -math.inf
    if task.instance != NONE and task.ready_s < now_s:
        return task.latest_s - task.ready_s
    return task.latest_s - now_s


@compiled
def find_fallback(params, state, env: int, task) -> None:
    """The task's cheapest price, and its shortest changeover, on the on-demand instances that it fits."""
    config = params.config[0]
    task.on_demand_price = config.dearest_on_demand
    task.fallback_changeover_s = math.inf
    for pool_id in range(params.pools.shape[0]):
        spec = params.pools[pool_id]
        if task.gpu_memory_mb <= spec.gpu_memory_mb:
            seconds = longest_changeover_s(config, spec, state.pools[env, pool_id], task.state_cap_mb)
            task.fallback_changeover_s = min(task.fallback_changeover_s, seconds)
            task.on_demand_price = min(task.on_demand_price, spec.on_demand_price)

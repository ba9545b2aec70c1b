"""The reward of a step: dollars as a share of what on-demand would have cost, and penalties; shaped, if wanted."""

from tessera_env.engine.billing import dollars_so_far
from tessera_env.engine.kinds import Stop, TaskStatus
from tessera_env.engine.services import account_all
from tessera_env.engine.tasks import LATE_S
from tessera_env.engine.work import progress_at
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE


@compiled
def step_reward(params, state, env: int) -> float:
    """−(dollars billed since the last step) / (on-demand cost of all work) − penalties of the step.

    A return of -0.22 with nothing missed thus saves 78 % against on-demand without changeovers. Penalties: a missed
    deadline costs `missed_weight` times the task's share of all work; an INTERACTIVE task's hour without running
    `downtime_weight` times an on-demand hour; BATCH work that is unfinished when the episode ends, before any
    deadline, `missed_weight` times its share.

    Shaped, what the step changed of the `potential` is added, which is -1 at the start and 0 at the end: every return
    is larger by 1, and no policy comes before another that did not (Ng, Harada, Russell, 1999).
    """
    config, episode = params.config[0], state.episodes[env]
    account_all(params, state, env)
    dollars = dollars_so_far(params, state, env)
    reward = (episode.reported_usd - dollars) / episode.scale_usd - episode.penalty
    episode.reported_usd = dollars
    episode.penalty = 0.0
    state.episodes[env].episode_return += reward
    if config.shaped_reward:
        now = potential(params, state, env)
        reward += now - episode.potential
        episode.potential = now
    return config.reward_scale * reward


@compiled
def potential(params, state, env: int) -> float:
    """−(what the work left would cost on on-demand) / (that of all work) − penalties that have become certain.

    So work is worth its on-demand price when it is done, what an interruption loses is felt when it is lost, and a
    deadline when it can no longer be made: a miss is counted only when the task is done, or at the end.
    """
    config, episode = params.config[0], state.episodes[env]
    if episode.status == Stop.DONE:
        return 0.0
    while episode.first_open < episode.next_arrival and is_done(state, env, episode.first_open):
        episode.worked_usd += on_demand_usd(state.tasks[env, episode.first_open], 0.0)
        episode.first_open += 1
    worked_usd, missed_s = episode.worked_usd, 0.0
    for task_id in range(episode.first_open, episode.next_arrival):
        task, left_s = state.tasks[env, task_id], 0.0
        if not is_done(state, env, task_id):
            done_s = progress_at(config, task, episode.now_s) if task.instance != NONE else task.progress_s
            left_s = task.work_s - done_s
            missed_s += task.work_s if episode.now_s + left_s > task.deadline_s + LATE_S else 0.0
        worked_usd += on_demand_usd(task, left_s)
    for service_id in range(params.services.shape[0]):
        passed_s = state.services[env, service_id].served_target_s
        worked_usd += passed_s * params.services[service_id].on_demand_price / 3600.0
    missed = config.missed_weight * missed_s / episode.total_work_s if missed_s > 0.0 else 0.0
    return worked_usd / episode.scale_usd - 1.0 - missed


@compiled
def is_done(state, env: int, task_id: int) -> bool:
    """Whether all work of a task is done."""
    return state.tasks[env, task_id].status == TaskStatus.DONE


@compiled
def on_demand_usd(task, left_s: float) -> float:
    """What the work of a task would have cost on on-demand, but for what is left."""
    return (task.work_s - left_s) * task.on_demand_price / 3600.0

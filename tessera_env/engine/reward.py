"""The reward of a step: dollars as a share of what on-demand would have cost, and penalties."""

from tessera_env.engine.billing import dollars_so_far
from tessera_env.jit.compiled import compiled


@compiled
def step_reward(params, state, env: int) -> float:
    """−(dollars billed since the last step) / (on-demand cost of all work) − penalties of the step.

    A return of -0.22 with nothing missed thus saves 78 % against on-demand without changeovers. Penalties: a missed
    deadline costs `missed_weight` times the task's share of all work; an INTERACTIVE task's hour without running
    `downtime_weight` times an on-demand hour; BATCH work that is unfinished when the episode ends, before any
    deadline, `missed_weight` times its share.
    """
    episode = state.episodes[env]
    dollars = dollars_so_far(params, state, env)
    reward = (episode.reported_usd - dollars) / episode.scale_usd - episode.penalty
    episode.reported_usd = dollars
    episode.penalty = 0.0
    state.episodes[env].episode_return += reward
    return reward

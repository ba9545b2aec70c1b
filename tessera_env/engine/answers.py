"""What an answer means: itself where the mask allows it, else the valid one that changes least."""

import math

from tessera_env.engine.kinds import TaskStatus
from tessera_env.engine.work import longest_changeover_s
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE

WAIT = 0


@compiled
def is_accepted(state, env: int, action: int) -> bool:
    """Whether the mask allows the action."""
    return 0 <= action < state.masks.shape[1] and state.masks[env, action]


@compiled
def meant(params, state, env: int, action: int) -> int:
    """The action, if it is valid; else the focal task stays where it is, or waits, or goes where it runs soonest.

    So the guard's promise holds whoever answers. With `invalid_waits` an invalid action means WAIT, valid or not.
    """
    if is_accepted(state, env, action):
        return action
    state.episodes[env].invalid_actions += 1
    if params.config[0].invalid_waits:
        return WAIT
    task = state.tasks[env, state.episodes[env].focal]
    if task.status != TaskStatus.EMPTY and task.service != NONE:
        return task.placement
    if task.status == TaskStatus.PLACED and state.masks[env, task.placement]:
        return task.placement
    return WAIT if state.masks[env, WAIT] else quickest(params, state, env, task)


@compiled
def quickest(params, state, env: int, task) -> int:
    """The valid placement with the shortest changeover, the first of several: spot before on-demand."""
    best, best_s = WAIT, math.inf
    for action in range(1, state.masks.shape[1]):
        if not state.masks[env, action]:
            continue
        pool_id = state.offers[env, action - 1].pool
        spec, pool = params.pools[pool_id], state.pools[env, pool_id]
        changeover_s = longest_changeover_s(params.config[0], spec, pool, task.state_cap_mb)
        if changeover_s < best_s:
            best, best_s = action, changeover_s
    return best

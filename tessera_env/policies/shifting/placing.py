"""Where a task stays, and where it would go: the cheapest pool, with what was learned about pools added to its price.

`pools` are (sets, terms, 1 + contexts): what a term of a pool adds to its spot price, times UNIT of the dearest
on-demand price, and how that changes with figures of the task: whose state is large, or who works on for long, may do
well to pay for a pool that lasts.
"""

import numpy as np

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import PoolField
from tessera_env.policies.rules.ranking import pool_value
from tessera_env.policies.shifting.figures import SINGLE_NAMES, can_have
from tessera_env.world.parameters import NONE

# What of a pool counts beside its price, each less one half.
POOL_TERMS = (
    PoolField.AVAILABLE_4H,
    PoolField.AVAILABLE_EPISODE,
    PoolField.SINCE_CHANGE,
    PoolField.MEAN_UP,
    PoolField.REST_UP,
    PoolField.SPOT_CHANGEOVER,
    PoolField.ROOM,
    PoolField.MEAN_DOWN,
)
CONTEXTS = ("state", "work_left_h", "slack_per_work", "interactive")  # figures of the task
_POOL_TERMS = tuple(int(field) for field in POOL_TERMS)
_CONTEXTS = tuple(SINGLE_NAMES.index(name) for name in CONTEXTS)
UNIT = 0.3  # about what spot costs
_MIDDLE = 0.5


@compiled
def staying(observations, masks, env: int, pool_count: int) -> int:
    """The action of staying where it is; NONE: it is on nothing, or may not."""
    for pool_id in range(pool_count):
        if pool_value(observations, env, pool_id, PoolField.HERE_SPOT) > 0.0 and masks[env, 1 + pool_id]:
            return 1 + pool_id
        here = pool_value(observations, env, pool_id, PoolField.HERE_ON_DEMAND) > 0.0
        if here and masks[env, 1 + pool_count + pool_id]:
            return 1 + pool_count + pool_id
    return NONE


@compiled
def write_weights(pools, number: int, figures, weights) -> None:
    """Write what each term weighs for this task, (terms,)."""
    for k in range(len(_POOL_TERMS)):
        weights[k] = pools[number, k, 0]
        for j in range(len(_CONTEXTS)):
            weights[k] += pools[number, k, 1 + j] * figures[_CONTEXTS[j]]


@compiled
def best_spot(observations, masks, env: int, pool_count: int, weights) -> int:
    """The action of spot where it is cheapest, with what is added to prices; NONE: none can be had."""
    best, lowest = NONE, np.inf
    for pool_id in range(pool_count):
        if masks[env, 1 + pool_id] and can_have(observations, env, pool_id):
            price = pool_value(observations, env, pool_id, PoolField.SPOT_PRICE)
            for k in range(len(_POOL_TERMS)):
                price += UNIT * weights[k] * (pool_value(observations, env, pool_id, _POOL_TERMS[k]) - _MIDDLE)
            if price < lowest:
                best, lowest = 1 + pool_id, price
    return best


@compiled
def best_on_demand(observations, masks, env: int, pool_count: int) -> int:
    """The action of on-demand where it is cheapest, of those that fit; NONE: none may be had."""
    best, lowest = NONE, np.inf
    for pool_id in range(pool_count):
        fits = pool_value(observations, env, pool_id, PoolField.FITS) > 0.0
        price = pool_value(observations, env, pool_id, PoolField.ON_DEMAND_PRICE)
        if fits and masks[env, 1 + pool_count + pool_id] and price < lowest:
            best, lowest = 1 + pool_count + pool_id, price
    return best

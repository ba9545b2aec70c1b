"""Hand-coded rules as compiled functions of an observation and a mask, for the engine and for `predict` alike."""

from enum import IntEnum

import numpy as np

from tessera_env.jit.compiled import compiled
from tessera_env.jit.kernel import Kernel
from tessera_env.policies.rules.greedy import greedy_rank
from tessera_env.policies.rules.greedy_safety_net import greedy_safety_net_rank
from tessera_env.policies.rules.on_demand_fallback import on_demand_fallback_rank
from tessera_env.policies.rules.on_demand_only import on_demand_only_rank
from tessera_env.policies.rules.slack_threshold import slack_threshold_rank
from tessera_env.policies.rules.time_sliced import time_sliced_rank
from tessera_env.policies.rules.uniform_progress import uniform_progress_rank

FARTHEST = 1e300  # beyond any rank


class RuleKind(IntEnum):
    """Which rule."""

    ON_DEMAND_ONLY = 0
    GREEDY = 1
    ON_DEMAND_FALLBACK = 2
    GREEDY_SAFETY_NET = 3
    UNIFORM_PROGRESS = 4  # count: 1 with hysteresis, 0 without
    TIME_SLICED = 5  # count: slices
    SLACK_THRESHOLD = 6


# A rule and its options, as the compiled code reads it.
RULE = np.dtype([("kind", np.int64), ("count", np.int64), ("theta", np.float64)], align=True)


@compiled
def rank_of(rule, observations, env: int, action: int, pool_count: int) -> float:
    """The rule's rank of an action; the lowest valid one is chosen."""
    if rule.kind == RuleKind.ON_DEMAND_ONLY:
        return on_demand_only_rank(observations, env, action, pool_count)
    if rule.kind == RuleKind.GREEDY:
        return greedy_rank(observations, env, action, pool_count)
    if rule.kind == RuleKind.ON_DEMAND_FALLBACK:
        return on_demand_fallback_rank(observations, env, action, pool_count, rule.count)
    return deadline_rank_of(rule, observations, env, action, pool_count)


@compiled
def deadline_rank_of(rule, observations, env: int, action: int, pool_count: int) -> float:
    """The same of the rules published for one job with a deadline."""
    if rule.kind == RuleKind.GREEDY_SAFETY_NET:
        return greedy_safety_net_rank(observations, env, action, pool_count)
    if rule.kind == RuleKind.UNIFORM_PROGRESS:
        return uniform_progress_rank(observations, env, action, pool_count, rule.count)
    if rule.kind == RuleKind.TIME_SLICED:
        return time_sliced_rank(observations, env, action, pool_count, rule.count)
    return slack_threshold_rank(observations, env, action, pool_count, rule.theta)


@compiled
def choose(rule, observations, masks, env: int) -> int:
    """The valid action of lowest rank; WAIT where the mask allows nothing."""
    best, lowest = 0, FARTHEST
    for action in range(masks.shape[1]):
        if masks[env, action]:
            rank = rank_of(rule, observations, env, action, masks.shape[1] // 2)
            if rank < lowest:
                best, lowest = action, rank
    return best


def _choose_rows(rules, observations, masks, actions) -> None:
    """Write the rule's action of each row."""
    for env in range(actions.shape[0]):
        actions[env] = choose(rules[0], observations, masks, env)


choose_rows = Kernel(_choose_rows)

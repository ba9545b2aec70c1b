"""The task as n tasks one after the other, each with its own deadline: the `Time Sliced` of "Can't Be Late".

Slice k of n has to bring the work done to (k + 1) / n of all work by (k + 1) / n of the time. Within a slice: spot when
it is to be had; else wait, until on-demand alone can just do what the slice lacks (its work, two changeovers and one
decision interval use up its time), then on-demand to the slice's end. A slice that is done early lets the task go on
with spot, and wait without. The safety rule (`tessera_env.policies.rules.safety_net`) goes before all.
"""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import Field
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.safety_net import FREE, safety_net
from tessera_env.policies.rules.seen import hours, seen
from tessera_env.policies.rules.wishes import SPOT_OR_ON_DEMAND, SPOT_OR_WAIT, wish_rank

MOST_SLICES = 1_000
_ROUNDING = 1e-7  # shares up to 1 are observed in float32, which is off by 3e-8 at most


@compiled
def time_sliced_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; the lowest comes first."""
    return wish_rank(observations, env, action, pool_count, time_sliced_wish(observations, env, options.slices))


@compiled
def time_sliced_wish(observations, env: int, slices: int) -> int:
    """What the rule wishes for."""
    forced = safety_net(observations, env)
    if forced != FREE:
        return forced
    if observations[env, Field.HAS_DEADLINE] <= 0.0:
        return SPOT_OR_WAIT
    passed = 1.0 - seen(observations, env, Field.DEADLINE_LEFT)
    ends = (math.floor((passed + _ROUNDING) * slices) + 1.0) / slices
    lacks = ends - (1.0 - seen(observations, env, Field.WORK_LEFT))  # as a share of all work
    if lacks <= 0.0:
        return SPOT_OR_WAIT
    return SPOT_OR_ON_DEMAND if slice_slack(observations, env, ends - passed, lacks) < 0.0 else SPOT_OR_WAIT


@compiled
def slice_slack(observations, env: int, left: float, lacks: float) -> float:
    """Time to the slice's end less the work it lacks, two changeovers and the decision interval, in hours."""
    work_left_h = hours(observations, env, Field.WORK_LEFT_H, 24.0)
    slack_h = hours(observations, env, Field.SLACK, 6.0)
    wait_h = hours(observations, env, Field.WAIT_SLACK, 6.0)  # that less the decision interval
    reserve_h = hours(observations, env, Field.RESERVE_SLACK, 6.0)  # that less a changeover
    work_h = work_left_h / seen(observations, env, Field.WORK_LEFT)
    time_left_h = work_left_h + (wait_h - reserve_h) + slack_h
    window_h = time_left_h / seen(observations, env, Field.DEADLINE_LEFT)
    return left * window_h - lacks * work_h - 2.0 * (wait_h - reserve_h) - (slack_h - wait_h)


class TimeSliced(RulePolicy):
    """The task as `slices` tasks with deadlines of their own.

    Eight slices cost least in the same worlds that theta of SlackThreshold was chosen in.

    Raises:
        ValueError: `slices` is not in 1 ... 1,000.
    """

    name = "time_sliced"
    rank = time_sliced_rank

    def __init__(self, layout: Layout, slices: int = 8) -> None:
        if not 1 <= slices <= MOST_SLICES:
            raise ValueError(f"time_sliced: slices: {slices} (allowed: 1 to {MOST_SLICES:,})")
        super().__init__(layout, slices=slices)

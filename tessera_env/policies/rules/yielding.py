"""`fleet_threshold`, and loose tasks yield: one on spot pauses while tighter ones pay for on-demand.

The shop's oldest order, least laxity first (Dertouzos and Mok, "Multiprocessor Online Scheduling of Hard-Real-Time
Tasks", 1989), with a reserve against changes of mind, since each change costs a changeover: a BATCH task on spot whose
slack is above `loose_h` hours and above `loose` x its work left pauses where all pools are full, if more tighter tasks
are on on-demand than looser ones are on spot (those would pause first), and one of them has more than half an hour of
work left. The room is offered at that instant to whoever lacks spot, the tightest first; the task that paused waits.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import Field
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.fleet_threshold import (
    MOST_HOURS,
    MOST_THETA,
    check_threshold,
    fleet_threshold_wish,
    slack_left_h,
)
from tessera_env.policies.rules.ranking import FIRST, STAY
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.seen import hours
from tessera_env.policies.rules.wishes import wish_rank

_HALF = 0.5  # tasks are counted in whole ones, which float32 may be off by 1e-5
_WORTH_H = 0.5  # of work left on on-demand, for which a changeover of two tasks is worth it


@compiled
def yielding_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; the lowest comes first."""
    if yields(observations, env, options.loose, options.loose_h):
        return STAY if action == 0 else FIRST + action
    wish = fleet_threshold_wish(observations, env, options.theta, options.short_h)
    return wish_rank(observations, env, action, pool_count, wish)


@compiled
def yields(observations, env: int, loose: float, loose_h: float) -> bool:
    """Whether the task pauses for a tighter one."""
    if observations[env, Field.ON_SPOT] <= 0.0 or observations[env, Field.INTERACTIVE] > 0.0:
        return False
    slack_h = slack_left_h(observations, env)
    if slack_h <= max(loose_h, loose * hours(observations, env, Field.WORK_LEFT_H, 24.0)):
        return False
    if hours(observations, env, Field.ROOM_FOR_IT, 8.0) > _HALF:
        return False
    lacking = hours(observations, env, Field.TIGHTER_ON_DEMAND, 8.0)
    looser = hours(observations, env, Field.LOOSER_ON_SPOT, 8.0)
    return lacking > looser + _HALF and hours(observations, env, Field.LONGEST_ON_DEMAND_H, 4.0) > _WORTH_H


class Yielding(RulePolicy):
    """Like `fleet_threshold`; a loose task on spot pauses while tighter ones are on on-demand.

    Raises:
        ValueError: `theta` or `loose` is not in 0 ... 100, or `short_h` or `loose_h` not in 0 ... 1,000.
    """

    name = "yielding"
    rank = yielding_rank

    def __init__(
        self, layout: Layout, theta: float = 0.3, short_h: float = 2.0, loose: float = 0.3, loose_h: float = 4.0
    ) -> None:
        check_threshold(self.name, theta, short_h)
        if not 0.0 <= loose <= MOST_THETA:
            raise ValueError(f"{self.name}: loose: {loose:g} (allowed: 0 to {MOST_THETA:g})")
        if not 0.0 <= loose_h <= MOST_HOURS:
            raise ValueError(f"{self.name}: loose_h: {loose_h:g} (allowed: 0 to {MOST_HOURS:g})")
        super().__init__(layout, theta=theta, short_h=short_h, loose=loose, loose_h=loose_h)

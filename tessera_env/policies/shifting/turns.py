"""How far `yielding` is from changing its mind: numbers whose sign is its answer, for shifts to be added to.

Each is in natural units of what it compares, a logarithm of a ratio, hours or tasks, cut off at plus and minus FAR,
beyond which no shift should reach.
"""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import Field, PoolField
from tessera_env.policies.rules.fleet_threshold import slack_left_h
from tessera_env.policies.rules.ranking import pool_value
from tessera_env.policies.rules.seen import hours, unsquashed
from tessera_env.policies.shifting.figures import unsaved_h

FAR = 2.0
_LEAST_H = 0.01
_LEAST_REST_H = 0.5
# As `yielding` has them by default; not taken from there, since weights that were found are for these.
THETA, SHORT_H, LOOSE, LOOSE_H = 0.3, 2.0, 0.3, 4.0
_END_H = 0.5  # of slack, below which what the episode's end would cut off goes on-demand


@compiled
def on_demand_turn(observations, env: int) -> float:
    """Above 0: a BATCH task without spot goes on-demand, since its slack is short for the work left."""
    slack_h, left_h = slack_left_h(observations, env), hours(observations, env, Field.WORK_LEFT_H, 24.0)
    tight = math.log(max(THETA * left_h, _LEAST_H) / max(slack_h, _LEAST_H))
    return cut(max(min(tight, left_h - SHORT_H), (_END_H - slack_h) / _END_H))


@compiled
def yield_turn(observations, env: int) -> float:
    """Above 0: a BATCH task on spot pauses, since tighter ones are on on-demand and it has slack."""
    left_h = hours(observations, env, Field.WORK_LEFT_H, 24.0)
    slack = math.log(max(slack_left_h(observations, env), _LEAST_H) / max(LOOSE_H, LOOSE * left_h))
    lacking = hours(observations, env, Field.TIGHTER_ON_DEMAND, 8.0) - hours(
        observations, env, Field.LOOSER_ON_SPOT, 8.0
    )
    full = 1.0 - 2.0 * hours(observations, env, Field.ROOM_FOR_IT, 8.0)
    worth_h = hours(observations, env, Field.LONGEST_ON_DEMAND_H, 4.0) - 0.5
    return cut(min(min(slack, lacking - 0.5), min(full, worth_h)))


@compiled
def move_turn(observations, env: int, its_pool: int, other: int) -> float:
    """Above 0: a task on spot moves to another pool's, since a move saves its work.

    The work since the last save has reached the interval that loses least: sqrt(2 x cost of a save x time to the next
    interruption) (Young, "A First Order Approximation to the Optimum Checkpoint Interval", CACM 1974), the cost being
    the changeover there, the time what is left of a spell here on average.
    """
    cost_h = unsquashed(pool_value(observations, env, other, PoolField.SPOT_CHANGEOVER), 0.1)
    rest_h = unsquashed(pool_value(observations, env, its_pool, PoolField.REST_UP), 2.0)
    interval_h = math.sqrt(2.0 * max(cost_h, _LEAST_H) * max(rest_h, _LEAST_REST_H))
    return cut(math.log(max(unsaved_h(observations, env), _LEAST_H) / interval_h))


@compiled
def cut(turn: float) -> float:
    """The same, at most FAR from 0."""
    return min(max(turn, -FAR), FAR)

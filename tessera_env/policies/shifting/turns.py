"""How far `yielding` is from changing its mind: numbers whose sign is its answer, for shifts to be added to.

Each is in natural units of what it compares, a logarithm of a ratio, hours or tasks, cut off at plus and minus FAR,
beyond which no shift should reach.
"""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.observation.layout import Field
from tessera_env.policies.rules.fleet_threshold import slack_left_h
from tessera_env.policies.rules.seen import hours

FAR = 2.0
_LEAST_H = 0.01
THETA, SHORT_H, LOOSE, LOOSE_H = 0.3, 2.0, 0.3, 4.0  # as `yielding` has them
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
def cut(turn: float) -> float:
    """The same, at most FAR from 0."""
    return min(max(turn, -FAR), FAR)

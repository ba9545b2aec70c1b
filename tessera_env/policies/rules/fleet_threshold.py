"""A slack threshold for tasks that compete: on-demand early for long work, and back to spot as soon as there is room.

Slack is the time that a task can still lose before its work and one changeover use up all that is left until its
deadline, or until the episode's end if that comes first.

1. An INTERACTIVE task, whose every hour without running costs, is on spot if it can be, from on-demand too, else on
   on-demand.
2. A BATCH task takes spot whenever it is there, from on-demand too, and stays on it until interrupted. Without spot
   one on on-demand stays there.
3. Without spot one that is on nothing waits, until slack / work left < theta; then it goes on-demand, if more than
   `short_h` hours of work are left: with slack in reserve the deadline guard lets it go back to spot later. With less
   work left it waits until it is forced: until its slack does not last for one more decision interval.
4. A forced task goes on-demand, even if spot is to be had, since a spot launch could be lost before its changeover is
   worked off; on spot it stays. What only the episode's end would cut off still takes spot first.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import Field
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.seen import hours
from tessera_env.policies.rules.wishes import ONLY_ON_DEMAND, SPOT_OR_ON_DEMAND, SPOT_OR_WAIT, wish_rank

MOST_THETA, MOST_HOURS = 100.0, 1000.0
_END_H = 0.5  # of slack, below which what the episode's end would cut off goes on-demand


@compiled
def fleet_threshold_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; the lowest comes first."""
    wish = fleet_threshold_wish(observations, env, options.theta, options.short_h)
    return wish_rank(observations, env, action, pool_count, wish)


@compiled
def fleet_threshold_wish(observations, env: int, theta: float, short_h: float) -> int:
    """What the rule wishes for."""
    if observations[env, Field.INTERACTIVE] > 0.0:
        return SPOT_OR_ON_DEMAND
    if observations[env, Field.ON_SPOT] > 0.0:
        return SPOT_OR_WAIT
    if observations[env, Field.WAIT_SLACK] < 0.0 and observations[env, Field.HAS_DEADLINE] > 0.0:
        return ONLY_ON_DEMAND
    slack_h = slack_left_h(observations, env)
    left_h = hours(observations, env, Field.WORK_LEFT_H, 24.0)
    is_short = left_h > short_h and slack_h < theta * left_h
    stays = observations[env, Field.ON_ON_DEMAND] > 0.0
    return SPOT_OR_ON_DEMAND if is_short or stays or slack_h < _END_H else SPOT_OR_WAIT


@compiled
def slack_left_h(observations, env: int) -> float:
    """Hours of slack, against the deadline or the episode's end; work that neither leaves time for has no end."""
    slack_h = hours(observations, env, Field.SLACK, 6.0)
    end_h = hours(observations, env, Field.END_SLACK, 6.0)
    return min(slack_h, end_h) if end_h > -_END_H else slack_h


class FleetThreshold(RulePolicy):
    """Spot for all that can have it, on-demand once slack / work left is below `theta`.

    Raises:
        ValueError: `theta` is not in 0 ... 100, or `short_h` not in 0 ... 1,000.
    """

    name = "fleet_threshold"
    rank = fleet_threshold_rank

    def __init__(self, layout: Layout, theta: float = 0.3, short_h: float = 2.0) -> None:
        check_threshold(self.name, theta, short_h)
        super().__init__(layout, theta=theta, short_h=short_h)


def check_threshold(name: str, theta: float, short_h: float) -> None:
    """Raises ValueError: an option of the rule is out of its range."""
    if not 0.0 <= theta <= MOST_THETA:
        raise ValueError(f"{name}: theta: {theta:g} (allowed: 0 to {MOST_THETA:g})")
    if not 0.0 <= short_h <= MOST_HOURS:
        raise ValueError(f"{name}: short_h: {short_h:g} (allowed: 0 to {MOST_HOURS:g})")

"""Wait for spot while there is slack for each hour of work left, else run on on-demand: one number decides.

Slack is the time that the task can still lose before its work and one changeover use up all that is left.

1. Spot whenever it is there, from on-demand too, and at once.
2. Without it a task on on-demand stays there.
3. On nothing, it takes on-demand once slack / work left < theta, and waits until then.

Published program searches for this problem converge on rules of this form. It alone may be late, whatever theta: a spot
launch that is lost before its changeover is worked off costs time and brings no work, and rule 1 asks for the next one
even when the slack is used up. So the safety rule (`tessera_env.policies.rules.safety_net`) goes before all.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import Field
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.safety_net import FREE, safety_net
from tessera_env.policies.rules.wishes import SPOT_OR_ON_DEMAND, SPOT_OR_WAIT, wish_rank

MOST_THETA = 100.0


@compiled
def slack_threshold_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; the lowest comes first."""
    return wish_rank(observations, env, action, pool_count, slack_threshold_wish(observations, env, options.theta))


@compiled
def slack_threshold_wish(observations, env: int, theta: float) -> int:
    """What the rule wishes for."""
    forced = safety_net(observations, env)
    if forced != FREE:
        return forced
    # The field is r / (|r| + 1) of r = slack / work left, which rises with r: compare it with that of theta.
    is_short = observations[env, Field.SLACK_PER_WORK] < theta / (theta + 1.0)
    return SPOT_OR_ON_DEMAND if is_short or observations[env, Field.ON_ON_DEMAND] > 0.0 else SPOT_OR_WAIT


class SlackThreshold(RulePolicy):
    """On-demand once slack / work left is below `theta`.

    The default cost least in development worlds: hours 0 to 700 of nine recorded zones, deadlines of 52, 60 and 70 h
    for 48 h of work, changeovers of 0.02 to 0.2 h (`benchmarks/studies/slack_threshold.py`). One theta for each
    changeover, 0.1 for the shortest to 0.2 for the longest, would have cost only 0.15 % less.

    Raises:
        ValueError: `theta` is not in 0 ... 100.
    """

    name = "slack_threshold"
    rank = slack_threshold_rank

    def __init__(self, layout: Layout, theta: float = 0.15) -> None:
        if not 0.0 <= theta <= MOST_THETA:
            raise ValueError(f"slack_threshold: theta: {theta:g} (allowed: 0 to {MOST_THETA:g})")
        super().__init__(layout, theta=theta)

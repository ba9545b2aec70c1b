"""When a task with a deadline must be on on-demand: the safety rule of the program published with "Can't Be Late".

Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under Deadlines", NSDI'24. With d the changeover, a task
that holds nothing or on-demand takes on-demand once its work and two changeovers use up its time (`reserve_slack` < 0),
since it may lose one spot launch before it is worked off. Once its work and one changeover do (`wait_slack` < 0), any
task takes on-demand, but for one that was on spot until now with its changeover worked off: that stays, and if it has
just lost its instance it asks for spot once more, or waits.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import Field
from tessera_env.policies.rules.wishes import ONLY_ON_DEMAND, SPOT_OR_WAIT

FREE = -1


@compiled
def safety_net(observations, env: int) -> int:
    """The wish that the safety rule forces on the task; FREE: none."""
    was_on_spot = observations[env, Field.ON_SPOT] > 0.0 or observations[env, Field.EVENT_INTERRUPTION] > 0.0
    if observations[env, Field.WAIT_SLACK] < 0.0:
        worked_off = observations[env, Field.CHANGEOVER_LEFT] <= 0.0
        return SPOT_OR_WAIT if was_on_spot and worked_off else ONLY_ON_DEMAND
    if observations[env, Field.ON_SPOT] <= 0.0 and observations[env, Field.RESERVE_SLACK] < 0.0:
        return ONLY_ON_DEMAND
    return FREE

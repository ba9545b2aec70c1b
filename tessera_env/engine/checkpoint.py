"""What the grace period saves: the checkpoint plan of a task whose instance was given notice."""

from tessera_env.engine.kinds import CheckpointPlan
from tessera_env.jit.compiled import compiled


@compiled
def savable_fraction(transferable_mb: float, state_mb: float) -> float:
    """The share of the state that can be saved before the instance is gone."""
    return 1.0 if state_mb <= transferable_mb else transferable_mb / state_mb


@compiled
def checkpoint_plan(config, fraction: float) -> CheckpointPlan:
    """FULL, PARTIAL or RESTART, by the scenario's two thresholds; RESTART where it makes no use of the grace period."""
    if not config.saves_at_notice:
        return CheckpointPlan.RESTART
    if fraction >= config.full_fraction:
        return CheckpointPlan.FULL
    if fraction >= config.partial_fraction:
        return CheckpointPlan.PARTIAL
    return CheckpointPlan.RESTART


@compiled
def kept_share(plan: CheckpointPlan, fraction: float) -> float:
    """The share of the progress since the last save that a plan keeps."""
    if plan == CheckpointPlan.FULL:
        return 1.0
    return fraction if plan == CheckpointPlan.PARTIAL else 0.0

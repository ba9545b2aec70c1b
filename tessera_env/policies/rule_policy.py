"""The hand-coded rules as policies."""

from typing import Any

import numpy as np

from tessera_env.observation.layout import INTERRUPTIONS_SHOWN, Layout
from tessera_env.policies.checked import checked_masks, checked_observation
from tessera_env.policies.rules.choice import RULE, RuleKind, choose_rows
from tessera_env.world.parameters import new_table

MOST_SLICES = 1_000
MOST_THETA = 100.0


class RulePolicy:
    """A rule that is a pure function of the observation: the engine can play it by itself, too.

    Attributes:
        name: of the policy.
        rule: (1,) RULE, what the compiled code reads.
    """

    def __init__(self, layout: Layout, name: str, kind: RuleKind, count: int = 0, theta: float = 0.0) -> None:
        self.name = name
        self.rule = new_table(1, RULE)
        self.rule[0].kind, self.rule[0].count, self.rule[0].theta = kind, count, theta
        self._layout = layout

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """See `tessera_env.policies.protocol.Policy`."""
        observation = checked_observation(self._layout, observation)
        shape = (len(observation), 1 + 2 * self._layout.pool_count)
        masks = np.ones(shape, dtype=bool) if action_masks is None else checked_masks(action_masks, shape)
        actions = np.empty(len(observation), dtype=np.int64)
        choose_rows(
            self.rule, np.ascontiguousarray(observation, dtype=np.float32), np.ascontiguousarray(masks), actions
        )
        return actions, state


class OnDemandOnly(RulePolicy):
    """Every task at once on the cheapest on-demand that fits it; see `tessera_env.policies.rules.on_demand_only`."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, "on_demand_only", RuleKind.ON_DEMAND_ONLY)


class Greedy(RulePolicy):
    """Spot, waiting while the deadline allows, then on-demand; see `tessera_env.policies.rules.greedy`."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, "greedy", RuleKind.GREEDY)


class OnDemandFallback(RulePolicy):
    """Greedy until the task was interrupted `count` times; see `tessera_env.policies.rules.on_demand_fallback`.

    Raises:
        ValueError: `count` is not in 1 ... 16.
    """

    def __init__(self, layout: Layout, count: int = 2) -> None:
        if not 1 <= count <= INTERRUPTIONS_SHOWN:
            raise ValueError(f"on_demand_fallback: count: {count} (allowed: 1 to {INTERRUPTIONS_SHOWN})")
        super().__init__(layout, "on_demand_fallback", RuleKind.ON_DEMAND_FALLBACK, count)


class GreedySafetyNet(RulePolicy):
    """Spot, else nothing, with the published safety rule; see `tessera_env.policies.rules.greedy_safety_net`."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, "greedy_safety_net", RuleKind.GREEDY_SAFETY_NET)


class UniformProgress(RulePolicy):
    """Even progress up to the deadline, with hysteresis; see `tessera_env.policies.rules.uniform_progress`."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, "uniform_progress", RuleKind.UNIFORM_PROGRESS, 1)


class UniformProgressPlain(RulePolicy):
    """The same without hysteresis."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, "uniform_progress_plain", RuleKind.UNIFORM_PROGRESS, 0)


class TimeSliced(RulePolicy):
    """The job as `slices` jobs with deadlines of their own; see `tessera_env.policies.rules.time_sliced`.

    Eight slices cost least in the same worlds that theta of SlackThreshold was chosen in.

    Raises:
        ValueError: `slices` is not in 1 ... 1,000.
    """

    def __init__(self, layout: Layout, slices: int = 8) -> None:
        if not 1 <= slices <= MOST_SLICES:
            raise ValueError(f"time_sliced: slices: {slices} (allowed: 1 to {MOST_SLICES:,})")
        super().__init__(layout, "time_sliced", RuleKind.TIME_SLICED, slices)


class SlackThreshold(RulePolicy):
    """On-demand once slack / work left is below `theta`; see `tessera_env.policies.rules.slack_threshold`.

    The default cost least in development worlds: hours 0 to 700 of nine recorded zones, deadlines of 52, 60 and 70 h
    for 48 h of work, changeovers of 0.02 to 0.2 h (`benchmarks/studies/slack_threshold.py`). One theta for each
    changeover, 0.1 for the shortest to 0.2 for the longest, would have cost only 0.15 % less.

    Raises:
        ValueError: `theta` is not in 0 ... 100.
    """

    def __init__(self, layout: Layout, theta: float = 0.15) -> None:
        if not 0.0 <= theta <= MOST_THETA:
            raise ValueError(f"slack_threshold: theta: {theta:g} (allowed: 0 to {MOST_THETA:g})")
        super().__init__(layout, "slack_threshold", RuleKind.SLACK_THRESHOLD, theta=theta)

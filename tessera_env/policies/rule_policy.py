"""The hand-coded rules as policies."""

from typing import Any

import numpy as np

from tessera_env.observation import INTERRUPTIONS_SHOWN, Layout
from tessera_env.parameters import new_table
from tessera_env.policies.checked import checked_masks, checked_observation
from tessera_env.policies.rules import RULE, RuleKind, choose_rows


class RulePolicy:
    """A rule that is a pure function of the observation: the engine can play it by itself, too.

    Attributes:
        name: of the policy.
        rule: (1,) RULE, what the compiled code reads.
    """

    def __init__(self, layout: Layout, name: str, kind: RuleKind, count: int = 0) -> None:
        self.name = name
        self.rule = new_table(1, RULE)
        self.rule[0].kind, self.rule[0].count = kind, count
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
    """Every task at once on the cheapest on-demand that fits it; see `tessera_env.policies.on_demand_only`."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, "on_demand_only", RuleKind.ON_DEMAND_ONLY)


class Greedy(RulePolicy):
    """Spot, waiting while the deadline allows, then on-demand; see `tessera_env.policies.greedy`."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, "greedy", RuleKind.GREEDY)


class OnDemandFallback(RulePolicy):
    """Greedy until the task was interrupted `count` times; see `tessera_env.policies.on_demand_fallback`.

    Raises:
        ValueError: `count` is not in 1 ... 16.
    """

    def __init__(self, layout: Layout, count: int = 2) -> None:
        if not 1 <= count <= INTERRUPTIONS_SHOWN:
            raise ValueError(f"on_demand_fallback: count: {count} (allowed: 1 to {INTERRUPTIONS_SHOWN})")
        super().__init__(layout, "on_demand_fallback", RuleKind.ON_DEMAND_FALLBACK, count)

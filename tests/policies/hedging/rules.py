"""Rules with shifts made by hand, over the observations of `spot_hedge_plus`."""

import numpy as np

from tessera_env.observation.layout import Layout
from tessera_env.policies.hedging.figures import PoolFigure, ServiceFigure
from tessera_env.policies.hedging.policy import Hedges
from tessera_env.policies.hedging.shifts import PoolTurn, ServiceTurn
from tessera_env.policies.learned_rules import LearnedRule
from tests.policies.rules.test_spot_hedge_plus import LAYOUT, POOLS

Place = tuple[PoolTurn, PoolFigure] | tuple[ServiceTurn, ServiceFigure]


def rule(weights: dict[Place, float] | None = None, layout: Layout = LAYOUT) -> LearnedRule:
    """The one with these weights, all others being 0."""
    hedges = Hedges.of(Hedges.unscaled, np.zeros((1, Hedges.count)))
    for (turn, figure), value in (weights or {}).items():
        part = hedges.pools if isinstance(turn, PoolTurn) else hedges.services
        part[0, turn, figure] = value
    return LearnedRule(layout, hedges)


def answer(policy: LearnedRule, row: np.ndarray, mask: np.ndarray | None = None) -> int:
    """Its action."""
    actions, _ = policy.predict(row, action_masks=np.ones((1, 1 + 2 * POOLS), dtype=bool) if mask is None else mask)
    return int(actions[0])

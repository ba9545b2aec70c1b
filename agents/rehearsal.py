"""An exported policy against the model that it comes from: do both choose alike?"""

from collections.abc import Iterator

import numpy as np
from gymnasium.vector import AutoresetMode
from sb3_contrib import MaskablePPO
from stable_baselines3.common.base_class import BaseAlgorithm

from agents.actors import seen_by
from agents.worlds import development_seed
from tessera_env.observation.layout import Layout
from tessera_env.policies.learned import LearnedPolicy
from tessera_env.scenario.scenario import Scenario
from tessera_env.vector_env import TesseraVectorEnv

_ROWS = 8
_STEPS = 64
_RANDOM = 1000  # observations from anywhere in their space
_ROUNDING = 1e-4  # of the largest logit: what is nearer to the best is a tie in float32

Seen = tuple[np.ndarray, np.ndarray]  # observations (n, K) and masks (n, 1 + 2P)


def rehearse(model: BaseAlgorithm, policy: LearnedPolicy, scenario: Scenario) -> None:
    """Ask both on what the scenario's environment shows, and on random observations; draws nothing from the model.

    Raises:
        ValueError: they choose differently, by more than rounding explains.
    """
    differing = asked = 0
    for observations, masks in _shown(scenario, policy):
        masks = masks if isinstance(model, MaskablePPO) else np.ones_like(masks)
        differing += int(_differs(model, policy, observations, masks).sum())
        asked += len(observations)
    if differing:
        raise ValueError(
            f"model: {type(model).__name__} chooses otherwise than its export in {differing:,} of {asked:,} "
            "observations (allowed: a model whose action is the largest output of its network, and of nothing else)"
        )


def _differs(model: BaseAlgorithm, policy: LearnedPolicy, observations: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Where they choose differently, (n,)."""
    options = {"action_masks": masks} if isinstance(model, MaskablePPO) else {}
    expected, _ = model.predict(seen_by(model, observations), deterministic=True, **options)
    logits, rows = policy.logits(observations), np.arange(len(masks))
    best = np.where(masks, logits, -np.inf).max(axis=1)
    return ~(best - logits[rows, expected] <= _ROUNDING * np.abs(logits).max(axis=1))  # NaN is no answer


def _shown(scenario: Scenario, policy: LearnedPolicy) -> Iterator[Seen]:
    """What the policy comes to see in worlds for development, half of its actions random; then anything at all."""
    generator = np.random.default_rng(0)
    env = TesseraVectorEnv(_ROWS, scenario, autoreset_mode=AutoresetMode.SAME_STEP)
    observations, _ = env.reset(seed=development_seed())
    for _ in range(_STEPS):
        masks = env.action_masks()
        yield observations, masks
        chosen, _ = policy.predict(observations, action_masks=masks)
        drawn = (generator.random(masks.shape) * masks).argmax(axis=1)
        observations, *_ = env.step(np.where(generator.random(_ROWS) < 0.5, drawn, chosen))
    env.close()
    yield _anything(env.layout, generator)


def _anything(layout: Layout, generator: np.random.Generator) -> Seen:
    observations = generator.uniform(layout.low, layout.high, (_RANDOM, layout.size)).astype(np.float32)
    masks = generator.random((_RANDOM, 1 + 2 * layout.pool_count)) < 0.5
    masks[:, 0] |= ~masks.any(axis=1)
    return observations, masks

"""An exported policy plays as the model that it comes from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from safetensors.numpy import load_file
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.export import TorchPolicy, export_policy
from agents.networks import policy_arguments
from agents.training import ALGORITHMS
from agents.vec_env import TesseraVecEnv
from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy
from tessera_env.vector_env import TesseraVectorEnv

OBSERVATIONS = 10_000


def model_of(
    algorithm: str, net: str, scenario: str, activation: str = "tanh", separate_critic: bool = False
) -> OnPolicyAlgorithm:
    env = TesseraVecEnv(TesseraVectorEnv(2, scenario=scenario, autoreset_mode=AutoresetMode.SAME_STEP))
    arguments = policy_arguments(net, algorithm, [32, 16], activation, separate_critic=separate_critic)
    model = ALGORITHMS[algorithm](env=env, n_steps=8, batch_size=16, seed=0, device="cpu", **arguments)
    # As SB3 starts them, the logits are almost equal, and their order would be a matter of rounding.
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.normal_(0.0, 0.5)
    return model


def inputs(pool_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Observations over all of their space but for tasks on spot, and masks with at least one action in each."""
    layout, generator = Layout(pool_count), np.random.default_rng(0)
    observations = generator.uniform(layout.low, layout.high, (OBSERVATIONS, layout.size)).astype(np.float32)
    observations[:, layout.slice_of("here_spot")] = 0.0  # where those are never asked, they stay
    masks = generator.random((OBSERVATIONS, 1 + 2 * pool_count)) < 0.5
    masks[np.arange(OBSERVATIONS), generator.integers(0, masks.shape[1], OBSERVATIONS)] = True
    return observations, masks


@pytest.mark.parametrize(("scenario", "pool_count"), [("deadline", 1), ("fleet", 9)])
@pytest.mark.parametrize("net", ["mlp", "pool_scorer"])
def test_maskable_ppo_same_actions(tmp_path: Path, net: str, scenario: str, pool_count: int) -> None:
    model = model_of("MaskablePPO", net, scenario)
    card = export_policy(model, tmp_path, scenario, {"seed": 0})
    policy = LearnedPolicy(tmp_path, Layout(pool_count))
    observations, masks = inputs(pool_count)
    expected, _ = model.predict(observations, deterministic=True, action_masks=masks)
    actions, _ = policy.predict(observations, action_masks=masks)
    np.testing.assert_array_equal(actions, expected)
    np.testing.assert_array_equal(TorchPolicy(model).predict(observations, action_masks=masks)[0], expected)
    assert masks[np.arange(OBSERVATIONS), actions].all()
    assert len(np.unique(actions)) > pool_count  # no logit drowns the others
    assert card.asked_on_spot == (scenario == "fleet")
    assert card.schema_version == 2 and card.fields == Layout(pool_count).signatures
    assert card.masked and card.training["algorithm"] == "MaskablePPO" and card.training["seed"] == 0


@pytest.mark.parametrize("net", ["mlp", "pool_scorer"])
def test_ppo_same_actions(tmp_path: Path, net: str) -> None:
    model = model_of("PPO", net, "deadline", activation="relu")
    card = export_policy(model, tmp_path, "deadline", {})
    policy = LearnedPolicy(tmp_path, Layout(1))
    observations, masks = inputs(1)
    expected, _ = model.predict(observations, deterministic=True)
    np.testing.assert_array_equal(policy.predict(observations)[0], expected)
    masked, _ = TorchPolicy(model).predict(observations, action_masks=masks)
    np.testing.assert_array_equal(policy.predict(observations, action_masks=masks)[0], masked)
    assert not card.masked and card.activation == "relu"


def test_scorer_of_one_pool_plays_with_nine(tmp_path: Path) -> None:
    export_policy(model_of("MaskablePPO", "pool_scorer", "deadline"), tmp_path, "deadline", {})
    observations, masks = inputs(9)
    actions, _ = LearnedPolicy(tmp_path, Layout(9)).predict(observations, action_masks=masks)
    assert masks[np.arange(OBSERVATIONS), actions].all()


def test_a_separate_critic_is_not_exported(tmp_path: Path) -> None:
    model = model_of("MaskablePPO", "pool_scorer", "fleet", separate_critic=True)
    export_policy(model, tmp_path, "fleet", {})
    observations, masks = inputs(9)
    expected, _ = model.predict(observations, deterministic=True, action_masks=masks)
    policy = LearnedPolicy(tmp_path, Layout(9))
    np.testing.assert_array_equal(policy.predict(observations, action_masks=masks)[0], expected)
    assert not any(name.startswith("value") for name in load_file(tmp_path / "policy.safetensors"))

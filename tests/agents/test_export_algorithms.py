"""Models of every algorithm that is exported, trained for a moment, play as their exports; others are refused."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import NormalizeObservation
from sb3_contrib import ARS, QRDQN, TRPO, MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor, MlpExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize
from torch import nn

import agents.export
from agents.actors import actor_of
from agents.export import TorchPolicy, export_policy
from agents.networks import HindsightPolicy, MaskablePoolScorerPolicy, policy_arguments
from agents.training import training_env
from agents.vec_env import TesseraVecEnv
from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy
from tessera_env.scenario.loading import load_scenario
from tessera_env.vector_env import TesseraVectorEnv
from tests.agents.small import small_run

SHORT = {"task.work_h": 1.0, "task.deadline_h": 2.0}
ROLLOUTS = {"n_steps": 16}
UPDATES = ROLLOUTS | {"batch_size": 64, "n_epochs": 1}
REPLAYS = {"buffer_size": 500, "learning_starts": 50}
ALGORITHMS: dict[str, tuple[type[BaseAlgorithm], str, dict[str, Any]]] = {
    "PPO": (PPO, "MlpPolicy", UPDATES),
    "MaskablePPO": (MaskablePPO, "MlpPolicy", UPDATES),
    "A2C": (A2C, "MlpPolicy", ROLLOUTS),
    "TRPO": (TRPO, "MlpPolicy", ROLLOUTS | {"batch_size": 64}),
    "DQN": (DQN, "MlpPolicy", REPLAYS),
    "QRDQN": (QRDQN, "MlpPolicy", REPLAYS | {"policy_kwargs": {"n_quantiles": 7}}),
    "ARS": (ARS, "MlpPolicy", {"n_delta": 1}),
    "ARS, linear": (ARS, "LinearPolicy", {"n_delta": 1}),
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Nets this small are slower on more, and much slower on a busy machine."""
    torch.set_num_threads(1)


def environment(scenario: str = "deadline", rows: int = 4, **changes: Any) -> TesseraVecEnv:
    values = SHORT if scenario == "deadline" else {"task.count": 6, "horizon_h": 20.0}
    env = TesseraVectorEnv(rows, scenario, autoreset_mode=AutoresetMode.SAME_STEP, overrides=values | changes)
    return TesseraVecEnv(env)


def model_of(name: str, env: VecEnv, steps: int = 128, **options: Any) -> BaseAlgorithm:
    """Trained for some steps, so that statistics of observations are real; then with weights that choose clearly."""
    algorithm, policy, usual = ALGORITHMS[name]
    options = {"policy": policy, **usual, **options}
    model = algorithm(env=env, seed=0, device="cpu", **options)
    if steps:
        model.learn(steps)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.normal_(0.0, 0.5)
    return model


def answers(model: BaseAlgorithm, observations: np.ndarray, masks: np.ndarray | None = None) -> np.ndarray:
    """The model's own, as its documentation has them asked for."""
    scaling = model.get_vec_normalize_env()
    seen = observations if scaling is None else scaling.normalize_obs(observations)
    options = {} if masks is None else {"action_masks": masks}
    return model.predict(seen, deterministic=True, **options)[0]


def check_same(model: BaseAlgorithm, policy: LearnedPolicy, pools: int = 1) -> None:
    """On what its environment shows, and all over the space but for tasks on spot."""
    layout, generator = Layout(pools), np.random.default_rng(1)
    anywhere = generator.uniform(layout.low, layout.high, (2000, layout.size)).astype(np.float32)
    anywhere[:, layout.slice_of("here_spot")] = 0.0  # where those are never asked, they stay
    env = environment("deadline" if pools == 1 else "fleet", rows=8).env
    shown, _ = env.reset(seed=3)
    for observations in (anywhere, shown, *(env.step(np.zeros(8, np.int64))[0] for _ in range(20))):
        expected = answers(model, observations)
        np.testing.assert_array_equal(policy.predict(observations)[0], expected)
        np.testing.assert_array_equal(TorchPolicy(model).predict(observations)[0], expected)


@pytest.mark.parametrize("scaled", [False, True], ids=["as it is", "VecNormalize"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_plays_as_its_model(tmp_path: Path, name: str, scaled: bool) -> None:
    env = environment()
    model = model_of(name, VecNormalize(env, clip_obs=3.0, epsilon=1e-3) if scaled else env)
    card = export_policy(model, tmp_path, training={"seed": 0})
    assert card.scenario == "deadline" and card.pool_count == 1 and card.masked == (name == "MaskablePPO")
    assert card.training["algorithm"] == name.split(",")[0] and card.training["seed"] == 0
    assert (card.normaliser is not None) == scaled
    check_same(model, LearnedPolicy(tmp_path, Layout(1)))


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU])
@pytest.mark.parametrize("name", ["PPO", "DQN"])
def test_activations(tmp_path: Path, name: str, activation: type[nn.Module]) -> None:
    model = model_of(name, environment(), steps=0, policy_kwargs={"activation_fn": activation, "net_arch": [32, 16]})
    export_policy(model, tmp_path)
    check_same(model, LearnedPolicy(tmp_path, Layout(1)))


def test_without_hidden_layers(tmp_path: Path) -> None:
    model = model_of("A2C", environment(), steps=0, policy_kwargs={"net_arch": []})
    export_policy(model, tmp_path)
    check_same(model, LearnedPolicy(tmp_path, Layout(1)))


@pytest.mark.parametrize("net", ["mlp", "pool_scorer"])
def test_the_statistics_of_many_pools(tmp_path: Path, net: str) -> None:
    """Each pool's fields have their own, also where one net looks at every pool."""
    arguments = policy_arguments(net, "MaskablePPO", [32, 16], "elu")
    model = model_of("MaskablePPO", VecNormalize(environment("fleet")), **arguments)
    card = export_policy(model, tmp_path)
    assert card.kind == net and card.normaliser is not None and len(card.normaliser.mean) == Layout(9).size
    check_same(model, LearnedPolicy(tmp_path, Layout(9)), pools=9)


def test_a_scaled_scorer_of_one_pool_plays_with_nine(tmp_path: Path) -> None:
    model = model_of("MaskablePPO", VecNormalize(environment()), policy=MaskablePoolScorerPolicy,
                     policy_kwargs={"net_arch": [16]})  # fmt: skip
    export_policy(model, tmp_path)
    assert LearnedPolicy(tmp_path, Layout(9)).logits(np.zeros((1, Layout(9).size), np.float32)).shape == (1, 19)


def test_only_the_actor_s_part_of_the_statistics_is_exported(tmp_path: Path) -> None:
    """The critic that sees the future has some for that, too."""
    run = small_run(tmp_path / "mine", critic_sees="future", net="mlp")
    model = model_of("MaskablePPO", VecNormalize(training_env(run)), policy=HindsightPolicy,
                     policy_kwargs={"net_arch": [16]})  # fmt: skip
    card = export_policy(model, tmp_path / "policy")
    assert card.normaliser is not None and len(card.normaliser.mean) == Layout(1).size
    observations = np.random.default_rng(0).uniform(-1.0, 1.0, (500, Layout(1).size)).astype(np.float32)
    exported = LearnedPolicy(tmp_path / "policy", Layout(1)).logits(observations).argmax(axis=1)
    np.testing.assert_array_equal(TorchPolicy(model).predict(observations)[0], exported)


def test_rewards_alone_may_be_scaled(tmp_path: Path) -> None:
    model = model_of("PPO", VecNormalize(environment(), norm_obs=False))
    assert export_policy(model, tmp_path).normaliser is None
    check_same(model, LearnedPolicy(tmp_path, Layout(1)))


def test_environments_that_gymnasium_makes(tmp_path: Path) -> None:
    env = DummyVecEnv([lambda: gym.make("tessera_env:Tessera/Deadline-v0", overrides=SHORT)])
    model = model_of("DQN", VecNormalize(env))
    assert export_policy(model, tmp_path).scenario == "deadline"
    check_same(model, LearnedPolicy(tmp_path, Layout(1)))


# --- the scenario's name ---------------------------------------------------------------------------------------------


def test_the_scenario_is_the_environment_s(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text((files("tessera_env") / "scenario" / "presets" / "deadline.toml").read_text(encoding="utf-8"))
    for given in (None, file):
        env = TesseraVecEnv(TesseraVectorEnv(2, file, autoreset_mode=AutoresetMode.SAME_STEP))
        card = export_policy(model_of("A2C", env, steps=0), tmp_path / "policy", given)
        assert card.scenario == "mine" and card.pool_count == 1 and not card.asked_on_spot


def test_whether_it_was_asked_on_spot_is_the_environment_s_too(tmp_path: Path) -> None:
    model = model_of("A2C", environment(reconsider_on_spot=True), steps=0)
    assert export_policy(model, tmp_path, "deadline").asked_on_spot


# --- what is refused -------------------------------------------------------------------------------------------------


def refusal(tmp_path: Path, model: BaseAlgorithm, scenario: Any = None) -> str:
    """The one line; nothing was written."""
    with pytest.raises(ValueError) as caught:
        export_policy(model, tmp_path / "policy", scenario)
    assert "\n" not in str(caught.value) and not (tmp_path / "policy").exists()
    return str(caught.value)


@pytest.mark.parametrize("scenario", ["fleet", "classic", "deadline-aws"])
def test_another_scenario(tmp_path: Path, scenario: str) -> None:
    said = refusal(tmp_path, model_of("A2C", environment(), steps=0), scenario)
    assert said == f"scenario: {scenario!r} (allowed: 'deadline', which the model's environment plays)"


def test_an_environment_that_names_no_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("A2C", environment(), steps=0)
    monkeypatch.delattr(model.get_env().env, "scenario")
    assert refusal(tmp_path, model).startswith("scenario: none (allowed: what the model was trained on")
    assert refusal(tmp_path, model, "fleet") == "scenario: 'fleet', with 9 pools (allowed: 1, as in the model)"
    assert export_policy(model, tmp_path, load_scenario("deadline", **SHORT)).scenario == "deadline"


def test_a_model_without_its_environment(tmp_path: Path) -> None:
    """A VecNormalize that was around it is in no file of the model's."""
    model_of("PPO", VecNormalize(environment())).save(tmp_path / "model.zip")
    assert refusal(tmp_path, PPO.load(tmp_path / "model.zip")).startswith("model: has no environment (allowed: ")
    export_policy(PPO.load(tmp_path / "model.zip", env=environment()), tmp_path)


def test_a_policy_with_memory(tmp_path: Path) -> None:
    model = RecurrentPPO("MlpLstmPolicy", environment(), n_steps=8, device="cpu")
    said = refusal(tmp_path, model)
    assert said.startswith("model: RecurrentPPO with ") and "(allowed: A2C, ARS, DQN, MaskablePPO, PPO, QRDQN" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"activation_fn": nn.Softsign}, "activation: Softsign() (allowed: tanh, relu, leaky_relu, elu, silu, gelu"),
        ({"activation_fn": lambda: nn.LeakyReLU(0.3)}, "activation: LeakyReLU(negative_slope=0.3) (allowed: "),
        ({"activation_fn": lambda: nn.Sequential(nn.Tanh(), nn.LayerNorm(16))}, "layers: LayerNorm((16,)"),
    ],
)
def test_other_layers(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    model = model_of("PPO", environment(), steps=0, policy_kwargs={"net_arch": [16, 16], **options})
    assert words in refusal(tmp_path, model)


class Doubling(FlattenExtractor):
    """Features that are not the observation."""

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return 2.0 * super().forward(observations)


class Turned(MlpExtractor):
    """Layers like SB3's, between which something is done that no layer shows."""

    def forward_actor(self, features: torch.Tensor) -> torch.Tensor:
        return -super().forward_actor(features)


def test_other_features(tmp_path: Path) -> None:
    model = model_of("DQN", environment(), steps=0, policy_kwargs={"features_extractor_class": Doubling})
    assert refusal(tmp_path, model) == "features_extractor_class: Doubling (allowed: FlattenExtractor)"


def test_what_no_layer_shows_is_found_by_playing(tmp_path: Path) -> None:
    model = model_of("PPO", environment(), steps=0)
    model.policy.mlp_extractor.__class__ = Turned
    assert "model: PPO chooses otherwise than its export in " in refusal(tmp_path, model)


@pytest.mark.parametrize("name", ["MaskablePPO", "DQN", "QRDQN", "ARS"])
def test_a_wrong_export_is_never_written(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the reason: here the weights of the first layer are not the model's."""
    model = model_of(name, environment(), steps=0)

    def wrong(of: BaseAlgorithm) -> Any:
        actor = actor_of(of)
        return actor._replace(tensors={**actor.tensors, "layer.0.weight": -actor.tensors["layer.0.weight"]})

    monkeypatch.setattr(agents.export, "actor_of", wrong)
    assert "chooses otherwise than its export" in refusal(tmp_path, model)


def test_observations_that_a_wrapper_scales(tmp_path: Path) -> None:
    env = DummyVecEnv([lambda: NormalizeObservation(gym.make("tessera_env:Tessera/Deadline-v0", overrides=SHORT))])
    assert refusal(tmp_path, model_of("A2C", env, steps=0)).startswith("observation_space: Box of shape ")


def test_observations_that_are_scaled_twice(tmp_path: Path) -> None:
    env = VecNormalize(VecNormalize(environment()))
    said = refusal(tmp_path, model_of("A2C", env, steps=0))
    assert said == "VecNormalize: 2 that scale observations (allowed: one)"

"""An actor that is fitted to a rule answers as the rule does, and only the critic learns after that, if asked to."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3.common.callbacks import BaseCallback

from agents.callbacks import CriticFirst
from agents.imitation import Imitation
from agents.networks import actor_parameters
from agents.training import learn, new_model, training_env
from tessera_env.observation.layout import Layout
from tessera_env.policies import make_policy
from tests.agents.small import small_fleet_run


class Weights(BaseCallback):
    """Copies of all weights at the start of each rollout, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[str, torch.Tensor]] = []

    def _on_rollout_start(self) -> None:
        self.seen.append({name: w.detach().clone() for name, w in self.model.policy.named_parameters()})

    def _on_step(self) -> bool:
        return True


def test_the_actor_answers_as_the_rule_and_its_critic_is_left_alone(tmp_path: Path) -> None:
    run = small_fleet_run(tmp_path / "mine", hidden=[64, 64])
    env, told, weights = training_env(run), io.StringIO(), Weights()
    model = new_model(run, env)
    before = {name: w.detach().clone() for name, w in model.policy.named_parameters()}
    imitation = Imitation("greedy", 16 * 256, Console(file=told, width=200))
    learn(model, 256, [imitation, weights])
    after, actor = weights.seen[0], {id(w) for w in actor_parameters(model.policy)}
    for name, weight in model.policy.named_parameters():
        assert torch.equal(before[name], after[name]) == (id(weight) not in actor), name
    assert "imitation of greedy, round 16 of 16: " in told.getvalue()
    model.policy.load_state_dict(after)
    rule, alike = make_policy("greedy", Layout(9)), []
    for _ in range(64):
        seen, masks = model._last_obs, get_action_masks(env)
        answers, _ = rule.predict(seen, action_masks=masks)
        alike.append(model.predict(seen, deterministic=True, action_masks=masks)[0] == answers)
        model._last_obs = env.step(answers)[0]
    assert np.mean(alike) > 0.7


def test_the_critic_learns_first_and_then_both(tmp_path: Path) -> None:
    run = small_fleet_run(tmp_path / "mine", ent_coef=0.01, final_ent_coef=0.01)
    model, weights = new_model(run, training_env(run)), Weights()
    learn(model, 4 * 256, [CriticFirst(512), weights])
    actor = {id(w) for w in actor_parameters(model.policy)}
    is_actor = {name: id(w) in actor for name, w in model.policy.named_parameters()}
    assert 0 < sum(is_actor.values()) < len(is_actor)
    for number, (one, next_one) in enumerate(zip(weights.seen[:-1], weights.seen[1:], strict=True)):
        for name, of_the_actor in is_actor.items():
            assert torch.equal(one[name], next_one[name]) == (of_the_actor and number < 2), (number, name)
    assert all(weight.requires_grad for weight in model.policy.parameters())


@pytest.mark.parametrize("separate_critic", [True, False])
def test_the_actor_s_weights_are_those_that_its_logits_depend_on(tmp_path: Path, separate_critic: bool) -> None:
    run = small_fleet_run(tmp_path / "mine", separate_critic=separate_critic)
    policy = new_model(run, training_env(run)).policy
    seen = torch.rand(7, Layout(9).size)
    policy.get_distribution(seen).distribution.logits.square().sum().backward()
    actor = {id(weight) for weight in actor_parameters(policy)}
    for name, weight in policy.named_parameters():
        assert (weight.grad is not None) == (id(weight) in actor), name


def test_who_goes_on_does_not_imitate_again(tmp_path: Path) -> None:
    run, told = small_fleet_run(tmp_path / "mine"), io.StringIO()
    model = new_model(run, training_env(run))
    learn(model, 256, [])
    learn(model, 512, [Imitation("greedy", 256, Console(file=told))])
    assert told.getvalue() == ""

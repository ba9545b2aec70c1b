"""A start by imitation: the actor is fitted to a hand-coded policy's answers before it learns by itself."""

import numpy as np
import torch
from rich.console import Console
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from agents.networks import actor_parameters
from tessera_env.observation.layout import Layout
from tessera_env.policies.making import make_policy
from tessera_env.policies.protocol import Policy

_LEARNING_RATE = 1e-3
_BATCH = 1024  # decisions of one gradient step
_PASSES = 2  # over a round's decisions


class Imitation(BaseCallback):
    """Before the first update of a MaskablePPO, fits its actor by cross-entropy over the valid actions.

    Decisions are collected in rounds of a rollout's size. In the first the policy itself plays; in the later ones the
    actor does, and the policy says what it would have answered, so that the actor also learns what to do where only
    its own mistakes lead (Ross, Gordon and Bagnell, "A Reduction of Imitation Learning and Structured Prediction to
    No-Regret Online Learning", AISTATS 2011; here without keeping the rounds before).
    The rows stay where the last round left them: each at another hour of its world, which rollouts are the better for.

    Args:
        policy: its name, as `make_policy` takes it.
        decisions: to learn from; whole rounds, one at least.
        console: is told how often the actor answered as the policy does.
    """

    def __init__(self, policy: str, decisions: int, console: Console) -> None:
        super().__init__()
        self.policy, self.decisions, self.console = policy, decisions, console

    def _on_training_start(self) -> None:
        if self.model.num_timesteps > 0:
            return
        teacher = make_policy(self.policy, self._layout)
        optimizer = torch.optim.Adam(actor_parameters(self.model.policy), lr=_LEARNING_RATE)
        steps = self.model.n_steps  # type: ignore[attr-defined]
        rounds = max(1, round(self.decisions / (steps * self.training_env.num_envs)))
        for number in range(rounds):
            lessons = self._collect(self.training_env, teacher, steps, teacher_plays=number == 0)
            alike = self._fit(optimizer, *lessons)
            self.console.print(
                f"imitation of {self.policy}, round {number + 1} of {rounds}: {100 * alike:.1f} % of answers alike",
                highlight=False,
                soft_wrap=True,
            )

    @property
    def _layout(self) -> Layout:
        space, actions = self.model.observation_space, int(self.model.action_space.n)  # type: ignore[attr-defined]
        return Layout.sized((actions - 1) // 2, (space.shape or (0,))[0])

    def _on_step(self) -> bool:
        return True

    def _collect(self, env: VecEnv, teacher: Policy, steps: int, teacher_plays: bool) -> tuple[torch.Tensor, ...]:
        """A round's observations (n, K), masks (n, A) and the teacher's answers (n,)."""
        self.model.policy.set_training_mode(False)
        observations, masks, answers = [], [], []
        for _ in range(steps):
            seen, allowed = self.model._last_obs, get_action_masks(env)
            assert isinstance(seen, np.ndarray)
            answer, _ = teacher.predict(seen, action_masks=allowed)
            actions = answer
            if not teacher_plays:
                with torch.no_grad():
                    actions = self.model.policy(torch.as_tensor(seen), action_masks=allowed)[0].numpy()
            observations.append(seen)
            masks.append(allowed)
            answers.append(answer)
            self.model._last_obs = env.step(actions)[0]  # type: ignore[assignment]
        return tuple(torch.as_tensor(np.concatenate(parts)) for parts in (observations, masks, answers))

    def _fit(
        self, optimizer: torch.optim.Optimizer, observations: torch.Tensor, masks: torch.Tensor, answers: torch.Tensor
    ) -> float:
        """Fit the actor; returns the share of answers that were its likeliest, before it had learned from them."""
        policy, alike = self.model.policy, 0
        policy.set_training_mode(True)
        for number in range(_PASSES):
            for batch in torch.randperm(len(answers)).split(_BATCH):
                latent = policy.mlp_extractor.forward_actor(policy.extract_features(observations[batch]))
                logits = policy.action_net(latent).masked_fill(~masks[batch], -torch.inf)
                loss = torch.nn.functional.cross_entropy(logits, answers[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                alike += int((logits.argmax(dim=1) == answers[batch]).sum()) if number == 0 else 0
        return alike / len(answers)

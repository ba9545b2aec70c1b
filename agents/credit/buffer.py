"""A rollout buffer whose advantages follow tasks: what a task pays is credited to its own decisions."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer

from agents.credit.advantages import fleet_advantages, task_advantages
from agents.credit.baseline import FleetBaseline
from agents.credit.ledger import LedgerVecEnv
from agents.credit.trajectories import DECISION, close_rollout, note_decisions
from tessera_env.world.parameters import NONE, new_table


class TaskCreditBuffer(MaskableRolloutBuffer):
    """Advantages of MaskablePPO by task, with a share of the fleet's.

    A row's decisions are about many tasks. Each is a step of its own task's trajectory: its reward is minus what that
    task pays, dollars and penalties, until it is asked next or the episode ends (see `task_advantages`). Returns, which
    the value net learns, are these alone: what the task asked will yet pay. To the advantages `fleet_weight` times the
    fleet's is added (see `fleet_advantages`), so that a task also learns to make room for those who need it more.
    Both count in the on-demand cost of a mean task, which makes values of about 1.

    Args:
        fleet_weight: of the fleet's advantage; 0: tasks learn what is best for themselves.
        fleet_hours: after which what the fleet pays counts 1/e.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        *args: Any,
        fleet_weight: float,
        fleet_hours: float,
        **kwargs: Any,
    ) -> None:
        self.fleet_weight, self.fleet_hours = fleet_weight, fleet_hours
        self.ledger: LedgerVecEnv | None = None
        self.baseline = FleetBaseline((int(action_space.n) - 1) // 2)  # type: ignore[attr-defined]
        super().__init__(buffer_size, observation_space, action_space, *args, **kwargs)

    def keep_books_of(self, ledger: LedgerVecEnv) -> None:
        """From now on the decisions that are added are those of this environment."""
        self.ledger = ledger
        self.reset()

    def reset(self) -> None:
        """Forget the rollout."""
        super().reset()
        if self.ledger is not None:
            self.decisions = new_table((self.buffer_size, self.n_envs), DECISION)
            self.latest = np.full((self.n_envs, self.ledger.task_count), NONE)

    def add(self, *args: Any, **kwargs: Any) -> None:
        """Add the step that the environment has just made."""
        ledger = self._ledger()
        note_decisions(self.decisions, self.latest, self.pos, ledger.answered, ledger.ended, ledger.settled)
        super().add(*args, **kwargs)

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: np.ndarray) -> None:
        """Work out advantages and returns (steps, N) of the whole rollout.

        Args:
            last_values: (N, 1) of what is asked after it.
            dones: (N,) unused: the ledger knows.
        """
        ledger = self._ledger()
        close_rollout(self.decisions, self.latest, ledger.asked, ledger.owed(), ledger.done())
        self.decisions.paid *= ledger.task_count
        values, advantages = self.values.astype(np.float64), np.empty(self.values.shape)
        last = last_values.numpy().reshape(-1).astype(np.float64)
        task_advantages(self.decisions, values, last, self.gamma, self.gae_lambda, advantages)
        self.returns = (advantages + values).astype(np.float32)
        if self.fleet_weight > 0.0:
            advantages += self.fleet_weight * self._fleet_advantages()
        self.advantages = advantages.astype(np.float32)

    def _fleet_advantages(self) -> np.ndarray:
        """The fleet's advantages (steps, N); 0 in the first rollout, from which the baseline learns."""
        ledger, was_ready = self._ledger(), self.baseline.is_ready
        observations = torch.as_tensor(self.observations).flatten(0, 1)
        rewards = ledger.task_count * self.rewards.astype(np.float64)
        expected = self.baseline.predict(observations).double().numpy().reshape(rewards.shape)
        last = self.baseline.predict(torch.as_tensor(ledger.observations)).double().numpy()
        advantages, hours = np.empty(rewards.shape), np.ascontiguousarray(ledger.asked.hour)
        fleet_advantages(self.decisions, rewards, expected, last, hours, self.fleet_hours, self.gae_lambda, advantages)
        self.baseline.learn(observations, torch.as_tensor(advantages + expected).flatten())
        return advantages if was_ready else np.zeros(rewards.shape)

    def _ledger(self) -> LedgerVecEnv:
        assert self.ledger is not None, "keep_books_of was not called"
        return self.ledger

"""A rollout buffer whose advantages follow tasks: what a task pays is credited to its own decisions."""

import math
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.buffers import MaskableRolloutBuffer

from agents.credit.advantages import Look, fleet_advantages, task_advantages
from agents.credit.baseline import Baseline
from agents.credit.ledger import LedgerVecEnv
from agents.credit.trajectories import DECISION, OPEN, close_rollout, note_decisions
from tessera_env.world.parameters import NONE, new_table


class TaskCreditBuffer(MaskableRolloutBuffer):
    """Advantages of MaskablePPO by task, with a share of what its decisions cost other tasks.

    A row's decisions are about many tasks. Each is a step of its own task's trajectory: its reward is minus what that
    task pays, dollars and penalties, until it is asked next or the episode ends (see `task_advantages`). Returns, which
    the value net learns, are these alone: what the task asked will yet pay.

    To the advantages `fleet_weight` times those of the other tasks is added, so that a task also learns to make room
    for those who need it more: the row's advantages in the hours after a decision, less the task's own in these hours.
    What it pays itself counts once and to the end; were it left in, putting work off would look like a saving.
    Both count in the on-demand cost of a mean task, which makes values of about 1.

    Args:
        fleet_weight: of what other tasks pay; 0: tasks learn what is best for themselves.
        fleet_hours: after which what they pay counts 1/e.
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
        self.baseline = Baseline((int(action_space.n) - 1) // 2, kinds=2)  # type: ignore[attr-defined]
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
        values, last = self.values.astype(np.float64), last_values.double().numpy().reshape(-1)
        advantages = self._along_tasks(values, last, math.inf)
        self.returns = (advantages + values).astype(np.float32)
        if self.fleet_weight > 0.0:
            advantages += self.fleet_weight * self._advantages_of_others()
        self.advantages = advantages.astype(np.float32)

    def _advantages_of_others(self) -> np.ndarray:
        """The row's advantages without the task's own (steps, N); 0 where either is unknown.

        So they are in the first rollout, from which the baseline learns.
        """
        was_ready, observations = self.baseline.is_ready, torch.as_tensor(self.observations).flatten(0, 1)
        expected = self.baseline.predict(observations).double().numpy().reshape(self.buffer_size, self.n_envs, 2)
        last = self.baseline.predict(torch.as_tensor(self._ledger().observations)).double().numpy()
        expected, last = np.moveaxis(expected, 2, 0).copy(), last.T.copy()
        fleet = self._along_rows(expected[0], last[0])
        own = self._along_tasks(expected[1], last[1], self.fleet_hours)
        followed = np.stack([(fleet + expected[0]).reshape(-1), (own + expected[1]).reshape(-1)], axis=1)
        self.baseline.learn(observations, torch.as_tensor(followed))
        return np.where(was_ready & (self.decisions.next != OPEN), fleet - own, 0.0)

    def _along_tasks(self, values: np.ndarray, last_values: np.ndarray, hours: float) -> np.ndarray:
        out, look = np.empty(values.shape), Look(float(self.gamma), hours, float(self.gae_lambda))
        task_advantages(self.decisions, values, last_values, self._last_hours(), look, out)
        return out

    def _along_rows(self, values: np.ndarray, last_values: np.ndarray) -> np.ndarray:
        rewards = self._ledger().task_count * self.rewards.astype(np.float64)
        out, look = np.empty(values.shape), Look(1.0, self.fleet_hours, float(self.gae_lambda))
        fleet_advantages(self.decisions, rewards, values, last_values, self._last_hours(), look, out)
        return out

    def _last_hours(self) -> np.ndarray:
        return np.ascontiguousarray(self._ledger().asked.hour)

    def _ledger(self) -> LedgerVecEnv:
        assert self.ledger is not None, "keep_books_of was not called"
        return self.ledger

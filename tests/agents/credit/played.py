"""Rollouts of random play for tests: a buffer that gives credit by task, and the slow log of the same decisions."""

from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode

from agents.credit.buffer import TaskCreditBuffer
from agents.credit.ledger import LedgerVecEnv
from agents.vec_env import TesseraVecEnv
from tessera_env.vector_env import TesseraVectorEnv
from tests.agents.credit.slow import Log

SMALL = {"task.count": 6, "horizon_h": 20.0, "decision_interval_s": 7200.0}  # an episode of some 50 decisions
ROWS, STEPS, SEED = 5, 60, 4242


def ledger_env(rows: int = ROWS, scenario: str = "fleet", **overrides: Any) -> LedgerVecEnv:
    env = TesseraVectorEnv(rows, scenario=scenario, autoreset_mode=AutoresetMode.SAME_STEP, overrides=overrides)
    ledger = LedgerVecEnv(TesseraVecEnv(env))
    ledger.seed(SEED)
    return ledger


def masked_choice(masks: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.where(masks, generator.random(masks.shape), -1.0).argmax(axis=1)


class Play:
    """Random play of one environment with a ledger, and of its twin that is logged."""

    def __init__(self, scenario: str = "fleet", overrides: dict[str, Any] | None = None, **settings: Any) -> None:
        overrides = SMALL if overrides is None else overrides
        self.ledger = ledger_env(ROWS, scenario, **overrides)
        self.log = Log(ROWS, scenario, SEED, **overrides)
        options = {"gamma": 1.0, "gae_lambda": 0.9, "fleet_weight": 0.0, "fleet_hours": 6.0, **settings}
        spaces = (self.ledger.observation_space, self.ledger.action_space)
        self.buffer = TaskCreditBuffer(STEPS, *spaces, "cpu", n_envs=ROWS, **options)
        self.buffer.keep_books_of(self.ledger)
        self.generator = np.random.default_rng(0)
        self.observations = self.ledger.reset()
        np.testing.assert_array_equal(self.observations, self.log.observations)

    def rollout(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Fill the buffer; returns the values (steps, N) and (N,) that a critic is supposed to have said, and when."""
        self.buffer.reset()
        first = self.log.steps
        values = self.generator.normal(size=(STEPS, ROWS)).astype(np.float32)
        last = self.generator.normal(size=ROWS).astype(np.float32)
        starts = np.zeros(ROWS, bool)
        for step in range(STEPS):
            masks = self.ledger.venv.env.action_masks()  # type: ignore[attr-defined]
            actions = masked_choice(masks, self.generator)
            seen = self.observations
            self.observations, rewards, starts, _ = self.ledger.step(actions)
            self.log.step(actions)
            np.testing.assert_array_equal(self.observations, self.log.observations)
            said = torch.as_tensor(values[step])
            self.buffer.add(seen, actions[:, None], rewards, starts, said, torch.zeros(ROWS), action_masks=masks)
        self.buffer.compute_returns_and_advantage(torch.as_tensor(last)[:, None], starts)
        return values, last, first

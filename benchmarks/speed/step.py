"""`env.step` through `gym.make` against CartPole-v1, in interleaved rounds of one run."""

import time
from typing import Any

import gymnasium as gym
import numpy as np

import tessera_env
from benchmarks.common import Report, run_alone, spread

IDS = ("CartPole-v1", *tessera_env.ENVIRONMENTS)


class Player:
    """An environment under random valid actions, episode after episode."""

    def __init__(self, name: str):
        self.env: Any = gym.make(name)
        self.env.action_space.seed(0)
        self.every_action = np.ones(self.env.action_space.n, dtype=np.int8)  # where all are valid, drawn the same way
        _, self.info = self.env.reset(seed=0)
        self.in_resets, self.resets = 0.0, 0

    def seconds_of(self, steps: int) -> float:
        """Seconds within `env.step`; drawing actions and resetting are outside."""
        within = 0.0
        for _ in range(steps):
            action = self.env.action_space.sample(self.info.get("action_mask", self.every_action))
            start = time.perf_counter()
            _, _, terminated, truncated, self.info = self.env.step(action)
            within += time.perf_counter() - start
            if terminated or truncated:
                self._reset()
        return within

    def _reset(self) -> None:
        start = time.perf_counter()
        _, self.info = self.env.reset()
        self.in_resets += time.perf_counter() - start
        self.resets += 1


def measure(quick: bool) -> Report:
    """The table."""
    rounds, steps = (2, 300) if quick else (25, 2_000)
    players = [Player(name) for name in IDS]
    for player in players:  # compile, and leave the first steps, which wrappers check, behind
        player.seconds_of(steps)
        player.in_resets, player.resets = 0.0, 0
    seconds = np.array([[player.seconds_of(steps) for player in players] for _ in range(rounds)])  # (rounds, ids)
    # Of each round, so that a slow moment hits both sides of a ratio.
    ratios = seconds[:, :1] / seconds
    resets = np.array([player.in_resets for player in players])
    with_resets = (seconds[:, 0].sum() + resets[0]) / (seconds.sum(axis=0) + resets)
    rows = tuple(
        (
            name,
            f"{1e6 * np.median(seconds[:, k]) / steps:.2f}",
            spread(ratios[:, k]) if k else "1",
            f"{1e6 * resets[k] / players[k].resets:.0f}" if players[k].resets else "-",
            f"{rounds * steps / players[k].resets:.0f}" if players[k].resets else "-",
            f"{with_resets[k]:.2f} x" if k else "1",
        )
        for k, name in enumerate(IDS)
    )
    return Report(
        f"env.step through gym.make, {rounds} rounds of {steps:,} steps",
        "Speed against CartPole: median over the rounds (lowest to highest). Random valid actions, drawn outside the\n"
        "measured time; a step of Tessera includes the action mask. Resets count in the last column only.",
        ("environment", "us a step", "speed against CartPole", "us a reset", "steps an episode", "with resets"),
        rows,
    )


if __name__ == "__main__":
    run_alone(measure, __doc__)

"""`env.step` through `gym.make` against CartPole-v1, in interleaved rounds of one run."""

import time

import gymnasium as gym
import numpy as np

import tessera_env
from benchmarks.common import is_quick, print_table

IDS = ("CartPole-v1", *tessera_env.ENVIRONMENTS)


def step_seconds(env: gym.Env, steps: int, rng: np.random.Generator) -> tuple[float, float]:
    """Seconds a step, and seconds of resets a step; actions are drawn from the mask outside the measured time."""
    _, info = env.reset(seed=0)
    in_step = in_reset = 0.0
    for _ in range(steps):
        mask = info.get("action_mask")
        action = int(rng.integers(2)) if mask is None else int(rng.choice(np.flatnonzero(mask)))
        start = time.perf_counter()
        _, _, terminated, truncated, info = env.step(action)
        in_step += time.perf_counter() - start
        if terminated or truncated:
            start = time.perf_counter()
            _, info = env.reset()
            in_reset += time.perf_counter() - start
    return in_step / steps, in_reset / steps


def main(quick: bool) -> None:
    """Print the table."""
    rounds, steps = (2, 200) if quick else (9, 5000)
    envs = {name: gym.make(name) for name in IDS}
    seconds = np.array([[step_seconds(envs[n], steps, np.random.default_rng(r)) for n in IDS] for r in range(rounds)])
    per_step, per_reset = np.median(seconds[..., 0], axis=0), np.median(seconds[..., 1], axis=0)
    ratios = np.median(seconds[:, :1, 0] / seconds[..., 0], axis=0)  # of each round, so that a slow moment hits both
    rows = [
        (name, f"{1e6 * per_step[k]:.1f}", f"{1e6 * per_reset[k]:.1f}", f"{ratios[k]:.2f} x")
        for k, name in enumerate(IDS)
    ]
    title = f"env.step through gym.make, median of {rounds} rounds of {steps} steps"
    print_table(title, ("environment", "us a step", "us of reset a step", "speed against CartPole"), rows)


if __name__ == "__main__":
    main(is_quick(__doc__))

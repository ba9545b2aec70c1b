"""Decisions a second of `TesseraVectorEnv`, masks and observations included, by rows and threads."""

import time

import numpy as np
from gymnasium.vector import AutoresetMode

from benchmarks.common import CORES, Report, random_actions, run_alone
from tessera_env.vector_env import TesseraVectorEnv

ROWS = (1, 64, 512, 4096)
BLOCKS = 5


def longest_episode(scenario: str, rows: int = 16) -> int:
    """Decisions of the longest among some episodes."""
    env = TesseraVectorEnv(rows, scenario, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=0)
    rng, ended, steps = np.random.default_rng(0), np.zeros(rows, dtype=bool), 0
    while not ended.all():
        ended = env.step(random_actions(env.action_masks(), rng))[2]
        steps += 1
    return steps


def staggered(scenario: str, rows: int, threads: int, steps: int, rng: np.random.Generator) -> TesseraVectorEnv:
    """Rows spread over their episodes, as in a long run; begun together they would also end and reset together."""
    env = TesseraVectorEnv(rows, scenario, threads=threads, autoreset_mode=AutoresetMode.SAME_STEP)
    env.reset(seed=0)
    restart = rng.integers(steps, size=rows)
    for step in range(steps):
        env.step(random_actions(env.action_masks(), rng))
        if (restart == step).any():
            env.reset(options={"reset_mask": restart == step})
    return env


def decisions_per_second(env: TesseraVectorEnv, steps: int, rng: np.random.Generator) -> float:
    """Median over blocks of steps; a step holds observations, masks, infos, and the resets of rows that end in it."""
    rates = []
    for _ in range(BLOCKS):
        within = 0.0
        for _ in range(steps):
            actions = random_actions(env.action_masks(), rng)
            start = time.perf_counter()
            env.step(actions)
            env.action_masks()
            within += time.perf_counter() - start
        rates.append(env.num_envs * steps / within)
    return float(np.median(rates))


def measure(quick: bool) -> Report:
    """The table."""
    decisions, counts = (2_000, (1, 8)) if quick else (400_000, ROWS)
    rows = []
    for scenario in ("deadline", "fleet"):
        warm_up = 20 if quick else longest_episode(scenario)
        first = 0.0
        for count in counts:
            steps = max(decisions // (10 if count == 1 else count), 16)
            rates: list[float] = []
            for threads in (1, CORES):
                if rates and min(threads, count) == 1:
                    continue
                rng = np.random.default_rng(0)
                rates.append(decisions_per_second(staggered(scenario, count, threads, warm_up, rng), steps, rng))
            first = first or rates[0]
            gain = (f"{rates[1]:,.0f}", f"{rates[1] / rates[0]:.2f} x") if len(rates) == 2 else ("-", "-")
            rows.append((scenario, f"{count:,}", f"{rates[0]:,.0f}", f"{rates[0] / first:.1f} x", *gain))
    return Report(
        "TesseraVectorEnv, decisions a second",
        "Time within step() and action_masks(): observations, rewards, masks, infos, and the new worlds of rows whose\n"
        "episode ends. Random valid actions, drawn outside the measured time. Rows are spread over their episodes.",
        ("scenario", "rows", "one thread", "against one row", f"{CORES} threads", "against one thread"),
        tuple(rows),
    )


if __name__ == "__main__":
    run_alone(measure, __doc__)

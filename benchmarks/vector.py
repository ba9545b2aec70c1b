"""Decisions a second of `TesseraVectorEnv`, masks and observations included, by rows and threads."""

import os
import time

import numpy as np

from benchmarks.common import is_quick, print_table, random_actions
from tessera_env.vector_env import TesseraVectorEnv

ROWS = (1, 64, 512, 4096)
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def decisions_per_second(scenario: str, rows: int, threads: int, decisions: int) -> float:
    """Median over blocks of steps; drawing the actions is not counted, finished rows start anew within the step."""
    env = TesseraVectorEnv(rows, scenario, threads=threads, autoreset_mode="SameStep")
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    steps = max(decisions // rows, 8)
    for _ in range(steps // 2):  # rows drift apart, so that they do not all end at once
        env.step(random_actions(env.action_masks(), rng))
    rates = []
    for _ in range(5):
        spent = 0.0
        for _ in range(steps):
            actions = random_actions(env.action_masks(), rng)
            start = time.perf_counter()
            env.step(actions)
            env.action_masks()
            spent += time.perf_counter() - start
        rates.append(rows * steps / spent)
    return float(np.median(rates))


def main(quick: bool) -> None:
    """Print the table."""
    decisions = 2_000 if quick else 200_000
    rows = []
    for scenario in ("deadline", "fleet"):
        base = 0.0
        for count in (1, 8) if quick else ROWS:
            for threads in sorted({1, CORES}):
                if threads > count:
                    continue
                rate = decisions_per_second(scenario, count, threads, decisions if count > 1 else decisions // 10)
                base = base or rate
                rows.append((scenario, str(count), str(threads), f"{rate:,.0f}", f"{rate / base:.1f} x"))
    title = "TesseraVectorEnv, random valid actions"
    print_table(title, ("scenario", "rows", "threads", "decisions/s", "against one row"), rows)


if __name__ == "__main__":
    main(is_quick(__doc__))

"""Frames a second of training on `deadline`: rollouts, updates, masks, callbacks and a development evaluation."""

import tempfile
import time
from pathlib import Path

from rich.console import Console

from agents.hyperparameters import load_hyperparameters
from agents.training import Run, train
from benchmarks.common import is_quick, print_table
from tessera_env.scenario_files import load_scenario

ROLLOUT = 512 * 128


def frames_per_second(steps: int, settings: dict[str, object]) -> float:
    """Frames over the wall time of the whole run, saving and evaluating included."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(Path(folder) / "run", load_scenario("deadline"), load_hyperparameters("deadline", settings))
        start = time.perf_counter()
        train(run, Console(quiet=True))
        return steps / (time.perf_counter() - start)


def main(quick: bool) -> None:
    """Print the table."""
    steps = 512 if quick else 12 * ROLLOUT
    small = {"n_envs": 8, "n_steps": 16, "batch_size": 64, "evaluation_worlds": 4} if quick else {}
    rates = {
        threads: frames_per_second(steps, {"total_steps": steps, "n_threads": threads, **small}) for threads in (1, 2)
    }
    rows = [(f"{threads}", f"{rate:,.0f}", f"{rate / rates[1]:.2f} x") for threads, rate in rates.items()]
    title = f"Training on deadline, {steps:,} frames, all included"
    print_table(title, ("threads", "frames/s", "against one thread"), rows)


if __name__ == "__main__":
    main(is_quick(__doc__))

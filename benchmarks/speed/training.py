"""Frames a second of training on `deadline`: a short run of the real thing."""

import tempfile
import time
from pathlib import Path

from rich.console import Console

from agents.hyperparameters import Hyperparameters, load_hyperparameters
from agents.training import Run, train
from benchmarks.common import CORES, Report, run_alone
from tessera_env.scenario.loading import load_scenario

UPDATES = 12
QUICK = {"n_envs": 8, "n_steps": 16, "batch_size": 64, "evaluation_worlds": 4}


def settings_of(quick: bool, threads: int) -> Hyperparameters:
    """The project's own hyper-parameters for `deadline`, but a short run."""
    changes = {"n_threads": threads, **(QUICK if quick else {})}
    usual = load_hyperparameters("deadline", changes)
    frames = (2 if quick else UPDATES) * usual.n_envs * usual.n_steps
    return load_hyperparameters("deadline", {**changes, "total_steps": frames})


def frames_per_second(settings: Hyperparameters) -> float:
    """Frames over the wall time of the whole run: environments made, worlds played, learned, evaluated, saved."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(Path(folder) / "run", load_scenario("deadline"), settings)
        start = time.perf_counter()
        train(run, Console(quiet=True))
        return settings.total_steps / (time.perf_counter() - start)


def measure(quick: bool) -> Report:
    """The table."""
    threads = sorted({1, min(CORES, 2)})
    settings = {count: settings_of(quick, count) for count in threads}
    rates = {count: frames_per_second(settings[count]) for count in threads}
    usual = settings[1]
    return Report(
        f"Training on deadline, {usual.total_steps:,} frames",
        f"{usual.algorithm} with agents/hyperparameters.toml ({usual.n_envs} environments, net {list(usual.hidden)}): "
        "masks, updates,\nlogging, evaluation on development worlds and saving all included.",
        ("threads", "frames/s", "against one thread"),
        tuple((str(count), f"{rate:,.0f}", f"{rate / rates[1]:.2f} x") for count, rate in rates.items()),
    )


if __name__ == "__main__":
    run_alone(measure, __doc__)

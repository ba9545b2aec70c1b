"""Small trainings for tests."""

from pathlib import Path
from typing import Any

from agents.hyperparameters import load_hyperparameters
from agents.training import Run
from tessera_env.scenario.loading import load_scenario

SETTINGS = {
    "hidden": [16],
    "total_steps": 512,
    "n_envs": 8,
    "n_steps": 32,
    "batch_size": 64,
    "n_epochs": 2,
    "evaluate_every": 256,
    "evaluation_worlds": 4,
    "n_threads": 1,
    "critic_sees": "observation",  # what any net and algorithm can do
}


def small_run(folder: Path, **changes: Any) -> Run:
    """A run of a second on a short job."""
    scenario = load_scenario("deadline", **{"task.work_h": 1.0, "task.deadline_h": 2.0})
    return Run.create(folder, scenario, load_hyperparameters("deadline", SETTINGS | changes))


def small_fleet_run(folder: Path, **changes: Any) -> Run:
    """A run of a second on six tasks, with credit by task."""
    scenario = load_scenario("fleet", **{"task.count": 6, "horizon_h": 20.0, "decision_interval_s": 7200.0})
    settings = SETTINGS | {"imitate": "nobody", "critic_first": 0, "n_envs": 4, "n_steps": 64} | changes
    return Run.create(folder, scenario, load_hyperparameters("fleet", settings))

"""Results made by hand, for tests of what is computed and shown from them."""

import numpy as np

from tessera_env.evaluation.results import Results

COSTS = {
    "on_demand_only": np.linspace(90.0, 110.0, 40),
    "greedy": np.linspace(42.0, 58.0, 40),
    "runs/latest": np.linspace(42.0, 58.0, 40) - 10.0 + np.tile([-1.0, 1.0], 20),
    "twin": np.linspace(42.0, 58.0, 40) + np.tile([-1.0, 1.0], 20),
}


def table(cost: np.ndarray, **changes: object) -> dict[str, np.ndarray]:
    """A policy's episodes."""
    count = len(cost)
    columns = {
        "cost_usd": np.asarray(cost, dtype=float),
        "objective_usd": np.asarray(cost, dtype=float),
        "spot_h": np.full(count, 30.0),
        "on_demand_h": np.full(count, 18.25),
        "interruptions": np.full(count, 3),
        "deadlines_missed": np.zeros(count, dtype=np.int64),
        "tasks_done": np.ones(count, dtype=np.int64),
        "tasks": np.ones(count, dtype=np.int64),
        "invalid_actions": np.zeros(count, dtype=np.int64),
        "completion_p50_h": np.full(count, 50.0),
    }
    return {**columns, **changes}


def results(episodes: int = 40, baseline: str | None = "greedy", labels: tuple[str, ...] = tuple(COSTS)) -> Results:
    """The first episodes of COSTS."""
    return Results(
        scenario={"name": "deadline-aws", "horizon_h": 100.0},
        seed=1,
        baseline=baseline,
        versions={"numpy": "2.4.6"},
        policies={label: {"name": label.rpartition("/")[2]} for label in labels},
        tables={label: table(COSTS[label][:episodes]) for label in labels},
    )

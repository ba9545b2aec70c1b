"""Studies made by hand."""

import numpy as np

from benchmarks.studies.cant_be_late.study import METRICS, ON_DEMAND, OPTIMUM, Study, Table

ZONES, DEADLINES_H, CHANGEOVERS_H = ("east", "west"), (52.0, 60.0), (0.1, 0.2)
WINDOWS = 12
SHAPE = (len(ZONES), len(DEADLINES_H), len(CHANGEOVERS_H), WINDOWS)

RULES = {ON_DEMAND: 200.0, "greedy": 130.0, "uniform_progress": 100.0}
TRAINED = {"runs/a": 92.0, "runs/b": 90.0, "runs/c": 88.0}
OPTIMAL_COST = 80.0


def table(cost: float | np.ndarray, **changes: float | np.ndarray) -> Table:
    """A policy's windows, each value spread over all of them."""
    usual = {"spot_h": 30.0, "on_demand_h": 18.5, "launches": 4.0, "deadlines_missed": 0.0, "spot_available_h": 40.0}
    values = {**usual, **changes, "cost_usd": cost}
    return {metric: np.broadcast_to(np.asarray(values[metric], dtype=np.float64), SHAPE).copy() for metric in METRICS}


def study(trained: tuple[str, ...] = tuple(TRAINED), **tables: Table) -> Study:
    """Every window costs alike, but for what is given; windows start each 50 h, in four weeks."""
    costs = {OPTIMUM: OPTIMAL_COST, **RULES, **{label: TRAINED[label] for label in trained}}
    found = {label: table(cost) for label, cost in costs.items()}
    return Study(
        title="Hours kept for reports",
        note="made by hand",
        zones=ZONES,
        deadlines_h=DEADLINES_H,
        changeovers_h=CHANGEOVERS_H,
        windows_h=np.tile(700.0 + 50.0 * np.arange(WINDOWS), (len(ZONES), 1)),
        learned=trained,
        tables={**found, **tables},
    )


def noisy(cost: float, seed: int = 0, deviation: float = 5.0) -> np.ndarray:
    """Costs that differ by zone and window alone, so that jobs are alike."""
    spread = np.random.default_rng(seed).normal(0.0, deviation, (SHAPE[0], 1, 1, SHAPE[3]))
    return cost + np.broadcast_to(spread, SHAPE)

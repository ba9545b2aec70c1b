"""What hangs on who of the displaced gets which instance: the optimal assignment against a random and the worst one.

A policy says where a displaced task wants to be; which of the instances that were asked for it gets is settled by
Kuhn-Munkres. If nothing is lost by settling it badly, nothing can be won there by values that are learned.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agents.worlds import before_reports, development_seed
from benchmarks.common import Report, run_kept
from benchmarks.studies.fleet import mean_of, text_of
from tessera_env.evaluation.experiment import Experiment
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.planners import KuhnMunkres, Planner

KEPT = Path("runs/fleet_assignment.json")
POLICY = "pretrained/fleet"
SCENARIOS = ("fleet", "fleet-mixed")
WORLDS, QUICK_WORLDS = 200, 3

NOTE = """\
`{policy}`, {worlds} development worlds of each preset (recorded hours before 700), difference of the objective in $ to
Kuhn-Munkres, paired, [95 % bootstrap interval]; * clear of 0. Contested: rounds of a world in which two or more tasks
are displaced at once; short: those of them in which there are fewer instances that may be had than tasks."""


@dataclass
class Other:
    """An assignment of as many tasks as Kuhn-Munkres places, by costs of its own.

    Args:
        worst: the most seconds in all; else any.
    """

    worst: bool
    optimal: Planner = field(default_factory=KuhnMunkres)
    draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __call__(self, costs: np.ndarray) -> np.ndarray:
        """Column of each row, or UNASSIGNED; see Planner."""
        largest = costs.max(where=np.isfinite(costs), initial=0.0)
        changed = largest - costs if self.worst else self.draw.random(costs.shape)
        return self.optimal(np.where(np.isfinite(costs), changed, np.inf))


@dataclass
class Counting:
    """Kuhn-Munkres, and how often it has a choice."""

    contested: int = 0
    short: int = 0
    optimal: Planner = field(default_factory=KuhnMunkres)

    def __call__(self, costs: np.ndarray) -> np.ndarray:
        """Column of each row, or UNASSIGNED; see Planner."""
        if len(costs) > 1:
            self.contested += 1
            self.short += len(costs) > np.isfinite(costs).any(axis=0).sum()
        return self.optimal(costs)


def played(scenario: str, worlds: int, planner: Planner) -> np.ndarray:
    """Objectives in dollars, (worlds,)."""
    asked = Experiment(
        before_reports(load_scenario(scenario)), [POLICY], worlds, development_seed(), None, planner=planner
    )
    return asked.run().tables[POLICY]["objective_usd"]


def row_of(scenario: str, worlds: int) -> tuple[str, ...]:
    """What hangs on it in one preset."""
    counting = Counting()
    optimal = played(scenario, worlds, counting)
    cells = []
    for worst in (False, True):
        lost = played(scenario, worlds, Other(worst)) - optimal
        cells.append(text_of(mean_of(lost, np.arange(worlds)), is_difference=True))
    short = f"{counting.short / max(counting.contested, 1):.1%}"
    return (scenario, f"{optimal.mean():.1f}", f"{counting.contested / worlds:.1f}", short, *cells)


def measure(quick: bool) -> Report:
    """Play with each assignment."""
    worlds = QUICK_WORLDS if quick else WORLDS
    rows = tuple(row_of(scenario, worlds) for scenario in SCENARIOS)
    columns = ("preset", "objective $", "contested", "short", "random", "worst")
    return Report("What hangs on who gets which instance", NOTE.format(policy=POLICY, worlds=worlds), columns, rows)


if __name__ == "__main__":
    run_kept(measure, __doc__, KEPT)

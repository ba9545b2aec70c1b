"""What policies for services do: replicas held, prices paid, launches, losses and outages, means a day.

In windows of hours that are for development.
"""

from pathlib import Path

import numpy as np

from agents.worlds import development_seed
from benchmarks.common import Report, run_kept
from benchmarks.studies.service_cases import BEFORE, WINDOW_H, main_cases
from benchmarks.studies.services import MENDED, REFERENCE, trained
from tessera_env.evaluation.experiment import evaluate

KEPT = Path("runs/service_behaviour.json")
WINDOWS, QUICK_WINDOWS = 128, 2
COLUMNS = (
    "preset",
    "policy",
    "spot replicas",
    "on-demand replicas",
    "$ a spot hour",
    "spot launches",
    "failed",
    "stops",
    "lost",
    "outages",
    "minutes each",
)
NOTE = """\
Means a day, {windows} windows of hours {first:g} to {last:g}. Replicas: billed on average; lost: taken by a loss of
capacity; stops: by the policy."""


def figures(table: dict[str, np.ndarray]) -> tuple[str, ...]:
    """A policy's, from its metrics (n,) each."""
    mean = {name: float(values.mean()) for name, values in table.items()}
    counts = ("spot_launches", "failed_launches", "stops", "preemptions", "outages")
    return (
        f"{mean['service_spot_h'] / WINDOW_H:.2f}",
        f"{mean['service_on_demand_h'] / WINDOW_H:.3f}",
        f"{mean['spot_usd'] / mean['spot_h']:.3f}",
        *(f"{mean[name]:.1f}" for name in counts),
        f"{60.0 * mean['shortfall_h'] / max(mean['outages'], 1e-9):.1f}",
    )


def measure(quick: bool) -> Report:
    """Play and count."""
    windows, rows = QUICK_WINDOWS if quick else WINDOWS, []
    for case in main_cases(BEFORE):
        labels = [name for name, _ in (REFERENCE, MENDED, *trained()[:1])]
        tables = evaluate(case.scenario(), labels, windows, development_seed(), None).tables
        rows += [(case.title, label, *figures(table)) for label, table in tables.items()]
    note = NOTE.format(windows=windows, first=BEFORE[0], last=BEFORE[1])
    return Report("What policies for services do", note, COLUMNS, tuple(rows))


if __name__ == "__main__":
    run_kept(measure, __doc__, KEPT)

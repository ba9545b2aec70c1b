"""What the figure shows, drawn as a picture or in the page: each policy's place between optimum and on-demand."""

from dataclasses import dataclass

import numpy as np

from benchmarks.studies.cant_be_late.figures import Figures
from benchmarks.studies.cant_be_late.study import ON_DEMAND, OPTIMUM
from benchmarks.studies.cant_be_late.tables import display_name
from tessera_env.evaluation.statistics import Estimate
from tessera_env.report.html.style import Look, looks_of

ALL_ZONES = "all zones"
TITLE = "Cost between the clairvoyant optimum (0) and on-demand alone (1)"


@dataclass(frozen=True)
class Marks:
    """One policy in the figure."""

    label: str
    name: str  # as shown
    colour: str  # as in CSS
    symbol: str  # as Plotly calls it
    is_trained: bool
    zones: np.ndarray  # (zones,) normalised cost, in the order of `zone_order`
    low: np.ndarray  # (zones,) and between which values the trained policies lie; equal where there is one
    high: np.ndarray
    overall: Estimate


def zone_order(figures: Figures) -> np.ndarray:
    """(zones,) numbers of zones, the one with most spot first."""
    return np.argsort(-figures.available(), kind="stable")


def zone_labels(figures: Figures) -> list[str]:
    """Name and share of time with spot, in that order."""
    shares = figures.available()
    return [f"{figures.study.zones[k]}, {100 * shares[k]:.0f} %" for k in zone_order(figures)]


def marks(figures: Figures) -> list[Marks]:
    """Each policy, the trained one first; of several trained ones, their mean. On-demand alone is at 1 everywhere."""
    trained = figures.subjects[-1:]
    labels = [*trained, *(label for label in figures.study.rules if label not in (ON_DEMAND, OPTIMUM))]
    looks = looks_of(labels)
    return [_marks(figures, label, looks[label], label in trained) for label in labels]


def note(figures: Figures) -> str:
    """Below the title."""
    study = figures.study
    hours, changeovers = (
        ", ".join(f"{value:g}" for value in values) for values in (study.deadlines_h, study.changeovers_h)
    )
    return (
        f"{study.title}: {study.windows_h.shape[1]} windows a zone, deadlines {hours} h, changeovers {changeovers} h; "
        "by zone, with the share of time that spot is there"
    )


def _marks(figures: Figures, label: str, look: Look, is_trained: bool) -> Marks:
    order = zone_order(figures)
    each = [label] if label in figures.study.tables else list(figures.study.learned)
    values = np.stack([figures.normalised(one)[order] for one in each])
    return Marks(
        label,
        display_name(label),
        look.colour,
        look.symbol,
        is_trained,
        figures.normalised(label)[order],
        values.min(axis=0),
        values.max(axis=0),
        figures.normalised_overall(label),
    )

"""A study's figures as tables of text, and what they mean in words."""

import math
import textwrap
from collections.abc import Callable

import numpy as np

from benchmarks.common import Report
from benchmarks.studies.cant_be_late.figures import THIN, Figures, Row
from benchmarks.studies.cant_be_late.study import OPTIMUM, YARDSTICK
from tessera_env.evaluation.statistics import Estimate

LONGEST_NAME = 24
WIDTH = 120  # of the notes
FEW_BLOCKS = 15  # from fewer blocks a percentile interval is visibly too narrow

OVERALL_NOTE = """\
Means over {jobs} jobs (deadline x changeover), {zones} zones and {windows} windows of each, [95 % interval]: {draws:,}
draws of the {blocks} (zone, week) blocks, since windows overlap. {optimum}: the least cost of the very windows, the
lower end where it is a bracket. Gap closed: (U - x) / (U - o) of the mean costs of uniform_progress, of the policy and
of {optimum}; the zones' means first, then the ratio, then the mean of the jobs. Spot use: spot hours / hours with spot
to be had from the start to the job's end (of {optimum}: to the deadline). Starts: launches a job. Late: jobs, of the
{played:,} that each policy played."""
FEW_NOTE = "Fewer than {few} blocks: these intervals are too narrow."
JOBS_NOTE = """\
Job: deadline / changeover. Means over zones and windows; [95 % interval] as above. Late: jobs, of {played:,} that each
policy played."""
DIFFERENCES_NOTE = """\
The same windows; [95 % interval] of the paired difference by the same draws; * clear of 0. Above 0 in gap closed, and
below 0 in dollars, the first one is better."""
AVERAGES_NOTE = """\
Headline: means over zones and windows, the ratio, the mean of the jobs; each job counts alike, and no ratio hangs on a
small gap. Pooled: one ratio of the means over all. By zone: the mean of one ratio for each zone and job whose gap is
more than {thin:g} % of uniform_progress's cost; where it is a few cents the ratio is noise."""


def display_name(label: str) -> str:
    """A label, of a long path the end."""
    return label if len(label) <= LONGEST_NAME else f"…{label[1 - LONGEST_NAME :]}"


def overall(figures: Figures) -> Report:
    """Each policy over all jobs."""
    study = figures.study
    note = OVERALL_NOTE.format(
        jobs=len(study.deadlines_h) * len(study.changeovers_h),
        zones=len(study.zones),
        windows=study.windows_h.shape[1],
        draws=figures.draws,
        blocks=figures.blocks,
        optimum=OPTIMUM,
        played=study.tables[OPTIMUM]["cost_usd"].size,
    )
    few = [FEW_NOTE.format(few=FEW_BLOCKS)] if figures.blocks < FEW_BLOCKS else []
    rows = tuple((display_name(row.label), *_cells(row)) for row in figures.overall())
    lines = [textwrap.fill(text, WIDTH) for text in (study.note, note, *few, *_seeds(figures))]
    return Report(study.title, "\n".join(lines), ("policy", *COLUMNS), rows)


def by_job(figures: Figures) -> Report:
    """Each policy by deadline and changeover."""
    jobs = figures.by_job()
    rows = tuple(
        (display_name(row.label), f"{deadline:g} / {changeover:g}", f"{row.cost_usd.mean:.2f}", *_cells(row)[1:])
        for deadline, changeover, found in jobs
        for row in found
    )
    columns = ("policy", "job\nh", *COLUMNS)
    note = JOBS_NOTE.format(played=jobs[0][2][0].windows)
    return Report(f"{figures.study.title}: by deadline and changeover", note, columns, rows)


def differences(figures: Figures) -> Report | None:
    """Trained policies against each hand-coded one; None: none was trained."""
    if not figures.subjects:
        return None
    rows = tuple(
        (
            display_name(one.label),
            display_name(one.other),
            _marked(one.gap, lambda value: f"{100 * value:+.1f}"),
            _marked(one.cost_usd, lambda value: f"{value:+.2f}"),
        )
        for one in figures.differences()
    )
    columns = ("policy", "against", "gap closed, points", "cost, $")
    return Report(f"{figures.study.title}: paired differences", DIFFERENCES_NOTE, columns, rows)


def averages(figures: Figures) -> Report:
    """The gap closed, averaged in three ways."""
    rows = tuple(
        (
            display_name(one.label),
            *map(_percent, (one.headline, one.pooled, one.by_zone)),
            f"{one.combinations}/{one.of}",
        )
        for one in figures.averages()
        if one.label not in (OPTIMUM, YARDSTICK)
    )
    columns = ("policy", "headline %", "pooled %", "by zone %", "zones x jobs")
    title = f"{figures.study.title}: the gap closed, averaged in three ways"
    return Report(title, AVERAGES_NOTE.format(thin=100 * THIN), columns, rows)


def reports(figures: Figures) -> list[Report]:
    """All tables, in order."""
    found = [overall(figures), differences(figures), averages(figures), by_job(figures)]
    return [report for report in found if report is not None]


def headline(figures: Figures) -> str:
    """The best policy's gap in words, and what was late."""
    rows = [row for row in figures.overall() if row.label != OPTIMUM]
    subjects = [row for row in rows if row.label in figures.subjects]
    row = subjects[-1] if subjects else max(rows, key=lambda one: one.gap.mean)
    late = f"{row.late} of {row.windows:,}" if row.late else "none"
    return (
        f"{display_name(row.label)} closes {ranged(row.gap, _percent)} % of the gap between {YARDSTICK} and the "
        f"optimum, at {ranged(row.share, _percent)} % of the cost of on-demand alone. Late: {late}."
    )


def _seeds(figures: Figures) -> list[str]:
    """How far trained policies are apart."""
    if figures.mean_label is None:
        return []
    gaps = [100.0 * one.headline for one in figures.averages() if one.label in figures.study.learned]
    each = ", ".join(f"{gap:.1f}" for gap in gaps)
    return [
        f"The {len(gaps)} trained policies close {each} % of the gap: mean {np.mean(gaps):.1f}, standard deviation "
        f"{np.std(gaps, ddof=1):.1f}, from {min(gaps):.1f} to {max(gaps):.1f}."
    ]


COLUMNS = ("cost $", "% of\non-demand", "on-demand\nh", "spot\nh", "spot\nuse %", "starts", "gap\nclosed %", "late")


def _cells(row: Row) -> tuple[str, ...]:
    is_end = row.label in (OPTIMUM, YARDSTICK)  # 100 and 0 by definition
    return (
        ranged(row.cost_usd, lambda value: f"{value:.2f}", lambda value: f"{value:.1f}"),
        f"{100 * row.share.mean:.1f}",
        f"{row.on_demand_h:.1f}",
        f"{row.spot_h:.1f}",
        f"{100 * row.spot_use:.0f}",
        f"{row.launches:.1f}",
        _percent(row.gap.mean) if is_end else ranged(row.gap, _percent),
        str(row.late),
    )


def ranged(value: Estimate, shown: Callable[[float], str], end_shown: Callable[[float], str] | None = None) -> str:
    """A figure and its interval, if it has one, whose ends may be shown otherwise."""
    if not math.isfinite(value.low):
        return shown(value.mean)
    end_shown = end_shown or shown
    return f"{shown(value.mean)} [{end_shown(value.low)}, {end_shown(value.high)}]"


def _marked(value: Estimate, shown: Callable[[float], str]) -> str:
    return f"{ranged(value, shown)} {'*' if value.is_clear_of_zero else ' '}"


def _percent(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{100 * value:.{0 if abs(value) >= 1.0 else 1}f}"

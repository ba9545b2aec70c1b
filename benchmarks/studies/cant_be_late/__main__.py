"""Policies on the published problem, one job with a deadline, in recorded markets: what each costs, and the optimum.

Every policy plays the same windows of every zone, for each deadline and changeover; tables, JSON, a page and a picture.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.common import check_least, machine, parser, ready, telling
from benchmarks.studies.cant_be_late import parts, tables
from benchmarks.studies.cant_be_late.figures import Figures
from benchmarks.studies.cant_be_late.page import write_page
from benchmarks.studies.cant_be_late.parts import Part
from benchmarks.studies.cant_be_late.picture import write_picture
from benchmarks.studies.cant_be_late.playing import (
    RULES,
    SEED,
    TOY,
    Grid,
    Optimal,
    description,
    make_players,
    play_part,
)
from benchmarks.studies.cant_be_late.study import Studies
from tessera_env.evaluation.optimum.clairvoyant import optimal
from tessera_env.files.paths import expanded
from tessera_env.files.streams import take_any_text

WINDOWS = 40
KEPT = Path("runs")


def main(arguments: Sequence[str] | None = None, optimal: Optimal = optimal) -> None:
    """Play, or read what was kept; print, and write what is asked for."""
    take_any_text()
    made = command_line()
    given = made.parse_args(arguments)
    outputs = output_files(given)
    try:
        for name, lowest in (("windows", 1), ("seed", 0), ("threads", 1)):
            check_least(f"--{name}", getattr(given, name), lowest)
        if given.read and (given.policies or given.development):
            raise ValueError("--read: plays nothing (allowed without --policies and --development)")
        folder = KEPT if any(path.parent == KEPT for path in outputs.values()) else Path()
        with ready(folder, outputs, [given.read] if given.read else []):
            studies = Studies.from_json(given.read) if given.read else played(given, optimal)
    except (ValueError, OSError) as error:
        made.exit(2, f"{error}\n")
    figures = [Figures(study, studies.seed) for study in studies.studies]
    for one in figures:
        for report in tables.reports(one):
            report.print()
    with telling():
        write(studies, figures, outputs)


def command_line() -> argparse.ArgumentParser:
    """What can be asked for."""
    made = parser(__doc__)
    made.add_argument(
        "--policies", nargs="+", default=[], metavar="POLICY", help="beside the hand-coded ones: folders, or names"
    )
    made.add_argument("--windows", type=int, default=WINDOWS, metavar="N", help=f"of each zone, {WINDOWS}")
    made.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"of the windows and the draws, {SEED}")
    made.add_argument("--threads", type=int, default=1, metavar="N", help="changes the speed alone")
    made.add_argument(
        "--development", action="store_true", help=f"the recording before hour {parts.SPLIT_H:g}: for choices"
    )
    made.add_argument("--read", type=expanded, metavar="JSON", help="play nothing: show what an earlier run kept")
    for name in ("json", "html", "picture"):
        made.add_argument(f"--{name}", type=expanded, metavar="FILE", help=f"instead of in {KEPT}/")
    return made


def output_files(given: argparse.Namespace) -> dict[str, Path]:
    """What is written, by option; a toy run, and one that reads, write only what is named."""
    stem = KEPT / ("cant_be_late-development" if given.development else "cant_be_late")
    usual = {"json": ".json", "html": ".html", "picture": ".png"}
    found = {}
    for name, suffix in usual.items():
        named = getattr(given, name)
        if named or not (given.quick or given.read):
            found[f"--{name}"] = named or stem.with_suffix(suffix)
    return found


def played(given: argparse.Namespace, optimal: Optimal) -> Studies:
    """All parts.

    Raises:
        ValueError: an argument or a recording cannot be used; one line.
    """
    grid = TOY if given.quick else Grid(given.windows, given.seed, threads=given.threads)
    players = make_players([*RULES, *given.policies], grid.seed)
    chosen = [parts.development_part()] if given.development else report_parts()
    with _bar() as bar:
        studies = []
        for part in chosen:
            task = bar.add_task(part.title, total=grid.combinations(part))
            studies.append(play_part(part, players, optimal, grid, _advancing(bar, task)))
    described = {label: description(policy) for label, policy in players.items()}
    return Studies(grid.seed, given.quick, machine(), described, tuple(studies))


def report_parts() -> list[Part]:
    """The hours kept for reports, and another month where it is."""
    other = parts.other_months_part()
    if other is None:
        print(f"Left out: the recordings of another month ({parts.OTHER_MONTHS} in {parts.TRACES}, TESSERA_TRACES).")
    return [parts.report_part(), *([other] if other else [])]


def write(studies: Studies, figures: list[Figures], outputs: Mapping[str, Path]) -> None:
    """JSON, page and picture."""
    if path := outputs.get("--json"):
        studies.write_json(path, {one.study.title: summary(one) for one in figures})
    if path := outputs.get("--html"):
        write_page(studies, figures, path)
    if path := outputs.get("--picture"):
        write_picture(figures, path)
    if outputs:
        print("kept in " + ", ".join(map(str, outputs.values())))


def summary(figures: Figures) -> dict[str, Any]:
    """The figures of one part as plain values; what is not defined is null."""
    values = {
        "overall": [asdict(row) for row in figures.overall()],
        "differences": [asdict(one) for one in figures.differences()],
        "averages": [asdict(one) for one in figures.averages()],
    }
    return _finite(values)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _advancing(bar: Progress, task: Any) -> Callable[[float], None]:
    return lambda count: bar.advance(task, count)


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}")]
    return Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    )  # fmt: skip


if __name__ == "__main__":
    main()

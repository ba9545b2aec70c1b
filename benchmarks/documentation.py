"""Fill the blocks of README and of the pages in docs/, so that nobody types a table or a figure.

A block stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`, on whichever page. What the code alone says, and
what a command of the guide prints above a block `printed-NAME`, is printed anew each time; `make train`, `make bench`
and `make report` leave the files that figures are read from, and a block whose file is missing stays as it is.
"""

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.common import Report, Reports, markdown, telling
from benchmarks.printed import printed_blocks
from benchmarks.studies import (
    ablation,
    first_run,
    fleet,
    fleet_assignment,
    fleet_figures,
    service_behaviour,
    service_weights,
    services,
)
from benchmarks.studies.cant_be_late import tables
from benchmarks.studies.cant_be_late.figures import Figures
from benchmarks.studies.cant_be_late.study import Studies
from tessera_env.evaluation.results import Results
from tessera_env.files.json_files import read_object
from tessera_env.files.paths import expanded
from tessera_env.files.streams import take_any_text
from tessera_env.files.writing import write_text
from tessera_env.report.columns import columns_of, did_unlike_numbers

ROOT = Path(__file__).parents[1]
# Which blocks come from whose files: these need not be printed in every run.
STUDIES = {
    "fleet": fleet.KEPT,
    "fleet-assignment": fleet_assignment.KEPT,
    "fleet-figures": fleet_figures.KEPT,
    "first-run": first_run.KEPT,
    "services": services.KEPT,
    "service-behaviour": service_behaviour.KEPT,
    "service-weights": service_weights.KEPT,
}
FIGURES = ("results", "results-fleet", "baselines", "benchmarks", "ablation", "cant-be-late", *STUDIES)
# Of the report's columns.
SHOWN = ("cost $", "objective $", "difference $", "saves %", "gap closed %", "missed deadlines", "tasks done")
LEARNED = "learned"
Kept = TypeVar("Kept", Reports, Studies)
ABLATION_METRICS = ("cost, $", "work lost, h", "p95 completion, h")


def main(arguments: Sequence[str] | None = None) -> None:
    """Refresh the blocks and say which stand on which page."""
    take_any_text()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=expanded, default=Path("runs/latest"), help="a finished run's folder")
    parser.add_argument(
        "--benchmarks", type=expanded, default=Path("runs/benchmarks.json"), help="what make bench kept"
    )
    parser.add_argument("--report", type=expanded, default=Path("runs/cant_be_late.json"), help="what make report kept")
    given = parser.parse_args(arguments)
    try:
        blocks = {
            **printed_blocks(),
            **run_blocks(given.run),
            **benchmark_blocks(given.benchmarks),
            **report_blocks(given.report),
            **study_blocks(STUDIES),
        }
    except ValueError as error:  # what was kept cannot be used
        parser.exit(2, f"{error}\n")
    texts = {page: page.read_text(encoding="utf-8") for page in pages()}
    check_blocks(texts, blocks)
    for page, text in texts.items():
        if names := block_names(text):
            with telling():
                write_text(page, refreshed(text, blocks))
            print(f"{page.relative_to(ROOT)}: {', '.join(names)}")


def pages() -> list[Path]:
    """README and every page in docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def block_names(text: str) -> list[str]:
    """The blocks of a page, in order.

    Raises:
        ValueError: one is not closed before the next one begins, is named twice, or is closed and not begun.
    """
    marks = re.findall(r"^<!-- ([\w-]+):(begin|end) -->$", text, flags=re.MULTILINE)
    names = [name for name, _ in marks[::2]]
    if marks != [(name, mark) for name in names for mark in ("begin", "end")] or len(set(names)) < len(names):
        raise ValueError(f"blocks: {marks} (allowed: each once on a page, begun and ended before the next)")
    return names


def check_blocks(texts: Mapping[Path, str], blocks: Iterable[str]) -> None:
    """Whether what can be filled stands somewhere, and what stands somewhere can be filled.

    Raises:
        ValueError: a block has no page, or a page has a block that nothing fills.
    """
    standing = {name for text in texts.values() for name in block_names(text)}
    known = {*blocks, *FIGURES}
    if standing != known:
        raise ValueError(f"blocks: on no page {sorted(known - standing)}, filled by nothing {sorted(standing - known)}")


def run_blocks(folder: Path) -> dict[str, str]:
    """How the policies compared after the default training, and after that of a fleet beside it."""
    beside = folder.with_name(f"{folder.name}-fleet")
    files = [folder / "results.json", *(beside / f"results{name}.json" for name in ("", "-classic", "-fleet-mixed"))]
    if not all(file.is_file() for file in files):
        return {}
    main_results, of_fleet, *others = (Results.from_json(file) for file in files)
    card = read_object(folder / "policy.json", ValueError)
    return {
        "results": f"{results_table(main_results)}\n\n{caption(main_results)} {verdict(main_results, card)}".rstrip(),
        "results-fleet": f"{results_table(of_fleet)}\n\n{caption(of_fleet)}",
        "baselines": "\n\n".join(f"{results_table(one)}\n\n{caption(one)}" for one in others),
    }


def benchmark_blocks(file: Path) -> dict[str, str]:
    """The tables of speed and memory.

    Raises:
        ValueError: they are of a toy size.
    """
    if not file.is_file():
        return {}
    reports = of_full_size(Reports.from_json(file), file)
    tables = [report_table(report) for report in reports.reports if report.title != ablation.TITLE]
    ideas = [report_table(shortened(report)) for report in reports.reports if report.title == ablation.TITLE]
    blocks = {"benchmarks": "\n\n".join([f"Measured on: {reports.machine}.", *tables])}
    return {**blocks, "ablation": ideas[0]} if ideas else blocks


def study_blocks(files: Mapping[str, Path]) -> dict[str, str]:
    """The tables of studies, by their blocks, as far as they were kept.

    Raises:
        ValueError: the tables are of a toy size.
    """
    kept = {name: of_full_size(Reports.from_json(file), file) for name, file in files.items() if file.is_file()}
    return {name: "\n\n".join(report_table(report) for report in one.reports) for name, one in kept.items()}


def of_full_size(kept: Kept, file: Path) -> Kept:
    """What a file holds.

    Raises:
        ValueError: it is of a toy size.
    """
    if kept.quick:
        raise ValueError(f"{file}: quick: True (allowed: False; a toy run's figures mean nothing)")
    return kept


def report_blocks(file: Path) -> dict[str, str]:
    """The published problem: the policies, and how far the trained ones are from the rules.

    Raises:
        ValueError: it is of a toy size.
    """
    if not file.is_file():
        return {}
    studies = of_full_size(Studies.from_json(file), file)
    figures = [Figures(study, studies.seed) for study in studies.studies]
    return {"cant-be-late": "\n\n".join(report_table(report) for one in figures for report in main_tables(one))}


def main_tables(figures: Figures) -> list[Report]:
    """The policies, and the differences of the trained one, or of the mean of several."""
    differences = tables.differences(figures)
    if differences is None:
        return [tables.overall(figures)]
    shown = tables.display_name(figures.subjects[-1])
    rows = tuple(row for row in differences.rows if row[0] == shown)
    return [tables.overall(figures), replace(differences, rows=rows)]


def shortened(report: Report) -> Report:
    """The ablation's main rows: what differs by Daly's interval from Young's, the pages leave to the command."""
    rows = [row for row in report.rows if not row[1].startswith("Daly") and row[2] in ABLATION_METRICS]
    return replace(report, rows=tuple(rows))


def refreshed(text: str, blocks: Mapping[str, str]) -> str:
    """A page with the content of its blocks replaced; those that are not given stay as they are.

    Raises:
        ValueError: see `block_names`.
    """
    for name in block_names(text):
        if name in blocks:
            begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->\n"
            before, rest = text.split(begin)
            text = f"{before}{begin}{blocks[name]}\n{end}{rest.split(end)[1]}"
    return text


def results_table(results: Results) -> str:
    """The report's table in Markdown, without the columns that only explain."""
    shown = [column for column in columns_of(results) if column.name in SHOWN]
    rows = [
        [label, *(column.cell(results, label, summary).line for column in shown)]
        for label, summary in results.summary.items()
    ]
    return markdown(["policy", *(column.name for column in shown)], rows)


def caption(results: Results) -> str:
    """What was played, and what the figures are."""
    parts = [f"{results.episodes} worlds of `{results.scenario['name']}`{_hours(results)}, seed {results.seed}"]
    parts.append("mean [95 % bootstrap interval]")
    if results.baseline is not None:
        parts.append(
            f"difference to {results.baseline} of the objective (cost and penalties in one figure), paired by world, "
            "* where its interval is clear of 0"
        )
    text = "; ".join(parts) + "."
    if did_unlike_numbers(results):
        text += " The policies did unlike numbers of tasks, so costs are of unlike amounts of work: compare objectives."
    return text


def _hours(results: Results) -> str:
    """Of the recording, if one is replayed."""
    market = results.scenario.get("market", {})
    if market.get("trace") is None:
        return ""
    until = "on" if market["until_h"] is None else f"to {market['until_h']:g}"
    return f" (recorded hours from {market['from_h']:g} {until})"


def verdict(results: Results, card: dict[str, Any]) -> str:
    """The learned policy in words: "cheaper" only where the interval allows it; nothing where there is none."""
    difference = results.summary[LEARNED].difference_usd if LEARNED in results.summary else None
    if difference is None:
        return ""
    training, base = card["training"], results.summary[str(results.baseline)].objective_usd.mean
    learner = (
        f"{training['algorithm']} on `{card['scenario']}`, the best of its run, after {training['steps']:,} decisions"
    )
    if not difference.is_clear_of_zero:
        return f"The learned policy ({learner}) is not clearly apart from {results.baseline}."
    share, word = abs(difference.mean) / base, "cheaper" if difference.mean < 0 else "dearer"
    return f"The learned policy ({learner}) is {100 * share:.1f} % {word} than {results.baseline}."


def report_table(report: Report) -> str:
    """A benchmark's table in Markdown, with its note."""
    table = markdown([column.replace("\n", " ") for column in report.columns], report.rows)
    return f"**{report.title}**\n\n{table}\n\n{report.note}"


if __name__ == "__main__":
    main()

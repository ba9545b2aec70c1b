"""Put figures into README.md from the files that the runs left, so that nobody types one.

`make train`, `make bench` and `make report` leave the files; `python -m benchmarks.documentation` reads them. A block
whose file is missing stays as it is.
"""

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.common import Report, Reports
from benchmarks.studies import ablation
from benchmarks.studies.cant_be_late import tables
from benchmarks.studies.cant_be_late.figures import Figures
from benchmarks.studies.cant_be_late.study import Studies
from tessera_env.evaluation.results import Results
from tessera_env.files.writing import write_text
from tessera_env.observation.layout import Layout
from tessera_env.report.simulation_text import simulation_text
from tessera_env.report.text import COLUMNS, columns_of
from tessera_env.simulate import simulate

README = Path(__file__).parents[1] / "README.md"
SHOWN = (
    "cost $",
    "difference $",
    "saves %",
    "gap\nclosed %",
    "missed\ndeadlines",
    "tasks\ndone",
)  # of the report's columns
LEARNED = "learned"
Kept = TypeVar("Kept", Reports, Studies)
ABLATION_METRICS = ("cost, $", "work lost, h", "p95 completion, h")


def main(arguments: Sequence[str] | None = None) -> None:
    """Refresh the blocks and say which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/latest"), help="a finished run's folder")
    parser.add_argument("--benchmarks", type=Path, default=Path("runs/benchmarks.json"), help="what make bench kept")
    parser.add_argument("--report", type=Path, default=Path("runs/cant_be_late.json"), help="what make report kept")
    given = parser.parse_args(arguments)
    blocks = {
        "observation": Layout(1).table(),
        "simulate": simulated(),
        **run_blocks(given.run),
        **benchmark_blocks(given.benchmarks),
        **report_blocks(given.report),
    }
    write_text(README, refreshed(README.read_text(encoding="utf-8"), blocks))
    print(f"{README.name}: {', '.join(blocks)}")


def simulated() -> str:
    """What `tessera simulate --duration 48 --tasks 100` prints."""
    return f"```\n{simulation_text(simulate(duration=48, tasks=100))}```"


def run_blocks(folder: Path) -> dict[str, str]:
    """How the policies compared after a run's training."""
    files = {name: folder / f"results{name}.json" for name in ("", "-classic", "-fleet", "-fleet-mixed")}
    if not all(file.is_file() for file in files.values()):
        return {}
    main_results, *others = (Results.from_json(file) for file in files.values())
    card = json.loads((folder / "policy.json").read_text(encoding="utf-8"))
    return {
        "results": f"{results_table(main_results)}\n\n{caption(main_results)} {verdict(main_results, card)}".rstrip(),
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
    """The ablation's main rows: what differs by Daly's interval from Young's, README leaves to the command."""
    rows = [row for row in report.rows if not row[1].startswith("Daly") and row[2] in ABLATION_METRICS]
    return replace(report, rows=tuple(rows))


def refreshed(text: str, blocks: dict[str, str]) -> str:
    """The text with every named block's content replaced.

    Raises:
        ValueError: the text has no such block, or several.
    """
    for name, content in blocks.items():
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"{README.name}: block {name!r} (allowed: once, between {begin.strip()} and {end})")
        text = re.sub(f"({re.escape(begin)}).*?({re.escape(end)})", lambda m, c=content: f"{m[1]}{c}\n{m[2]}", text,
                      flags=re.DOTALL)  # fmt: skip
    return text


def results_table(results: Results) -> str:
    """The report's table in Markdown, without the columns that only explain."""
    shown = [column for column in SHOWN if column in columns_of(results)]
    rows = [
        [label, *(COLUMNS[column](results, label, summary) for column in shown)]
        for label, summary in results.summary.items()
    ]
    return markdown(["policy", *(column.replace("\n", " ") for column in shown)], rows)


def caption(results: Results) -> str:
    """What was played, and what the figures are."""
    parts = [f"{results.episodes} worlds of `{results.scenario['name']}`{_hours(results)}, seed {results.seed}"]
    parts.append("mean [95 % bootstrap interval]")
    if results.baseline is not None:
        parts.append(f"difference to {results.baseline} paired by world, * where its interval is clear of 0")
    text = "; ".join(parts) + "."
    if len({int(table["tasks_done"].sum()) for table in results.tables.values()}) > 1:
        text += " The policies did unlike numbers of tasks: costs are of unlike amounts of work."
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
    training, base = card["training"], results.summary[str(results.baseline)].cost_usd.mean
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


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, first column left, the others right."""
    rule = ["---", *("---:" for _ in columns[1:])]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (columns, rule, *rows)
    )


if __name__ == "__main__":
    main()

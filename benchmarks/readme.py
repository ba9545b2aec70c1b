"""Put figures into README.md from the files that the runs left, so that nobody types one.

`make train` and `make bench` leave the files; `python -m benchmarks.readme` reads them. A block whose file is missing
stays as it is.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common import Report, Reports
from tessera_env.files import write_text
from tessera_env.observation import Layout
from tessera_env.report import COLUMNS
from tessera_env.results import Results

README = Path(__file__).parents[1] / "README.md"
SHOWN = ("cost $", "difference $", "saves %", "missed\ndeadlines", "tasks\ndone")  # of the report's columns
LEARNED = "learned"


def main(arguments: Sequence[str] | None = None) -> None:
    """Refresh the blocks and say which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/latest"), help="a finished run's folder")
    parser.add_argument("--benchmarks", type=Path, default=Path("runs/benchmarks.json"), help="what make bench kept")
    given = parser.parse_args(arguments)
    blocks = {"observation": Layout(1).table(), **run_blocks(given.run), **benchmark_blocks(given.benchmarks)}
    write_text(README, refreshed(README.read_text(encoding="utf-8"), blocks))
    print(f"{README.name}: {', '.join(blocks)}")


def run_blocks(folder: Path) -> dict[str, str]:
    """How the policies compared after a run's training."""
    files = {name: folder / f"results{name}.json" for name in ("", "-classic", "-fleet")}
    if not all(file.is_file() for file in files.values()):
        return {}
    main_results, *others = (Results.from_json(file) for file in files.values())
    card = json.loads((folder / "policy.json").read_text(encoding="utf-8"))
    return {
        "results": f"{results_table(main_results)}\n\n{sentence(main_results, card)}",
        "baselines": "\n\n".join(f"`{r.scenario['name']}`:\n\n{results_table(r)}" for r in others),
    }


def benchmark_blocks(file: Path) -> dict[str, str]:
    """The tables of speed and memory.

    Raises:
        ValueError: they are of a toy size.
    """
    if not file.is_file():
        return {}
    reports = Reports.from_json(file)
    if reports.quick:
        raise ValueError(f"{file}: quick: True (allowed: False; a toy run's figures mean nothing)")
    tables = [report_table(report) for report in reports.reports]
    return {"benchmarks": "\n\n".join([f"Measured on: {reports.machine}.", *tables])}


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
    rows = [
        [label, *(COLUMNS[column](results, label, summary) for column in SHOWN)]
        for label, summary in results.summary.items()
    ]
    return markdown(["policy", *(column.replace("\n", " ") for column in SHOWN)], rows)


def sentence(results: Results, card: dict) -> str:
    """What the main table shows, in words; "cheaper" only where the interval allows it."""
    text = (
        f"{results.episodes} worlds of `{results.scenario['name']}`, the same for every policy (seed {results.seed}); "
        f"means and 95 % bootstrap intervals; difference to {results.baseline}, paired by world, "
        "* where its interval is clear of 0."
    )
    difference = results.summary[LEARNED].difference_usd if LEARNED in results.summary else None
    if difference is None:
        return text
    training, base = card["training"], results.summary[str(results.baseline)].cost_usd.mean
    learner = f"{training['algorithm']} on `{card['scenario']}`, {training['steps']:,} decisions"
    if not difference.is_clear_of_zero:
        return f"{text} The learned policy ({learner}) is not clearly apart from {results.baseline}."
    share, word = abs(difference.mean) / base, "cheaper" if difference.mean < 0 else "dearer"
    return f"{text} The learned policy ({learner}) is {100 * share:.1f} % {word} than {results.baseline}."


def report_table(report: Report) -> str:
    """A benchmark's table in Markdown, with its note."""
    table = markdown(report.columns, report.rows)
    return f"**{report.title}**\n\n{table}\n\n{report.note}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, first column left, the others right."""
    rule = ["---", *("---:" for _ in columns[1:])]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (columns, rule, *rows)
    )


if __name__ == "__main__":
    main()

"""Results as a table for people."""

import math
from collections.abc import Callable
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tessera_env.evaluation.results import OPTIMUM, REFERENCE, Results, Summary
from tessera_env.evaluation.statistics import FEW, Estimate

WIDEST = 1_000  # characters; far more than any table needs

# A cell of one policy: its results, its label and its summary as text.
Cell = Callable[[Results, str, Summary], str]


def results_table(results: Results, stacked: bool = False) -> Table:
    """One row a policy: cost with its interval, the paired difference, what it saves, and what it missed.

    Args:
        results: of an evaluation.
        stacked: intervals stand below the means, which makes the table narrower.
    """
    table = Table(title=_title(results), caption=_caption(results), title_justify="left", caption_justify="left")
    table.box, table.padding = SIMPLE_HEAD, (0, 1, 0, 0)
    table.add_column("policy", no_wrap=True)
    columns = columns_of(results)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for label, summary in results.summary.items():
        cells = [cell(results, label, summary) for cell in columns.values()]
        table.add_row(label, *(cell.replace(" [", "\n[") if stacked else cell for cell in cells))
    return table


def results_text(results: Results, width: int | None = None, colour: bool = False) -> str:
    """The table as text; never cut off, but intervals move below the means where `width` characters need it."""
    text = _rendered(results_table(results), colour)
    if width is not None and max(map(cell_len, Text.from_ansi(text).plain.splitlines())) > width:
        return _rendered(results_table(results, stacked=True), colour)
    return text


def _rendered(table: Table, colour: bool) -> str:
    stream = StringIO()
    console = Console(
        file=stream, width=WIDEST, force_terminal=colour, color_system="standard" if colour else None, markup=False
    )
    console.print(table, highlight=False)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _title(results: Results) -> str:
    episodes = f"{results.episodes} episode" + ("s" if results.episodes != 1 else "")
    return f"{results.scenario.get('name', 'scenario')}: {episodes}, seed {results.seed}"


def _caption(results: Results) -> str:
    lines = ["Means over the same worlds, [95 % bootstrap interval]; hours and interruptions a world."]
    if results.baseline is not None:
        lines.append(f"Against {results.baseline}: paired by world; * interval clear of 0, ~ not clear.")
    if results.has_optimum:
        lines.append(
            f"{OPTIMUM}: the least cost of who knows the world{_bracket(results)}; gap: from {REFERENCE} to that."
        )
    if len({_total(results, label, "tasks_done") for label in results.tables}) > 1:
        lines.append("The policies did unlike numbers of tasks: costs are of unlike amounts of work.")
    if results.episodes < FEW:
        lines.append(f"Fewer than {FEW} episodes: these intervals are too narrow.")
    return "\n".join(lines)


def _bracket(results: Results) -> str:
    """How much dearer than the bound the schedules are that were found; nothing where that is next to nothing."""
    table = results.tables[OPTIMUM]
    wider = float(table["upper_usd"].mean() / max(table["cost_usd"].mean(), 1e-12)) - 1.0
    return f", {100 * wider:.2f} % below the cheapest schedule found" if wider > 0.0001 else ""


def _cost(results: Results, label: str, summary: Summary) -> str:
    return _with_interval(summary.cost_usd, lambda value: f"{value:,.2f}")


def _difference(results: Results, label: str, summary: Summary) -> str:
    if summary.difference_usd is None:
        return "baseline" if label == results.baseline else ""
    mark = "*" if summary.difference_usd.is_clear_of_zero else "~"
    return f"{_with_interval(summary.difference_usd, lambda value: f'{value:+,.2f}')} {mark}"


def _savings(results: Results, label: str, summary: Summary) -> str:
    return "" if summary.savings is None else _with_interval(summary.savings, lambda value: f"{100 * value:.1f}")


def _gap_closed(results: Results, label: str, summary: Summary) -> str:
    if label == OPTIMUM:
        return "optimum"
    return "-" if summary.gap_closed is None else _with_interval(summary.gap_closed, lambda value: f"{100 * value:.1f}")


def _missed(results: Results, label: str, summary: Summary) -> str:
    return f"{_total(results, label, 'deadlines_missed'):,}"


def _done(results: Results, label: str, summary: Summary) -> str:
    return f"{_total(results, label, 'tasks_done'):,}/{_total(results, label, 'tasks'):,}"


def _invalid(results: Results, label: str, summary: Summary) -> str:
    return f"{_total(results, label, 'invalid_actions'):,}"


def _mean_of(metric: str) -> Cell:
    def cell(results: Results, label: str, summary: Summary) -> str:
        value = summary.means.get(metric)
        return "" if value is None else f"{value:,.1f}"

    return cell


COLUMNS: dict[str, Cell] = {
    "cost $": _cost,
    "difference $": _difference,
    "saves %": _savings,
    "gap\nclosed %": _gap_closed,
    "missed\ndeadlines": _missed,
    "tasks\ndone": _done,
    "spot\nh": _mean_of("spot_h"),
    "on-demand\nh": _mean_of("on_demand_h"),
    "interrup-\ntions": _mean_of("interruptions"),
    "invalid\nactions": _invalid,
}


def columns_of(results: Results) -> dict[str, Cell]:
    """The columns; the gap only where there is one to the optimum."""
    return {heading: cell for heading, cell in COLUMNS.items() if results.has_optimum or cell is not _gap_closed}


def _total(results: Results, label: str, metric: str) -> int:
    return round(float(results.tables[label][metric].sum()))


def _with_interval(value: Estimate, shown: Callable[[float], str]) -> str:
    if not (math.isfinite(value.low) and math.isfinite(value.high)):
        return shown(value.mean)
    return f"{shown(value.mean)} [{shown(value.low)}, {shown(value.high)}]"

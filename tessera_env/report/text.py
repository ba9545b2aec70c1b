"""Results as a table for people."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from tessera_env.evaluation.floors import Floor
from tessera_env.evaluation.results import Results
from tessera_env.evaluation.statistics import FEW
from tessera_env.report.columns import (
    COUNT_COLUMNS,
    SERVICE_CAPTION,
    WORTH_COLUMNS,
    Column,
    columns_of,
    did_unlike_numbers,
    has_services,
    objective_words,
)
from tessera_env.report.terminal import is_wider, rendered, table_text, width_of


def results_text(results: Results, width: int | None = None, colour: bool = False) -> str:
    """One row a policy: cost with its interval, the paired difference, what it saves, and what it missed.

    Never cut off: where `width` characters need it, intervals move below the means, then the counts into a table below.
    """
    columns = columns_of(results)
    parts = [[column for column in columns if column in part] for part in (WORTH_COLUMNS, COUNT_COLUMNS)]
    forms = (_tables(results, *form, colour) for form in (([columns], False), ([columns], True), (parts, True)))
    return next((text for text in forms if not is_wider(text, width)), _tables(results, parts, True, colour))


def _tables(results: Results, parts: Sequence[Sequence[Column]], stacked: bool, colour: bool) -> str:
    """Tables below each other, the title above the first, the caption below the last, as wide as the widest."""
    tables = [_table(results, columns, stacked) for columns in parts]
    tables[0].title = _title(results)
    text = "".join(table_text(table, colour) for table in tables)
    return text + rendered(Text(_caption(results), "table.caption"), colour, width_of(text))


def _table(results: Results, columns: Sequence[Column], stacked: bool) -> Table:
    table = Table(title_justify="left")
    table.add_column("policy", no_wrap=True)
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    for label, summary in results.summary.items():
        cells = [column.cell(results, label, summary).line for column in columns]
        if any(cells):
            table.add_row(label, *(cell.replace(" [", "\n[") if stacked else cell for cell in cells))
    return table


def _title(results: Results) -> str:
    episodes = f"{results.episodes} episode" + ("s" if results.episodes != 1 else "")
    return f"{results.scenario.get('name', 'scenario')}: {episodes}, seed {results.seed}"


def _caption(results: Results) -> str:
    lines = ["Means over the same worlds, [95 % bootstrap interval]; hours and interruptions a world."]
    lines.append(f"{objective_words(results)}.")
    if has_services(results):
        lines.append(SERVICE_CAPTION)
    if results.baseline is not None:
        lines.append(
            f"Difference to {results.baseline}: of the objective, paired by world; * interval clear of 0, ~ not clear."
        )
    if (floor := results.floor) is not None:
        lines.append(f"{floor.label}: {floor.meaning}{_bracket(results, floor)}; gap: from {floor.reference} to that.")
    if did_unlike_numbers(results):
        lines.append("The policies did unlike numbers of tasks: costs are of unlike work, so compare objectives.")
    if results.episodes < FEW:
        lines.append(f"Fewer than {FEW} episodes: these intervals are too narrow.")
    return "\n".join(lines)


def _bracket(results: Results, floor: Floor) -> str:
    """How much dearer than the optimum the schedules are that were found; nothing where that is next to nothing."""
    table = results.tables[floor.label]
    if "upper_usd" not in table:
        return ""
    wider = float(table["upper_usd"].mean() / max(table["cost_usd"].mean(), 1e-12)) - 1.0
    return f", {100 * wider:.2f} % below the cheapest schedule found" if wider > 0.0001 else ""

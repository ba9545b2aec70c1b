"""Results in words and numbers: the headline, and the table of all policies."""

import math
from collections.abc import Callable

import numpy as np

from tessera_env.evaluation.results import ON_DEMAND, OPTIMUM, REFERENCE, Results, Summary
from tessera_env.evaluation.statistics import FEW, Estimate, bootstrap_means, estimate

Cell = Callable[[Results, str, Summary], str]
NONE = "–"


def headline(results: Results) -> str:
    """Which policy cost least, by how much, how sure that is, and what it left undone."""
    summary, means = results.summary, {label: one.cost_usd.mean for label, one in results.summary.items()}
    order = sorted((label for label in means if label != OPTIMUM), key=means.__getitem__)
    best = order[0]
    text = f"{_over(results)}, {best} cost least: ${means[best]:,.2f}{' a world' if results.episodes > 1 else ''}"
    saved = summary[best].savings
    if saved is not None:
        text += f", {percent(saved)} less than {ON_DEMAND}"
    text += f". It completed {completed(results, best)} tasks{missed(results, best)}."
    return text + _against_optimum(results, best) + _doubts(results, order)


def _against_optimum(results: Results, best: str) -> str:
    if not results.has_optimum:
        return ""
    gap, least = results.summary[best].gap_closed, results.summary[OPTIMUM].cost_usd.mean
    closed = "" if gap is None else f"; {best} closes {percent(gap)} of the gap from {REFERENCE} to that"
    return f" Who had known the world could have paid ${least:,.2f}{closed}."


def _over(results: Results) -> str:
    name = results.scenario.get("name", "the scenario")
    return f"Over {results.episodes:,} worlds of {name}" if results.episodes > 1 else f"In one world of {name}"


def _doubts(results: Results, order: list[str]) -> str:
    """What the figures do not show."""
    text = ""
    if results.episodes == 1:
        text += " One world says nothing about how much others differ."
    elif len(order) > 1:
        lead = _lead(results, order[0], order[1])
        sure = "clear of 0" if lead.is_clear_of_zero else "not clear of 0: they may as well be equal"
        text += f" Its lead over {order[1]} is ${-lead.mean:,.2f} [{-lead.high:,.2f}, {-lead.low:,.2f}], {sure}."
    if len({float(table["tasks_done"].sum()) for table in results.tables.values()}) > 1:
        text += " The policies did unlike numbers of tasks, so costs are of unlike amounts of work."
    return text


def _lead(results: Results, best: str, second: str) -> Estimate:
    paired = results.tables[best]["cost_usd"] - results.tables[second]["cost_usd"]
    return estimate(paired, bootstrap_means(paired[:, None], results.seed)[:, 0])


def table_rows(results: Results) -> list[list[str]]:
    """A row a policy: its label and one text for each column."""
    return [
        [label, *(cell(results, label, summary) for cell in columns_of(results).values())]
        for label, summary in results.summary.items()
    ]


def caption(results: Results) -> str:
    """What the table's figures are."""
    lines = []
    if results.episodes > 1:
        lines.append(
            "Means over the same worlds, with 95 % bootstrap intervals; completed and missed are of all worlds."
        )
    if results.baseline is not None and len(results.tables) > 1:
        marks = "; * its interval is clear of 0, ~ it is not" if results.episodes > 1 else ""  # one world has none
        lines.append(f"The difference to {results.baseline} is paired by world{marks}.")
    if results.has_optimum:
        lines.append(
            f"{OPTIMUM}: the least cost of who knows prices and capacity in advance; gap closed: the share of the way "
            f"from {REFERENCE}'s mean cost to that one's."
        )
    lines.append("Checkpoints: saved in full or in part, of those decided at a notice.")
    if 1 < results.episodes < FEW:
        lines.append(f"Fewer than {FEW} worlds: these intervals are too narrow.")
    return " ".join(lines)


def percent(value: Estimate) -> str:
    """A share with its interval."""
    mean = f"{100 * value.mean:.1f} %"
    return mean if not math.isfinite(value.low) else f"{mean} [{100 * value.low:.1f}, {100 * value.high:.1f}]"


def total(results: Results, label: str, metric: str) -> int | None:
    """Of all worlds; None: the results do not have it."""
    values = results.tables[label].get(metric)
    return None if values is None else round(float(np.nansum(values)))


def completed(results: Results, label: str) -> str:
    """Tasks done of all."""
    return f"{total(results, label, 'tasks_done'):,}/{total(results, label, 'tasks'):,}"


def missed(results: Results, label: str) -> str:
    """Deadlines missed, as the end of a sentence; nothing where there are none to miss."""
    task = results.scenario.get("task", {})
    if task and task.get("deadline_h") is None and task.get("slack") is None:
        return ""
    count = total(results, label, "deadlines_missed") or 0
    return f" and missed {count or 'no':{',' if count else ''}} deadline{'s' if count > 1 else ''}"


def ranged(value: Estimate, shown: Callable[[float], str]) -> str:
    """The mean, and its interval on a line below, if it has one."""
    if not math.isfinite(value.low):
        return shown(value.mean)
    return f"{shown(value.mean)}\n[{shown(value.low)}, {shown(value.high)}]"


def number(value: float | None) -> str:
    """A mean count or hours, as short as can be."""
    if value is None:
        return NONE
    decimals = 0 if value == round(value) or abs(value) >= 1_000 else 1 if abs(value) >= 1 else 2
    return f"{value:,.{decimals}f}"


def mean_of(metric: str) -> Cell:
    """The cell with the mean of a metric."""
    return lambda results, label, summary: number(summary.means.get(metric))


def checkpoints(means: dict[str, float | None]) -> str:
    """Saved / decided, means a world."""
    full, partial, restart = (means.get(f"checkpoints_{plan}") for plan in ("full", "partial", "restart"))
    if full is None or partial is None or restart is None:
        return NONE
    return f"{number(full + partial)}/{number(full + partial + restart)}" if full + partial + restart else NONE


def _cost(results: Results, label: str, summary: Summary) -> str:
    return ranged(summary.cost_usd, lambda value: f"{value:,.2f}")


def _difference(results: Results, label: str, summary: Summary) -> str:
    if summary.difference_usd is None:
        return "baseline" if label == results.baseline else NONE
    text = ranged(summary.difference_usd, lambda value: f"{value:+,.2f}")
    if results.episodes == 1:
        return text
    first, _, rest = text.partition("\n")
    return f"{first} {'*' if summary.difference_usd.is_clear_of_zero else '~'}\n{rest}"


def _savings(results: Results, label: str, summary: Summary) -> str:
    return NONE if summary.savings is None else ranged(summary.savings, lambda value: f"{100 * value:.1f}")


def _gap_closed(results: Results, label: str, summary: Summary) -> str:
    if label == OPTIMUM:
        return "optimum"
    return NONE if summary.gap_closed is None else ranged(summary.gap_closed, lambda value: f"{100 * value:.1f}")


def columns_of(results: Results) -> dict[str, Cell]:
    """The table's columns; the gap only where there is one to the optimum."""
    return {heading: cell for heading, cell in COLUMNS.items() if results.has_optimum or cell is not _gap_closed}


COLUMNS: dict[str, Cell] = {
    "Cost, $": _cost,
    "Difference, $": _difference,
    "Saves, %": _savings,
    "Gap closed, %": _gap_closed,
    "Completed": lambda results, label, summary: completed(results, label),
    "Missed": lambda results, label, summary: f"{total(results, label, 'deadlines_missed'):,}",
    "Preemptions": mean_of("interruptions"),
    "Checkpoints": lambda results, label, summary: checkpoints(summary.means),
    "Saved, h": mean_of("work_saved_h"),
    "Lost, h": mean_of("work_lost_h"),
    "Spot, h": mean_of("spot_h"),
    "On-demand, h": mean_of("on_demand_h"),
}

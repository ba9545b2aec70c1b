"""The columns of a results table, the same in the terminal, the HTML report and the documentation."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tessera_env.evaluation.results import Results, Summary
from tessera_env.evaluation.statistics import Estimate

INVALID_ACTIONS = "invalid_actions"
OBJECTIVE = "Objective: cost and penalties (missed deadlines, work left undone, downtime) in one figure"
SERVICE_OBJECTIVE = "Objective: cost and penalties (time below the target) in one figure"

SERVICE_CAPTION = (
    "Available: share of time with the target ready; of on-demand: what replicas cost against the target on on-demand."
)


@dataclass(frozen=True)
class Cell:
    """One figure of one policy as text."""

    value: str  # empty: there is none
    interval: str = ""  # "[low, high]"; empty: one world, or a figure that has none
    mark: str = ""  # whether the interval is clear of 0

    @property
    def line(self) -> str:
        """All of it on one line."""
        return " ".join(filter(None, (self.value, self.interval, self.mark)))


@dataclass(frozen=True)
class Column:
    """A heading, and what stands below it for one policy."""

    heading: str  # in lines, for a narrow column
    cell: Callable[[Results, str, Summary], Cell]  # of results, a policy's label and its summary

    @property
    def name(self) -> str:
        """The heading on one line."""
        return self.heading.replace("-\n", "").replace("\n", " ")


def columns_of(results: Results) -> list[Column]:
    """What a table of the results shows: the gap, invalid actions, tasks and services only where there are any."""
    has_any = {
        GAP: results.floor is not None,
        INVALID: any(total(results, label, INVALID_ACTIONS) for label in results.played),
        **dict.fromkeys(TASK_COLUMNS, has_tasks(results)),
        **dict.fromkeys(SERVICE_COLUMNS, has_services(results)),
        **dict.fromkeys(REQUEST_COLUMNS, has_requests(results)),
    }
    return [column for column in COLUMNS if has_any.get(column, True)]


def total(results: Results, label: str, metric: str) -> int:
    """A policy's count, of all worlds."""
    return round(float(results.tables[label][metric].sum()))


def has_services(results: Results) -> bool:
    """Whether the worlds have services."""
    return any("availability" in results.tables[label] for label in results.played)


def has_requests(results: Results) -> bool:
    """Whether requests were played one by one."""
    return any("requests_p50_s" in results.tables[label] for label in results.played)


def has_tasks(results: Results) -> bool:
    """Whether the worlds have tasks, or may have had some."""
    return not has_services(results) or any(total(results, label, "tasks") for label in results.played)


def tasks_done(results: Results, label: str) -> str:
    """Tasks done of all, of all worlds."""
    return f"{total(results, label, 'tasks_done'):,}/{total(results, label, 'tasks'):,}"


def did_unlike_numbers(results: Results) -> bool:
    """Whether some policies did more tasks than others, so that their costs are of unlike amounts of work."""
    return len({total(results, label, "tasks_done") for label in results.played}) > 1


def has_penalties(results: Results) -> bool:
    """Whether some policy was penalised in some world, so that objectives are not all costs."""
    tables = [results.tables[label] for label in results.played]
    return any((table["objective_usd"] != table["cost_usd"]).any() for table in tables)


def percent(share: Estimate) -> str:
    """A share with its interval, if it has one."""
    text = f"{100 * share.mean:.1f} %"
    return f"{text} [{100 * share.low:.1f}, {100 * share.high:.1f}]" if math.isfinite(share.low) else text


def _ranged(value: Estimate, shown: Callable[[float], str], mark: str = "") -> Cell:
    interval = f"[{shown(value.low)}, {shown(value.high)}]" if math.isfinite(value.low) else ""
    return Cell(shown(value.mean), interval, mark)


def _percentage(share: float) -> str:
    return f"{100 * share:.1f}"


def _cost(results: Results, label: str, summary: Summary) -> Cell:
    return Cell("") if summary.cost_usd is None else _ranged(summary.cost_usd, lambda value: f"{value:,.2f}")


def _objective(results: Results, label: str, summary: Summary) -> Cell:
    """The mean alone: how sure a comparison is, the difference's interval says, and the table stays narrow."""
    return Cell(f"{summary.objective_usd.mean:,.2f}")


def _difference(results: Results, label: str, summary: Summary) -> Cell:
    if summary.difference_usd is None:
        return Cell("baseline" if label == results.baseline else "")
    mark = "*" if summary.difference_usd.is_clear_of_zero else "~"
    return _ranged(summary.difference_usd, lambda value: f"{value:+,.2f}", mark)


def _savings(results: Results, label: str, summary: Summary) -> Cell:
    return Cell("") if summary.savings is None else _ranged(summary.savings, _percentage)


def _gap_closed(results: Results, label: str, summary: Summary) -> Cell:
    if results.floor is not None and label == results.floor.label:
        return Cell(results.floor.kind)
    return Cell("-") if summary.gap_closed is None else _ranged(summary.gap_closed, _percentage)


def _total_of(metric: str) -> Callable[[Results, str, Summary], Cell]:
    def cell(results: Results, label: str, summary: Summary) -> Cell:
        return Cell(f"{total(results, label, metric):,}" if metric in summary.means else "")

    return cell


def _tasks_done(results: Results, label: str, summary: Summary) -> Cell:
    return Cell(tasks_done(results, label) if "tasks_done" in summary.means else "")


def _mean_of(metric: str) -> Callable[[Results, str, Summary], Cell]:
    return lambda results, label, summary: Cell(_mean(summary.means.get(metric)))


def _mean(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def _checkpoints(results: Results, label: str, summary: Summary) -> Cell:
    """Saved in full or in part, of those decided; means a world."""
    full, partial, restart = (summary.means.get(f"checkpoints_{plan}") for plan in ("full", "partial", "restart"))
    if full is None or partial is None or restart is None or not full + partial + restart:
        return Cell("")
    return Cell(f"{_mean(full + partial)}/{_mean(full + partial + restart)}")


def _mean_scaled(metric: str, factor: float, digits: int) -> Callable[[Results, str, Summary], Cell]:
    def cell(results: Results, label: str, summary: Summary) -> Cell:
        value = summary.means.get(metric)
        return Cell("" if value is None else f"{factor * value:,.{digits}f}")

    return cell


def objective_words(results: Results) -> str:
    """What the objective is, in these worlds."""
    return OBJECTIVE if has_tasks(results) else SERVICE_OBJECTIVE


GAP = Column("gap\nclosed %", _gap_closed)
INVALID = Column("invalid\nactions", _total_of(INVALID_ACTIONS))
WORTH_COLUMNS = [
    Column("cost $", _cost),
    Column("objective\n$", _objective),
    Column("difference $", _difference),
    Column("saves %", _savings),
    GAP,
]
TASK_COLUMNS = [
    Column("missed\ndeadlines", _total_of("deadlines_missed")),
    Column("tasks\ndone", _tasks_done),
]
SERVICE_COLUMNS = [
    Column("avail-\nable %", _mean_scaled("availability", 100.0, 2)),
    Column("of on-\ndemand %", _mean_scaled("relative_cost", 100.0, 1)),
    Column("outages", _mean_of("outages")),
    Column("longest\nmin", _mean_scaled("longest_outage_h", 60.0, 1)),
]
REQUEST_COLUMNS = [
    Column("P50\ns", _mean_scaled("requests_p50_s", 1.0, 1)),
    Column("P99\ns", _mean_scaled("requests_p99_s", 1.0, 1)),
    Column("failed\n%", _mean_scaled("requests_failure_rate", 100.0, 2)),
]
COUNT_COLUMNS = [
    *TASK_COLUMNS,
    *SERVICE_COLUMNS,
    *REQUEST_COLUMNS,
    Column("spot\nh", _mean_of("spot_h")),
    Column("on-demand\nh", _mean_of("on_demand_h")),
    Column("interrup-\ntions", _mean_of("interruptions")),
    INVALID,
]
COLUMNS = [*WORTH_COLUMNS, *COUNT_COLUMNS]
# Where there is room for more.
CHECKPOINT_COLUMNS = [
    Column("checkpoints", _checkpoints),
    Column("work saved h", _mean_of("work_saved_h")),
    Column("work lost h", _mean_of("work_lost_h")),
]

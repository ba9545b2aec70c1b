"""What a simulation found, as the table people know: cost, penalties, tasks done, preemptions, checkpoints."""

import numpy as np

from tessera_env.evaluation.results import ON_DEMAND, Results, Table
from tessera_env.evaluation.statistics import FEW, Estimate, bootstrap_means, estimate
from tessera_env.policies.making import POLICIES
from tessera_env.report.columns import has_penalties, has_services, has_tasks, objective_words, percent
from tessera_env.report.services_text import services_lines

HEADINGS = ("Policy", "Cost ($)", "Objective ($)", "Completed", "Preemptions", "Checkpoints")
_WIDTHS = (20, 10, 13, 11, 11)  # at the least; the last column takes what it needs
_WITHOUT_TASKS = (0, 1, 2, 4)  # columns of HEADINGS
_GAP = " " * 3  # before the last column, which is left-aligned
_UNLIKE = 0.005  # policies did unlike amounts of work if the least is this share below the most

Row = tuple[str, ...]  # a cell a column


def simulation_text(results: Results) -> str:
    """The table, the savings against OnDemandOnly, and what one should know to read them."""
    parts = [
        "\n".join(_table_lines(results)),
        "\n".join(_services_lines(results)),
        "\n".join(_savings_lines(results)),
        "\n".join(_notes(results)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def policy_title(label: str) -> str:
    """A policy by its class's name, "OnDemandFallback:count=3"; an exported one by its folder, as it was given."""
    name, colon, options = label.partition(":")
    return f"{POLICIES[name].__name__}{colon}{options}" if name in POLICIES else label


def _services_lines(results: Results) -> list[str]:
    if not has_services(results):
        return []
    return services_lines(results, {label: policy_title(label) for label in results.tables})


def _table_lines(results: Results) -> list[str]:
    rows: list[Row] = [HEADINGS]
    for label in results.tables:
        rows += _rows(results, label)
    shown = range(len(HEADINGS)) if has_tasks(results) else _WITHOUT_TASKS
    rows = [tuple(row[k] for k in shown) for row in rows]
    widths = [max(_WIDTHS[k], *(len(row[i]) for row in rows)) for i, k in enumerate(shown[:-1])]
    return [_line(row, widths) for row in rows]


def _line(row: Row, widths: list[int]) -> str:
    numbers = " ".join(cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:], strict=True))
    return f"{row[0]:<{widths[0]}} {numbers}{_GAP}{row[-1]}".rstrip()


def _rows(results: Results, label: str) -> list[Row]:
    """One policy's figures; of several episodes their means, with the intervals in a row below."""
    table = results.tables[label]
    tasks, decided = float(table["tasks"].mean()), float(_decided(table).mean())
    if results.episodes == 1:
        return [_figures(policy_title(label), _means(table), tasks, decided, digits=0)]
    summary, (done, preemptions, saved, saved_h) = results.summary[label], _estimates(results, label)
    cost, objective = summary.cost_usd, summary.objective_usd
    assert cost is not None, "policies have a cost"
    means = (cost.mean, objective.mean, done.mean, preemptions.mean, saved.mean, saved_h.mean)
    below = f"{_interval(saved)} ({_interval(saved_h)} h)" if decided else ""
    dollars = (_interval(one, digits=2) for one in (cost, objective))
    intervals = ("", *dollars, _interval(done), _interval(preemptions), below)
    return [_figures(policy_title(label), means, tasks, decided, digits=1), intervals]


def _figures(title: str, means: tuple[float, ...], tasks: float, decided: float, digits: int) -> Row:
    cost, objective, done, preemptions, saved, saved_h = means
    all_tasks = f"{tasks:.0f}" if tasks == round(tasks) else f"{tasks:.{digits}f}"
    checkpoints = f"{saved:.{digits}f}/{decided:.{digits}f} ({saved_h:.1f}h saved)" if decided else "N/A"
    dollars = f"{cost:.2f}", f"{objective:.2f}"
    return title, *dollars, f"{done:.{digits}f}/{all_tasks}", f"{preemptions:.{digits}f}", checkpoints


def _columns(table: Table) -> list[np.ndarray]:
    """Tasks done, preemptions, checkpoints that saved something, hours of work that they saved; each (episodes,)."""
    saved = table["checkpoints_full"] + table["checkpoints_partial"]
    return [table["tasks_done"], table["interruptions"], saved, table["work_saved_h"]]


def _decided(table: Table) -> np.ndarray:
    return table["checkpoints_full"] + table["checkpoints_partial"] + table["checkpoints_restart"]


def _means(table: Table) -> tuple[float, ...]:
    return tuple(float(column.mean()) for column in (table["cost_usd"], table["objective_usd"], *_columns(table)))


def _estimates(results: Results, label: str) -> list[Estimate]:
    """Of `_columns`, on the resampled worlds on which the costs' intervals rest too."""
    columns = np.column_stack(_columns(results.tables[label])).astype(np.float64)
    resampled = bootstrap_means(columns, results.seed)
    return [estimate(columns[:, k], resampled[:, k]) for k in range(columns.shape[1])]


def _interval(value: Estimate, digits: int = 1) -> str:
    return f"[{value.low:.{digits}f}, {value.high:.{digits}f}]"


def _savings_lines(results: Results) -> list[str]:
    """What each policy saves of OnDemandOnly's cost; how to learn it, if that was not played."""
    full = policy_title(ON_DEMAND)
    if ON_DEMAND not in results.tables:
        return [f"Name {ON_DEMAND} among the policies too for savings against {full}."]
    if len(results.tables) == 1:
        return []
    full_usd = float(results.tables[ON_DEMAND]["cost_usd"].mean())
    if full_usd == 0:
        return [f"{full} cost nothing: there is nothing to save."]
    saving = {label: summary.savings for label, summary in results.summary.items() if summary.savings is not None}
    width = max([_WIDTHS[0] - 2, *(len(policy_title(label)) for label in saving)])
    lines = [f"Savings against {full}:"]
    for label, savings in saving.items():
        usd = full_usd - float(results.tables[label]["cost_usd"].mean())
        lines.append(f"  {policy_title(label):<{width}} {percent(savings):>12}  (${usd:,.2f})")
    return lines


def _notes(results: Results) -> list[str]:
    notes = (_played(results), _objective(results), _missed(results), _unlike_work(results), _invalid(results))
    return [note for note in notes if note]


def _played(results: Results) -> str:
    """What was played; of several episodes also what the figures are."""
    of = f"{results.scenario['name']}, {results.scenario['horizon_h']:g} h, seed {results.seed}"
    if results.episodes == 1:
        return f"One world of {of}."
    few = f" Fewer than {FEW} worlds: these intervals are too narrow." if results.episodes < FEW else ""
    return f"Means of {results.episodes:,} worlds of {of}, the same for all; [95 % bootstrap interval].{few}"


def _objective(results: Results) -> str:
    """What the column is, where it is not the same as the one before."""
    return f"{objective_words(results)}." if has_penalties(results) else ""


def _missed(results: Results) -> str:
    """Missed deadlines, where tasks have any."""
    task = results.scenario["task"]
    missed = _totals(results, "deadlines_missed")
    if task.get("deadline_h") is None and task.get("slack") is None and not any(missed.values()):
        return ""
    return f"Missed deadlines: {_listed({title: f'{count:,.0f}' for title, count in missed.items()})}."


def _unlike_work(results: Results) -> str:
    """Policies that leave tasks undone, or half done, are cheaper for it."""
    done, work_h = _totals(results, "tasks_done"), _totals(results, "work_done_h")
    most_h = max(work_h.values())
    if len(set(done.values())) == 1 and min(work_h.values()) >= (1.0 - _UNLIKE) * most_h:
        return ""
    hours = _listed({title: f"{hours / results.episodes:,.1f} h" for title, hours in work_h.items()})
    return f"Costs are of unlike amounts of work ({hours} done): compare objectives."


def _invalid(results: Results) -> str:
    invalid = {title: f"{count:,.0f}" for title, count in _totals(results, "invalid_actions").items() if count}
    return f"Invalid actions, in whose place the nearest valid ones were taken: {_listed(invalid)}." if invalid else ""


def _totals(results: Results, metric: str) -> dict[str, float]:
    return {policy_title(label): float(table[metric].sum()) for label, table in results.tables.items()}


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{title} {value}" for title, value in values.items())

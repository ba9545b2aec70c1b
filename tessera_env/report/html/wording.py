"""Results in words and numbers: the headline, and the table of all policies."""

from tessera_env.evaluation.results import ON_DEMAND, Results
from tessera_env.evaluation.statistics import FEW, Estimate, bootstrap_means, estimate
from tessera_env.report.columns import (
    CHECKPOINT_COLUMNS,
    Cell,
    columns_of,
    did_unlike_numbers,
    has_penalties,
    has_services,
    has_tasks,
    objective_words,
    percent,
    tasks_done,
    total,
)
from tessera_env.report.html.page import NONE, table


def headline(results: Results) -> str:
    """Which policy has the least objective, by how much, how sure that is, and what it left undone."""
    order = sorted(results.played, key=lambda label: results.summary[label].objective_usd.mean)
    best = order[0]
    text = f"{_over(results)}, {best} {_least(results, best)}"
    if has_services(results):
        text += f". It was available {100 * results.tables[best]['availability'].mean():.2f} % of the time"
    if has_tasks(results):
        text += f". It completed {tasks_done(results, best)} tasks{_missed(results, best)}"
    text += "."
    return text + _against_floor(results, best) + _doubts(results, order)


def _least(results: Results, best: str) -> str:
    """What the best policy cost, and its penalties, where any policy has some."""
    summary, world = results.summary[best], " a world" if results.episodes > 1 else ""
    assert summary.cost_usd is not None, "policies have a cost"
    cost_usd, objective_usd = summary.cost_usd.mean, summary.objective_usd.mean
    saved = "" if summary.savings is None else f"{percent(summary.savings)} less than {ON_DEMAND}"
    if not has_penalties(results):
        return f"cost least: ${cost_usd:,.2f}{world}{saved and f', {saved}'}"
    parts = f"a cost of ${cost_usd:,.2f}{saved and f' ({saved})'} and ${objective_usd - cost_usd:,.2f} of penalties"
    return f"has the least objective: ${objective_usd:,.2f}{world}, {parts}"


def _against_floor(results: Results, best: str) -> str:
    if (floor := results.floor) is None:
        return ""
    gap, least_usd = results.summary[best].gap_closed, float(results.tables[floor.label][floor.metric].mean())
    closed = "" if gap is None else f"; {best} closes {percent(gap)} of the gap from {floor.reference} to that"
    return f" {floor.sentence} ${least_usd:,.2f}{closed}."


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
    if did_unlike_numbers(results):
        text += " The policies did unlike numbers of tasks, so costs are of unlike amounts of work: compare objectives."
    return text


def _lead(results: Results, best: str, second: str) -> Estimate:
    paired = results.tables[best]["objective_usd"] - results.tables[second]["objective_usd"]
    return estimate(paired, bootstrap_means(paired[:, None], results.seed)[:, 0])


def policies_table(results: Results) -> str:
    """A row a policy, intervals below the figures, as HTML."""
    columns = [*columns_of(results), *CHECKPOINT_COLUMNS]
    rows = [
        [label, *(_stacked(column.cell(results, label, summary)) for column in columns)]
        for label, summary in results.summary.items()
    ]
    return table(["Policy", *(column.name.capitalize() for column in columns)], rows)


def _stacked(cell: Cell) -> str:
    return f"{cell.value} {cell.mark}".rstrip() + f"\n{cell.interval}" if cell.interval else cell.value or NONE


def caption(results: Results) -> str:
    """What the table's figures are."""
    lines = []
    if results.episodes > 1:
        lines.append(
            "Means over the same worlds, with 95 % bootstrap intervals; missed deadlines, tasks done and any "
            "invalid actions are of all worlds."
        )
    if results.baseline is not None and len(results.tables) > 1:
        marks = "; * its interval is clear of 0, ~ it is not" if results.episodes > 1 else ""  # one world has none
        lines.append(f"The difference to {results.baseline} is of the objective, paired by world{marks}.")
    if (floor := results.floor) is not None:
        lines.append(
            f"{floor.label}: {floor.meaning}; gap closed: the share of the way from {floor.reference}'s mean "
            f"{floor.figure} to that."
        )
    lines.append(f"{objective_words(results)}.")
    lines.append("Checkpoints: saved in full or in part, of those decided at a notice.")
    if 1 < results.episodes < FEW:
        lines.append(f"Fewer than {FEW} worlds: these intervals are too narrow.")
    return " ".join(lines)


def _missed(results: Results, label: str) -> str:
    """Deadlines missed, as the end of a sentence; nothing where there are none to miss."""
    task = results.scenario.get("task", {})
    if task and task.get("deadline_h") is None and task.get("slack") is None:
        return ""
    count = total(results, label, "deadlines_missed")
    return f" and missed {count or 'no':{',' if count else ''}} deadline{'s' if count > 1 else ''}"

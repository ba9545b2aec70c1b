"""What the grace period and the assignment of displaced tasks saved: as counted, and by switching each of them off."""

from tessera_env.evaluation.ablation import GRACE, METRICS, PLANNING, Difference, Row, ablate
from tessera_env.evaluation.experiment import Prepared
from tessera_env.evaluation.results import Results
from tessera_env.report.html.page import NONE, note, paragraph, table

MOST_WORLDS = 50
MOST_TASKS = 200_000  # of all worlds of one policy together
COUNTED = {
    "Interruptions": "interruptions",
    "Saved in full": "checkpoints_full",
    "In part": "checkpoints_partial",
    "Restarted": "checkpoints_restart",
    "Work saved, h": "work_saved_h",
    "Work lost, h": "work_lost_h",
    "Tasks migrated": "migrations",
}


def counted(results: Results) -> list[str]:
    """What happened at notices, means a world."""
    rows = [
        [label, *(_number(summary.means.get(metric)) for metric in COUNTED.values())]
        for label, summary in results.summary.items()
    ]
    return [paragraph("Counted, a world:"), table(["Policy", *COUNTED], rows)]


def _number(value: float | None) -> str:
    """A mean count or hours, as short as can be."""
    if value is None:
        return NONE
    decimals = 0 if value == round(value) or abs(value) >= 1_000 else 1 if abs(value) >= 1 else 2
    return f"{value:,.{decimals}f}"


def switched_off(results: Results, prepared: Prepared) -> list[str]:
    """The same worlds once more, without each idea."""
    worlds = max(1, min(prepared.experiment.episodes, MOST_WORLDS, MOST_TASKS // prepared.scenario.task.count))
    # Without a notice there is no grace period: what survives then is what has no state to lose.
    ideas = (PLANNING, GRACE) if prepared.scenario.notice_s > 0.0 else (PLANNING,)
    rows = []
    for label, policy in prepared.policies.items():
        if not results.tables[label]["interruptions"].any():
            continue
        rows += [
            _cells(label, row) for row in ablate(prepared.scenario, policy, worlds, prepared.experiment.seed, ideas)
        ]
    if not rows:
        return [note("No policy was ever interrupted, so there is nothing to switch off.")]
    without = (
        [] if GRACE in ideas else [note("This scenario has no notice, hence no grace period to save anything in.")]
    )
    first = f"the first {worlds} worlds" if worlds > 1 else "world 0"
    return [
        paragraph(
            f"By switching it off, in {first}: what each adds; below 0, cost, work lost and time are less with it."
        ),
        table(["Policy", "Idea", *(words.capitalize() for words in METRICS.values())], rows, "ideas"),
        note(
            "Paired by world, with 95 % bootstrap intervals; * clear of 0; equal: in every world. Where all instances "
            "have the same bandwidth, any assignment of the same tasks costs the same seconds, so the planners are "
            "equal but for chance. Policies that were never interrupted have no use for either idea and are left out."
        ),
        *without,
    ]


def _cells(label: str, row: Row) -> list[str]:
    return [label, row.idea, *(_text(row.differences.get(metric)) for metric in METRICS)]


def _text(one: Difference | None) -> str:
    if one is None:
        return NONE
    if not one.unequal_worlds:
        return "equal"
    value = one.difference
    if value.low == float("-inf"):
        return f"{value.mean:+,.2f}"
    mark = " *" if value.is_clear_of_zero else ""
    return f"{value.mean:+,.2f}{mark}\n[{value.low:+,.2f}, {value.high:+,.2f}]"

"""The report: which sections it has, in which order."""

from pathlib import Path

import plotly.graph_objects as go

from tessera_env.evaluation.experiment import Prepared
from tessera_env.evaluation.results import Results
from tessera_env.files.writing import write_text
from tessera_env.report.columns import has_services, has_tasks
from tessera_env.report.html.comparisons import cost_by_purchase, differences, tradeoff
from tessera_env.report.html.ideas import counted, switched_off
from tessera_env.report.html.page import Section, note, page, paragraph
from tessera_env.report.html.provenance import provenance
from tessera_env.report.html.services import availability_against_cost, ready_over_time
from tessera_env.report.html.shown_world import ShownWorld, play_shown_world
from tessera_env.report.html.tasks import accounts_shown, task_costs
from tessera_env.report.html.timelines import timelines
from tessera_env.report.html.wording import caption, headline, policies_table
from tessera_env.report.workload_text import workload_lines

# Sections of worlds with services, and of worlds with tasks.
AVAILABILITY, READY = "Availability against cost", "Ready replicas over time"
ACCOUNTS, COMPLETION = "What did each task cost?", "Savings against completion"
IDEAS = "What the grace period and migration saved"

MOST_TASKS = 20_000  # of a scenario whose worlds are played once more, for the pictures and the comparison of ideas


def write_report(results: Results, path: str | Path, *, prepared: Prepared | None = None, command: str = "") -> None:
    """Write `report_html` so that the file holds the old report or the new one, never a part.

    Raises:
        OSError: it cannot be written.
    """
    write_text(path, report_html(results, prepared=prepared, command=command))


def report_html(results: Results, *, prepared: Prepared | None = None, command: str = "") -> str:
    """One page with everything inside: the same inputs give the same text.

    Args:
        results: of an evaluation.
        prepared: what was run; with it, worlds are played once more to show how each policy went about it, and what
            the grace period and the assignment are worth. None: the report says that it cannot show this.
        command: how to get the same results, as text.
    """
    name = results.scenario.get("name", "scenario")
    worlds = f"{results.episodes:,} world{'s' if results.episodes != 1 else ''}"
    head = [note(str(results.scenario.get("description", ""))), paragraph(headline(results), "headline")]
    head += [note(line) for line in workload_lines(results.played_rows)]
    return page(f"{name}: {worlds}, seed {results.seed}", head, _sections(results, prepared, command))


def _sections(results: Results, prepared: Prepared | None, command: str) -> list[Section]:
    why_not = _why_not_again(prepared)
    missing = [] if why_not is None else [note(why_not)]
    shown = None if prepared is None or missing else play_shown_world(results, prepared)
    accounts = accounts_shown(results, shown) if has_tasks(results) else None
    sections = {
        "Policies": [policies_table(results), note(caption(results))],
        AVAILABILITY: [availability_against_cost(results)] if has_services(results) else [],
        "Cost by purchase": [_shown(cost_by_purchase(results))],
        "One world under each policy": missing if shown is None else _timelines(results, shown),
        READY: missing if shown is None or not has_services(results) else [ready_over_time(shown)],
        ACCOUNTS: missing if accounts is None or not has_tasks(results) else task_costs(results, accounts),
        "Differences, world by world": [_shown(differences(results)), *_box_note(results)],
        COMPLETION: [_shown(tradeoff(results))],
        IDEAS: [*counted(results), *(missing or _ideas(results, prepared))] if has_tasks(results) else [],
        "How this was made": provenance(results, command),
    }
    left_out: set[str] = set() if has_services(results) else {AVAILABILITY, READY}
    left_out |= set() if has_tasks(results) else {ACCOUNTS, COMPLETION, IDEAS}
    return [Section(title, parts) for title, parts in sections.items() if title not in left_out]


def _why_not_again(prepared: Prepared | None) -> str | None:
    """Why worlds are not played once more; None: they are."""
    if prepared is None:
        return "Not shown: these results were read from a file, and no world was played for this report."
    if prepared.scenario.task.count > MOST_TASKS:
        return f"Not shown for more than {MOST_TASKS:,} tasks (this scenario has {prepared.scenario.task.count:,})."
    return None


def _timelines(results: Results, shown: ShownWorld) -> list[str | go.Figure]:
    figure, words = timelines(results, shown)
    return [paragraph(words), figure]


def _ideas(results: Results, prepared: Prepared | None) -> list[str]:
    assert prepared is not None
    return switched_off(results, prepared)


def _box_note(results: Results) -> list[str]:
    if results.episodes == 1 or results.baseline is None or len(results.tables) < 2:
        return []
    return [
        note(
            "Box: the middle half of the worlds; in it their median; whiskers: 5 to 95 %. Diamond: mean, its interval."
        )
    ]


def _shown(chart: go.Figure | str) -> go.Figure | str:
    """A chart, or a text in its place as HTML."""
    return note(chart) if isinstance(chart, str) else chart

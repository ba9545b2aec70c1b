"""What each task cost in the world shown: a table that sorts, and how dollars an hour of work spread, by policy."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tessera_env.evaluation.results import Results
from tessera_env.report.html.comparisons import text_of
from tessera_env.report.html.page import NONE, note, paragraph, sortable_table
from tessera_env.report.html.shown_world import ShownWorld, middling_world, world_in_words
from tessera_env.report.html.style import INK, looks_of, styled
from tessera_env.simulation.accounts import Accounts, accounts_of, of_world

MOST_ROWS = 2_000  # of the table; with more, pages are slow
_BINS = 40
_BEYOND = 0.99  # the dearest hundredth of tasks, whose work is next to nothing, share the last bin
# Headings, columns and decimals.
SHOWN = {
    "Task": ("task", 0),
    "Kind": ("kind", None),
    "Arrived h": ("arrival_h", 2),
    "Deadline h": ("deadline_h", 2),
    "Completed h": ("completed_h", 2),
    "Late": ("late", None),
    "Work h": ("work_h", 2),
    "Done h": ("work_done_h", 2),
    "$": ("usd", 2),
    "Set-up $": ("setup_usd", 2),
    "Running $": ("running_usd", 2),
    "Idle $": ("idle_usd", 2),
    "Penalty $": ("penalty_usd", 2),
    "$/h of work": ("usd_per_work_h", 3),
    "Spot h": ("spot_h", 2),
    "On-demand h": ("on_demand_h", 2),
    "Interrup\u00adtions": ("interruptions", 0),
    "Lost h": ("work_lost_h", 2),
}


def accounts_shown(results: Results, shown: ShownWorld | None) -> dict[str, Accounts] | None:
    """What each task cost in the world shown, by policy; None: nobody knows."""
    if shown is not None:
        return {label: accounts_of(episode.tasks, episode.now_s) for label, episode in shown.episodes.items()}
    if results.accounts is not None:
        world = middling_world(results)
        return {label: of_world(accounts, world) for label, accounts in results.accounts.items()}
    return None


def task_costs(results: Results, accounts: Mapping[str, Accounts]) -> list[str | go.Figure]:
    """HTML and a chart."""
    words = f"{world_in_words(results)}, task by task: every billed second of an instance is charged to one task"
    chart = spread(accounts)
    return [
        paragraph(f"{words}, its last user or the one that it is prepared for. A click on a heading sorts."),
        *_table(accounts),
        note(chart) if isinstance(chart, str) else chart,
    ]


def _table(accounts: Mapping[str, Accounts]) -> list[str]:
    """Every policy's tasks, or of many the dearest."""
    most = max(1, MOST_ROWS // len(accounts))
    rows: list[list[str]] = []
    left_out = 0
    for label, columns in accounts.items():
        order = np.arange(len(columns["usd"]))
        if len(order) > most:
            order = np.sort(np.argsort(-columns["usd"], kind="stable")[:most])
            left_out = max(left_out, len(columns["usd"]))
        cells = [_cells(columns[name][order], decimals) for name, decimals in SHOWN.values()]
        rows += [[label, *row] for row in zip(*cells, strict=True)]
    cut = [note(f"Of each policy the {most:,} dearest of {left_out:,} tasks; all: tessera simulate --tasks-output.")]
    return [sortable_table(["Policy", *SHOWN], rows), *(cut if left_out else ())]


def _cells(values: np.ndarray, decimals: int | None) -> list[str]:
    if values.dtype.kind == "b":
        return ["late" if value else "" for value in values]
    if decimals is None:
        return [str(value).lower() for value in values]
    # Rounded, and no minus before what is then nothing.
    return [
        f"{round(value, decimals) + 0.0:,.{decimals}f}" if np.isfinite(value) else NONE for value in values.tolist()
    ]


def spread(accounts: Mapping[str, Accounts]) -> go.Figure | str:
    """How many tasks cost so many dollars an hour of work, by policy on one scale; a text if that shows nothing."""
    rates = {label: columns["usd_per_work_h"] for label, columns in accounts.items()}
    rates = {label: values[np.isfinite(values)] for label, values in rates.items()}
    if max(map(len, rates.values())) < 2:
        return "There are too few tasks for a picture of how their costs spread."
    top = float(np.quantile(np.concatenate([*rates.values()]), _BEYOND, method="lower")) or 1.0
    edges, looks = np.linspace(0.0, top, _BINS + 1), looks_of(accounts)
    figure = make_subplots(
        rows=len(rates), cols=1, shared_xaxes=True, vertical_spacing=0.3 / len(rates),
        subplot_titles=[_title(label, accounts[label]) for label in rates],
    )  # fmt: skip
    for row, (label, values) in enumerate(rates.items(), start=1):
        counts, _ = np.histogram(np.clip(values, 0.0, top), edges)  # a refund may be more than was paid
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2.0, y=counts, marker_color=looks[label].colour, showlegend=False,
            hovertext=[_bin_text(edges, k, int(count)) for k, count in enumerate(counts)], hoverinfo="text",
            row=row, col=1,
        )  # fmt: skip
        figure.add_vline(x=min(_rate(accounts[label]), top), line={"color": INK, "width": 1.5}, row=row, col=1)
    styled(figure, 70 + 150 * len(rates))
    figure.update_annotations(x=0.0, xanchor="left", font={"size": 14})
    figure.update_layout(bargap=0.06)
    figure.update_xaxes(range=[0.0, top * 1.01], showticklabels=True)
    figure.update_xaxes(
        title_text="$ an hour of a task's work (line: of all work); last bar: that many and more", row=len(rates), col=1
    )
    figure.update_yaxes(title_text="tasks", rangemode="tozero")
    return figure


def _title(label: str, accounts: Accounts) -> str:
    return f"{text_of(label)}: ${_rate(accounts):,.2f} an hour of work"


def _rate(accounts: Accounts) -> float:
    """Dollars an hour of all work done."""
    return float(accounts["usd"].sum() / max(accounts["work_done_h"].sum(), 1e-12))


def _bin_text(edges: np.ndarray, k: int, count: int) -> str:
    upper = f"to {edges[k + 1]:.3f}" if k < _BINS - 1 else "and more"
    return f"{edges[k]:.3f} {upper} $/h: {count:,} task{'s' if count != 1 else ''}"

"""The study as one HTML file: what was found, the figure, the tables, and how it was made."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from benchmarks.common import Report
from benchmarks.studies.cant_be_late import tables
from benchmarks.studies.cant_be_late.figures import Figures, Row
from benchmarks.studies.cant_be_late.marks import ALL_ZONES, TITLE, Marks, marks, note, zone_labels
from benchmarks.studies.cant_be_late.study import YARDSTICK, Studies
from tessera_env.files.writing import write_text
from tessera_env.report.html.page import Section, folded, page, paragraph, table
from tessera_env.report.html.page import note as small
from tessera_env.report.html.style import FAINT, styled

_LANE = 46  # pixels


def write_page(studies: Studies, figures: Sequence[Figures], path: str | Path) -> None:
    """Write `page_html` in one step.

    Raises:
        OSError: it cannot be written.
    """
    write_text(path, page_html(studies, figures))


def page_html(studies: Studies, figures: Sequence[Figures]) -> str:
    """One page with everything inside."""
    head = [small("A job of 48 h with a deadline, on spot that comes and goes, on-demand, or on nothing.")]
    if studies.quick:
        head.append(paragraph("At toy size: these figures mean nothing."))
    head += [paragraph(f"{one.study.title}: {tables.headline(one)}", "headline") for one in figures]
    sections = [section for one in figures for section in _sections(one)]
    return page("Policies between optimum and on-demand", head, [*sections, _provenance(studies, figures)])


def _sections(figures: Figures) -> list[Section]:
    title = figures.study.title
    overall, *others = tables.reports(figures)
    jobs = others.pop()
    return [
        Section(title, _report(overall)),
        Section(
            f"{title}: {TITLE[0].lower()}{TITLE[1:]}", [small(note(figures)), normalised(figures), small(_READING)]
        ),
        Section(f"{title}: gap closed by deadline and changeover", [closed(figures), small(_CLOSED)]),
        *(Section(report.title, _report(report)) for report in others),
        Section(jobs.title, [folded("The table", "".join(_report(jobs)))]),
    ]


_READING = (
    "All zones: the line is the 95 % interval. A zone has too few weeks for one; there the line is what the trained "
    "policies span, where there are several."
)
LOWEST = -100.0  # of the scale of gap closed, %
_CLOSED = f"0 is {YARDSTICK}, 100 the optimum; lines up and down are 95 % intervals. Not shown: below {LOWEST:g} %."


def _report(report: Report) -> list[str]:
    columns = [column.replace("\n", " ") for column in report.columns]
    # An interval goes below its figure, in small print.
    rows = [[cell.replace(" [", "\n[", 1) for cell in row] for row in report.rows]
    return [table(columns, rows), *map(small, report.note.replace(".\n", ".\0").replace("\n", " ").split("\0"))]


def normalised(figures: Figures) -> go.Figure:
    """Each policy's place in every zone."""
    names = [ALL_ZONES, *zone_labels(figures)]
    shown = marks(figures)
    chart = go.Figure()
    for k, one in enumerate(shown):
        shift = 0.82 * ((k + 0.5) / len(shown) - 0.5)
        _add_policy(chart, one, names, shift)
    styled(chart, 130 + _LANE * len(names))
    for end in (0.0, 1.0):
        chart.add_vline(x=end, line={"color": FAINT, "width": 1})
    ticks = [tenth / 5 for tenth in range(31)]  # on-demand and spot for nothing may cost more than on-demand alone
    words = [{0.0: "0 optimum", 1.0: "1 on-demand"}.get(tick, f"{tick:g}") for tick in ticks]
    chart.update_layout(showlegend=True)
    chart.update_xaxes(
        title_text="(cost − optimum) / (on-demand − optimum)", tickvals=ticks, ticktext=words, zeroline=False
    )
    chart.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5], zeroline=False, showgrid=False
    )
    for lane in range(0, len(names), 2):
        chart.add_hrect(y0=lane - 0.5, y1=lane + 0.5, fillcolor="#f7f8fa", line_width=0, layer="below")
    return chart


def _add_policy(chart: go.Figure, one: Marks, names: list[str], shift: float) -> None:
    values = [one.overall.mean, *one.zones.tolist()]
    low, high = [one.overall.low, *one.low.tolist()], [one.overall.high, *one.high.tolist()]
    chart.add_scatter(
        x=values,
        y=[lane + shift for lane in range(len(names))],
        name=escape(one.name, quote=False),
        mode="markers",
        marker={"color": one.colour, "symbol": one.symbol, "size": 13 if one.is_trained else 9},
        error_x=_bars(values, low, high, one.colour),
        hovertext=[f"{escape(one.name)}, {name}: {value:.3f}" for name, value in zip(names, values, strict=True)],
        hoverinfo="text",
    )


def _bars(values: list[float], low: list[float], high: list[float], colour: str) -> dict:
    """Plotly's error bars; none where an interval is infinite."""
    finite = [abs(a) != float("inf") and abs(b) != float("inf") for a, b in zip(low, high, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(b - x, 0.0) if ok else 0.0 for x, b, ok in zip(values, high, finite, strict=True)],
        "arrayminus": [max(x - a, 0.0) if ok else 0.0 for x, a, ok in zip(values, low, finite, strict=True)],
        "color": colour,
        "thickness": 1.5,
        "width": 0,
    }


def closed(figures: Figures) -> go.Figure:
    """The gap closed against the changeover, a panel for each deadline."""
    study = figures.study
    jobs = figures.by_job()
    titles = [f"deadline {deadline:g} h" for deadline in study.deadlines_h]
    chart = make_subplots(rows=1, cols=len(titles), shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.03)
    for panel, deadline in enumerate(study.deadlines_h, start=1):
        for one in marks(figures):
            rows = [row for at, _, found in jobs if at == deadline for row in found if row.label == one.label]
            _add_line(chart, one, [f"{changeover:g} h" for changeover in study.changeovers_h], rows, panel)
    styled(chart, 460)
    chart.update_layout(margin={"t": 90}, legend={"y": 1.12})
    chart.update_xaxes(title_text="changeover")
    chart.update_yaxes(range=[LOWEST, 110.0])
    chart.update_yaxes(title_text="gap closed, %", row=1, col=1)
    return chart


def _add_line(chart: go.Figure, one: Marks, changeovers: list[str], rows: list[Row], panel: int) -> None:
    values = [100.0 * row.gap.mean for row in rows]
    low, high = [100.0 * row.gap.low for row in rows], [100.0 * row.gap.high for row in rows]
    chart.add_scatter(
        x=changeovers,
        y=values,
        name=escape(one.name, quote=False),
        legendgroup=one.name,
        showlegend=panel == 1,
        mode="lines+markers",
        line={"color": one.colour, "width": 2.5 if one.is_trained else 1},
        marker={"color": one.colour, "symbol": one.symbol, "size": 11 if one.is_trained else 8},
        error_y=_bars(values, low, high, one.colour),
        hovertext=[f"{escape(one.name)}: {value:.1f} %" for value in values],
        hoverinfo="text",
        row=1,
        col=panel,
    )


def _provenance(studies: Studies, figures: Sequence[Figures]) -> Section:
    facts = [
        ["Windows and draws", f"seed {studies.seed}; the same windows for every policy, deadline and changeover"],
        *([one.study.title, f"{one.study.note} {_starts(one)}"] for one in figures),
        *([label, what] for label, what in studies.policies.items() if what != label),
        ["Made on", studies.machine],
    ]
    return Section("How this was made", [table(["", ""], facts, "facts")])


def _starts(figures: Figures) -> str:
    starts_h = figures.study.windows_h
    return f"Windows start at hours {starts_h.min():.0f} to {starts_h.max():.0f}; {figures.blocks} (zone, week) blocks."

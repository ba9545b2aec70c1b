"""One world under each policy, one below the other on the same time axis: instance by instance, or only how many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tessera_env.evaluation.results import Results
from tessera_env.rendering.lives import Life, Phase, Segment, read_lives
from tessera_env.report.html.comparisons import text_of
from tessera_env.report.html.lanes import Lanes, lanes_of
from tessera_env.report.html.shown_world import ShownWorld, world_in_words
from tessera_env.report.html.style import (
    ALARM,
    FAINT,
    GRID,
    LAUNCHING,
    NOTICED,
    ON_DEMAND,
    ON_DEMAND_PALE,
    SPOT,
    SPOT_PALE,
    styled,
)

MOST_ROWS = 100  # of one policy; with more, bars are too thin to be told apart
MOST_INSTANCES = 2_000  # of one policy; with more, pages are slow
GRID_POINTS = 500  # at which instances are counted
_ROW_HEIGHT, _COUNTS_HEIGHT, _TITLE_HEIGHT, _ENDS_HEIGHT = 9, 150, 46, 110  # pixels


@dataclass(frozen=True)
class Kind:
    """A kind of bar, as the legend has it."""

    name: str
    colour: str


KINDS = {
    (0, Phase.LAUNCHING): Kind("launching", LAUNCHING),
    (0, Phase.SETUP): Kind("spot, getting ready", SPOT_PALE),
    (0, Phase.RUNNING): Kind("spot, running", SPOT),
    (0, Phase.IDLE): Kind("idle", "#ffffff"),
    (0, Phase.NOTICED): Kind("given notice", NOTICED),
    (1, Phase.SETUP): Kind("on-demand, getting ready", ON_DEMAND_PALE),
    (1, Phase.RUNNING): Kind("on-demand, running", ON_DEMAND),
}
_WORDS = {Phase.LAUNCHING: "launching", Phase.SETUP: "getting ready", Phase.RUNNING: "running", Phase.IDLE: "idle"}


def timelines(results: Results, shown: ShownWorld) -> tuple[go.Figure, str]:
    """A world under every policy, and what the chart shows in words."""
    lives = {label: read_lives(episode.log) for label, episode in shown.episodes.items()}
    lanes = {label: lanes_of(each, len(shown.pools)) for label, each in lives.items()}
    end_h = max(episode.metrics["elapsed_h"] for episode in shown.episodes.values())
    if all(len(each.placed) <= MOST_INSTANCES and each.rows <= MOST_ROWS for each in lanes.values()):
        return gantt(lanes, shown.pools, end_h), (
            f"{world_in_words(results)}, instance by instance: each bar is one, in a row that it shares with "
            "those that come after it. Triangles are interruptions."
        )
    most = max(len(each) for each in lives.values())
    return counts(lives, end_h), (
        f"{world_in_words(results)}: how many instances are billed over time. A policy has up to {most:,} of "
        "them here, too many to show each."
    )


def gantt(lanes: Mapping[str, Lanes], pools: Sequence[str], end_h: float) -> go.Figure:
    """Every instance as bars, policies below each other."""
    heights = [max(each.rows * _ROW_HEIGHT, 40) for each in lanes.values()]
    figure = _stacked(list(lanes), heights)
    known: set[str] = set()
    for row, each in enumerate(lanes.values(), start=1):
        for (on_demand, phase), kind in KINDS.items():
            _add_bars(figure, row, each, (on_demand, phase), kind, known)
        _add_interruptions(figure, row, each, known)
        names = [text_of(pool) for pool in pools]
        figure.update_yaxes(
            tickvals=each.middles, ticktext=names, range=[each.rows - 0.5, -0.5], showgrid=False, row=row, col=1
        )
        for top in each.tops[1:]:
            figure.add_hline(y=top, line={"color": GRID, "width": 1}, layer="below", row=row, col=1)
    return _finished(figure, heights, end_h)


def _add_bars(
    figure: go.Figure, row: int, lanes: Lanes, wanted: tuple[int, Phase], kind: Kind, known: set[str]
) -> None:
    """All bars of a kind as one trace; launching, idle and noticed instances look alike whoever sold them."""
    on_demand, phase = wanted
    both = phase not in (Phase.SETUP, Phase.RUNNING)
    found = [
        (lane, life, segment)
        for lane, life in lanes.placed
        if both or life.on_demand == on_demand
        for segment in life.segments(life.end_s)
        if segment.phase == phase and segment.end_s > segment.start_s
    ]
    if found:
        figure.add_bar(
            y=[lane for lane, _, _ in found],
            x=[(segment.end_s - segment.start_s) / 3600.0 for _, _, segment in found],
            base=[segment.start_s / 3600.0 for _, _, segment in found],
            orientation="h", width=0.82, name=kind.name, legendgroup=kind.name, showlegend=_is_new(kind.name, known),
            marker={
                "color": kind.colour,
                "line": {"color": FAINT if phase == Phase.IDLE else "#ffffff", "width": 0.5},
            },
            hovertext=[_bar_text(life, segment) for _, life, segment in found],
            hoverinfo="text",
            row=row, col=1,
        )  # fmt: skip


def _bar_text(life: Life, segment: Segment) -> str:
    bought = "on-demand" if life.on_demand else "spot"
    task = f", task {segment.task}" if segment.task >= 0 else ""
    doing = _WORDS.get(segment.phase, "given notice")
    return f"{bought} {doing}{task}<br>{segment.start_s / 3600.0:.2f} to {segment.end_s / 3600.0:.2f} h"


def _add_interruptions(figure: go.Figure, row: int, lanes: Lanes, known: set[str]) -> None:
    hit = [(lane, life.notice_s / 3600.0) for lane, life in lanes.placed if np.isfinite(life.notice_s)]
    if hit:
        figure.add_scatter(
            x=[hour for _, hour in hit],
            y=[lane for lane, _ in hit],
            mode="markers",
            marker={"symbol": "triangle-down", "size": 9, "color": ALARM, "line": {"color": "#ffffff", "width": 1}},
            name="interruption", legendgroup="interruption", showlegend=_is_new("interruption", known),
            hovertext=[f"interruption: notice at {hour:.2f} h" for _, hour in hit],
            hoverinfo="text",
            row=row, col=1,
        )  # fmt: skip


def counts(lives: Mapping[str, Sequence[Life]], end_h: float) -> go.Figure:
    """How many instances are billed over time, by purchase, policies below each other."""
    heights = [_COUNTS_HEIGHT] * len(lives)
    figure = _stacked(list(lives), heights)
    hours = np.linspace(0.0, end_h, GRID_POINTS)
    known: set[str] = set()
    for row, each in enumerate(lives.values(), start=1):
        for on_demand, name, colour in ((0, "spot", SPOT), (1, "on-demand", ON_DEMAND)):
            figure.add_scatter(
                x=hours, y=running([life for life in each if life.on_demand == on_demand], hours * 3600.0),
                name=name, legendgroup=name, showlegend=_is_new(name, known), mode="lines",
                line={"color": colour, "width": 0.5}, fillcolor=colour, stackgroup=f"policy {row}",
                hovertemplate="%{x:.1f} h: %{y}", row=row, col=1,
            )  # fmt: skip
        figure.update_yaxes(rangemode="tozero", row=row, col=1)
    return _finished(figure, heights, end_h)


def running(lives: Sequence[Life], times_s: np.ndarray) -> np.ndarray:
    """Instances that are billed at each time."""
    starts = np.sort([life.billing_start_s for life in lives if life.end_s > life.billing_start_s])
    ends = np.sort([life.end_s for life in lives if life.end_s > life.billing_start_s])
    return np.searchsorted(starts, times_s, side="right") - np.searchsorted(ends, times_s, side="right")


def _stacked(labels: Sequence[str], heights: Sequence[int]) -> go.Figure:
    inner = sum(heights) + _TITLE_HEIGHT * (len(heights) - 1)
    return make_subplots(
        rows=len(labels),
        cols=1,
        shared_xaxes=True,
        row_heights=[height / sum(heights) for height in heights],
        vertical_spacing=_TITLE_HEIGHT / inner if len(labels) > 1 else 0.0,
        subplot_titles=[text_of(label) for label in labels],
    )


def _finished(figure: go.Figure, heights: Sequence[int], end_h: float) -> go.Figure:
    inner = sum(heights) + _TITLE_HEIGHT * (len(heights) - 1)
    styled(figure, inner + _ENDS_HEIGHT)
    figure.update_annotations(x=0.0, xanchor="left", font={"size": 14}, yshift=2)
    figure.update_xaxes(range=[0.0, end_h], zeroline=False, showticklabels=True)
    figure.update_yaxes(zeroline=False)
    figure.update_xaxes(title_text="hours", row=len(heights), col=1)
    figure.update_layout(barmode="overlay", margin={"t": 64, "b": 46}, legend={"y": 1.0 + 30.0 / inner})
    return figure


def _is_new(name: str, known: set[str]) -> bool:
    """Whether the legend does not have it yet."""
    if name in known:
        return False
    known.add(name)
    return True

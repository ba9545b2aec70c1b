"""Charts of services: availability against cost, and which replicas were ready when."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tessera_env.evaluation.results import Results
from tessera_env.evaluation.statistics import Estimate, bootstrap_means, estimate
from tessera_env.rendering.replicas import Changes, change_times_s, ready_changes, target_changes
from tessera_env.report.html.comparisons import WHITE_EDGE, error_bars, text_of
from tessera_env.report.html.shown_world import ShownWorld
from tessera_env.report.html.style import ALARM, INK, ON_DEMAND, looks_of, styled
from tessera_env.simulation.episode import Episode

_ON_DEMAND = "on-demand"
_LEAST = 1e-3  # % below target: where a logarithmic axis ends
_HEIGHT, _TITLE, _ENDS = 150, 46, 110  # pixels
# Light to dark, told apart from on-demand's orange and from the alarm's red.
ZONES = ("#08519c", "#3182bd", "#6baed6", "#9ecae1", "#c6dbef", "#006d2c", "#31a354", "#74c476", "#a1d99b", "#54278f")


def availability_against_cost(results: Results) -> go.Figure:
    """One point a policy, intervals both ways: cost of on-demand for the target, and time below the target."""
    figure, looks = go.Figure(), looks_of(results.tables)
    for label in results.played:
        cost = _percent(results, results.tables[label]["relative_cost"])
        below = _percent(results, 1.0 - results.tables[label]["availability"])
        shown = Estimate(max(below.mean, _LEAST), max(below.low, _LEAST), max(below.high, _LEAST))
        colour, symbol = looks[label]
        figure.add_scatter(
            x=[cost.mean],
            y=[shown.mean],
            name=text_of(label),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 12, "line": WHITE_EDGE},
            error_x=error_bars([cost], colour),
            error_y=error_bars([shown], colour),
            hovertext=[f"{text_of(label)}: {cost.mean:.1f} % of on-demand, {100.0 - below.mean:.3f} % available"],
            hoverinfo="text",
        )
    styled(figure, 420)
    figure.update_layout(showlegend=True)
    figure.update_xaxes(title_text="cost, % of the target on on-demand", rangemode="tozero")
    figure.update_yaxes(title_text="time below the target, %", type="log")
    return figure


def _percent(results: Results, shares: np.ndarray) -> Estimate:
    values = 100.0 * shares
    return estimate(values, bootstrap_means(values[:, None], results.seed)[:, 0])


def ready_over_time(shown: ShownWorld) -> go.Figure:
    """Ready replicas by zone and on on-demand, the target as a line, policies below each other."""
    count = len(shown.episodes)
    figure = make_subplots(
        rows=count, cols=1, shared_xaxes=True, vertical_spacing=_TITLE / (count * (_HEIGHT + _TITLE)),
        subplot_titles=[text_of(label) for label in shown.episodes],
    )  # fmt: skip
    for row, episode in enumerate(shown.episodes.values(), start=1):
        _add_episode(figure, row, episode, shown.pools)
    styled(figure, count * (_HEIGHT + _TITLE) + _ENDS)
    figure.update_annotations(x=0.0, xanchor="left", font={"size": 14}, yshift=2)
    figure.update_xaxes(zeroline=False, showticklabels=True)
    figure.update_xaxes(title_text="hours", row=count, col=1)
    figure.update_yaxes(rangemode="tozero", title_text="ready")
    figure.update_layout(legend={"y": 1.0 + 40.0 / (count * (_HEIGHT + _TITLE))}, margin={"t": 90, "b": 46})
    return figure


def _add_episode(figure: go.Figure, row: int, episode: Episode, pools: list[str]) -> None:
    times_s = change_times_s(episode.log, episode.now_s)
    lines = {name: changes.until(times_s) for name, changes in _sources(episode.log, pools).items()}
    for name, counts in lines.items():
        if not counts.any():
            continue
        colour = ON_DEMAND if name == _ON_DEMAND else ZONES[pools.index(name) % len(ZONES)]
        figure.add_scatter(
            x=times_s / 3600.0, y=counts, name=text_of(name), legendgroup=name, mode="lines",
            showlegend=not any(trace.name == text_of(name) for trace in figure.data), stackgroup=f"policy {row}",
            line={"width": 0.5, "color": colour, "shape": "hv"}, fillcolor=colour, hovertemplate="%{x:.2f} h: %{y}",
            row=row, col=1,
        )  # fmt: skip
    target = target_changes(episode.log).until(times_s)
    below = sum(lines.values()) < target
    for values, name, colour, width in (
        (target, "target", INK, 1.5),
        (np.where(below, target, np.nan), "below target", ALARM, 4),
    ):
        figure.add_scatter(
            x=times_s / 3600.0, y=values, name=name, legendgroup=name, mode="lines",
            showlegend=row == 1, line={"width": width, "color": colour, "shape": "hv"}, hoverinfo="skip",
            row=row, col=1,
        )  # fmt: skip


def _sources(log: np.ndarray, pools: list[str]) -> dict[str, Changes]:
    """Ready replicas on spot in each zone, and on on-demand in all."""
    spot = {name: ready_changes(log, pool=k, on_demand=0) for k, name in enumerate(pools)}
    return {**spot, _ON_DEMAND: ready_changes(log, on_demand=1)}

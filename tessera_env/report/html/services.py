"""Charts of services: availability against cost, and which replicas were ready when."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tessera_env.engine.kinds import LogKind
from tessera_env.evaluation.results import Results
from tessera_env.evaluation.statistics import Estimate, bootstrap_means, estimate
from tessera_env.report.html.comparisons import WHITE_EDGE, error_bars, text_of
from tessera_env.report.html.shown_world import ShownWorld
from tessera_env.report.html.style import ALARM, INK, ON_DEMAND, looks_of, styled
from tessera_env.simulation.episode import Episode

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


class Steps(NamedTuple):
    """A count over time: it holds from each time to the next."""

    times_s: np.ndarray
    counts: np.ndarray


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
    lines = {name: line for name, line in ready_lines(episode, pools).items() if line.counts.any()}
    for name, line in lines.items():
        colour = ON_DEMAND if name == "on-demand" else ZONES[pools.index(name) % len(ZONES)]
        figure.add_scatter(
            x=line.times_s / 3600.0, y=line.counts, name=text_of(name), legendgroup=name, mode="lines",
            showlegend=not any(trace.name == text_of(name) for trace in figure.data), stackgroup=f"policy {row}",
            line={"width": 0.5, "color": colour, "shape": "hv"}, fillcolor=colour, hovertemplate="%{x:.2f} h: %{y}",
            row=row, col=1,
        )  # fmt: skip
    target = target_line(episode)
    below = sum((line.counts for line in lines.values()), np.zeros(len(_times_s(episode)))) < target.counts
    for values, name, colour, width in (
        (target.counts, "target", INK, 1.5),
        (np.where(below, target.counts, np.nan), "below target", ALARM, 4),
    ):
        figure.add_scatter(
            x=target.times_s / 3600.0, y=values, name=name, legendgroup=name, mode="lines",
            showlegend=row == 1, line={"width": width, "color": colour, "shape": "hv"}, hoverinfo="skip",
            row=row, col=1,
        )  # fmt: skip


def ready_lines(episode: Episode, pools: list[str]) -> Mapping[str, Steps]:
    """Ready replicas on spot in each zone, and on on-demand in all, at the times of all changes."""
    log, times_s = episode.log, _times_s(episode)
    changes = log[np.isin(log["kind"], (LogKind.READY, LogKind.UNREADY))]
    signs = np.where(changes["kind"] == LogKind.READY, 1, -1)
    kinds = [((changes["pool"] == k) & (changes["on_demand"] == 0), name) for k, name in enumerate(pools)]
    kinds.append((changes["on_demand"] == 1, "on-demand"))
    return {name: Steps(times_s, _held(changes["time_s"][of], signs[of], times_s)) for of, name in kinds}


def target_line(episode: Episode) -> Steps:
    """The replicas that all services together are to have ready, at the times of all changes."""
    times_s = _times_s(episode)
    demand = episode.log[episode.log["kind"] == LogKind.DEMAND]
    total = np.zeros(len(times_s), dtype=np.int64)
    for service in np.unique(demand["task"]):
        own = demand[demand["task"] == service]
        targets = own["value"].astype(np.int64)
        total += _held(own["time_s"], np.diff(targets, prepend=0), times_s)
    return Steps(times_s, total)


def _times_s(episode: Episode) -> np.ndarray:
    kinds = (LogKind.READY, LogKind.UNREADY, LogKind.DEMAND)
    changed_s = episode.log["time_s"][np.isin(episode.log["kind"], kinds)]
    return np.unique(np.concatenate([[0.0], changed_s, [episode.now_s]]))


def _held(times_s: np.ndarray, changes: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """The sum of the changes up to each time, those at that time among them."""
    sums = np.concatenate([[0], np.cumsum(changes)])
    return sums[np.searchsorted(times_s, at_s, side="right")]

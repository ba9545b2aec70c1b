"""Charts of what the policies cost: by purchase, world by world against the baseline, and against completion."""

from html import escape

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tessera_env.evaluation.results import Results
from tessera_env.evaluation.statistics import Estimate, bootstrap_means, estimate
from tessera_env.report.html.style import ALARM, INK, ON_DEMAND, SPOT, looks_of, styled

MOST_POINTS = 300  # worlds shown one by one beside the boxes
COMPLETION = "completion_p50_h"
WHITE_EDGE = {"color": "white", "width": 1}


def text_of(label: str) -> str:
    """A label as Plotly shows it: it reads markup in texts; long ones are cut."""
    return escape(label if len(label) <= 40 else "…" + label[-39:], quote=False)


def cost_by_purchase(results: Results) -> go.Figure | str:
    """Stacked bars of mean dollars a world; a text if the results do not hold them."""
    tables = {
        label: results.tables[label] for label, summary in results.summary.items() if summary.cost_usd is not None
    }
    if not all({"spot_usd", "on_demand_usd"} <= table.keys() for table in tables.values()):
        return "These results do not say what was paid for which purchase."
    figure = go.Figure()
    names = [text_of(label) for label in tables]
    rows = list(range(len(names)))
    totals = [float(table["spot_usd"].mean() + table["on_demand_usd"].mean()) for table in tables.values()]
    for purchase, metric, colour in (("spot", "spot_usd", SPOT), ("on-demand", "on_demand_usd", ON_DEMAND)):
        means = [float(table[metric].mean()) for table in tables.values()]
        shown = [f"{name}: {purchase} ${mean:,.2f}" for name, mean in zip(names, means, strict=True)]
        figure.add_bar(
            y=rows, x=means, name=purchase, orientation="h", marker_color=colour, hovertext=shown, hoverinfo="text"
        )
    _add_cost_intervals(figure, results, totals)
    styled(figure, 120 + 44 * len(names))
    figure.update_layout(barmode="stack", bargap=0.35, legend_traceorder="normal")
    figure.update_xaxes(title_text="$ a world, mean", rangemode="tozero")
    figure.update_yaxes(tickvals=rows, ticktext=names, autorange="reversed", showgrid=False, zeroline=False)
    return figure


def _add_cost_intervals(figure: go.Figure, results: Results, totals: list[float]) -> None:
    estimates = [summary.cost_usd for summary in results.summary.values() if summary.cost_usd is not None]
    figure.add_scatter(
        x=totals,
        y=list(range(len(totals))),
        mode="text" if results.episodes == 1 else "markers+text",
        text=[f"  ${value:,.2f}" for value in totals],
        textposition="middle right" if results.episodes == 1 else "top right",
        marker={"color": INK, "size": 4},
        error_x=error_bars(estimates),
        cliponaxis=False,
        showlegend=False,
        hoverinfo="skip",
    )
    figure.update_xaxes(
        range=[0.0, 1.18 * max(*totals, *(one.high for one in estimates if np.isfinite(one.high)), 1e-9)]
    )


def differences(results: Results) -> go.Figure | str:
    """Boxes of objective minus the baseline's in the same worlds, all on one scale, which holds 0.

    Returns:
        A text where there is nothing to show.
    """
    others = [label for label in results.tables if label != results.baseline]
    if results.baseline is None or not others:
        return "No policy was compared with another one."
    if results.episodes == 1:
        return "There is one world, so there is no distribution to show."
    count = len(others)
    figure = make_subplots(rows=count, cols=1, vertical_spacing=0.4 / count, subplot_titles=[*map(text_of, others)])
    base, looks = results.tables[results.baseline]["objective_usd"], looks_of(results.tables)
    columns = [results.tables[label]["objective_usd"] - base for label in others]
    for row, (label, values) in enumerate(zip(others, columns, strict=True), start=1):
        _add_box(figure, row, values, looks[label].colour)
        _add_mean(figure, row, results.summary[label].difference_usd)
        figure.add_vline(x=0, line={"color": INK, "width": 1.5}, row=row, col=1)
        figure.update_xaxes(range=_range_with_zero(np.concatenate(columns)), row=row, col=1)
    styled(figure, 70 + 150 * count)
    figure.update_layout(showlegend=False)
    figure.update_annotations(x=0.0, xanchor="left", font={"size": 14})
    title = f"objective, $ a world more (right of 0) or less (left) than {text_of(results.baseline)}"
    figure.update_xaxes(title_text=title, row=count, col=1)
    figure.update_yaxes(visible=False, range=[0.6, -0.5])
    return figure


def _range_with_zero(values: np.ndarray) -> list[float]:
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    margin = 0.05 * (high - low) or 1.0
    return [low - margin, high + margin]


def _add_box(figure: go.Figure, row: int, values: np.ndarray, colour: str) -> None:
    """Quartiles worked out here, so that the page does not hold a hundred thousand worlds."""
    low, first, median, third, high = (float(value) for value in np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]))
    figure.add_box(
        y=[0], q1=[first], median=[median], q3=[third], lowerfence=[low], upperfence=[high],
        orientation="h", width=0.34, line={"color": colour, "width": 1.5}, fillcolor="rgba(255,255,255,0)",
        hoverinfo="x", row=row, col=1,
    )  # fmt: skip
    if len(values) <= MOST_POINTS:
        figure.add_scatter(
            x=values,
            y=0.38 + 0.12 * np.sin(2.4 * np.arange(len(values))),  # spread evenly, without drawing at random
            mode="markers",
            marker={"color": colour, "size": 5, "opacity": 0.45},
            hovertext=[f"world {k}: {value:+,.2f} $" for k, value in enumerate(values)],
            hoverinfo="text",
            row=row,
            col=1,
        )


def _add_mean(figure: go.Figure, row: int, difference: Estimate | None) -> None:
    if difference is not None:
        figure.add_scatter(
            x=[difference.mean],
            y=[-0.3],
            mode="markers",
            marker={"symbol": "diamond", "size": 9, "color": ALARM},
            error_x=error_bars([difference]),
            hovertext=[f"mean {difference.mean:+,.2f} [{difference.low:+,.2f}, {difference.high:+,.2f}] $"],
            hoverinfo="text",
            row=row,
            col=1,
        )


def tradeoff(results: Results) -> go.Figure | str:
    """Savings, or cost where they are not known, against the median hours to completion."""
    summaries, looks = results.summary, looks_of(results.tables)
    has_savings = any(summary.savings is not None for summary in summaries.values())
    figure = go.Figure()
    for label, summary in summaries.items():
        completion = _completion(results, label)
        if completion is None or summary.cost_usd is None:
            continue
        height = _scaled(summary.savings or Estimate(0.0, 0.0, 0.0), 100.0) if has_savings else summary.cost_usd
        unit = "% saved" if has_savings else "$"
        figure.add_scatter(
            x=[completion.mean],
            y=[height.mean],
            name=text_of(label),
            mode="markers",
            marker={"color": looks[label].colour, "symbol": looks[label].symbol, "size": 12, "line": WHITE_EDGE},
            error_x=error_bars([completion], looks[label].colour),
            error_y=error_bars([height], looks[label].colour),
            hovertext=[f"{text_of(label)}: {height.mean:,.1f} {unit}, {completion.mean:,.2f} h"],
            hoverinfo="text",
        )
    if not figure.data:
        return "No policy completed a task."
    styled(figure, 400)
    figure.update_layout(showlegend=True)
    figure.update_xaxes(title_text="median hours from arrival to completion")
    figure.update_yaxes(title_text="saves, % of on_demand_only" if has_savings else "cost, $ a world")
    return figure


def _completion(results: Results, label: str) -> Estimate | None:
    table = results.tables[label]
    values = table.get(COMPLETION, np.empty(0))
    present = values[np.isfinite(values) & (table["tasks_done"] > 0)] if len(values) else values
    if not len(present):
        return None
    return estimate(present, bootstrap_means(present[:, None], results.seed)[:, 0])


def _scaled(value: Estimate, factor: float) -> Estimate:
    return Estimate(factor * value.mean, factor * value.low, factor * value.high)


def error_bars(estimates: list[Estimate], colour: str = INK) -> dict | None:
    """Plotly's error bars of intervals; none of infinite ones."""
    if not all(np.isfinite([one.low, one.high]).all() for one in estimates):
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(one.high - one.mean, 0.0) for one in estimates],
        "arrayminus": [max(one.mean - one.low, 0.0) for one in estimates],
        "color": colour,
        "thickness": 1.5,
        "width": 4,
    }

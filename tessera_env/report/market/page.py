"""Markets and spells as interactive HTML pages that need no network: plotly's code is inside them."""

import html
import math

import numpy as np
import plotly.graph_objects as go

from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.recordings.traces.statistics import Floats, SeriesStatistics, survival
from tessera_env.report.market.curves import (
    COLOURS,
    PRICE_SHARE,
    RISK_SHARE,
    AgeRisk,
    Market,
    PoolCurves,
    corners,
    highest,
    round_ticks,
    spells_with_capacity,
)

_GAP = 0.07  # between rows, of the height
_LANE_HEIGHT = 22  # pixels, for each pool
_FONT = {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 13, "color": "#1c2028"}
_AXIS = {"gridcolor": "#e4e6ea", "zeroline": False, "linecolor": "#b4b8c0", "automargin": True}


def market_page(market: Market) -> str:
    """Price (left axis) and interruption risk (right axis) over time, a trace a pool; capacity on top."""
    figure = go.Figure()
    for index, pool in enumerate(market.pools):
        colour = COLOURS[index % len(COLOURS)]
        _add_lines(figure, market, pool, colour)
        if market.has_capacity:
            _add_lane(figure, market, index, colour)
    for index, by_age in enumerate(market.by_age):
        _add_age_risk(figure, by_age, COLOURS[index % len(COLOURS)])
    _lay_out(figure, market)
    height = 600 if _has_lines(market) else 260
    height += _LANE_HEIGHT * len(market.pools) if market.has_capacity else 0
    return _page(figure, market.title, market.note, height + (260 if market.by_age else 0))


def _has_lines(market: Market) -> bool:
    """Whether there is more than lanes of capacity."""
    return market.has_price or market.has_risk or not market.has_capacity


def _add_lines(figure: go.Figure, market: Market, pool: PoolCurves, colour: str) -> None:
    common, shown = {"legendgroup": pool.name, "mode": "lines"}, html.escape(pool.name)
    if pool.price is not None:
        times_h, prices = corners(pool, pool.price, market.end_s)
        name = f"{shown} price" if market.has_risk else shown
        hover = f"{shown}: $%{{y:.4f}}/h at %{{x:.2f}} h<extra></extra>"
        line = {"color": colour, "width": 2, "shape": "hv"}
        figure.add_scatter(x=times_h, y=prices, name=name, line=line, hovertemplate=hover, **common)
    if pool.risk is not None:
        times_h, risks = corners(pool, pool.risk, market.end_s)
        hover = f"{shown}: risk %{{y:.3f}} %/h at %{{x:.2f}} h<extra></extra>"
        line = {"color": colour, "width": 1, "shape": "hv", "dash": "dash"}
        name = f"{shown} risk"
        figure.add_scatter(x=times_h, y=risks, name=name, yaxis="y2", line=line, hovertemplate=hover, **common)


def _add_lane(figure: go.Figure, market: Market, index: int, colour: str) -> None:
    """A bar for each time with capacity; the paler, the fewer instances."""
    pool = market.pools[index]
    spells = spells_with_capacity(pool, market.end_s)
    most = max((count for _, _, count in spells if math.isfinite(count)), default=1.0)
    opacity = [0.3 + 0.7 * min(count / most, 1.0) for _, _, count in spells]
    told = ["no limit" if math.isinf(count) else f"{count:.0f}" for _, _, count in spells]
    name = html.escape(pool.name)
    figure.add_bar(
        base=[start for start, _, _ in spells],
        x=[end - start for start, end, _ in spells],
        y=[index] * len(spells),
        orientation="h",
        width=0.72,
        xaxis="x3",
        yaxis="y3",
        name=f"{name} capacity",
        legendgroup=pool.name,
        showlegend=all(one is None for one in (pool.price, pool.risk)),
        marker={"color": colour, "opacity": opacity, "line": {"width": 0}},
        customdata=[[start, end, text] for (start, end, _), text in zip(spells, told, strict=True)],
        hovertemplate=f"{name}: %{{customdata[2]}} to be had<br>%{{customdata[0]:.2f}} to %{{customdata[1]:.2f}} h"
        "<extra></extra>",
    )


def _add_age_risk(figure: go.Figure, by_age: AgeRisk, colour: str) -> None:
    names = html.escape(", ".join(by_age.pools))
    figure.add_scatter(
        x=by_age.age_h,
        y=by_age.risk,
        xaxis="x2",
        yaxis="y4",
        mode="lines",
        name=f"{names} risk by age",
        line={"color": colour, "width": 2},
        hovertemplate=f"{names}: risk %{{y:.2f}} %/h at an age of %{{x:.2f}} h<extra></extra>",
    )


def _lay_out(figure: go.Figure, market: Market) -> None:
    price_bottom = 0.42 if market.by_age else 0.0  # the slider with its axis and the risk by age need it
    price_top = 1.0 - min(0.06 + 0.03 * len(market.pools), 0.4) - _GAP if market.has_capacity else 1.0
    span_h = [0.0, market.end_s / HOUR_S]
    price_axis = {**_AXIS, "domain": [price_bottom, price_top], "title": "spot price, $/h", **_price_scale(market)}
    figure.update_layout(
        xaxis={**_AXIS, "title": "hours", "range": span_h, "rangeslider": {"thickness": 0.09, "range": span_h}},
        yaxis=price_axis,
        legend_x=1.09 if market.has_risk else 1.02,
    )
    if market.has_risk:
        risk_axis = {**_AXIS, "title": "interruption risk, %/h (dashed)", "overlaying": "y", "side": "right"}
        figure.update_layout(yaxis2={**risk_axis, "showgrid": False, **_risk_scale(market)})
    if market.has_capacity:
        _lay_out_lanes(figure, market, price_top + _GAP if _has_lines(market) else 0.0)
    if market.by_age:
        figure.update_layout(
            xaxis2={**_AXIS, "anchor": "y4", "title": "age of an instance, h", "rangemode": "tozero"},
            yaxis4={**_AXIS, "domain": [0.0, 0.2], "anchor": "x2", "title": "risk, %/h", "type": "log", "dtick": 1},
        )


def _lay_out_lanes(figure: go.Figure, market: Market, bottom: float) -> None:
    """Lanes share the hours of the lines below them; without lines they have the axis and the slider themselves."""
    span_h = [0.0, market.end_s / HOUR_S]
    hours = {**_AXIS, "range": span_h, "anchor": "y3"}
    if _has_lines(market):
        hours.update(matches="x", showticklabels=False)
    else:
        hours.update(title="hours", rangeslider={"thickness": 0.15, "range": span_h})
    lane_axis = {**_lane_axis(market), "domain": [bottom, 1.0], "anchor": "x3"}
    figure.update_layout(xaxis3=hours, yaxis3=lane_axis, barmode="overlay")
    # Not the axis's title, which is longer than a lone lane is high.
    place = {"xref": "paper", "yref": "paper", "x": 0.0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"}
    figure.add_annotation(text="spot to be had", showarrow=False, font={"size": 12, "color": "#6c727e"}, **place)


def _price_scale(market: Market) -> dict[str, object]:
    """From 0; where risks are drawn too, prices keep below them."""
    if not market.has_risk:
        return {"rangemode": "tozero", "tickformat": ".2f"}
    top = highest(pool.price for pool in market.pools)
    return {"range": [0.0, top / PRICE_SHARE], "tickvals": round_ticks(top), "tickformat": ".2f"}


def _risk_scale(market: Market) -> dict[str, object]:
    """From 0, which lies above the prices."""
    top = highest(pool.risk for pool in market.pools)
    return {"range": [top - top / RISK_SHARE, top], "tickvals": round_ticks(top, 4)}


def _lane_axis(market: Market) -> dict[str, object]:
    """The first pool on top; a pool that never has capacity keeps its lane."""
    names = [html.escape(pool.name) for pool in market.pools]
    ticks = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": names, "fixedrange": True}
    return {**_AXIS, **ticks, "range": [len(names) - 0.5, -0.5], "showgrid": False}


def survival_page(name: str, statistics: list[SeriesStatistics]) -> str:
    """Which share of a zone's spells lasts at least how long, both axes logarithmic; solid: up, dashed: down."""
    figure = go.Figure()
    for index, one in enumerate(statistics):
        colour = COLOURS[index % len(COLOURS)]
        for side, lengths_s, dash in (("up", one.spells.up_s, "solid"), ("down", one.spells.down_s, "dash")):
            _add_survival(figure, one.name, side, lengths_s, {"color": colour, "width": 2, "dash": dash, "shape": "vh"})
    axis = {**_AXIS, "type": "log", "tickvals": [float(f"{m}e{k}") for k in range(-6, 7) for m in (1, 2, 5)]}
    figure.update_layout(
        xaxis={**axis, "title": "length of a spell, h", "tickformat": "~g"},
        yaxis={**axis, "title": "share of spells at least that long", "tickformat": ".1~%"},
    )
    note = "complete spells; the first and the last one are cut by the recording and left out"
    return _page(figure, f"{name}: how long spells with (up) and without capacity (down) last", note, 700)


def _add_survival(figure: go.Figure, zone: str, side: str, lengths_s: Floats, line: dict[str, object]) -> None:
    known_s, shares = survival(lengths_s)
    figure.add_scatter(
        x=np.round(known_s / HOUR_S, 6),
        y=shares,
        mode="lines",
        name=f"{html.escape(zone)} {side}",
        legendgroup=zone,
        line=line,
        hovertemplate=f"{html.escape(zone)}, {side}: %{{y:.2%}} last at least %{{x:.2f}} h<extra></extra>",
    )


def _page(figure: go.Figure, title: str, note: str, height: int) -> str:
    """The whole page. Titles and names of pools are shown as text, whatever they hold."""
    subtitle = {"text": html.escape(note), "font": {"size": 13, "color": "#6c727e"}}
    figure.update_layout(
        title={"text": html.escape(title), "subtitle": subtitle, "x": 0.01, "xanchor": "left", "font": {"size": 19}},
        font=_FONT,
        height=height,
        paper_bgcolor="white",
        plot_bgcolor="white",
        hovermode="closest",
        legend={"y": 1.0, "groupclick": "togglegroup", "tracegroupgap": 4},
        margin={"l": 70, "r": 30, "t": 102, "b": 50},
    )
    page = figure.to_html(include_plotlyjs=True, full_html=True, config={"displaylogo": False, "responsive": True})
    page = page.replace('<meta charset="utf-8" />', f'<meta charset="utf-8" /><title>{html.escape(title)}</title>', 1)
    return page.replace("<html>", '<html lang="en">', 1)

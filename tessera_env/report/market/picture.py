"""A market as a PNG picture, drawn without a browser: lanes of capacity, then price and risk, then risk by age."""

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageColor

from tessera_env.rendering.axis import Axis
from tessera_env.rendering.canvas import Box, Canvas, Colour, mixed, shortened, text_width
from tessera_env.rendering.style import FAINT, GRID, INK, MARGIN, WHITE
from tessera_env.report.market.curves import (
    COLOURS,
    PRICE_SHARE,
    RISK_SHARE,
    Floats,
    Market,
    PoolCurves,
    corners,
    highest,
    round_ticks,
    spells_with_capacity,
)

_WIDTH = 1280
_LEFT, _RIGHT = 172.0, 1204.0  # of the time axis
_TOP = 112.0  # of the first panel
_LANE, _PRICE, _NO_PRICE, _AGES, _GAP = 20.0, 400.0, 60.0, 120.0, 44.0  # heights
_ENTRY_GAP = 22.0


@dataclass(frozen=True)
class _Panel:
    """A rectangle with a vertical scale that starts at 0."""

    top: float
    bottom: float
    highest: float

    def y(self, values: Floats | float) -> Floats:
        """Where values lie, in pixels."""
        return self.bottom - (self.bottom - self.top) * np.asarray(values) / self.highest

    @property
    def box(self) -> Box:
        return _LEFT, self.top, _RIGHT, self.bottom


def market_png(market: Market) -> bytes:
    """The picture's file."""
    stream = io.BytesIO()
    Image.fromarray(market_pixels(market)).save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def market_pixels(market: Market) -> np.ndarray:
    """The picture, (height, width, 3) uint8."""
    lanes = _LANE * len(market.pools) if market.has_capacity else 0.0
    price_top = _TOP + (lanes + 16.0 if lanes else 0.0)
    price_bottom = price_top + (_PRICE if market.has_price or market.has_risk else _NO_PRICE)
    ages_top = price_bottom + _GAP + 24.0
    bottom = ages_top + _AGES if market.by_age else price_bottom
    canvas = Canvas(_WIDTH, round(bottom + _GAP + 8.0), WHITE)
    _draw_titles(canvas, market)
    axis = Axis(market.end_s, market.end_s)
    _draw_hours(canvas, axis, price_bottom)
    if lanes:
        _draw_lanes(canvas, market)
    _draw_lines(canvas, market, price_top, price_bottom)
    if market.by_age:
        _draw_ages(canvas, market, ages_top, ages_top + _AGES)
    return canvas.pixels()


def colour_of(index: int) -> Colour:
    """The pool's colour, as in the interactive page."""
    red, green, blue = ImageColor.getrgb(COLOURS[index % len(COLOURS)])[:3]
    return red, green, blue


def _draw_titles(canvas: Canvas, market: Market) -> None:
    """Title, note, and the pools with their colours, as many as fit."""
    width = _RIGHT - MARGIN
    canvas.text(MARGIN, 30.0, shortened(market.title, 20.0, width), 20.0, INK, "ls")
    canvas.text(MARGIN, 52.0, shortened(market.note, 12.0, width), 12.0, FAINT, "ls")
    x = float(_LEFT)
    for index, pool in enumerate(market.pools):
        name = shortened(pool.name, 12.0, 180.0)
        left = len(market.pools) - index
        if x + 28.0 + text_width(name, 12.0) > _RIGHT - (80.0 if left > 1 else 0.0):
            canvas.text(x, 82.0, f"and {left} more", 12.0, FAINT)
            return
        canvas.line([(x, 82.0), (x + 22.0, 82.0)], colour_of(index), 3.0)
        canvas.text(x + 28.0, 82.0, name, 12.0, INK)
        x += 28.0 + text_width(name, 12.0) + _ENTRY_GAP


def _draw_hours(canvas: Canvas, axis: Axis, bottom: float) -> None:
    for hour in axis.ticks_h():
        x = _x(hour, axis.horizon_s / 3600.0)
        canvas.line([(x, _TOP), (x, bottom + 4.0)], GRID)
        canvas.text(x, bottom + 8.0, f"{round(hour, 2):g}", 11.0, FAINT, "mt")
    canvas.text(_LEFT - 8.0, bottom + 8.0, "hours", 11.0, FAINT, "rt")


def _x(hour: float, end_h: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * hour / end_h


def _draw_lanes(canvas: Canvas, market: Market) -> None:
    """When there was capacity in each pool; the paler, the fewer instances."""
    for index, pool in enumerate(market.pools):
        top = _TOP + index * _LANE
        canvas.text(_LEFT - 8.0, top + _LANE / 2.0, shortened(pool.name, 11.0, _LEFT - 16.0), 11.0, INK, "rm")
        spells = spells_with_capacity(pool, market.end_s)
        most = max((count for _, _, count in spells if math.isfinite(count)), default=1.0)
        for start_h, end_h, count in spells:
            left, right = _x(start_h, market.end_s / 3600.0), _x(end_h, market.end_s / 3600.0)
            colour = mixed(colour_of(index), WHITE, 0.3 + 0.7 * min(count / most, 1.0))
            canvas.box((left, top + 3.0, right, top + _LANE - 3.0), colour)


def _draw_lines(canvas: Canvas, market: Market, top: float, bottom: float) -> None:
    """Prices, and above them risks, where there are any."""
    price_share, risk_share = (PRICE_SHARE, RISK_SHARE) if market.has_risk else (1.0, 0.0)
    height = bottom - top
    prices = _Panel(bottom - price_share * height, bottom, highest(pool.price for pool in market.pools))
    risks = _Panel(top, top + risk_share * height, highest(pool.risk for pool in market.pools))
    canvas.line([(_LEFT, bottom), (_RIGHT, bottom)], FAINT)
    if market.has_price:
        _draw_scale(canvas, prices, "$/h", at_left=True)
        canvas.text(_LEFT - 8.0, prices.top, "spot price", 11.0, FAINT, "rm")
    else:
        canvas.text((_LEFT + _RIGHT) / 2.0, (top + bottom) / 2.0, "no prices were recorded", 14.0, FAINT, "mm")
    if market.has_risk:
        _draw_scale(canvas, risks, "%/h", at_left=False)
        canvas.text(_RIGHT, top - 8.0, "interruption risk (dashed)", 11.0, FAINT, "rs")
    for index, pool in enumerate(market.pools):
        if pool.risk is not None:
            _draw_dashed(canvas, _steps(market, pool, pool.risk, risks), mixed(colour_of(index), WHITE, 0.6))
    for index, pool in enumerate(market.pools):
        if pool.price is not None:
            canvas.line(_steps(market, pool, pool.price, prices), colour_of(index), 1.5)


def _steps(market: Market, pool: PoolCurves, values: Floats, panel: _Panel) -> Floats:
    """The corners of a staircase, (n, 2) pixels."""
    times_h, levels = corners(pool, values, market.end_s)
    x = np.repeat(_LEFT + (_RIGHT - _LEFT) * times_h * 3600.0 / market.end_s, 2)[1:-1]
    return np.column_stack([x, np.repeat(panel.y(levels[:-1]), 2)])


def _draw_dashed(canvas: Canvas, points: Floats, colour: Colour) -> None:
    """Dashes along the staircase: 7 pixels on, 5 off, going on around corners."""
    lengths = np.append(0.0, np.cumsum(np.abs(np.diff(points, axis=0)).sum(axis=1)))
    for start in np.arange(0.0, lengths[-1], 12.0):
        end = min(start + 7.0, lengths[-1])
        between = points[(lengths > start) & (lengths < end)]
        ends = np.column_stack([np.interp([start, end], lengths, points[:, k]) for k in (0, 1)])
        canvas.line(np.concatenate([ends[:1], between, ends[1:]]), colour)


def _draw_scale(canvas: Canvas, panel: _Panel, unit: str, at_left: bool) -> None:
    """Round values beside the panel, and at the left one lines through it."""
    for value in round_ticks(panel.highest):
        y = float(panel.y(value))
        text = f"{value:.10g} {unit}"
        if at_left:
            canvas.line([(_LEFT, y), (_RIGHT, y)], GRID)
            canvas.text(_LEFT - 8.0, y, text, 11.0, FAINT, "rm")
        else:
            canvas.text(_RIGHT + 8.0, y, text, 11.0, FAINT, "lm")


def _draw_ages(canvas: Canvas, market: Market, top: float, bottom: float) -> None:
    """Risk by an instance's age, in decades."""
    longest_h = max(float(one.age_h[-1]) for one in market.by_age)
    positive = np.concatenate([one.risk[one.risk > 0.0] for one in market.by_age])
    low, high = math.floor(math.log10(positive.min())), math.ceil(math.log10(positive.max()))
    panel = _Panel(top, bottom, float(max(high - low, 1)))
    for decade in range(low, high + 1):
        y = float(panel.y(decade - low))
        canvas.line([(_LEFT, y), (_RIGHT, y)], GRID)
        if (decade - high) % 2 == 0:
            canvas.text(_LEFT - 8.0, y, f"{10.0**decade:g} %/h", 11.0, FAINT, "rm")
    for hour in Axis(longest_h * 3600.0, 0.0).ticks_h():
        canvas.text(_x(hour, longest_h), bottom + 8.0, f"{round(hour, 2):g}", 11.0, FAINT, "mt")
    canvas.text(_LEFT - 8.0, bottom + 8.0, "age, hours", 11.0, FAINT, "rt")
    canvas.text(_LEFT, top - 8.0, "interruption risk by the instance's age", 11.0, FAINT, "ls")
    for index, one in enumerate(market.by_age):
        known = one.risk > 0.0
        x = _LEFT + (_RIGHT - _LEFT) * one.age_h[known] / longest_h
        points = np.column_stack([x, panel.y(np.log10(one.risk[known]) - low)])
        canvas.line(points, colour_of(index), 2.0)
        middle = points[len(points) // 2]
        names = shortened(", ".join(one.pools), 11.0, 300.0)
        canvas.text(float(middle[0]), float(middle[1]) - 6.0, names, 11.0, INK, "ms")

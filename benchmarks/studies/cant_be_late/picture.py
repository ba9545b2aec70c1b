"""The figure as a PNG: a lane for all zones and one for each, the parts below one another."""

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from benchmarks.studies.cant_be_late.figures import Figures
from benchmarks.studies.cant_be_late.marks import ALL_ZONES, TITLE, Marks, marks, note, zone_labels
from tessera_env.files.writing import write_bytes
from tessera_env.rendering.canvas import Canvas, Colour, mixed, shortened, text_width
from tessera_env.rendering.style import FAINT, GRID, INK, MARGIN, WHITE

_WIDTH = 1280
_LEFT, _RIGHT = 172.0, 1240.0  # of the scale
_TOP, _LEGEND, _HEAD, _LANE, _FOOT = 60.0, 26.0, 34.0, 58.0, 44.0  # heights
_BAND: Colour = (247, 248, 250)
_SIZE = 5.0  # half a mark, pixels


def write_picture(figures: Sequence[Figures], path: str | Path) -> None:
    """Write the file in one step.

    Raises:
        OSError: it cannot be written.
    """
    stream = io.BytesIO()
    Image.fromarray(picture(figures)).save(stream, format="PNG", optimize=True)
    write_bytes(path, stream.getvalue())


def picture(figures: Sequence[Figures]) -> np.ndarray:
    """The picture, (height, width, 3) uint8."""
    panels = [(one, marks(one)) for one in figures]
    legend_end = _TOP + _LEGEND * len(_legend_rows(panels[0][1]))
    heights = [_HEAD + _LANE * (1 + len(one.study.zones)) + _FOOT for one, _ in panels]
    canvas = Canvas(_WIDTH, round(legend_end + sum(heights) + MARGIN), WHITE)
    canvas.text(MARGIN, 34.0, TITLE, 20.0, INK, "ls")
    _draw_legend(canvas, panels[0][1])
    highest = _highest([shown for _, shown in panels])
    top = legend_end
    for (one, shown), height in zip(panels, heights, strict=True):
        _draw_panel(canvas, one, shown, top, highest)
        top += height
    return canvas.pixels()


def _highest(panels: Sequence[list[Marks]]) -> float:
    """Where the scale ends: at on-demand, or the dearest policy if that is dearer."""
    most = max(float(np.nanmax(np.append(one.high, one.overall.mean))) for shown in panels for one in shown)
    return max(1.0, math.ceil(10.0 * most) / 10.0)


def _legend_rows(shown: list[Marks]) -> list[list[tuple[float, Marks]]]:
    """Policies and where they stand, a row when the one before is full."""
    rows: list[list[tuple[float, Marks]]] = [[]]
    x = float(MARGIN) + 8.0
    for one in shown:
        width = 20.0 + text_width(one.name, 14.0) + 24.0
        if x + width > _RIGHT and rows[-1]:
            rows.append([])
            x = float(MARGIN) + 8.0
        rows[-1].append((x, one))
        x += width
    return rows


def _draw_legend(canvas: Canvas, shown: list[Marks]) -> None:
    for k, row in enumerate(_legend_rows(shown)):
        for x, one in row:
            y = _TOP + _LEGEND * k
            _draw_mark(canvas, one, x, y)
            canvas.text(x + 14.0, y, one.name, 14.0, INK)


def _draw_panel(canvas: Canvas, figures: Figures, shown: list[Marks], top: float, highest: float) -> None:
    canvas.text(MARGIN, top + 14.0, shortened(note(figures), 13.0, _WIDTH - 2.0 * MARGIN), 13.0, FAINT)
    names = [ALL_ZONES, *zone_labels(figures)]
    first, bottom = top + _HEAD, top + _HEAD + _LANE * len(names)
    for lane in range(0, len(names), 2):
        canvas.box((MARGIN, first + lane * _LANE, _RIGHT, first + (lane + 1) * _LANE), _BAND)
    _draw_scale(canvas, first, bottom, highest)
    for lane, name in enumerate(names):
        middle = first + (lane + 0.5) * _LANE
        canvas.text(_LEFT - 10.0, middle, name, 13.0, INK, "rm")
        for k, one in enumerate(shown):
            y = middle + _LANE * 0.82 * ((k + 0.5) / len(shown) - 0.5)  # side by side, so that equal ones both show
            _draw_policy(canvas, one, lane, y, lambda value: _x(value, highest))


def _draw_scale(canvas: Canvas, top: float, bottom: float, highest: float) -> None:
    for tenth in range(round(10.0 * highest) + 1):
        x = _x(tenth / 10.0, highest)
        is_end = tenth in (0, 10)
        canvas.line([(x, top), (x, bottom)], FAINT if is_end else GRID)
        words = {0: "0 optimum", 10: "1 on-demand"}.get(tenth, f"{tenth / 10:g}")
        anchor = "rt" if tenth == 10 and highest == 1.0 else "mt"
        canvas.text(x, bottom + 8.0, words, 12.0, INK if is_end else FAINT, anchor)


def _draw_policy(canvas: Canvas, one: Marks, lane: int, y: float, x_of: Callable[[float], float]) -> None:
    """Its mark; of all zones with the interval, of a zone with what trained policies span."""
    value, low, high = (
        (one.overall.mean, one.overall.low, one.overall.high)
        if lane == 0
        else (float(one.zones[lane - 1]), float(one.low[lane - 1]), float(one.high[lane - 1]))
    )
    if not math.isfinite(value):
        return
    if math.isfinite(low) and high > low:
        ends = [max(0.0, low), high]
        canvas.line([(x_of(ends[0]), y), (min(x_of(ends[1]), _RIGHT), y)], mixed(_rgb(one.colour), WHITE, 0.55), 2.0)
    _draw_mark(canvas, one, x_of(value), y)


def _x(value: float, highest: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * value / highest


def _rgb(colour: str) -> Colour:
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return red, green, blue


def _draw_mark(canvas: Canvas, one: Marks, x: float, y: float) -> None:
    size = _SIZE * (1.4 if one.is_trained else 1.0)
    for outline in _OUTLINES[one.symbol]:
        canvas.polygon(np.array([x, y]) + size * np.array(outline), _rgb(one.colour))


def _around(count: int, radii: Sequence[float], turned: float = -0.25) -> list[tuple[float, float]]:
    """Corners around the middle, at one radius after the other."""
    angles = 2.0 * math.pi * (np.arange(count) / count + turned)
    lengths = np.resize(radii, count)
    return list(zip((lengths * np.cos(angles)).tolist(), (lengths * np.sin(angles)).tolist(), strict=True))


def _bar(turned: float) -> list[tuple[float, float]]:
    """A bar through the middle, turned by so many turns."""
    angle, corners = 2.0 * math.pi * turned, np.array([[-1.1, -0.35], [1.1, -0.35], [1.1, 0.35], [-1.1, 0.35]])
    matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return [(float(x), float(y)) for x, y in corners @ matrix]


# In units of half a mark, as Plotly's symbols of these names look.
_OUTLINES: dict[str, list[list[tuple[float, float]]]] = {
    "circle": [_around(32, [1.0])],
    "square": [_around(4, [1.25], 0.125)],
    "diamond": [_around(4, [1.3])],
    "triangle-up": [_around(3, [1.25])],
    "cross": [_bar(0.0), _bar(0.25)],
    "star": [_around(10, [1.4, 0.6])],
    "x": [_bar(0.125), _bar(0.375)],
    "triangle-down": [_around(3, [1.25], 0.25)],
    "pentagon": [_around(5, [1.2])],
}

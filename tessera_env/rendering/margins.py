"""Above the chart: what is played and how it stands. Below it: what the signs mean."""

from collections.abc import Callable
from typing import NamedTuple

from tessera_env.rendering.canvas import Box, Canvas, Colour, shortened, text_width
from tessera_env.rendering.lanes import draw_bar, draw_tick, draw_triangle
from tessera_env.rendering.lives import Phase
from tessera_env.rendering.style import ALARM, AVAILABLE, FAINT, INK, MARGIN, RIGHT, UNAVAILABLE
from tessera_env.world.parameters import NONE

_LEGEND_Y = 701.0
_SIGN_WIDTH, _SIGN_HEIGHT = 26.0, 12.0


class Figure(NamedTuple):
    """A number of the header."""

    name: str
    value: str
    colour: Colour = INK


def draw_header(canvas: Canvas, title: str, description: str, figures: list[Figure]) -> None:
    """The title at the left, the figures at the right."""
    right = float(RIGHT)
    for figure in reversed(figures):
        width = max(text_width(figure.name, 11.0), text_width(figure.value, 20.0))
        canvas.text(right - width, 24.0, figure.name, 11.0, FAINT, "ls")
        canvas.text(right - width, 50.0, figure.value, 20.0, figure.colour, "ls")
        right -= width + 28.0
    canvas.text(MARGIN, 30.0, shortened(title, 22.0, right - MARGIN), 22.0, INK, "ls")
    canvas.text(MARGIN, 50.0, shortened(description, 12.0, right - MARGIN), 12.0, FAINT, "ls")


def draw_legend(canvas: Canvas) -> None:
    """Every sign with its meaning, in one line."""
    widths = [_SIGN_WIDTH + 6.0 + text_width(meaning, 11.0) for meaning in _LEGEND]
    gap = (RIGHT - MARGIN - sum(widths)) / (len(widths) - 1)
    x = float(MARGIN)
    for (meaning, draw), width in zip(_LEGEND.items(), widths, strict=True):
        top = _LEGEND_Y - _SIGN_HEIGHT / 2.0
        draw(canvas, (x, top, x + _SIGN_WIDTH, top + _SIGN_HEIGHT))
        canvas.text(x + _SIGN_WIDTH + 6.0, _LEGEND_Y, meaning, 11.0, FAINT)
        x += width + gap


def _bar(phase: Phase, task: int = NONE) -> Callable[[Canvas, Box], None]:
    return lambda canvas, box: draw_bar(canvas, box, phase, task)


def _ground(colour: Colour) -> Callable[[Canvas, Box], None]:
    return lambda canvas, box: canvas.box(box, colour)


def _tick(colour: Colour) -> Callable[[Canvas, Box], None]:
    return lambda canvas, box: draw_tick(canvas, box[2] - 5.0, _LEGEND_Y, _SIGN_HEIGHT, colour)


def _triangle(canvas: Canvas, box: Box) -> None:
    draw_triangle(canvas, (box[0] + box[2]) / 2.0, _LEGEND_Y, _SIGN_HEIGHT)


_LEGEND: dict[str, Callable[[Canvas, Box], None]] = {
    "launching": _bar(Phase.LAUNCHING),
    "set-up, loading": _bar(Phase.SETUP, 0),
    "task 1 runs": _bar(Phase.RUNNING, 1),
    "idle": _bar(Phase.IDLE),
    "being taken back": _bar(Phase.NOTICED),
    "interruption": _triangle,
    "done": _tick(INK),
    "done late": _tick(ALARM),
    "spot to be had": _ground(AVAILABLE),
    "no spot": _ground(UNAVAILABLE),
}

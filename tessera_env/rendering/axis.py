"""Time, from left to right."""

import math
from dataclasses import dataclass

from tessera_env.rendering.canvas import Canvas
from tessera_env.rendering.style import BOTTOM, FAINT, GRID, INK, LEFT, RIGHT, TOP

_MOST_TICKS = 16
_STEPS_H = (1 / 60, 1 / 30, 1 / 12, 1 / 6, 0.25, 0.5, 1, 2, 3, 4, 6, 12, 24, 48, 96, 168)


@dataclass(frozen=True)
class Axis:
    """The time axis, from the episode's start to its horizon."""

    horizon_s: float
    now_s: float

    def x(self, time_s: float) -> float:
        """Where a time lies, in pixels."""
        return LEFT + (RIGHT - LEFT) * min(time_s / self.horizon_s, 1.0)

    def ticks_h(self) -> list[float]:
        """Round hours over the whole horizon."""
        horizon_h = self.horizon_s / 3600.0
        least_h = horizon_h / _MOST_TICKS
        step_h = next((step for step in _STEPS_H if step >= least_h), 10.0 ** math.ceil(math.log10(least_h)))
        return [k * step_h for k in range(math.floor(horizon_h / step_h + 1e-9) + 1)]


def draw_ticks(canvas: Canvas, axis: Axis) -> None:
    """The hours, with a line through the picture at each."""
    for hour in axis.ticks_h():
        x = axis.x(hour * 3600.0)
        canvas.line([(x, TOP), (x, BOTTOM + 4.0)], GRID)
        canvas.text(x, BOTTOM + 8.0, f"{round(hour, 2):g}", 11.0, FAINT, "mt")
    canvas.text(LEFT - 8.0, BOTTOM + 8.0, "hours", 11.0, FAINT, "rt")


def draw_now(canvas: Canvas, axis: Axis) -> None:
    """A line at the present time."""
    x = axis.x(axis.now_s)
    canvas.line([(x, TOP - 4.0), (x, BOTTOM + 4.0)], INK)
    canvas.polygon([(x - 4.0, TOP - 8.0), (x + 4.0, TOP - 8.0), (x, TOP - 2.0)], INK)

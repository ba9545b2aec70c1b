"""Below the lanes of services: when fewer replicas were ready than the target, and how many were."""

from typing import NamedTuple

import numpy as np

from tessera_env.rendering.axis import Axis
from tessera_env.rendering.canvas import Box, Canvas
from tessera_env.rendering.curves import Curve, staircase
from tessera_env.rendering.panels import draw_area, draw_grounds, points_of
from tessera_env.rendering.replicas import change_times_s, ready_changes, target_changes
from tessera_env.rendering.style import ALARM, INK, WORK


class ServiceCurves(NamedTuple):
    """Replicas of all services together, as corners of lines."""

    ready: Curve
    target: Curve
    below: Curve  # 1 while fewer are ready than the target

    @property
    def below_h(self) -> float:
        """How long that was, h."""
        times_s, values = self.below
        return float((np.diff(times_s) * values[:-1]).sum()) / 3600.0


def service_curves(log: np.ndarray, now_s: float) -> ServiceCurves:
    """Ready replicas and their target up to now, out of the event log."""
    ready, target, times_s = ready_changes(log), target_changes(log), change_times_s(log, now_s)
    below = (ready.until(times_s) < target.until(times_s)).astype(np.float64)
    return ServiceCurves(
        staircase(ready.times_s, ready.steps, now_s),
        staircase(target.times_s, target.steps, now_s),
        staircase(times_s, np.diff(below, prepend=0.0), now_s),
    )


def draw_service_panels(canvas: Canvas, boxes: tuple[Box, Box], curves: ServiceCurves) -> None:
    """The panels without their curves: names, and figures of now."""
    minutes = f"{60.0 * curves.below_h:.1f} min so far"
    counts = f"{curves.ready.values[-1]:.0f} now, target {curves.target.values[-1]:.0f}"
    draw_grounds(canvas, boxes, {"below target": minutes, "ready replicas": counts})


def draw_service_curves(canvas: Canvas, axis: Axis, boxes: tuple[Box, Box], curves: ServiceCurves) -> None:
    """When fewer than the target were ready; and how many were, below a line that shows the target."""
    upper, lower = boxes
    draw_area(canvas, points_of(axis, upper, curves.below, 1.0), upper[3], ALARM)
    highest = max(1.0, curves.ready.values.max(), curves.target.values.max())
    draw_area(canvas, points_of(axis, lower, curves.ready, highest), lower[3], WORK)
    canvas.line(points_of(axis, lower, curves.target, highest), INK, 1.5)

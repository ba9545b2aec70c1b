"""Below the lanes of services: when fewer replicas were ready than the target, and how many were."""

from typing import NamedTuple

import numpy as np

from tessera_env.engine.kinds import LogKind
from tessera_env.rendering.axis import Axis
from tessera_env.rendering.canvas import Box, Canvas
from tessera_env.rendering.curves import Curve, staircase
from tessera_env.rendering.panels import draw_area, draw_grounds, points_of
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
    ready = np.isin(log["kind"], (LogKind.READY, LogKind.UNREADY))
    signs = np.where(log["kind"][ready] == LogKind.READY, 1, -1)
    demand = log[log["kind"] == LogKind.DEMAND]
    steps = demand["value"].astype(np.float64)
    for service in np.unique(demand["task"]):
        own = demand["task"] == service
        steps[own] = np.diff(demand["value"][own], prepend=0.0)
    changed_s = np.concatenate([log["time_s"][ready], demand["time_s"]])
    order = np.argsort(changed_s, kind="stable")
    lacking = _levels(changed_s[order], np.concatenate([-signs, steps])[order])
    is_below = np.diff(np.concatenate([[0.0], (lacking.values > 0.0).astype(np.float64)]))
    return ServiceCurves(
        staircase(log["time_s"][ready], signs, now_s),
        staircase(demand["time_s"], steps, now_s),
        staircase(lacking.times_s, is_below, now_s),
    )


def _levels(times_s: np.ndarray, changes: np.ndarray) -> Curve:
    """The sum of the changes after each instant."""
    is_last = np.diff(times_s, append=np.inf) > 0.0
    return Curve(times_s[is_last], np.cumsum(changes)[is_last])


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

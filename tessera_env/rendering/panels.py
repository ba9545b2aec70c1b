"""Below the lanes: how many tasks wait, and how much work has come and is done."""

from collections.abc import Mapping, Sequence

import numpy as np

from tessera_env.rendering.axis import Axis
from tessera_env.rendering.canvas import Box, Canvas, Colour, mixed, text_width
from tessera_env.rendering.curves import Curve, Curves
from tessera_env.rendering.lanes import Lane
from tessera_env.rendering.style import BOTTOM, FAINT, FUTURE, INK, LEFT, MARGIN, RIGHT, TOP, WAITING, WHITE, WORK

_GAP = 12.0
_WAITING_SHARE, _WAITING_TALLEST = 0.4, 64.0  # of the height of both
_MISSED = "below this line the deadline is missed"


def panel_boxes(lanes: Sequence[Lane]) -> tuple[Box, Box]:
    """Where the panels are, below the lanes: waiting tasks, and work."""
    top = lanes[-1].bottom + _GAP
    middle = top + min(_WAITING_SHARE * (BOTTOM - top - _GAP), _WAITING_TALLEST)
    return (LEFT, top, RIGHT, middle), (LEFT, middle + _GAP, RIGHT, BOTTOM)


def draw_panels(canvas: Canvas, boxes: tuple[Box, Box], curves: Curves) -> None:
    """The panels without their curves: names, and figures of now."""
    waiting, done, arrived = curves
    counts = f"{waiting.values[-1]:.0f} now, {waiting.values.max():.0f} at most"
    hours = f"{done.values[-1] / 3600.0:.1f} of {arrived.values[-1] / 3600.0:.1f} h done"
    draw_grounds(canvas, boxes, {"waiting tasks": counts, "work": hours})


def draw_grounds(canvas: Canvas, boxes: tuple[Box, Box], names: Mapping[str, str]) -> None:
    """The panels' grounds, each with its name and a figure of now."""
    for box, (name, figures) in zip(boxes, names.items(), strict=True):
        canvas.box(box, FUTURE)
        middle = (box[1] + box[3]) / 2.0
        canvas.text(MARGIN, middle - 8.0, name, 13.0, INK)
        canvas.text(MARGIN, middle + 8.0, figures, 11.0, FAINT)


def draw_curves(canvas: Canvas, axis: Axis, boxes: tuple[Box, Box], curves: Curves) -> None:
    """How many tasks waited; and work done, below a line that shows how much has arrived."""
    upper, lower = boxes
    waiting, done, arrived = curves
    draw_area(canvas, points_of(axis, upper, waiting, max(1.0, waiting.values.max())), upper[3], WAITING)
    highest = max(1.0, arrived.values.max())
    draw_area(canvas, points_of(axis, lower, done, highest), lower[3], WORK)
    canvas.line(points_of(axis, lower, arrived, highest), FAINT, 1.5)


def draw_deadline(canvas: Canvas, axis: Axis, box: Box, tasks: np.ndarray) -> None:
    """A lone task's deadline, and the least work done from which it can still make it, running without a break."""
    if len(tasks) != 1 or tasks["deadline_s"].item() > axis.horizon_s:
        return
    deadline_s, work_s = tasks["deadline_s"].item(), tasks["work_s"].item()
    needed = Curve(np.array([deadline_s - work_s, deadline_s]), np.array([0.0, work_s]))
    start, end = points_of(axis, box, needed, max(1.0, work_s))
    canvas.dashes(start, end, INK)
    canvas.dashes((end[0], TOP), (end[0], box[3]), INK)
    canvas.text(end[0] - 6.0, box[3] - 6.0, "deadline", 11.0, INK, "rb")
    x, y = (start + end) / 2.0 + 12.0
    if x + text_width(_MISSED, 11.0) < end[0]:
        canvas.text(x, y, _MISSED, 11.0, INK, "lt")


def draw_area(canvas: Canvas, points: np.ndarray, bottom: float, colour: Colour) -> None:
    """The area below a line."""
    corners = [[points[0, 0], bottom]], points, [[points[-1, 0], bottom]]
    canvas.polygon(np.concatenate(corners), mixed(colour, WHITE, 0.5))
    canvas.line(points, colour, 1.5)


def points_of(axis: Axis, box: Box, curve: Curve, highest: float) -> np.ndarray:
    """Where a curve's corners lie in a panel whose top is `highest`, (n, 2)."""
    _left, top, _right, bottom = box
    x = LEFT + (RIGHT - LEFT) * curve.times_s / axis.horizon_s
    return np.column_stack([x, bottom - (bottom - top - 2.0) * curve.values / highest])

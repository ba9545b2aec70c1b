"""Two lanes a pool, spot and on-demand: the instances that were held, and what happened to them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tessera_env.rendering.axis import Axis
from tessera_env.rendering.canvas import Box, Canvas, Colour, mixed, shortened, text_width
from tessera_env.rendering.lives import Life, Phase, packed
from tessera_env.rendering.style import (
    ALARM,
    AVAILABLE,
    BOTTOM,
    FAINT,
    FUTURE,
    INK,
    LAUNCHING,
    LEFT,
    MARGIN,
    NOTICED,
    ON_DEMAND,
    RIGHT,
    TOP,
    UNAVAILABLE,
    WHITE,
    ink_on,
    task_colour,
)

PANELS_HEIGHT = 128.0  # at least left for what stands below the lanes
_TALLEST_ROW, _LOWEST_ROW = 52.0, 4.0
_POOL_GAP, _LANE_GAP = 8.0, 1.0
_SMALLEST_LABEL = 9.0


@dataclass
class Lane:
    """The instances of one pool and purchase."""

    pool: int
    on_demand: int
    rows: list[list[Life]]  # as many as were ever held at once
    shown: int  # rows that there is room for
    top: float = 0.0
    row_height: float = 0.0

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.shown * self.row_height

    @property
    def middle(self) -> float:
        """Halfway down."""
        return (self.top + self.bottom) / 2.0

    def bar(self, row: int, left: float, right: float) -> Box:
        """A bar in one of its rows."""
        gap = 0.5 if self.row_height < 8.0 else 1.0
        top = self.top + row * self.row_height
        return left, top + gap, right, top + self.row_height - gap

    def placed(self) -> Iterator[tuple[int, Life]]:
        """The lives that are shown, each with its row."""
        return ((row, life) for row, lives in enumerate(self.rows[: self.shown]) for life in lives)


def make_lanes(pool_count: int, lives: Sequence[Life]) -> list[Lane]:
    """Spot above on-demand, pool by pool, with all rows if there is room for them.

    Rows have one height in all lanes. A lane without instances is one row high.
    """
    keys = [(pool, on_demand) for pool in range(pool_count) for on_demand in (0, 1)]
    held: dict[tuple[int, int], list[Life]] = {key: [] for key in keys}
    for life in lives:
        held[life.pool, life.on_demand].append(life)
    rows = {key: packed(held[key]) for key in keys}
    pool_gap = min(_POOL_GAP, 72.0 / pool_count)
    room = BOTTOM - TOP - PANELS_HEIGHT - pool_count * _LANE_GAP - (pool_count - 1) * pool_gap
    most = most_rows([len(rows[key]) for key in keys], room / _LOWEST_ROW)
    lanes = [Lane(*key, rows[key], max(1, min(len(rows[key]), most))) for key in keys]
    row_height = min(_TALLEST_ROW, room / sum(lane.shown for lane in lanes))
    top = float(TOP)
    for lane in lanes:
        lane.top, lane.row_height = top, row_height
        top = lane.bottom + (pool_gap if lane.on_demand else _LANE_GAP)
    return lanes


def most_rows(counts: Sequence[int], room: float) -> int:
    """How many rows a lane may show at most so that all of them have room; one at least.

    Args:
        counts: the rows that each lane would have.
        room: for how many there is room in all.
    """
    most = max(1, *counts)
    while most > 1 and sum(max(1, min(count, most)) for count in counts) > room:
        most -= 1
    return most


def draw_ground(canvas: Canvas, axis: Axis, lane: Lane, down: Sequence[tuple[float, float]]) -> None:
    """The lane's background: when spot was to be had, when not, and what has not come yet.

    Args:
        canvas: to draw on.
        axis: of time.
        lane: whose background it is.
        down: when its pool had no spot capacity, (start, end) in seconds.
    """
    canvas.box((LEFT, lane.top, RIGHT, lane.bottom), FUTURE)
    now = axis.x(axis.now_s)
    if now > LEFT:
        canvas.box((LEFT, lane.top, now, lane.bottom), ON_DEMAND if lane.on_demand else AVAILABLE)
    for start_s, end_s in [] if lane.on_demand else down:
        canvas.box((axis.x(start_s), lane.top, axis.x(end_s), lane.bottom), UNAVAILABLE)


def draw_lane(canvas: Canvas, axis: Axis, lane: Lane) -> None:
    """The lives of the lane's instances; what happened to them lies above all bars."""
    for row, life in lane.placed():
        for segment in life.segments(axis.now_s):
            bar = lane.bar(row, axis.x(segment.start_s), axis.x(segment.end_s))
            draw_bar(canvas, bar, segment.phase, segment.task)
    for row, life in lane.placed():
        _draw_marks(canvas, axis, lane.bar(row, 0.0, 0.0), life)


def draw_bar(canvas: Canvas, bar: Box, phase: Phase, task: int) -> None:
    """An instance in one phase, with the task that is on it."""
    colour = task_colour(task)
    match phase:
        case Phase.LAUNCHING:
            canvas.box(bar, WHITE)
            canvas.hatch(bar, LAUNCHING)
        case Phase.SETUP:
            canvas.box(bar, mixed(colour, WHITE, 0.25))
            canvas.hatch(bar, colour)
        case Phase.RUNNING:
            canvas.box(_parted(bar), colour)
            _draw_number(canvas, bar, task, ink_on(colour))
        case Phase.IDLE:
            canvas.box(bar, WHITE)
            canvas.frame(bar, FAINT)
        case Phase.NOTICED:
            canvas.box(bar, NOTICED)


def _parted(bar: Box) -> Box:
    """The bar a hair shorter, so that the next one of the same colour is another one."""
    left, top, right, bottom = bar
    return left, top, max(left, right - 0.5), bottom


def _draw_number(canvas: Canvas, bar: Box, task: int, colour: Colour) -> None:
    left, top, right, bottom = bar
    size = min(13.0, bottom - top)
    tick_and_gaps = size + 6.0
    if size >= 6.5 and right - left >= text_width(str(task), size) + tick_and_gaps:
        canvas.text(left + 4.0, (top + bottom) / 2.0, str(task), size, colour)


def _draw_marks(canvas: Canvas, axis: Axis, bar: Box, life: Life) -> None:
    _left, top, _right, bottom = bar
    size, middle = min(max(bottom - top, 5.0), 13.0), (top + bottom) / 2.0
    for stay in life.stays:
        if stay.completed:
            draw_tick(canvas, axis.x(stay.left_s), middle, size, ALARM if stay.late else INK)
    if life.notice_s < math.inf:
        draw_triangle(canvas, axis.x(life.notice_s), middle, size)


def draw_tick(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    """A task is done: a tick whose right end is at x."""
    points = [(x - size, y), (x - 0.62 * size, y + 0.38 * size), (x, y - 0.42 * size)]
    canvas.line(points, WHITE, 3.5)
    canvas.line(points, colour, 1.5)


def draw_triangle(canvas: Canvas, x: float, y: float, size: float) -> None:
    """An instance was given notice: a triangle that points down, around (x, y)."""
    for half, colour in ((size / 2.0 + 1.5, WHITE), (size / 2.0, ALARM)):
        canvas.polygon([(x - half, y - 0.9 * half), (x + half, y - 0.9 * half), (x, y + half)], colour)


def draw_names(canvas: Canvas, names: Sequence[str], lanes: Sequence[Lane]) -> None:
    """The pools' names and the purchases, left of the lanes; in the lanes, how many rows are not shown."""
    for spot, on_demand in zip(lanes[::2], lanes[1::2], strict=True):
        height = on_demand.bottom - spot.top
        size = min(13.0, max(7.0, height))
        name = shortened(names[spot.pool], size, LEFT - MARGIN - 68.0)
        canvas.text(MARGIN, (spot.top + on_demand.bottom) / 2.0, name, size, INK)
        if height >= 2.0 * _SMALLEST_LABEL:
            _draw_purchase(canvas, spot, "spot")
            _draw_purchase(canvas, on_demand, "on-demand")
    for lane in lanes:
        if lane.shown < len(lane.rows):
            _draw_rest(canvas, lane)


def _draw_purchase(canvas: Canvas, lane: Lane, name: str) -> None:
    size = min(11.0, max(_SMALLEST_LABEL, lane.bottom - lane.top))
    canvas.text(LEFT - 8.0, lane.middle, name, size, FAINT, "rm")


def _draw_rest(canvas: Canvas, lane: Lane) -> None:
    note = f"+{len(lane.rows) - lane.shown} more"
    left = RIGHT - text_width(note, 10.0) - 8.0
    canvas.box((left, lane.middle - 6.0, RIGHT, lane.middle + 6.0), WHITE)
    canvas.text(left + 4.0, lane.middle, note, 10.0, ALARM)

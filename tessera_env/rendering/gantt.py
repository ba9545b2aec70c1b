"""What an episode looks like: its events as lines of text, and its Gantt chart."""

from collections.abc import Sequence

import numpy as np

from tessera_env.engine.kinds import LogKind
from tessera_env.rendering.axis import Axis, draw_now, draw_ticks
from tessera_env.rendering.canvas import Canvas
from tessera_env.rendering.curves import (
    Curves,
    arrived_work_curve,
    spells_without_capacity,
    waiting_curve,
    work_done_curve,
)
from tessera_env.rendering.lanes import draw_ground, draw_lane, draw_names, make_lanes
from tessera_env.rendering.lives import read_lives
from tessera_env.rendering.margins import Figure, draw_header, draw_legend
from tessera_env.rendering.panels import draw_curves, draw_deadline, draw_panels, panel_boxes
from tessera_env.rendering.services import ServiceCurves, draw_service_curves, draw_service_panels, service_curves
from tessera_env.rendering.style import ALARM, HEIGHT, INK, WHITE, WIDTH
from tessera_env.scenario.scenario import Scenario


def gantt_image(
    scenario: Scenario,
    log: np.ndarray,
    now_s: float,
    first_capacity: Sequence[int],
    tasks: np.ndarray,
    usd: float,
) -> np.ndarray:
    """The episode up to now as a picture.

    Args:
        scenario: what is played.
        log: LOG records, from the episode's start.
        now_s: up to when.
        first_capacity: (P,) spot instances to be had at the start; the log has the changes.
        tasks: (tasks,) TASK records, those of the world; their number, work and deadlines are shown.
        usd: dollars so far, those that run up on living instances too.

    Returns:
        (720, 1280, 3) uint8.
    """
    axis = Axis(scenario.horizon_h * 3600.0, now_s)
    lives = read_lives(log)
    lanes = make_lanes(len(scenario.pools), lives)
    panels = panel_boxes(lanes)
    has_tasks = len(tasks) > 0 or not scenario.service
    service = service_curves(log, now_s)
    curves = Curves(waiting_curve(log, now_s), work_done_curve(lives, now_s), arrived_work_curve(log, tasks, now_s))
    down = spells_without_capacity(log, first_capacity, now_s)
    canvas = Canvas(WIDTH, HEIGHT, WHITE)
    for lane in lanes:
        draw_ground(canvas, axis, lane, down[lane.pool])
    if has_tasks:
        draw_panels(canvas, panels, curves)
    else:
        draw_service_panels(canvas, panels, service)
    draw_ticks(canvas, axis)
    for lane in lanes:
        draw_lane(canvas, axis, lane)
    if has_tasks:
        draw_curves(canvas, axis, panels, curves)
        draw_deadline(canvas, axis, panels[1], tasks)
    else:
        draw_service_curves(canvas, axis, panels, service)
    draw_now(canvas, axis)
    draw_names(canvas, [pool.name for pool in scenario.pools], lanes)
    draw_header(canvas, scenario.name, scenario.description, _figures(scenario, log, len(tasks), now_s, usd, service))
    draw_legend(canvas)
    return canvas.pixels()


def _figures(
    scenario: Scenario, log: np.ndarray, task_count: int, now_s: float, usd: float, service: ServiceCurves
) -> list[Figure]:
    counts = np.bincount(log["kind"], minlength=len(LogKind)).tolist()
    missed = counts[LogKind.MISSED]
    figures = [
        Figure("time", f"{now_s / 3600.0:.1f} of {scenario.horizon_h:g} h"),
        Figure("dollars so far", f"${usd:,.2f}"),
    ]
    if task_count == 0 and scenario.service:
        below = service.below_h > 0.0
        return [
            *figures,
            Figure("ready / target", f"{service.ready.values[-1]:.0f} / {service.target.values[-1]:.0f}"),
            Figure("interruptions", str(counts[LogKind.NOTICE])),
            Figure("below target", f"{60.0 * service.below_h:.1f} min", ALARM if below else INK),
        ]
    return [
        *figures,
        Figure("tasks done", f"{counts[LogKind.COMPLETION]} of {task_count}"),
        Figure("interruptions", str(counts[LogKind.NOTICE])),
        Figure("deadlines missed", str(missed), ALARM if missed else INK),
    ]

"""What an episode looks like: its events as lines of text, and its Gantt chart."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tessera_env.engine.kinds import EventKind, LogKind, Plan
from tessera_env.gantt.axis import Axis, draw_now, draw_ticks
from tessera_env.gantt.canvas import Canvas
from tessera_env.gantt.curves import Curves, arrived_work_curve, spells_without_capacity, waiting_curve, work_done_curve
from tessera_env.gantt.lanes import draw_ground, draw_lane, draw_names, make_lanes
from tessera_env.gantt.lives import read_lives
from tessera_env.gantt.margins import Figure, draw_header, draw_legend
from tessera_env.gantt.panels import draw_curves, draw_deadline, draw_panels, panel_boxes
from tessera_env.gantt.style import ALARM, HEIGHT, INK, WHITE, WIDTH
from tessera_env.parameters import UNLIMITED
from tessera_env.scenario import Scenario


def ansi_line(scenario: Scenario, entry: Any) -> str:
    """An event as a line of text: when, about what, what kind, and its figures.

    Args:
        scenario: whose pools the event names.
        entry: a LOG record.
    """
    subject = f"task {entry['task']}" if entry["task"] >= 0 else ""
    detail = _detail(scenario, entry)
    return f"{entry['time_s'] / 3600.0:8.2f} h  {subject:<9}  {LogKind(entry['kind']).name:<13}  {detail}".rstrip()


def _detail(scenario: Scenario, entry: Any) -> str:
    value, other = float(entry["value"]), float(entry["other"])
    where = _placement(scenario, entry["pool"], entry["on_demand"])
    instance = f"instance {entry['launch']}, {where}"
    match LogKind(entry["kind"]):
        case LogKind.DECISION:
            return f"{_action(scenario, int(value))} ({_reason(int(other))})"
        case LogKind.LAUNCH:
            return f"{instance} (billed from {_hours(value)}, set up at {_hours(other)})"
        case LogKind.LAUNCH_FAILED:
            return f"{where} (no capacity)"
        case LogKind.PLACE:
            return f"{instance} (works from {_hours(value)})"
        case LogKind.STOP:
            return f"{instance} ({_hours(value)} of work kept, {_hours(other)} lost)"
        case LogKind.NOTICE:
            return f"{instance} (ends at {_hours(value)})"
        case LogKind.CHECKPOINT:
            return f"{instance} ({Plan(int(value)).name}, {_hours(other)} of work saved)"
        case LogKind.END:
            return f"{instance} (${value:.2f}, billed to {_hours(other)})"
        case LogKind.CAPACITY:
            count = "no limit" if value >= UNLIMITED else f"{value:.0f} to be had"
            return f"{scenario.pools[entry['pool']].name} ({count})"
        case LogKind.COMPLETION | LogKind.IDLE | LogKind.CANCEL:
            return instance
        case _:
            return ""


def _placement(scenario: Scenario, pool: int, on_demand: int) -> str:
    return f"{'on-demand' if on_demand == 1 else 'spot'} {scenario.pools[pool].name}"


def _action(scenario: Scenario, action: int) -> str:
    if action == 0:
        return "wait"
    on_demand, pool = divmod(action - 1, len(scenario.pools))
    return _placement(scenario, pool, on_demand)


def _reason(reason: int) -> str:
    return EventKind(reason).name.removeprefix("ASK_").lower()


def _hours(seconds: float) -> str:
    return f"{seconds / 3600.0:.2f} h"


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
    curves = Curves(waiting_curve(log, now_s), work_done_curve(lives, now_s), arrived_work_curve(log, tasks, now_s))
    down = spells_without_capacity(log, first_capacity, now_s)
    canvas = Canvas(WIDTH, HEIGHT, WHITE)
    for lane in lanes:
        draw_ground(canvas, axis, lane, down[lane.pool])
    draw_panels(canvas, panels, curves)
    draw_ticks(canvas, axis)
    for lane in lanes:
        draw_lane(canvas, axis, lane)
    draw_curves(canvas, axis, panels, curves)
    draw_deadline(canvas, axis, panels[1], tasks)
    draw_now(canvas, axis)
    draw_names(canvas, [pool.name for pool in scenario.pools], lanes)
    draw_header(canvas, scenario.name, scenario.description, _figures(scenario, log, len(tasks), now_s, usd))
    draw_legend(canvas)
    return canvas.pixels()


def _figures(scenario: Scenario, log: np.ndarray, task_count: int, now_s: float, usd: float) -> list[Figure]:
    counts = np.bincount(log["kind"], minlength=len(LogKind)).tolist()
    missed = counts[LogKind.MISSED]
    return [
        Figure("time", f"{now_s / 3600.0:.1f} of {scenario.horizon_h:g} h"),
        Figure("dollars so far", f"${usd:,.2f}"),
        Figure("tasks done", f"{counts[LogKind.COMPLETION]} of {task_count}"),
        Figure("interruptions", str(counts[LogKind.NOTICE])),
        Figure("deadlines missed", str(missed), ALARM if missed else INK),
    ]

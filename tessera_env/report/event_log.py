"""The event log as JSON lines: one object an event, every value under a name of its own.

A line START opens each episode: policy, world, scenario, seed, the number of tasks that the world has and its horizon.
Every other line is an event: `policy`, `world`, `time_s` (since the episode's start), `event`, then what it is about -
`task`, `instance` (the number of its launch), `pool`, `purchase` - and the figures of its kind:

| event | figures |
|---|---|
| ARRIVAL | work_s, deadline_s (since the episode's start; null: none), gpu_memory_mb, state_cap_mb, interactive |
| DECISION | action: WAIT, or purchase and pool; reason: why the task was asked |
| LAUNCH | billed_from_s, set_up_s: provisioning and set-up end |
| LAUNCH_FAILED | none: there was no capacity |
| PREPARE | takes_over_s: when the task, which works on, goes to this instance |
| PLACE | works_from_s: its state is loaded and it runs |
| STOP | kept_s: all its work that is done and saved; lost_s: what this stop lost |
| NOTICE | ends_s: when the cloud takes the instance |
| CHECKPOINT | plan: FULL, PARTIAL or RESTART; saved_s: what the grace period saved |
| END | usd, billed_until_s |
| CAPACITY | instances: spot instances that can be had from now on; null: no limit |
| DEMAND | target: replicas that the service of this seat is to have ready; requests_per_s |
| COMPLETION, IDLE, CANCEL, MISSED | none |
| READY, UNREADY | none: the seat's replica serves from now on, or no longer |

A service's seats are numbered behind the tasks, and stand under `task`.

Numbers are written so that they read back as the very same number: dollars, hours and counts of an episode can be
added up from its lines alone.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tessera_env.engine.kinds import AskReason, CheckpointPlan, LogKind
from tessera_env.engine.log import FIGURES, entries_of
from tessera_env.files.writing import replacing
from tessera_env.scenario.scenario import Scenario
from tessera_env.world.parameters import UNLIMITED

_NAMES = [kind.name for kind in LogKind]
_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode  # made once: a third faster than json.dumps

_Told = Callable[[float], Any]  # what a line says of a figure


def event_lines(scenario: Scenario, log: np.ndarray, tasks: np.ndarray) -> Iterator[dict[str, Any]]:
    """The events of an episode as mappings of plain values, in their order.

    Args:
        scenario: what was played.
        log: (entries,) LOG records, from the episode's start.
        tasks: (tasks,) TASK records of the same world.
    """
    pools, words = [pool.name for pool in scenario.pools], _words_by_kind(scenario)
    for time_s, kind, task, launch, pool, on_demand, figures in entries_of(log):
        line: dict[str, Any] = {"time_s": time_s, "event": _NAMES[kind]}
        if task >= 0:
            line["task"] = task
        if launch >= 0:
            line["instance"] = launch
        if pool >= 0:
            line["pool"] = pools[pool]
        if on_demand >= 0:
            line["purchase"] = _purchase(on_demand)
        line |= figures
        for name, told in words[kind]:
            line[name] = told(figures[name])
        if kind == LogKind.ARRIVAL:
            line |= _task_figures(tasks[task])
        yield line


def episode_lines(
    scenario: Scenario, log: np.ndarray, tasks: np.ndarray, *, policy: str, seed: int, world: int
) -> Iterator[dict[str, Any]]:
    """The lines of one episode: START, then `event_lines`, each saying whose episode it is."""
    whose = {"policy": policy, "world": world}
    horizon_s = scenario.horizon_h * 3600.0
    start = {"scenario": scenario.name, "seed": seed, "tasks": len(tasks), "horizon_s": horizon_s}
    yield {**whose, "time_s": 0.0, "event": "START", **start}
    for event in event_lines(scenario, log, tasks):
        yield whose | event


def write_events(path: str | Path, lines: Iterable[dict[str, Any]]) -> None:
    """Write one line of JSON each, as they come, so that `path` holds the old file or all of the new lines.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path) as file:
        for line in lines:
            file.write(_encode(line).encode("utf-8", "replace") + b"\n")


def _words_by_kind(scenario: Scenario) -> list[list[tuple[str, _Told]]]:
    """Of each kind of event the figures that are not told as the numbers that they are, and what is told."""
    purchases = ((on_demand, pool.name) for on_demand in (0, 1) for pool in scenario.pools)
    actions = ["WAIT", *(f"{_purchase(on_demand)} {pool}" for on_demand, pool in purchases)]
    told: dict[str, _Told] = {
        "action": lambda action: actions[int(action)],
        "reason": {float(reason): reason.name for reason in AskReason}.__getitem__,
        "plan": {float(plan): plan.name for plan in CheckpointPlan}.__getitem__,
        "instances": lambda count: None if count >= UNLIMITED else int(count),
    }
    return [[(name, told[name]) for name in FIGURES[kind] if name in told] for kind in LogKind]


def _task_figures(task: np.void) -> dict[str, Any]:
    deadline_s = float(task["deadline_s"])
    return {
        "work_s": float(task["work_s"]),
        "deadline_s": deadline_s if np.isfinite(deadline_s) else None,
        "gpu_memory_mb": float(task["gpu_memory_mb"]),
        "state_cap_mb": float(task["state_cap_mb"]),
        "interactive": bool(task["interactive"]),
    }


def _purchase(on_demand: int) -> str:
    return "ON_DEMAND" if on_demand else "SPOT"

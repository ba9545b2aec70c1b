"""Events of the log as lines of text."""

from typing import Any

from tessera_env.engine.kinds import CheckpointPlan, EventKind, LogKind
from tessera_env.scenario.scenario import Scenario
from tessera_env.world.parameters import UNLIMITED


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
            return f"{instance} ({CheckpointPlan(int(value)).name}, {_hours(other)} of work saved)"
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

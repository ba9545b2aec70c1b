"""Events of the log as lines of text."""

from collections.abc import Iterator

import numpy as np

from tessera_env.engine.kinds import AskReason, CheckpointPlan, LogKind
from tessera_env.engine.log import Entry, entries_of
from tessera_env.scenario.scenario import Scenario
from tessera_env.world.parameters import UNLIMITED


def ansi_lines(scenario: Scenario, log: np.ndarray) -> Iterator[str]:
    """Each event as a line of text: when, about what, what kind, and its figures.

    Args:
        scenario: whose pools the events name.
        log: (entries,) LOG records.
    """
    for entry in entries_of(log):
        time_s, kind, task, *_ = entry
        subject = f"task {task}" if task >= 0 else ""
        yield f"{_hours(time_s):>10}  {subject:<9}  {LogKind(kind).name:<13}  {_detail(scenario, entry)}".rstrip()


def _detail(scenario: Scenario, entry: Entry) -> str:
    _, kind, _, launch, pool, on_demand, figures = entry
    where = _placement(scenario, pool, on_demand)
    instance = f"instance {launch}, {where}"
    match LogKind(kind):
        case LogKind.DECISION:
            return f"{_action(scenario, int(figures['action']))} ({_reason(int(figures['reason']))})"
        case LogKind.LAUNCH:
            return (
                f"{instance} (billed from {_hours(figures['billed_from_s'])}, set up at {_hours(figures['set_up_s'])})"
            )
        case LogKind.LAUNCH_FAILED:
            return f"{where} (no capacity)"
        case LogKind.PLACE:
            return f"{instance} (works from {_hours(figures['works_from_s'])})"
        case LogKind.PREPARE:
            return f"{instance} (takes over at {_hours(figures['takes_over_s'])})"
        case LogKind.STOP:
            return f"{instance} ({_hours(figures['kept_s'])} of work kept, {_hours(figures['lost_s'])} lost)"
        case LogKind.NOTICE:
            return f"{instance} (ends at {_hours(figures['ends_s'])})"
        case LogKind.CHECKPOINT:
            plan = CheckpointPlan(int(figures["plan"])).name
            return f"{instance} ({plan}, {_hours(figures['saved_s'])} of work saved)"
        case LogKind.END:
            return f"{instance} (${figures['usd']:.2f}, billed to {_hours(figures['billed_until_s'])})"
        case LogKind.CAPACITY:
            count = figures["instances"]
            return f"{scenario.pools[pool].name} ({'no limit' if count >= UNLIMITED else f'{count:.0f} to be had'})"
        case LogKind.DEMAND:
            return f"target {figures['target']:.0f}, {figures['requests_per_s']:.4g} requests/s"
        case LogKind.COMPLETION | LogKind.IDLE | LogKind.CANCEL | LogKind.READY | LogKind.UNREADY:
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
    return AskReason(reason).name.lower()


def _hours(seconds: float) -> str:
    return f"{seconds / 3600.0:.2f} h"

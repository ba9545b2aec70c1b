"""What each task of an episode cost: a column a figure, a row a task."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tessera_env.engine.tasks import LATE_S

Accounts = dict[str, np.ndarray]  # by the names of COLUMNS, each (tasks,); NaN where a task has no such figure

# What a column holds. Every billed second of an instance is charged to one task: its last user, or the one that it is
# prepared for.
COLUMNS = {
    "task": "its number in the world, in order of arrival from 0 on",
    "kind": "BATCH or INTERACTIVE",
    "arrival_h": "since the episode's start, as all times",
    "work_h": "that it asks for",
    "work_done_h": "by the episode's end, and kept",
    "deadline_h": "none: it has no deadline",
    "completed_h": "none: it was not",
    "late": "whether its deadline passed before it was completed",
    "usd": "billed to it: the next three together",
    "setup_usd": "before its work ran on an instance: set-up, loading its state",
    "running_usd": "while its work ran",
    "idle_usd": "after it had left an instance, until another task came or the instance ended, with the rest of the "
    "least time or the increment that is billed; below 0: a refunded first hour",
    "penalty_usd": "for a missed deadline, work left undone or downtime",
    "usd_per_work_h": "usd / work_done_h; none: no work was done",
    "spot_h": "billed",
    "on_demand_h": "billed",
    "interruptions": "how many",
    "work_lost_h": "done and lost by interruptions",
}
_MOST_WHOLE, _MOST = 10**15, 1e100  # of what is read
_WHOLE = ("world", "task", "interruptions")
_KINDS = np.array(["BATCH", "INTERACTIVE"], dtype=object)  # objects take 8 bytes a task, texts would take 44
_CHUNK = 65_536  # rows that are plain Python values at once


def accounts_of(tasks: np.ndarray, end_s: float) -> Accounts:
    """What each task cost in an episode that ended at `end_s`.

    Args:
        tasks: (tasks of the world,) TASK records.
        end_s: seconds since the episode's start.
    """
    done = np.isfinite(tasks["completion_s"])
    late = np.where(done, tasks["completion_s"] > tasks["deadline_s"] + LATE_S, tasks["deadline_s"] <= end_s)
    usd, work_done_h = tasks["setup_usd"] + tasks["running_usd"] + tasks["idle_usd"], tasks["progress_s"] / 3600.0
    columns = {
        "task": np.arange(len(tasks)),
        "kind": _KINDS[tasks["interactive"]],
        "arrival_h": tasks["arrival_s"] / 3600.0,
        "work_h": tasks["work_s"] / 3600.0,
        "work_done_h": work_done_h,
        "deadline_h": _finite(tasks["deadline_s"]) / 3600.0,
        "completed_h": _finite(tasks["completion_s"]) / 3600.0,
        "late": late,
        "usd": usd,
        "usd_per_work_h": np.divide(usd, work_done_h, out=np.full(len(tasks), np.nan), where=work_done_h > 0.0),
        "spot_h": tasks["spot_s"] / 3600.0,
        "on_demand_h": tasks["on_demand_s"] / 3600.0,
        "work_lost_h": tasks["lost_s"] / 3600.0,
    }
    same = ("setup_usd", "running_usd", "idle_usd", "penalty_usd", "interruptions")
    columns |= {name: tasks[name].copy() for name in same}
    return {name: columns[name] for name in COLUMNS}


def joined(worlds: Sequence[Accounts]) -> Accounts:
    """Accounts of worlds 0, 1, ... one below the other, with their world as the first column."""
    counts = [len(one["task"]) for one in worlds]
    columns = {name: np.concatenate([one[name] for one in worlds]) for name in COLUMNS}
    return {"world": np.repeat(np.arange(len(worlds)), counts), **columns}


def of_world(accounts: Accounts, world: int) -> Accounts:
    """One world's accounts, without that column."""
    rows = accounts["world"] == world
    return {name: accounts[name][rows] for name in COLUMNS}


def plain_chunks(accounts: Accounts) -> Iterator[dict[str, list[Any]]]:
    """The columns as lists of plain values, some rows at a time; None where a task has no such figure."""
    for first in range(0, len(accounts["task"]), _CHUNK):
        yield {name: _plain(column[first : first + _CHUNK]) for name, column in accounts.items()}


def accounts_from(rows: Sequence[Mapping[str, Any]]) -> Accounts:
    """Accounts with their worlds, from rows of plain values.

    Raises:
        KeyError: a row lacks a column.
        ValueError: a value is not of its column's kind.
    """
    return {name: _column(name, [row[name] for row in rows]) for name in ("world", *COLUMNS)}


def _column(name: str, values: list[Any]) -> np.ndarray:
    if name == "kind":
        if not all(value in _KINDS.tolist() for value in values):
            raise ValueError(f"tasks: {name}: not all are {' or '.join(_KINDS)}")
        return np.array(values, dtype=object)
    if name in _WHOLE or name == "late":
        kind = bool if name == "late" else int
        if not all(type(value) is kind and abs(value) <= _MOST_WHOLE for value in values):
            raise ValueError(f"tasks: {name}: not all are {'true or false' if kind is bool else 'whole numbers'}")
        return np.array(values, dtype=kind)
    if not all(value is None or (type(value) in (int, float) and abs(value) <= _MOST) for value in values):
        raise ValueError(f"tasks: {name}: not all are numbers or null")
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _plain(values: np.ndarray) -> list[Any]:
    found = values.tolist()
    return [None if value != value else value for value in found] if values.dtype.kind == "f" else found

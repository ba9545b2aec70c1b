"""The parts of a results file, checked: what one says is a policy, a seed or a figure is one."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tessera_env.evaluation.floors import FLOORS
from tessera_env.files.problems import shown
from tessera_env.simulation.accounts import Accounts, accounts_from

Table = dict[str, np.ndarray]  # one metric's episodes by name, each (episodes,)

COUNTS = ("tasks", "tasks_done", "deadlines_missed", "invalid_actions")  # whole numbers, which tables add up
_ROUNDING = 1e-9  # of the work's on-demand cost; penalties below it are differences of rounding
_MOST_WHOLE, _MOST = 10**15, 1e100  # far above any figure; squares and sums of these are finite


class ResultsError(ValueError):
    """A file that holds no results; one line."""


def policies_from(values: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is said of each policy, by its label.

    Raises:
        ResultsError: a label is no text for people, or taken already.
    """
    policies: dict[str, dict[str, Any]] = {}
    for policy in values:
        label = policy["label"]
        if not isinstance(label, str) or not label or not label.isprintable() or label in policies:
            raise ResultsError(f"policies: label: must be a text unlike the others (got {shown(label)})")
        policies[label] = {key: value for key, value in policy.items() if key != "label"}
    return policies


def seed_from(value: Any) -> int:
    """Raises ResultsError: it is no seed."""
    if type(value) is not int or not 0 <= value < 2**64:
        raise ResultsError(f"seed: must be a whole number from 0 to {2**64 - 1} (got {shown(value)})")
    return value


def baseline_from(value: Any, policies: Mapping[str, Any]) -> str | None:
    """Raises ResultsError: it is none of the policies."""
    if value is not None and (not isinstance(value, str) or value not in policies or value in FLOORS):
        raise ResultsError(f"baseline: must be null or one of the policies (got {shown(value)})")
    return value


def object_from(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Raises ResultsError: the member is no object."""
    if not isinstance(values[key], dict):
        raise ResultsError(f"{key}: must be an object (got {shown(values[key])})")
    return values[key]


def rows_by_label(rows: Iterable[Mapping[str, Any]], labels: Iterable[str], part: str) -> dict[str, list[Any]]:
    """The rows of each label, in their order.

    Raises:
        ResultsError: a row is of no label.
    """
    of_label: dict[str, list[Any]] = {label: [] for label in labels}
    for row in rows:
        label = row["policy"]
        if not isinstance(label, str) or label not in of_label:
            raise ResultsError(f"{part}: policy: must be one of the policies (got {shown(label)})")
        of_label[label].append(row)
    return of_label


def table_from(rows: list[Mapping[str, Any]], label: str) -> Table:
    """A policy's episodes.

    Raises:
        ResultsError: they are not one for each world, or lack a figure that is needed, or it is none.
    """
    place = f"episodes: of {shown(label)}"
    if [row["world"] for row in rows] != list(range(len(rows))) or not rows:
        raise ResultsError(f"{place}: must be one for each world from 0 on")
    metrics = [key for key in rows[0] if key not in ("policy", "world")]
    table = {metric: _column(f"{place}: {shown(metric)}", [row[metric] for row in rows]) for metric in metrics}
    needed = (FLOORS[label].metric,) if label in FLOORS else ("cost_usd", *_NEEDED)
    if missing := [metric for metric in needed if metric not in table]:
        raise ResultsError(f"{place}: must have {missing[0]}")
    table = _with_objective(table)
    for metric in ("cost_usd", "objective_usd"):
        if metric in table and not np.isfinite(table[metric]).all():
            raise ResultsError(f"{place}: {metric}: must be a number in each world (got null)")
    for metric in COUNTS:
        if metric in table and table[metric].dtype.kind != "i":
            raise ResultsError(f"{place}: {metric}: must be a whole number in each world")
    return table


_NEEDED = ("tasks", "tasks_done", "invalid_actions")  # of a policy's, beside its cost


def reference_from(values: Mapping[str, Any], lengths: Mapping[str, int]) -> np.ndarray | None:
    """The figure of each world from which the gap to the floor is counted; None where there is no floor.

    Raises:
        ResultsError: it is given without one, or the other way round, or not for each world.
    """
    floors = [label for label in lengths if label in FLOORS]
    if len(floors) != ("reference_usd" in values):
        raise ResultsError(f"reference_usd: must be given with one of the policies {', '.join(FLOORS)}, and only then")
    if not floors:
        return None
    reference_usd = _column("reference_usd", values["reference_usd"])
    if len(reference_usd) != lengths[floors[0]] or not np.isfinite(reference_usd).all():
        raise ResultsError(f"reference_usd: must be a number for each world (got {len(reference_usd)})")
    return reference_usd


def accounts_by_label(rows: Iterable[Mapping[str, Any]], lengths: Mapping[str, int]) -> dict[str, Accounts]:
    """What each task cost, by label.

    Raises:
        ResultsError: a world's tasks are not there from 0 on.
    """
    played = [label for label in lengths if label not in FLOORS]
    accounts = {label: accounts_from(own) for label, own in rows_by_label(rows, played, "tasks").items()}
    for label, columns in accounts.items():
        worlds, tasks = columns["world"], columns["task"]
        follows = (np.diff(worlds) > 0) & (tasks[1:] == 0) | (np.diff(worlds) == 0) & (np.diff(tasks) == 1)
        if not follows.all() or tasks[:1].any() or not ((worlds >= 0) & (worlds < lengths[label])).all():
            raise ResultsError(f"tasks: of {shown(label)}: must be each world's from 0 on, in order")
    return accounts


def _with_objective(table: Table) -> Table:
    """A table from a file that was written before there was an objective: it is minus the return, in dollars."""
    if "objective_usd" in table:
        return table
    cost, penalty = table["cost_usd"], np.zeros(len(table["cost_usd"]))
    if {"episode_return", "scale_usd"} <= table.keys():
        penalty = -table["episode_return"] * table["scale_usd"] - cost
        penalty[np.abs(penalty) <= _ROUNDING * table["scale_usd"]] = 0.0
    return {**table, "objective_usd": cost + penalty, "penalty_usd": penalty}


def _column(place: str, values: list[Any]) -> np.ndarray:
    for value in values:
        if value is not None and not _is_figure(value):
            raise ResultsError(f"{place}: must be numbers up to {_MOST:g}, or null (got {shown(value)})")
    return np.array([math.nan if value is None else value for value in values])


def _is_figure(value: Any) -> bool:
    return (type(value) is float and abs(value) <= _MOST) or (type(value) is int and abs(value) <= _MOST_WHOLE)

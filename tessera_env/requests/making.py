"""Tables of replicas and requests from columns, and what tables must be: one line for the first row that is wrong."""

import math
from typing import Any

import numpy as np

from tessera_env.files.numbers import exact
from tessera_env.requests.tables import REPLICA, REQUEST, Fate
from tessera_env.world.parameters import new_table

_FATES = ", ".join(f"{fate.name} {fate.value}" for fate in Fate)
_SORTED = "sorted, none before the one above it"


def replicas_of(ready_s: Any, until_s: Any, fate: Any) -> np.recarray:
    """A table of REPLICA records, sorted by when they are ready; one value stands for all rows.

    Raises:
        ValueError: the columns do not fit together, or a value is not allowed; one line.
    """
    table = _table(REPLICA, ready_s=ready_s, until_s=until_s, fate=fate)
    _check_lives(table, 0.0)
    table[:] = table[np.argsort(table.ready_s, kind="stable")]
    return table


def requests_of(arrival_s: Any, service_s: Any) -> np.recarray:
    """A table of REQUEST records; arrivals are sorted, one service time stands for all rows.

    Raises:
        ValueError: the columns do not fit together, or a value is not allowed; one line.
    """
    table = _table(REQUEST, arrival_s=arrival_s, service_s=service_s)
    check_requests(table, math.inf)
    return table


def _table(dtype: np.dtype, **columns: Any) -> np.recarray:
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    for name, values in arrays.items():
        if values.ndim > 1 or values.dtype.kind not in "iuf":
            raise ValueError(f"{name}: {values.dtype} of shape {values.shape} (allowed: one number, or one a row)")
        if name == "fate" and values.dtype.kind == "f" and values.size:
            raise ValueError(f"{name}: {values.dtype} (allowed: whole numbers, {_FATES})")
    counts = {len(values) for values in arrays.values() if values.ndim} or {1}
    if len(counts) > 1:
        shown = ", ".join(f"{name} {values.shape}" for name, values in arrays.items())
        raise ValueError(f"{shown} (allowed: as many rows each)")
    table = new_table(counts.pop(), dtype)
    for name, values in arrays.items():
        table[name] = values
    return table


def check_replicas(table: np.ndarray, until_s: float) -> None:
    """Refuse what is no table of REPLICA records for a run that ends then.

    Raises:
        ValueError: one line.
    """
    check_form("replicas", "REPLICA", table, REPLICA)
    _check_lives(table, until_s)
    _check("replicas", "ready_s", table, _is_sorted(table["ready_s"]), _SORTED)


def _check_lives(table: np.ndarray, until_s: float) -> None:
    """Refuse replicas, in any order, whose values are not allowed."""
    ready_s, ends_s, fate, name = table["ready_s"], table["until_s"], table["fate"], "replicas"
    _check(name, "ready_s", table, np.isfinite(ready_s) & (ready_s >= 0.0), "a number from 0 on")
    _check(name, "fate", table, (fate >= 0) & (fate < len(Fate)), _FATES)
    _check(name, "until_s", table, ends_s > ready_s, "more than ready_s")
    kept = fate == Fate.KEPT
    _check(name, "until_s", table, kept | np.isfinite(ends_s), "a number, as it is not KEPT")
    allowed = f"{exact(until_s)}, the end of the run, or more, as it is KEPT"
    _check(name, "until_s", table, ~kept | (ends_s >= until_s), allowed)


def check_requests(table: np.ndarray, until_s: float) -> None:
    """Refuse what is no table of REQUEST records for a run that ends then.

    Raises:
        ValueError: one line.
    """
    check_form("requests", "REQUEST", table, REQUEST)
    arrival_s, service_s, name = table["arrival_s"], table["service_s"], "requests"
    _check(name, "arrival_s", table, np.isfinite(arrival_s) & (arrival_s >= 0.0), "a number from 0 on")
    _check(name, "arrival_s", table, _is_sorted(arrival_s), _SORTED)
    _check(name, "arrival_s", table, arrival_s <= until_s, f"up to {exact(until_s)}, the end of the run")
    _check(name, "service_s", table, np.isfinite(service_s) & (service_s >= 0.0), "a number from 0 on")


def _is_sorted(times_s: np.ndarray) -> np.ndarray:
    """Whether each is not before the one above it."""
    return np.diff(times_s, prepend=-np.inf) >= 0.0 if len(times_s) else np.ones(0, dtype=bool)


def check_form(name: str, records: str, table: Any, dtype: np.dtype) -> None:
    """Refuse what is no table of such records.

    Raises:
        ValueError: one line.
    """
    if not isinstance(table, np.ndarray) or table.dtype != dtype or table.ndim != 1:
        shape = f"{table.dtype} of shape {table.shape}" if isinstance(table, np.ndarray) else type(table).__name__
        raise ValueError(f"{name}: {shape} (allowed: a table of {records} records)")


def _check(name: str, field: str, table: np.ndarray, is_allowed: np.ndarray, allowed: str) -> None:
    if not is_allowed.all():
        row = int(np.argmin(is_allowed))
        raise ValueError(f"{name}.{row}.{field}: {exact(table[field][row])} (allowed: {allowed})")

"""A run of requests against replicas as a function: tables in, a table out."""

import math
from typing import Any

import numpy as np

from tessera_env.requests.calling import call
from tessera_env.requests.events import run
from tessera_env.requests.making import check_replicas, check_requests
from tessera_env.requests.settings import RequestSettings, is_number
from tessera_env.requests.state import Play, new_play
from tessera_env.requests.tables import REPLICA, REQUEST

_MOST_COUNTS = 100_000_000  # of clients times replicas: 1.6 GB


def play_requests(
    replicas: np.ndarray,
    requests: np.ndarray,
    settings: RequestSettings | None = None,
    until_s: float = math.inf,
    clients: Any = None,
) -> np.recarray:
    """What becomes of each request, as a table of RESULT records.

    Args:
        replicas: REPLICA records, sorted by `ready_s`.
        requests: REQUEST records, sorted by `arrival_s`.
        settings: the rules; None: `RequestSettings()`.
        until_s: the end of the run; inf: when nothing happens any more.
        clients: (n,) whole numbers, whose request it is; None: request k is client k mod `settings.clients`'s.

    Raises:
        ValueError: an argument is not as it must be; one line.
    """
    rules = RequestSettings() if settings is None else settings
    if not isinstance(rules, RequestSettings):
        raise ValueError(f"settings: {type(rules).__name__} (allowed: RequestSettings, or None)")
    play = prepared(replicas, requests, rules, until_s, clients)
    call(run, len(requests), play)
    return play.results


def prepared(
    replicas: np.ndarray, requests: np.ndarray, settings: RequestSettings, until_s: float, clients: Any
) -> Play:
    """The run at its start, checked; arguments as for `play_requests`."""
    if not is_number(until_s) or not until_s > 0.0:
        raise ValueError(f"until_s: {until_s!r} (allowed: more than 0; inf: when nothing happens any more)")
    check_replicas(replicas, until_s)
    check_requests(requests, until_s)
    if settings.clients * len(replicas) > _MOST_COUNTS:
        allowed = f"up to {_MOST_COUNTS // len(replicas)} with {len(replicas)} replicas"
        raise ValueError(f"clients: {settings.clients} (allowed: {allowed})")
    return new_play(
        settings.record(until_s),
        _copied(replicas, REPLICA),
        _copied(requests, REQUEST),
        _checked_clients(clients, len(requests), settings.clients),
        settings.clients,
    )


def _copied(table: np.ndarray, dtype: np.dtype) -> np.recarray:
    """The one type that the kernel sees, whatever view of a table is given."""
    return np.array(table, dtype=dtype).view(np.recarray)


def _checked_clients(clients: Any, count: int, client_count: int) -> np.ndarray:
    if clients is None:
        return np.arange(count) % client_count
    given = np.asarray(clients)
    if given.shape != (count,) or given.dtype.kind not in "iu":
        raise ValueError(f"clients: {given.dtype} of shape {given.shape} (allowed: whole numbers of shape ({count},))")
    outside = (given < 0) | (given >= client_count)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(f"clients.{row}: {given[row]} (allowed: 0 to {client_count - 1})")
    return given

"""Requests as in the simulator published with SkyServe (Mao et al., EuroSys'25), to compare with its figures.

Three clients send at the same instants, each its k-th request to the ready replica number k mod their count. A replica
serves one at a time and looks for the next every 0.01 s; at a look it gives up the first request if that has waited for
more than the time-out, which takes the look, or begins it. What is begun is finished, whatever becomes of the replica.
When replicas go, they are the last of the list, and what waits there has failed. Numbers are numpy's RandomState(0).
"""

from typing import Any, NamedTuple

import numpy as np

from tessera_env.jit.compiled import compiled
from tessera_env.jit.kernel import Kernel
from tessera_env.requests.calling import call
from tessera_env.requests.tables import RESULT, Outcome
from tessera_env.world.parameters import NONE, new_table

TIMEOUT_S = 100.0
TICK_S = 30.0  # between two counts of ready replicas
_CLIENTS = 3
_GAP_S = 20.0  # mean, of a client
_SERVICE_S = 10.0  # mean
_LOOKS_A_S = 100.0
_AFTER_S = 1.0  # the end, after the last count's tick
_NEVER = 2**62
_MOST_READY = 1_000_000

# A replica of the list.
POSITION = np.dtype(
    [
        ("first", np.int64),  # request that waits there; NONE: none does
        ("last", np.int64),
        ("look", np.int64),  # its next look that finds one, in looks from the start on
        ("free_look", np.int64),  # the first one after what it serves
    ],
    align=True,
)


class Published(NamedTuple):
    """One run of k times three requests."""

    counts: np.ndarray  # (ticks,) int64, replicas that are ready from each tick on
    arrivals_s: np.ndarray  # (k,)
    services_s: np.ndarray  # (3 k,) in the order of starts
    positions: np.recarray  # (most ready,) POSITION
    after: np.ndarray  # (3 k,) int64, the next one that waits at the same replica
    results: np.recarray  # (3 k,) RESULT
    progress: np.ndarray  # (4,) int64: _READY, _TICK, _FOUND, _STARTS


_READY, _TICK, _FOUND, _STARTS = range(4)  # replicas, counts seen, arrivals that found one, requests begun


def published_results(ready_counts: Any) -> np.recarray:
    """What becomes of each request, as a table of RESULT records, from the counts of ready replicas, one every 30 s.

    Raises:
        ValueError: the counts are no row of whole numbers, or one is out of range; one line.
    """
    counts = np.asarray(ready_counts)
    if counts.ndim != 1 or counts.dtype.kind not in "iu" or not len(counts):
        raise ValueError(f"ready_counts: {counts.dtype} of shape {counts.shape} (allowed: a row of whole numbers)")
    outside = (counts < 0) | (counts > _MOST_READY)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(f"ready_counts.{row}: {counts[row]} (allowed: 0 to {_MOST_READY})")
    arrivals_s = _arrivals_s(len(counts) * TICK_S + _AFTER_S)
    n = _CLIENTS * len(arrivals_s)
    published = Published(
        counts=counts.astype(np.int64),
        arrivals_s=arrivals_s,
        services_s=np.random.RandomState(0).exponential(_SERVICE_S, n),
        positions=new_table(int(counts.max()), POSITION),
        after=np.zeros(n, dtype=np.int64),
        results=new_table(n, RESULT),
        progress=np.zeros(4, dtype=np.int64),
    )
    published.results.latency_s, published.results.outcome = np.nan, Outcome.UNFINISHED
    call(run_published, n, published)
    return published.results


def _arrivals_s(end_s: float) -> np.ndarray:
    """A client's arrivals up to the end."""
    count = 64
    while True:
        arrivals_s = np.cumsum(np.random.RandomState(0).exponential(_GAP_S, count))
        if arrivals_s[-1] > end_s:
            return arrivals_s[arrivals_s <= end_s]
        count *= 2


def _run_published(run) -> None:
    """Arrivals, looks and changes of the count, in this order at one instant, up to the end."""
    end_s = run.counts.shape[0] * TICK_S + _AFTER_S
    arrival = 0
    while True:
        position = next_position(run)
        look_s = run.positions[position].look / _LOOKS_A_S if position != NONE else end_s + 1.0
        arrival_s = run.arrivals_s[arrival] if arrival < run.arrivals_s.shape[0] else end_s + 1.0
        tick_s = run.progress[_TICK] * TICK_S if run.progress[_TICK] < run.counts.shape[0] else end_s + 1.0
        if min(arrival_s, look_s, tick_s) > end_s:
            break
        if arrival_s <= min(look_s, tick_s):
            arrive(run, arrival)
            arrival += 1
        elif look_s <= tick_s:
            look(run, position, end_s)
        else:
            change_count(run)


@compiled
def next_position(run) -> int:
    """The replica whose look is next, of equals the first of the list; NONE: nothing waits."""
    best, best_look = NONE, _NEVER
    for k in range(run.progress[_READY]):
        position = run.positions[k]
        if position.first != NONE and position.look < best_look:
            best, best_look = k, position.look
    return best


@compiled
def first_look_after(time_s: float) -> int:
    """The first look that is strictly after a time."""
    number = int(time_s * _LOOKS_A_S)
    while number / _LOOKS_A_S <= time_s:
        number += 1
    return number


@compiled
def arrive(run, arrival: int) -> None:
    """One request of each client, all to the same replica."""
    ready = run.progress[_READY]
    for request in range(_CLIENTS * arrival, _CLIENTS * (arrival + 1)):
        if ready == 0:
            record(run, request, Outcome.NO_REPLICA, TIMEOUT_S)
        else:
            wait_at(run, run.progress[_FOUND] % ready, request, run.arrivals_s[arrival])
    if ready > 0:
        run.progress[_FOUND] += 1


@compiled
def wait_at(run, number: int, request: int, now_s: float) -> None:
    """A request waits at a replica of the list."""
    position = run.positions[number]
    run.after[request] = NONE
    if position.first == NONE:
        position.first = request
        position.look = max(first_look_after(now_s), position.free_look)
    else:
        run.after[position.last] = request
    position.last = request


@compiled
def look(run, number: int, end_s: float) -> None:
    """The first request there is given up if it is late, else begun."""
    position = run.positions[number]
    request, now_s = position.first, position.look / _LOOKS_A_S
    arrival_s = run.arrivals_s[request // _CLIENTS]
    position.first = run.after[request]
    if now_s - arrival_s > TIMEOUT_S:
        record(run, request, Outcome.TIMED_OUT, TIMEOUT_S)
        position.free_look = position.look + 1
    else:
        finish_s = now_s + run.services_s[run.progress[_STARTS]]
        run.progress[_STARTS] += 1
        if finish_s <= end_s:
            record(run, request, Outcome.DONE, finish_s - arrival_s)
        position.free_look = first_look_after(finish_s)
    position.look = position.free_look


@compiled
def change_count(run) -> None:
    """The next count: the last ones of the list go, new ones come behind the others."""
    wanted = run.counts[run.progress[_TICK]]
    run.progress[_TICK] += 1
    while run.progress[_READY] > wanted:
        run.progress[_READY] -= 1
        request = run.positions[run.progress[_READY]].first
        while request != NONE:
            record(run, request, Outcome.LOST, TIMEOUT_S)
            request = run.after[request]
    while run.progress[_READY] < wanted:
        position = run.positions[run.progress[_READY]]
        position.first = NONE
        position.free_look = 0
        run.progress[_READY] += 1


@compiled
def record(run, request: int, outcome: int, latency_s: float) -> None:
    """Write down what became of a request."""
    result = run.results[request]
    result.outcome = outcome
    result.latency_s = latency_s


run_published = Kernel(_run_published)

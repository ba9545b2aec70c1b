"""What changes while requests are played: tables of records, made in one place."""

from typing import NamedTuple

import numpy as np

from tessera_env.requests.tables import RESULT, Fate, Outcome
from tessera_env.world.parameters import NONE, new_table

# Where a request is.
PLACE = np.dtype(
    [
        ("client", np.int64),  # who sends it
        ("queue", np.int64),  # the replica's row; their number: it waits for one to be ready; NONE: nowhere
        ("before", np.int64),  # in that queue; NONE: it is the first
        ("after", np.int64),  # NONE: it is the last
        ("finish_s", np.float64),  # while it is served
        ("start", np.int64),  # how many starts there were before its own
        ("index", np.int64),  # among those served, by finish; NONE: it is not served
    ],
    align=True,
)

# The requests at a replica in the order in which they came: those served, then those that wait.
QUEUE = np.dtype(
    [
        ("first", np.int64),  # NONE: it is empty
        ("last", np.int64),
        ("first_waiting", np.int64),  # NONE: none waits
        ("serving", np.int64),  # how many
    ],
    align=True,
)

# What a client knows of a replica.
SENT = np.dtype(
    [
        ("outstanding", np.int64),  # requests that it sent there and that are there
        ("last", np.int64),  # which of all sendings was its last one there; 0: none
    ],
    align=True,
)

CLOCK = np.dtype(
    [
        ("time_s", np.float64),
        ("next_arrival", np.int64),  # request
        ("next_timeout", np.int64),  # request; none before it is still to be timed out
        ("next_ready", np.int64),  # replica
        ("next_end", np.int64),  # of `ends`
        ("ready_count", np.int64),
        ("served_count", np.int64),  # at this instant
        ("starts", np.int64),  # so far
        ("sendings", np.int64),  # so far
    ],
    align=True,
)


class Play(NamedTuple):
    """One run of n requests against r replicas."""

    rules: np.recarray  # (1,) RULES
    replicas: np.recarray  # (r,) REPLICA
    requests: np.recarray  # (n,) REQUEST
    results: np.recarray  # (n,) RESULT
    places: np.recarray  # (n,) PLACE
    queues: np.recarray  # (r + 1,) QUEUE; the last one is of requests that wait for a replica
    sent: np.recarray  # (clients, r) SENT
    turns: np.ndarray  # (clients,) int64, how many requests each has sent
    ready: np.ndarray  # (r,) int64, the replicas that are ready, oldest first, in front
    ends: np.ndarray  # int64, the replicas that end, in the order in which they do
    served: np.ndarray  # (n,) int64, a heap of the requests that are served, by finish
    clock: np.recarray  # (1,) CLOCK


def new_play(rules: np.recarray, replicas: np.recarray, requests: np.recarray, clients: np.ndarray, count: int) -> Play:
    """A run at its start; `clients` (n,) says which of the `count` clients each request belongs to."""
    ending = np.flatnonzero(replicas.fate != Fate.KEPT)
    play = Play(
        rules=rules,
        replicas=replicas,
        requests=requests,
        results=new_table(len(requests), RESULT),
        places=new_table(len(requests), PLACE),
        queues=new_table(len(replicas) + 1, QUEUE),
        sent=new_table((count, len(replicas)), SENT),
        turns=np.zeros(count, dtype=np.int64),
        ready=np.zeros(len(replicas), dtype=np.int64),
        ends=ending[np.argsort(replicas.until_s[ending], kind="stable")].astype(np.int64),
        served=np.zeros(len(requests), dtype=np.int64),
        clock=new_table(1, CLOCK),
    )
    play.results.latency_s, play.results.outcome = np.nan, Outcome.UNFINISHED
    play.places.client = clients
    play.places.queue = play.places.index = NONE
    play.queues.first = play.queues.last = play.queues.first_waiting = NONE
    return play

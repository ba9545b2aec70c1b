"""What is given and what comes out: replicas, requests, and what became of each request."""

from enum import IntEnum

import numpy as np


class Fate(IntEnum):
    """How a replica's life ended."""

    KEPT = 0  # it was there at the end of the run
    STOPPED = 1  # drained: it finishes what it has begun, what waits there moves on
    LOST = 2  # interrupted


class Outcome(IntEnum):
    """What became of a request."""

    DONE = 0
    TIMED_OUT = 1
    LOST = 2  # with its replica
    NO_REPLICA = 3  # none was ready, and it does not wait for one
    UNFINISHED = 4  # at the end of the run


# Sorted by ready_s.
REPLICA = np.dtype(
    [
        ("ready_s", np.float64),  # from here on it serves
        ("until_s", np.float64),  # and up to here; the end of the run or later if it is KEPT
        ("fate", np.int64),  # Fate
    ],
    align=True,
)

# Sorted by arrival_s.
REQUEST = np.dtype(
    [
        ("arrival_s", np.float64),
        ("service_s", np.float64),  # on a replica's slot, from its start to its answer
    ],
    align=True,
)

# A row a request.
RESULT = np.dtype(
    [
        ("latency_s", np.float64),  # from arrival to answer; a failure's is the time-out, NaN where it is UNFINISHED
        ("outcome", np.int64),  # Outcome
    ],
    align=True,
)

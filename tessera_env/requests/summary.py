"""A run of requests in a few figures."""

import math
from typing import NamedTuple

import numpy as np

from tessera_env.requests.making import check_form
from tessera_env.requests.tables import RESULT, Outcome

_PERCENTS = (50.0, 90.0, 99.0, 99.9)


class Summary(NamedTuple):
    """What became of all requests.

    Mean and percentiles are of all but the unfinished ones. A failure counts as the time-out, as is published of
    serving on spot instances (SkyServe, EuroSys'25): infinite where there is none. NaN: there is nothing to count.
    """

    requests: int
    done: int
    timed_out: int
    lost: int  # with their replica
    no_replica: int
    unfinished: int  # waiting or served at the end of the run
    failure_rate: float  # share of failures in those that are done or failed
    mean_s: float
    p50_s: float
    p90_s: float
    p99_s: float
    p999_s: float


def summary_of(results: np.ndarray) -> Summary:
    """The figures of a table of RESULT records.

    Raises:
        ValueError: it is none; one line.
    """
    check_form("results", "RESULT", results, RESULT)
    done, timed_out, lost, no_replica, unfinished = np.bincount(results["outcome"], minlength=len(Outcome)).tolist()
    counted = len(results) - unfinished
    latency_s = results["latency_s"][results["outcome"] != Outcome.UNFINISHED]
    return Summary(
        requests=len(results),
        done=done,
        timed_out=timed_out,
        lost=lost,
        no_replica=no_replica,
        unfinished=unfinished,
        failure_rate=(counted - done) / counted if counted else math.nan,
        mean_s=float(latency_s.mean()) if counted else math.nan,
        **dict(zip(("p50_s", "p90_s", "p99_s", "p999_s"), _percentiles(latency_s), strict=True)),
    )


def _percentiles(values: np.ndarray) -> list[float]:
    """By linear interpolation, infinite as soon as an infinite value has a part in it."""
    if not len(values):
        return [math.nan] * len(_PERCENTS)
    finite = values[np.isfinite(values)]
    largest = float(finite.max()) if len(finite) else 0.0
    found = np.percentile(np.where(np.isfinite(values), values, 2.0 * largest + 1e300), _PERCENTS)
    return [math.inf if value > largest and len(finite) < len(values) else value for value in found.tolist()]

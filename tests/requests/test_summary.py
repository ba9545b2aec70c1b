"""The figures of a run."""

import math

import numpy as np
import pytest

from tessera_env.requests.summary import Summary, summary_of
from tessera_env.requests.tables import RESULT, Outcome

DONE, TIMED_OUT, LOST, NO_REPLICA, UNFINISHED = Outcome


def table(*rows: tuple[float, Outcome]) -> np.ndarray:
    return np.array(list(rows), RESULT)


def test_failures_count_as_the_time_out_and_unfinished_ones_not_at_all():
    rows = [(float(k), DONE) for k in range(1, 6)]
    rows += [(100.0, TIMED_OUT), (100.0, TIMED_OUT), (100.0, LOST), (100.0, NO_REPLICA), (math.nan, UNFINISHED)]
    summary = summary_of(table(*rows))
    assert summary[:7] == (10, 5, 2, 1, 1, 1, 4 / 9)
    latencies_s = [1.0, 2.0, 3.0, 4.0, 5.0, 100.0, 100.0, 100.0, 100.0]
    assert summary.mean_s == pytest.approx(np.mean(latencies_s))
    assert summary[8:] == tuple(np.percentile(latencies_s, [50, 90, 99, 99.9]))


def test_without_a_time_out_a_failure_is_never_answered():
    summary = summary_of(table(*[(float(k), DONE) for k in range(100)], (math.inf, LOST)))
    assert summary.p50_s == 50.0
    assert summary.p99_s == 99.0  # the 100th of 101, with no part of the last one
    assert summary.p999_s == summary.mean_s == math.inf
    assert summary_of(table((math.inf, LOST))).p50_s == math.inf


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"^results: float64 of shape \(2,\) \(allowed: a table of RESULT records\)$"):
        summary_of(np.zeros(2))


@pytest.mark.parametrize("rows", [[], [(math.nan, UNFINISHED)]])
def test_where_there_is_nothing_to_count(rows):
    summary = summary_of(table(*rows))
    assert summary.requests == summary.unfinished == len(rows)
    assert all(math.isnan(value) for value in summary[6:])
    assert len(summary) == len(Summary._fields) == 12

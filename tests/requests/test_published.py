"""SkyServe's published simulator: every figure of its requests, to the last printed digit."""

import csv
from functools import cache

import numpy as np
import pytest
from numba import config as numba_config

from tessera_env.requests.published import TICK_S, TIMEOUT_S, published_results
from tessera_env.requests.summary import summary_of
from tessera_env.requests.tables import Outcome
from tests.requests.skyserve import capacity_rows, ready_counts
from tests.traces import SHARED

TRACES, RUNS = SHARED / "spothedge", SHARED.parent / "golden" / "skyserve_latency.csv"
EVERY = 8 if numba_config.DISABLE_JIT else 1

published = pytest.mark.skipif(
    not (RUNS.is_file() and TRACES.is_dir()),
    reason=f"needs the published figures, {RUNS}, and the traces that they are of, {TRACES} (TESSERA_TRACES)",
)


@cache
def runs() -> list[dict[str, str]]:
    with RUNS.open() as file:
        return list(csv.DictReader(file))


def counts_of(run: dict[str, str]) -> list[int]:
    rows = capacity_rows(TRACES / run["trace"], int(run["start_tick"]), int(run["ticks"]))
    cold_ticks = int(int(run["cold_start_s"]) / TICK_S)
    return ready_counts(run["policy"], rows, int(run["n_target"]), int(run["n_extra"]), cold_ticks)


def figures_of(run: dict[str, str]) -> dict[str, str]:
    """The printed figures of a run of our own."""
    counts = np.array(counts_of(run))
    results = published_results(counts)
    summary = summary_of(results)
    latency_s = results.latency_s[results.outcome != Outcome.UNFINISHED]
    times = {f"{name}_s": f"{getattr(summary, f'{name}_s'):.3f}" for name in ("mean", "p50", "p90", "p99", "p999")}
    return {
        "availability": f"{(counts >= int(run['n_target'])).mean():.6f}",
        "requests": str(len(latency_s)),
        "timed_out": str(int((latency_s == TIMEOUT_S).sum())),
        "over_timeout": str(int((latency_s > TIMEOUT_S).sum())),
        **times,
    }


@published
def test_every_figure_of_every_run():
    assert len(runs()) == 32
    for number, run in enumerate(runs()[::EVERY]):
        figures = figures_of(run)
        assert figures == {name: run[name] for name in figures}, number


@published
def test_a_tick_too_few_is_seen():
    """The figures are so sharp that a replica that is ready one tick too early changes them."""
    run = runs()[3]
    counts = counts_of(run)
    first = counts.index(max(counts[5:]), 5)
    early = [*counts[: first - 1], counts[first], *counts[first:]]
    summary = summary_of(published_results(early))
    assert f"{summary.mean_s:.3f}" != run["mean_s"]


def test_without_a_replica_requests_fail_at_once():
    """And what waits at a replica that goes, though what it serves is finished."""
    results = published_results([0] * 40)
    before_end = results[results.outcome != Outcome.UNFINISHED]
    assert (before_end.outcome == Outcome.NO_REPLICA).all() and (before_end.latency_s == TIMEOUT_S).all()
    assert len(before_end) == len(results) > 100
    gone = published_results([1] * 10 + [0] * 10)
    assert (gone.outcome == Outcome.LOST).any()
    in_time = gone[gone.outcome == Outcome.DONE]
    assert len(in_time) > 5


def test_three_requests_come_together_and_one_is_served_at_a_time():
    """The first looks of the first replica, by numpy's own numbers."""
    numbers = np.random.RandomState(0)
    arrival_s = numbers.exponential(20.0)
    services_s = np.random.RandomState(0).exponential(10.0, 3)
    look_s = (int(arrival_s * 100.0) + 1) / 100.0
    first = published_results([1] * 10)[:2]
    assert first.latency_s[0] == look_s + services_s[0] - arrival_s
    second_look_s = (int((look_s + services_s[0]) * 100.0) + 1) / 100.0
    assert first.latency_s[1] == second_look_s + services_s[1] - arrival_s


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        ([], "ready_counts: float64 of shape (0,) (allowed: a row of whole numbers)"),
        ([1.5], "ready_counts: float64 of shape (1,) (allowed: a row of whole numbers)"),
        ([1, -1], "ready_counts.1: -1 (allowed: 0 to 1000000)"),
    ],
)
def test_what_is_refused(counts, line):
    with pytest.raises(ValueError) as raised:
        published_results(counts)
    assert str(raised.value) == line

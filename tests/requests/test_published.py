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

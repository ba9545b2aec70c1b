"""A million requests of a service against the lives of its replicas: seconds, and requests a second."""

import math
import time

import numpy as np

from benchmarks.common import Report, run_alone
from tessera_env.requests.arrivals import arrivals_of
from tessera_env.requests.draws import world_of
from tessera_env.requests.making import replicas_of, requests_of
from tessera_env.requests.playing import play_requests
from tessera_env.requests.published import published_results
from tessera_env.requests.service_times import Exponential, service_times_of
from tessera_env.requests.settings import RequestSettings
from tessera_env.requests.summary import summary_of
from tessera_env.requests.tables import Fate

SERVICE_S, LOAD, LIFE_S = 10.0, 0.8, 4 * 3600.0
WAYS = {
    "least load": RequestSettings(timeout_s=100.0),
    "round robin": RequestSettings(timeout_s=100.0, balancing="round_robin"),
    "least load, 4 slots, 8 clients": RequestSettings(timeout_s=100.0, slots=4, clients=8),
}


def drawn(count: int, ready: int, slots: int) -> tuple[np.recarray, np.recarray, float]:
    """So many requests for so many replicas at a time, each lost after an exponential life and replaced at once."""
    world, rate = world_of(0, 0), LOAD * ready * slots / SERVICE_S
    until_s = count / rate
    arrivals_s = arrivals_of([(0.0, rate)], until_s, world)
    requests = requests_of(arrivals_s, service_times_of(Exponential(SERVICE_S), len(arrivals_s), world))
    lives = np.random.default_rng(0).exponential(LIFE_S, (ready, 2 * math.ceil(until_s / LIFE_S) + 20))
    ends_s = lives.cumsum(axis=1)
    starts_s = ends_s - lives
    lived = starts_s < until_s
    fates = np.where(ends_s < until_s, Fate.LOST, Fate.KEPT)
    return replicas_of(starts_s[lived], ends_s[lived], fates[lived]), requests, until_s


def row_of(name: str, settings: RequestSettings, count: int, ready: int, repeats: int) -> tuple[str, ...]:
    """One line of the table: the best time of several."""
    replicas, requests, until_s = drawn(count, ready, settings.slots)
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        results = play_requests(replicas, requests, settings, until_s)
        seconds.append(time.perf_counter() - began)
    summary = summary_of(results)
    figures = f"{min(seconds):.3f}", f"{len(requests) / min(seconds):,.0f}"
    return name, f"{len(requests):,}", str(ready), f"{len(replicas):,}", *figures, f"{summary.p99_s:.1f}"


def published_row(count: int, repeats: int) -> tuple[str, ...]:
    """SkyServe's own queueing on three replicas."""
    ticks = max(int(count / (3 * 30.0 / 20.0)), 1)
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        results = published_results([3] * ticks)
        seconds.append(time.perf_counter() - began)
    figures = f"{min(seconds):.3f}", f"{len(results) / min(seconds):,.0f}"
    return "as published", f"{len(results):,}", "3", "3", *figures, f"{summary_of(results).p99_s:.1f}"


def measure(quick: bool) -> Report:
    """The table."""
    count, fleets, repeats = (2_000, (3,), 1) if quick else (1_000_000, (3, 30, 300), 3)
    row_of("", RequestSettings(), 10, 1, 1)  # compile
    published_results([1])
    rows = [row_of(name, way, count, ready, repeats) for ready in fleets for name, way in WAYS.items()]
    return Report(
        f"Requests against the lives of replicas, best of {repeats}",
        "Load 0.8; a replica lives 4 hours on average and is replaced at once, its requests are sent anew. Checks of\n"
        "the tables are in the seconds; drawing the requests, and the summary, are not.",
        ("way", "requests", "ready", "replicas", "seconds", "requests/s", "P99 s"),
        (*rows, published_row(count, repeats)),
    )


if __name__ == "__main__":
    run_alone(measure, __doc__)

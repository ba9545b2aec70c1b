"""What becomes of services' requests in an episode that is over: latencies and failures, request by request."""

from typing import Any

import numpy as np

from tessera_env.engine.kinds import LogKind
from tessera_env.evaluation.arriving import arriving
from tessera_env.requests.making import replicas_of
from tessera_env.requests.playing import play_requests
from tessera_env.requests.settings import RequestSettings
from tessera_env.requests.summary import summary_of
from tessera_env.requests.tables import Fate
from tessera_env.scenario.requests import Requests
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation

METRICS = ("done", "timed_out", "lost", "no_replica", "failure_rate", "mean_s", "p50_s", "p90_s", "p99_s")


def plays_requests(scenario: Scenario) -> bool:
    """Whether a service has requests that are played one by one."""
    return any(service.requests is not None for service in scenario.service)


def request_metrics(simulation: Simulation, row: int) -> dict[str, float]:
    """The figures of the service whose requests are played, of the row's episode, which is over and was logged.

    All policies meet the same requests; those of the time before `score_from_s` are left out.
    """
    index, service = next((k, one) for k, one in enumerate(simulation.scenario.service) if one.requests is not None)
    assert service.requests is not None
    until_s = float(simulation.now_s[row])
    spec, log = simulation.params.services[index], simulation.state.log[row, : simulation.log_count[row]]
    seats = range(int(spec.first_seat), int(spec.first_seat + spec.seat_count))
    replicas, rules = replicas_in(log, seats, until_s), _rules(service.requests)
    summary = summary_of(play_requests(replicas, arriving(simulation, row, index, until_s), rules, until_s))
    return {f"requests_{name}": float(getattr(summary, name)) for name in METRICS}


def _rules(settings: Requests) -> RequestSettings:
    return RequestSettings(
        timeout_s=settings.timeout,
        slots=settings.slots,
        clients=settings.clients,
        balancing=settings.balancing,
        interrupted=settings.interrupted,
        without_replica=settings.without_replica,
    )


def replicas_in(log: Any, seats: range, until_s: float) -> np.recarray:
    """When each replica of these seats served, out of an event log: one that was given notice is LOST at its end."""
    ready: dict[int, float] = {}
    noticed: set[int] = set()
    lives = []
    for time_s, kind, task, launch in zip(log["time_s"], log["kind"], log["task"], log["launch"], strict=True):
        if kind == LogKind.NOTICE:
            noticed.add(int(launch))
        elif kind == LogKind.READY and task in seats:
            ready[int(launch)] = float(time_s)
        elif kind == LogKind.UNREADY and task in seats:
            fate = Fate.LOST if int(launch) in noticed else Fate.STOPPED
            lives.append((ready.pop(int(launch)), float(time_s), int(fate)))
    lives += [(since_s, until_s, int(Fate.KEPT)) for since_s in ready.values()]
    columns = np.array(lives, dtype=np.float64).reshape(-1, 3)
    kept = columns[:, 1] > columns[:, 0]
    return replicas_of(columns[kept, 0], columns[kept, 1], columns[kept, 2].astype(np.int64))

"""What becomes of services' requests in an episode that is over: latencies and failures, request by request."""

from typing import Any

import numpy as np

from tessera_env.engine.kinds import LogKind
from tessera_env.requests.arrivals import arrivals_of
from tessera_env.requests.making import replicas_of, requests_of
from tessera_env.requests.playing import play_requests
from tessera_env.requests.service_times import Constant, Exponential, service_times_of
from tessera_env.requests.settings import RequestSettings
from tessera_env.requests.summary import Summary, summary_of
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

    Requests come as a Poisson process at the rate of the service's demand, drawn with the world: all policies meet the
    same ones. Those of the time before `score_from_s` are left out.
    """
    index, service = next((k, one) for k, one in enumerate(simulation.scenario.service) if one.requests is not None)
    assert service.requests is not None
    until_s = float(simulation.now_s[row])
    spec, log = simulation.params.services[index], simulation.state.log[row, : simulation.log_count[row]]
    seats = range(int(spec.first_seat), int(spec.first_seat + spec.seat_count))
    points = simulation.state.demand.view(np.ndarray)[row, index, : simulation.state.services[row, index].demand_count]
    summary = played(
        replicas_in(log, seats, until_s),
        _scored(np.column_stack([points["time_s"], points["requests_per_s"]]), service.score_from_s),
        service.requests,
        until_s,
        simulation.state.worlds[row : row + 1].view(np.recarray),
    )
    return {f"requests_{name}": float(getattr(summary, name)) for name in METRICS}


def played(replicas: np.recarray, rates: np.ndarray, settings: Requests, until_s: float, world: np.recarray) -> Summary:
    """The world's requests at these rates, (m, 2) of time and requests/s, against these replicas."""
    arrivals_s = arrivals_of(rates, until_s, world)
    times = Constant(settings.service_s) if settings.service_times == "constant" else Exponential(settings.service_s)
    requests = requests_of(arrivals_s, service_times_of(times, len(arrivals_s), world))
    rules = RequestSettings(
        timeout_s=settings.timeout,
        slots=settings.slots,
        clients=settings.clients,
        balancing=settings.balancing,
        interrupted=settings.interrupted,
        without_replica=settings.without_replica,
    )
    return summary_of(play_requests(replicas, requests, rules, until_s))


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


def _scored(rates: np.ndarray, from_s: float) -> np.ndarray:
    """The same rates from a time on."""
    begin = max(int(np.searchsorted(rates[:, 0], from_s, side="right")) - 1, 0)
    later = rates[begin:].copy()
    later[0, 0] = max(later[0, 0], from_s)
    return later

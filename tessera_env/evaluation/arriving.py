"""The requests of a service that come in an episode, and how long each takes on a replica."""

import numpy as np

from tessera_env.jit.compiled import INTERPRETER
from tessera_env.recordings.demand import DemandRecording
from tessera_env.requests.arrivals import arrivals_of
from tessera_env.requests.making import requests_of
from tessera_env.requests.service_times import Constant, Exponential, Tokens, service_times_of
from tessera_env.scenario.requests import Requests
from tessera_env.simulation.rows import Simulation
from tessera_env.world.demand.recorded import window_start_s


def arriving(simulation: Simulation, row: int, index: int, until_s: float) -> np.recarray:
    """Those of service `index` from `score_from_s` to the end in the row's world: all policies meet the same ones.

    Poisson arrivals come at the rate of the demand and are drawn with the world; recorded ones are the recording's in
    the window that the world plays, where the episode begins between two of its steps to the instant.
    """
    service = simulation.scenario.service[index]
    settings, recording = service.requests, simulation.scenario.recordings.demands[index]
    assert settings is not None
    times, world = _times(settings, recording), simulation.state.worlds[row : row + 1].view(np.recarray)
    if settings.arrivals == "poisson":
        arrivals_s = arrivals_of(_later(_rates(simulation, row, index), service.score_from_s), until_s, world)
        return requests_of(arrivals_s, service_times_of(times, len(arrivals_s), world))
    assert recording is not None and recording.arrival_s is not None
    horizon_s = float(simulation.params.config[0].horizon_s)
    start_s = INTERPRETER.run(window_start_s, (simulation.params.demands[index], world[0], index, horizon_s))
    here = slice(*np.searchsorted(recording.arrival_s, [start_s + service.score_from_s, start_s + until_s]))
    arrivals_s = recording.arrival_s[here] - start_s
    own_s = times.times_s[here] if isinstance(times, Tokens) else service_times_of(times, len(arrivals_s), world)
    return requests_of(arrivals_s, own_s)


def _rates(simulation: Simulation, row: int, index: int) -> np.ndarray:
    """From which time on how many come a second, (m, 2)."""
    points = simulation.state.demand.view(np.ndarray)[row, index, : simulation.state.services[row, index].demand_count]
    return np.column_stack([points["time_s"], points["requests_per_s"]])


def _times(settings: Requests, recording: DemandRecording | None) -> Constant | Exponential | Tokens:
    """How their service times are spread."""
    if settings.service_times == "tokens":
        assert recording is not None
        assert recording.context_tokens is not None and recording.generated_tokens is not None
        counts = np.column_stack([recording.context_tokens, recording.generated_tokens])
        return Tokens(counts, settings.first_s, settings.per_in_s, settings.per_out_s)
    assert settings.service_s is not None
    return Constant(settings.service_s) if settings.service_times == "constant" else Exponential(settings.service_s)


def _later(rates: np.ndarray, from_s: float) -> np.ndarray:
    """The same rates from a time on."""
    begin = max(int(np.searchsorted(rates[:, 0], from_s, side="right")) - 1, 0)
    later = rates[begin:].copy()
    later[0, 0] = max(later[0, 0], from_s)
    return later

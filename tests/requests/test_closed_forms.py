"""Mean latencies that have a closed form, each with a slip that it rejects: 64 worlds, |z| < 4, and > 8 for the slip.

Arrivals and service times are drawn as a world's are, those of the worlds 0 … 63 of a seed.
"""

import math

import numpy as np
import pytest
from numba import config as numba_config
from scipy.optimize import brentq
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from tessera_env.requests.arrivals import arrivals_of
from tessera_env.requests.draws import world_of
from tessera_env.requests.making import replicas_of, requests_of
from tessera_env.requests.playing import play_requests
from tessera_env.requests.service_times import Constant, Exponential, Tokens, service_times_of
from tessera_env.requests.settings import RequestSettings
from tessera_env.requests.tables import Fate, Outcome

WORLDS, REQUESTS, WARM_UP = 64, 20_000, 2_000

pytestmark = pytest.mark.skipif(numba_config.DISABLE_JIT, reason="a million requests in plain Python")


def latencies(world: int, rate: float, times, replicas=1, **settings) -> np.ndarray:
    """Of the requests of a world after the warm-up; replicas are kept, or a function of the world."""
    address = world_of(2, world)
    arrivals_s = arrivals_of([(0.0, rate)], REQUESTS / rate, address)
    requests = requests_of(arrivals_s, service_times_of(times, len(arrivals_s), address))
    table = replicas_of([0.0] * replicas, math.inf, Fate.KEPT) if isinstance(replicas, int) else replicas(world)
    results = play_requests(table, requests, RequestSettings(**settings))
    assert not (results.outcome == Outcome.UNFINISHED).any()
    return results.latency_s[WARM_UP:]


def z_of(expected: float, *args, **settings) -> float:
    """How many standard errors the mean of all worlds is above the closed form."""
    means = np.array([latencies(world, *args, **settings).mean() for world in range(WORLDS)])
    return float((means.mean() - expected) / (means.std(ddof=1) / math.sqrt(WORLDS)))


def erlang_c_s(rate: float, servers: int) -> float:
    """Mean latency of M/M/c with a mean service of 1 s."""
    load = rate / servers
    terms = [rate**k / math.factorial(k) for k in range(servers)]
    queued = rate**servers / math.factorial(servers) / (1.0 - load)
    return 1.0 + queued / (sum(terms) + queued) / (servers - rate)


def erlang_arrivals_s(rate: float, servers: int) -> float:
    """Of each of the servers of a round robin: every c-th arrival of a Poisson process, E_c/M/1."""

    def surplus(share: float) -> float:
        return (rate / (rate + 1.0 - share)) ** servers - share

    return 1.0 / (1.0 - brentq(surplus, 0.0, 1.0 - 1e-6))


def shorter_queue_s(rate: float, most: int = 60) -> float:
    """Of two servers, each request to the shorter queue: the balance equations of the pair, cut at `most` each."""
    n = (most + 1) ** 2
    balance = lil_matrix((n, n))
    for one in range(most + 1):
        for other in range(most + 1):
            here = one * (most + 1) + other
            ways = [(1.0, max(one - 1, 0), other), (1.0, one, max(other - 1, 0))]
            shorter = [(one + 1, other)] * (one <= other) + [(one, other + 1)] * (other <= one)
            ways += [(rate / len(shorter), min(a, most), min(b, most)) for a, b in shorter]
            for speed, a, b in ways:
                balance[a * (most + 1) + b, here] += speed
                balance[here, here] -= speed
    balance[0, :] = 1.0
    share = spsolve(balance.tocsc(), np.eye(1, n)[0])
    pairs = np.arange(n)
    return float(((pairs // (most + 1) + pairs % (most + 1)) * share).sum() / rate)


HAZARD = 0.5  # a second
MM1_S = 1.0 / (1.0 - 0.7)
TOKENS = Tokens([(100, 10), (1_000, 50), (200, 300)], first_s=0.1, per_in_s=0.0002, per_out_s=0.005)


def test_one_replica():
    """M/M/1."""
    assert abs(z_of(MM1_S, 0.7, Exponential(1.0))) < 4.0
    assert z_of(MM1_S, 0.7, Exponential(1.0), slots=2) < -8.0
    assert z_of(MM1_S, 0.7, Exponential(1.05)) > 8.0


def test_constant_service():
    """M/D/1: half of M/M/1's wait."""
    expected_s = 1.0 + 0.7 / (2.0 * (1.0 - 0.7))
    assert abs(z_of(expected_s, 0.7, Constant(1.0))) < 4.0
    assert z_of(expected_s, 0.7, Exponential(1.0)) > 8.0


def test_service_by_tokens():
    """M/G/1, Pollaczek and Khinchine."""
    rate = 0.7 / TOKENS.times_s.mean()
    wait_s = rate * (TOKENS.times_s**2).mean() / (2.0 * (1.0 - 0.7))
    assert abs(z_of(TOKENS.times_s.mean() + wait_s, rate, TOKENS)) < 4.0
    assert z_of(TOKENS.times_s.mean() + wait_s, rate, Constant(TOKENS.times_s.mean())) < -8.0


def test_slots_of_one_replica():
    """M/M/c: a slot that is free is never beside a request that waits."""
    expected_s = erlang_c_s(2.8, 4)
    assert abs(z_of(expected_s, 2.8, Exponential(1.0), slots=4)) < 4.0
    assert z_of(expected_s, 2.8, Exponential(1.0), replicas=4, balancing="least_load") > 8.0


def test_replicas_in_turn():
    """E_c/M/1, not M/M/c: each replica has its own queue."""
    expected_s = erlang_arrivals_s(2.8, 4)
    assert erlang_c_s(2.8, 4) < expected_s < MM1_S
    assert abs(z_of(expected_s, 2.8, Exponential(1.0), replicas=4, balancing="round_robin")) < 4.0
    assert z_of(expected_s, 2.8, Exponential(1.0), replicas=4, balancing="least_load") < -8.0


def test_two_replicas_by_load():
    """Join the shorter queue, between M/M/2 and turns."""
    expected_s = shorter_queue_s(1.4)
    assert erlang_c_s(1.4, 2) < expected_s < erlang_arrivals_s(1.4, 2)
    assert abs(z_of(expected_s, 1.4, Exponential(1.0), replicas=2, balancing="least_load")) < 4.0
    assert z_of(expected_s, 1.4, Exponential(1.0), slots=2) < -8.0
    assert z_of(expected_s, 1.4, Exponential(1.0), replicas=2, balancing="least_load", clients=2) > 8.0


def test_given_up():
    """With room for all, the latency is the service or the time-out, the less of both."""
    expected_s = 1.0 - math.exp(-1.5)
    assert abs(z_of(expected_s, 0.7, Exponential(1.0), slots=100, timeout_s=1.5)) < 4.0
    assert z_of(expected_s, 0.7, Exponential(1.0), slots=100) > 8.0
    done = [(latencies(k, 0.7, Exponential(1.0), slots=100, timeout_s=1.5) < 1.5).mean() for k in range(WORLDS)]
    error = np.std(done, ddof=1) / math.sqrt(WORLDS)
    assert abs(np.mean(done) - (1.0 - math.exp(-1.5))) < 4.0 * error


def lives(world: int) -> np.recarray:
    """One replica at a time, each lost after an exponential life and replaced at once; the last one is kept."""
    lengths_s = np.random.default_rng(world).exponential(1.0 / HAZARD, 2 * REQUESTS)
    ends_s = np.cumsum(lengths_s)
    fates = np.full(len(ends_s), Fate.LOST)
    ends_s[-1], fates[-1] = math.inf, Fate.KEPT
    return replicas_of(np.append(0.0, ends_s[:-1]), ends_s, fates)


@pytest.mark.parametrize(("interrupted", "is_right"), [("retry", True), ("finish", False), ("lost", False)])
def test_begun_afresh(interrupted, is_right):
    """Work w that is lost with its replica takes (e^(hazard w) - 1) / hazard until it is done."""
    expected_s = (math.exp(HAZARD * 2.0) - 1.0) / HAZARD
    settings = {"slots": 1_000, "interrupted": interrupted, "timeout_s": 1_000.0}
    z = z_of(expected_s, HAZARD, Constant(2.0), replicas=lives, **settings)
    assert abs(z) < 4.0 if is_right else abs(z) > 8.0

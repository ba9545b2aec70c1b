"""Tiny services, worked out by hand."""

import math
import os
import subprocess
import sys

import numba
import numpy as np
import pytest

from tessera_env.requests.arrivals import arrivals_of
from tessera_env.requests.draws import world_of
from tessera_env.requests.events import run
from tessera_env.requests.making import replicas_of, requests_of
from tessera_env.requests.playing import play_requests, prepared
from tessera_env.requests.published import published_results
from tessera_env.requests.service_times import Exponential, Tokens, service_times_of
from tessera_env.requests.settings import RequestSettings
from tessera_env.requests.tables import Fate, Outcome

KEPT, STOPPED, LOST = Fate
ALWAYS = replicas_of([0.0], math.inf, KEPT)


def played(replicas, arrivals_s, services_s, until_s=math.inf, clients=None, **settings) -> list[tuple[float, str]]:
    """(latency, outcome) of each request."""
    requests = requests_of(arrivals_s, services_s)
    results = play_requests(replicas, requests, RequestSettings(**settings), until_s, clients)
    return [(float(one.latency_s), Outcome(one.outcome).name) for one in results]


def done(*latencies_s: float) -> list[tuple[float, str]]:
    return [(latency_s, "DONE") for latency_s in latencies_s]


class TestOneReplica:
    """First come, first served."""

    def test_one_at_a_time(self) -> None:
        assert played(ALWAYS, [0.0, 1.0, 30.0], 10.0) == done(10.0, 19.0, 10.0)

    def test_two_slots(self) -> None:
        assert played(ALWAYS, [0.0, 1.0, 2.0], [10.0, 3.0, 1.0], slots=2) == done(10.0, 3.0, 3.0)

    def test_a_request_is_given_up_while_it_waits_or_is_served_and_its_slot_is_free(self) -> None:
        got = played(ALWAYS, [0.0, 1.0, 2.0, 3.0], [10.0, 10.0, 2.0, 9.0], timeout_s=12.0)
        assert got == [*done(10.0), (12.0, "TIMED_OUT"), (12.0, "TIMED_OUT"), (12.0, "TIMED_OUT")]
        assert played(ALWAYS, [0.0, 5.0], [20.0, 3.0], timeout_s=7.0) == [(7.0, "TIMED_OUT"), *done(5.0)]

    def test_an_answer_at_the_time_out_is_in_time(self) -> None:
        assert played(ALWAYS, [0.0], [12.0], timeout_s=12.0) == done(12.0)

    def test_at_the_end_of_the_run(self) -> None:
        replicas = replicas_of([0.0], 10.0, KEPT)
        first, *others = played(replicas, [0.0, 1.0, 2.0], [10.0, 1.0, 1.0], until_s=10.0)
        assert first == (10.0, "DONE")
        assert [outcome for _, outcome in others] == ["UNFINISHED"] * 2
        assert all(math.isnan(latency_s) for latency_s, _ in others)


class TestLives:
    """Replicas come and go."""

    TWO = replicas_of([0.0, 5.0], [8.0, 100.0], [LOST, KEPT])
    # All three go to the first: the second is ready only at 5 s.
    ARRIVALS_S, SERVICES_S = (0.0, 1.0, 2.0), (3.0, 10.0, 1.0)

    def go(self, replicas: np.recarray | None = None, **settings) -> list[tuple[float, str]]:
        return played(self.TWO if replicas is None else replicas, self.ARRIVALS_S, self.SERVICES_S, 100.0, **settings)

    def test_what_is_lost_is_sent_anew_with_its_arrival(self) -> None:
        assert self.go(interrupted="retry") == done(3.0, 17.0, 17.0)  # at 8 s, 18 s and 19 s

    def test_what_is_lost_has_failed(self) -> None:
        assert self.go(interrupted="lost", timeout_s=50.0) == [*done(3.0), (50.0, "LOST"), (50.0, "LOST")]

    def test_what_is_lost_is_finished_yet_what_waits_moves_on(self) -> None:
        assert self.go(interrupted="finish") == done(3.0, 12.0, 7.0)

    @pytest.mark.parametrize("interrupted", ["retry", "lost", "finish"])
    def test_a_replica_that_is_stopped_finishes_what_it_has_begun(self, interrupted) -> None:
        stopped = replicas_of([0.0, 5.0], [8.0, 100.0], [STOPPED, KEPT])
        assert self.go(stopped, interrupted=interrupted) == done(3.0, 12.0, 7.0)

    def test_what_ends_together_hands_nothing_to_one_another(self) -> None:
        replicas = replicas_of([0.0, 0.0, 0.0], [5.0, 5.0, 9.0], [STOPPED, LOST, KEPT])
        got = played(replicas, [0.0] * 6, [6.0, 6.0, 1.0, 1.0, 1.0, 1.0], until_s=9.0, interrupted="lost")
        assert [outcome for _, outcome in got] == ["DONE", "LOST", "DONE", "DONE", "LOST", "DONE"]
        assert got[3] == (6.0, "DONE")  # handed on at 5 s

    def test_what_is_ready_as_another_one_goes_takes_over(self) -> None:
        replicas = replicas_of([0.0, 5.0], [5.0, 100.0], [LOST, KEPT])
        assert played(replicas, [0.0], [10.0], 100.0, without_replica="fail") == done(15.0)

    def test_what_comes_as_the_only_replica_goes_finds_none(self) -> None:
        replicas = replicas_of([0.0], [5.0], LOST)
        assert played(replicas, [5.0], [0.0], without_replica="fail", timeout_s=9.0) == [(9.0, "NO_REPLICA")]

    def test_without_a_replica_they_wait_for_one(self) -> None:
        replicas = replicas_of([10.0, 10.0, 20.0], 100.0, KEPT)
        assert played(replicas, [1.0, 2.0, 3.0], [1.0, 5.0, 1.0], 100.0) == done(10.0, 13.0, 9.0)

    def test_without_a_replica_they_time_out(self) -> None:
        replicas = replicas_of([10.0], 100.0, KEPT)
        assert played(replicas, [1.0, 6.0], 1.0, 100.0, timeout_s=9.0) == [(9.0, "TIMED_OUT"), *done(5.0)]

    def test_without_a_replica_they_fail(self) -> None:
        replicas = replicas_of([10.0], 20.0, LOST)
        got = played(replicas, [1.0, 10.0, 19.5, 20.0], 1.0, without_replica="fail", timeout_s=9.0)
        assert got == [(9.0, "NO_REPLICA"), *done(1.0), *[(9.0, "NO_REPLICA")] * 2]  # retried into nothing at 20 s

    def test_no_replica_at_all(self) -> None:
        none = replicas_of([], [], [])
        assert [outcome for _, outcome in played(none, [1.0, 2.0], 1.0)] == ["UNFINISHED"] * 2
        assert played(none, [], []) == []


def sent_to(replicas: np.recarray, arrivals_s, service_s: float, **settings) -> list[list[int]]:
    """Which sending was each client's last one to each replica, at the end."""
    requests = requests_of(arrivals_s, service_s)
    play = prepared(replicas, requests, RequestSettings(**settings), math.inf, None)
    run(play)
    assert not play.sent.outstanding.any()
    return play.sent.last.tolist()


class TestBalancing:
    """Where requests go."""

    THREE = replicas_of([0.0] * 3, math.inf, KEPT)

    def test_of_equals_the_one_sent_to_longest_ago(self) -> None:
        """Each is done before the next one comes; the first of equals would get all six."""
        assert sent_to(self.THREE, [0.0, 10.0, 20.0, 30.0, 40.0, 50.0], 1.0) == [[4, 5, 6]]

    def test_least_load(self) -> None:
        """Requests of 100 s, then one of 1 s that is done: the next goes there again."""
        requests_s = ([0.0, 1.0, 2.0, 10.0], [100.0, 100.0, 1.0, 100.0])
        assert played(self.THREE, *requests_s)[-1] == (100.0, "DONE")
        assert played(self.THREE, *requests_s, balancing="round_robin")[-1] == (190.0, "DONE")

    def test_each_client_counts_for_itself(self) -> None:
        """Both send their first to the first replica, though the second one is free."""
        two = replicas_of([0.0] * 2, math.inf, KEPT)
        assert played(two, [0.0, 0.0], 10.0, clients=None) == done(10.0, 10.0)
        assert played(two, [0.0, 0.0], 10.0, clients=[0, 0]) == done(10.0, 10.0)
        requests = requests_of([0.0, 0.0, 0.0], 10.0)
        settings = RequestSettings(clients=2)
        assert play_requests(two, requests, settings).latency_s.tolist() == [10.0, 20.0, 10.0]
        assert play_requests(two, requests, settings, clients=[0, 0, 1]).latency_s.tolist() == [10.0, 10.0, 20.0]

    def test_each_client_has_its_own_turn(self) -> None:
        two, requests = replicas_of([0.0] * 2, math.inf, KEPT), requests_of([0.0] * 4, 10.0)
        settings = RequestSettings(clients=2, balancing="round_robin")
        results = play_requests(two, requests, settings, clients=[0, 1, 1, 0])
        assert results.latency_s.tolist() == [10.0, 20.0, 10.0, 20.0]

    def test_time_outs_give_their_count_back(self) -> None:
        """Two are given up at the first replica; if they counted on, the next two would both go to the second."""
        two = replicas_of([0.0, 4.0], math.inf, KEPT)
        arrivals_s = [0.0, 1.0, *(20.0 + 10.0 * k for k in range(4))]
        assert sent_to(two, arrivals_s, 1.0, timeout_s=0.5) == [[6, 5]]

    @pytest.mark.parametrize("fate", [STOPPED, LOST])
    def test_a_replica_that_goes_takes_its_count_along(self, fate) -> None:
        """What is new, in the same place of the list, starts at nothing: it gets its share, neither all nor none."""
        replicas = replicas_of([0.0, 0.0, 6.0], [5.0, math.inf, math.inf], [fate, KEPT, KEPT])
        requests = requests_of([0.0, 0.0, 0.0, 0.0, 30.0, 40.0, 50.0, 60.0], [4.0, 4.0, 4.0, 4.0, 1.0, 1.0, 1.0, 1.0])
        play = prepared(replicas, requests, RequestSettings(), math.inf, None)
        run(play)
        assert not play.sent.outstanding.any()
        sendings = play.clock[0].sendings
        assert sorted(play.sent.last[0, 1:].tolist()) == [sendings - 1, sendings]


class TestErrors:
    """What is refused, in one line."""

    @pytest.mark.parametrize(
        ("change", "line"),
        [
            ({"until_s": 0.0}, "until_s: 0.0 (allowed: more than 0; inf: when nothing happens any more)"),
            ({"until_s": "9"}, "until_s: '9' (allowed: more than 0; inf: when nothing happens any more)"),
            ({"replicas": [1]}, "replicas: list (allowed: a table of REPLICA records)"),
            ({"requests": np.zeros(3)}, "requests: float64 of shape (3,) (allowed: a table of REQUEST records)"),
            (
                {"replicas": replicas_of([0.0], 50.0, KEPT)},
                "replicas.0.until_s: 50 (allowed: 100, the end of the run, or more, as it is KEPT)",
            ),
            (
                {"requests": requests_of([1.0, 101.0], 1.0)},
                "requests.1.arrival_s: 101 (allowed: up to 100, the end of the run)",
            ),
            ({"settings": {"slots": 2}}, "settings: dict (allowed: RequestSettings, or None)"),
            ({"clients": [0, 1]}, "clients.1: 1 (allowed: 0 to 0)"),
            ({"clients": [0]}, "clients: int64 of shape (1,) (allowed: whole numbers of shape (2,))"),
            ({"clients": [0.0, 0.0]}, "clients: float64 of shape (2,) (allowed: whole numbers of shape (2,))"),
            (
                {"settings": RequestSettings(clients=100_000_001)},
                "clients: 100000001 (allowed: up to 100000000 with 1 replicas)",
            ),
        ],
    )
    def test_a_run(self, change, line) -> None:
        given = {"replicas": ALWAYS, "requests": requests_of([1.0, 2.0], 1.0), "until_s": 100.0}
        with pytest.raises(ValueError) as raised:
            play_requests(**{**given, **change})
        assert str(raised.value) == line

    def test_what_is_given_is_left_alone(self) -> None:
        replicas, requests = replicas_of([0.0], 9.0, LOST), requests_of([1.0], 1.0)
        before = replicas.tobytes(), requests.tobytes()
        replicas.flags.writeable = requests.flags.writeable = False
        play_requests(replicas, requests)
        assert (replicas.tobytes(), requests.tobytes()) == before
        plain = np.array(replicas.tolist(), replicas.dtype)
        assert play_requests(plain, requests.view(np.ndarray)).latency_s.tolist() == [1.0]


def bits() -> str:
    """Of some hundred requests, drawn and played in several ways."""
    lines = []
    for k, interrupted in enumerate(("retry", "lost", "finish")):
        world = world_of(7, k)
        arrivals_s = arrivals_of([(0.0, 0.5), (50.0, 2.0)], 200.0, world)
        for times in (Exponential(3.0), Tokens([(1, 2), (5, 3)], 1.0, 0.1, 0.7)):
            requests = requests_of(arrivals_s, service_times_of(times, len(arrivals_s), world))
            replicas = replicas_of([0.0, 3.0, 60.0, 61.0], [90.0, 120.0, 200.0, 150.0], [LOST, STOPPED, KEPT, LOST])
            for balancing in ("round_robin", "least_load"):
                settings = RequestSettings(20.0, 1 + k % 2, 3, balancing, interrupted, "fail" if k else "wait")
                lines.append(play_requests(replicas, requests, settings, 200.0).tobytes().hex())
    lines.append(published_results([2, 3, 0, 1, 1, 4]).tobytes().hex())
    return "\n".join(lines)


class TestCompiled:
    """The kernels as the compiled code that they are."""

    @pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
    def test_plain_python_gives_the_same_bits(self) -> None:
        program = "from tests.requests.test_playing import bits\nprint(bits())"
        environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
        command = [sys.executable, "-c", program]
        plain = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        assert plain == bits() + "\n"

    @pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
    def test_one_signature(self) -> None:
        bits()
        assert len(run.dispatcher.signatures) == 1

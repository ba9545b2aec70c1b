"""The run, event by event: against the obvious one, and what must hold at every instant."""

import math
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tessera_env.requests.events import advance
from tessera_env.requests.making import replicas_of, requests_of
from tessera_env.requests.playing import play_requests, prepared
from tessera_env.requests.settings import RequestSettings
from tessera_env.requests.tables import Fate, Outcome
from tests.kept import kept
from tests.requests import obvious

END_S = 40.0
TIMES = st.integers(0, 80).map(lambda halves: halves / 2.0)  # a coarse grid, so that much happens at one instant
EARLY = st.sampled_from([0.0, 0.0, 0.5, 2.0, 5.0, 9.0, 30.0])  # so that several replicas are there together
LENGTHS = st.integers(0, 20).map(lambda quarters: quarters / 4.0)


@st.composite
def replica_rows(draw):
    """(ready, until, fate), sorted."""
    rows = []
    for _ in range(draw(st.sampled_from([0, 1, 2, 3, 3, 4, 4, 5]))):
        ready_s, fate = draw(EARLY), draw(st.sampled_from(list(Fate)))
        together = st.sampled_from([time_s for time_s in (0.5, 2.0, 5.0, 9.0, 30.0, END_S) if time_s > ready_s])
        ends = st.one_of(together, TIMES.map(lambda time_s, ready_s=ready_s: ready_s + 0.5 + time_s))
        rows.append((ready_s, END_S if fate == Fate.KEPT else draw(ends), fate))
    return sorted(rows, key=lambda row: row[0])


SETTINGS = st.builds(
    RequestSettings,
    timeout_s=st.sampled_from([0.5, 3.0, 7.25, math.inf]),
    slots=st.integers(1, 3),
    clients=st.integers(1, 3),
    balancing=st.sampled_from(["round_robin", "least_load"]),
    interrupted=st.sampled_from(["retry", "lost", "finish"]),
    without_replica=st.sampled_from(["wait", "fail"]),
)


@st.composite
def runs(draw):
    """Replicas, requests, whose they are, settings."""
    settings = draw(SETTINGS)
    arrivals = st.one_of(st.integers(0, 20).map(lambda halves: halves / 2.0), TIMES)
    requests = draw(st.lists(st.tuples(arrivals, LENGTHS), min_size=draw(st.sampled_from([0, 12])), max_size=30))
    clients = draw(st.lists(st.integers(0, settings.clients - 1), min_size=len(requests), max_size=len(requests)))
    return draw(replica_rows()), sorted(requests, key=lambda row: row[0]), clients, settings


def tables_of(replicas, requests):
    columns = zip(*replicas, strict=True) if replicas else ([], [], np.zeros(0, dtype=int))
    ready_s, until_s, fates = columns
    arrivals_s, services_s = zip(*requests, strict=True) if requests else ([], [])
    return replicas_of(ready_s, until_s, np.array(fates, dtype=int)), requests_of(arrivals_s, services_s)


@given(runs())
def test_as_the_obvious_one(run):
    replicas, requests, clients, settings = run
    results = play_requests(*tables_of(replicas, requests), settings, END_S, np.array(clients, dtype=int))
    named = [(ready_s, until_s, fate.name) for ready_s, until_s, fate in replicas]
    expected = obvious.play(named, requests, clients, settings, END_S)
    np.testing.assert_array_equal(results.latency_s, [latency_s for latency_s, _ in expected])
    assert [Outcome(one).name for one in results.outcome] == [outcome for _, outcome in expected]


def check_instant(play):
    """Each request is at one place, counts are what they count, and slots are filled in the order of coming."""
    clock, settings, lobby = play.clock[0], play.rules[0], len(play.replicas)
    pending = play.results.outcome == Outcome.UNFINISHED
    is_somewhere = play.places.queue >= 0
    assert (is_somewhere == (pending & (np.arange(len(pending)) < clock.next_arrival))).all()
    there = Counter((one.client, one.queue) for one in play.places[is_somewhere])
    for (client, replica), sent in np.ndenumerate(play.sent):
        assert sent.outstanding == there[client, replica] >= 0
    for number, queue in enumerate(play.queues):
        rows = []
        row = queue.first
        while row >= 0:
            rows.append(row)
            row = play.places[row].after
        assert sorted(rows) == np.flatnonzero(play.places.queue == number).tolist()
        served = [row for row in rows if play.places[row].index >= 0]
        assert rows[: len(served)] == served and len(served) == queue.serving <= settings.slots
        assert queue.first_waiting == (rows[len(served)] if len(rows) > len(served) else -1)
        if number in play.ready[: clock.ready_count]:
            assert len(served) == min(settings.slots, len(rows))
    assert play.queues[lobby].serving == 0
    assert clock.ready_count == 0 or play.queues[lobby].first == -1


@given(runs())
def test_what_holds_at_every_instant(run):
    replicas, requests, clients, settings = run
    play = prepared(*tables_of(replicas, requests), settings, END_S, np.array(clients, dtype=int))
    goes_on, time_s = kept(advance), -1.0
    while goes_on(play):
        assert play.clock[0].time_s >= time_s
        time_s = play.clock[0].time_s
        check_instant(play)
    counts = Counter(play.results.outcome.tolist())
    assert sum(counts.values()) == len(requests)
    ended = play.results.outcome != Outcome.UNFINISHED
    assert (play.results.latency_s[ended] <= settings.timeout_s).all()
    assert np.isnan(play.results.latency_s[~ended]).all()
    least_s = np.array([service_s for _, service_s in requests])
    done = play.results.outcome == Outcome.DONE
    assert (play.results.latency_s[done] >= np.minimum(least_s[done], settings.timeout_s)).all()

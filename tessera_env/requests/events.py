"""The run: the next event, its handler, until there is none before the end.

What happens at one instant happens in the order of EventKind: an answer at the time-out is in time, what a replica
finishes as it is lost is done, and one that is ready now is there for what another one hands on.
"""

import math
from enum import IntEnum

from tessera_env.jit.compiled import compiled
from tessera_env.jit.kernel import Kernel
from tessera_env.requests.moves import conclude, fail, send, serve_waiting, take_back
from tessera_env.requests.settings import Interrupted
from tessera_env.requests.tables import Fate, Outcome
from tessera_env.world.parameters import NONE


class EventKind(IntEnum):
    """What happens next, in the order of one instant."""

    COMPLETION = 0
    TIMEOUT = 1
    READY = 2
    END = 3
    ARRIVAL = 4


_KIND_COUNT = len(EventKind)


def _run(play) -> None:
    """Play the run to its end; what became of the requests is in `results` then."""
    while advance(play):
        pass


@compiled
def advance(play) -> bool:
    """Go on to the next event and handle it; False: there is none up to the end."""
    kind = next_kind(play)
    time_s = next_time_s(play, kind)
    if time_s == math.inf or time_s > play.rules[0].until_s:
        return False
    play.clock[0].time_s = time_s
    if kind == EventKind.COMPLETION:
        on_completion(play)
    elif kind == EventKind.TIMEOUT:
        on_timeout(play)
    elif kind == EventKind.READY:
        on_ready(play)
    elif kind == EventKind.END:
        on_end(play)
    else:
        on_arrival(play)
    return True


@compiled
def next_kind(play) -> int:
    """What happens next: the earliest, of those at one instant the first of EventKind."""
    pass_over_concluded(play)
    best, best_s = 0, next_time_s(play, 0)
    for kind in range(1, _KIND_COUNT):
        time_s = next_time_s(play, kind)
        if time_s < best_s:
            best, best_s = kind, time_s
    return best


@compiled
def pass_over_concluded(play) -> None:
    """Requests time out in the order of their arrivals: only the first that is not concluded can be next."""
    clock = play.clock[0]
    while clock.next_timeout < clock.next_arrival and play.results[clock.next_timeout].outcome != Outcome.UNFINISHED:
        clock.next_timeout += 1


@compiled
def next_time_s(play, kind: int) -> float:
    """When the next event of a kind is; inf: there is none."""
    clock = play.clock[0]
    if kind == EventKind.COMPLETION and clock.served_count > 0:
        return play.places[play.served[0]].finish_s
    if kind == EventKind.TIMEOUT and clock.next_timeout < clock.next_arrival:
        return play.requests[clock.next_timeout].arrival_s + play.rules[0].timeout_s
    if kind == EventKind.READY and clock.next_ready < play.replicas.shape[0]:
        return play.replicas[clock.next_ready].ready_s
    if kind == EventKind.END and clock.next_end < play.ends.shape[0]:
        return play.replicas[play.ends[clock.next_end]].until_s
    if kind == EventKind.ARRIVAL and clock.next_arrival < play.requests.shape[0]:
        return play.requests[clock.next_arrival].arrival_s
    return math.inf


@compiled
def on_completion(play) -> None:
    """The request that is finished first is done, and its replica goes on with the next one."""
    request_id = play.served[0]
    replica = play.places[request_id].queue
    take_back(play, request_id)
    latency_s = play.clock[0].time_s - play.requests[request_id].arrival_s
    conclude(play, request_id, Outcome.DONE, min(latency_s, play.rules[0].timeout_s))
    serve_waiting(play, replica)


@compiled
def on_timeout(play) -> None:
    """A request is given up, wherever it is."""
    request_id = play.clock[0].next_timeout
    queue_id = play.places[request_id].queue
    take_back(play, request_id)
    fail(play, request_id, Outcome.TIMED_OUT)
    if queue_id < play.replicas.shape[0]:
        serve_waiting(play, queue_id)


@compiled
def on_ready(play) -> None:
    """All replicas that are ready now are there; then what waits for one is sent, in the order in which it came."""
    clock, replica_count = play.clock[0], play.replicas.shape[0]
    while clock.next_ready < replica_count and play.replicas[clock.next_ready].ready_s == clock.time_s:
        play.ready[clock.ready_count] = clock.next_ready
        clock.ready_count += 1
        clock.next_ready += 1
    hand_on(play, play.queues[replica_count].first)


@compiled
def on_end(play) -> None:
    """All replicas that end now go first, so that none of them is handed what another one had."""
    clock = play.clock[0]
    first = clock.next_end
    while clock.next_end < play.ends.shape[0] and play.replicas[play.ends[clock.next_end]].until_s == clock.time_s:
        remove_ready(play, play.ends[clock.next_end])
        clock.next_end += 1
    for k in range(first, clock.next_end):
        empty(play, play.ends[k])


@compiled
def empty(play, replica: int) -> None:
    """The requests at a replica that has ended go with it, or to others."""
    queue, interrupted = play.queues[replica], play.rules[0].interrupted
    if play.replicas[replica].fate == Fate.STOPPED or interrupted == Interrupted.FINISH:
        hand_on(play, queue.first_waiting)
    elif interrupted == Interrupted.RETRY:
        hand_on(play, queue.first)
    else:
        lose(play, queue.first)


@compiled
def remove_ready(play, replica: int) -> None:
    """Take a replica from those that are ready; the others keep their order."""
    clock, found = play.clock[0], 0
    for k in range(clock.ready_count):
        if play.ready[k] == replica:
            found = 1
        elif found:
            play.ready[k - 1] = play.ready[k]
    clock.ready_count -= 1


@compiled
def hand_on(play, request_id: int) -> None:
    """Send a request, and those behind it in its queue, anew."""
    while request_id != NONE:
        after = play.places[request_id].after
        take_back(play, request_id)
        send(play, request_id)
        request_id = after


@compiled
def lose(play, request_id: int) -> None:
    """A request, and those behind it in its queue, have failed with their replica."""
    while request_id != NONE:
        after = play.places[request_id].after
        take_back(play, request_id)
        fail(play, request_id, Outcome.LOST)
        request_id = after


@compiled
def on_arrival(play) -> None:
    """The next request comes."""
    clock = play.clock[0]
    clock.next_arrival += 1
    send(play, clock.next_arrival - 1)


run = Kernel(_run)

"""What can be done with a request: send it, begin it, take it back, conclude it."""

from tessera_env.jit.compiled import compiled
from tessera_env.requests.balancing import chosen_replica, count_sent
from tessera_env.requests.queues import join, leave
from tessera_env.requests.served import add_served, remove_served
from tessera_env.requests.settings import WithoutReplica
from tessera_env.requests.tables import Outcome
from tessera_env.world.parameters import NONE


@compiled
def send(play, request_id: int) -> None:
    """To a ready replica; without one, it waits or has failed."""
    client = play.places[request_id].client
    if play.clock[0].ready_count > 0:
        replica = chosen_replica(play, client)
        count_sent(play, client, replica)
        join(play, replica, request_id)
        serve_waiting(play, replica)
    elif play.rules[0].without_replica == WithoutReplica.WAIT:
        join(play, play.replicas.shape[0], request_id)
    else:
        fail(play, request_id, Outcome.NO_REPLICA)


@compiled
def serve_waiting(play, replica: int) -> None:
    """Begin what waits at a replica, the first first, while a slot is free."""
    queue = play.queues[replica]
    while queue.first_waiting != NONE and queue.serving < play.rules[0].slots:
        request_id = queue.first_waiting
        queue.first_waiting = play.places[request_id].after
        queue.serving += 1
        serve(play, request_id)


@compiled
def serve(play, request_id: int) -> None:
    """Begin a request now."""
    clock, place = play.clock[0], play.places[request_id]
    place.finish_s = clock.time_s + play.requests[request_id].service_s
    place.start = clock.starts
    clock.starts += 1
    add_served(play, request_id)


@compiled
def take_back(play, request_id: int) -> None:
    """Take a request from where it is: its slot is free, and its client's count is given back."""
    place = play.places[request_id]
    if place.index != NONE:
        remove_served(play, request_id)
        play.queues[place.queue].serving -= 1
    if place.queue < play.replicas.shape[0]:
        play.sent[place.client, place.queue].outstanding -= 1
    leave(play, request_id)


@compiled
def conclude(play, request_id: int, outcome: int, latency_s: float) -> None:
    """Write down what became of a request."""
    result = play.results[request_id]
    result.outcome = outcome
    result.latency_s = latency_s


@compiled
def fail(play, request_id: int, outcome: int) -> None:
    """Write down a failure, whose latency is the time-out."""
    conclude(play, request_id, outcome, play.rules[0].timeout_s)

"""Queues of requests: doubly linked lists, so that a time-out takes a request out of the middle at once."""

from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE


@compiled
def join(play, queue_id: int, request_id: int) -> None:
    """Put a request at the end of a queue."""
    queue, place = play.queues[queue_id], play.places[request_id]
    place.queue = queue_id
    place.before = queue.last
    place.after = NONE
    if queue.last == NONE:
        queue.first = request_id
    else:
        play.places[queue.last].after = request_id
    queue.last = request_id
    if queue.first_waiting == NONE:
        queue.first_waiting = request_id


@compiled
def leave(play, request_id: int) -> None:
    """Take a request out of its queue."""
    place = play.places[request_id]
    queue = play.queues[place.queue]
    if queue.first_waiting == request_id:
        queue.first_waiting = place.after
    if place.before == NONE:
        queue.first = place.after
    else:
        play.places[place.before].after = place.after
    if place.after == NONE:
        queue.last = place.before
    else:
        play.places[place.after].before = place.before
    place.queue = NONE

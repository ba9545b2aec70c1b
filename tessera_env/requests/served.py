"""The requests that are served: a heap in the order of (finish, start), from which any of them can be taken."""

from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE


@compiled
def add_served(play, request_id: int) -> None:
    """Add a request whose finish and start are set."""
    clock = play.clock[0]
    clock.served_count += 1
    rise(play, clock.served_count - 1, request_id)


@compiled
def remove_served(play, request_id: int) -> None:
    """Take a request out, wherever it is."""
    clock = play.clock[0]
    hole = play.places[request_id].index
    play.places[request_id].index = NONE
    clock.served_count -= 1
    moved = play.served[clock.served_count]
    if moved != request_id:
        rise(play, hole, moved)
        sink(play, play.places[moved].index, moved)


@compiled
def rise(play, hole: int, request_id: int) -> None:
    """Move the hole up to where the request belongs, and put it there."""
    while hole > 0 and is_before(play, request_id, play.served[(hole - 1) // 2]):
        put(play, hole, play.served[(hole - 1) // 2])
        hole = (hole - 1) // 2
    put(play, hole, request_id)


@compiled
def sink(play, hole: int, request_id: int) -> None:
    """Move the hole down to where the request belongs, and put it there."""
    count = play.clock[0].served_count
    while 2 * hole + 1 < count:
        child = 2 * hole + 1
        if child + 1 < count and is_before(play, play.served[child + 1], play.served[child]):
            child += 1
        if is_before(play, request_id, play.served[child]):
            break
        put(play, hole, play.served[child])
        hole = child
    put(play, hole, request_id)


@compiled
def is_before(play, one: int, other: int) -> bool:
    """Whether a request is finished before another one."""
    first, second = play.places[one], play.places[other]
    return first.finish_s < second.finish_s or (first.finish_s == second.finish_s and first.start < second.start)


@compiled
def put(play, index: int, request_id: int) -> None:
    """Write a request into its place."""
    play.served[index] = request_id
    play.places[request_id].index = index

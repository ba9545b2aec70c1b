"""The pending events of an environment: a heap in the total order (time, kind, number).

Each event has four below it, not two: half the levels, and the four lie side by side in memory, which counts when a
million tasks are pending and the heap no longer fits the processor's cache.
"""

from tessera_env.jit.compiled import compiled

_NUMBER_BITS = 58  # a task below 2^32 and its urgency, below 2^26, above it
_ARITY = 4


@compiled
def event_key(kind: int, number: int) -> int:
    """Kind and number in one integer that orders like the pair."""
    return (kind << _NUMBER_BITS) | number


@compiled
def kind_of(key: int) -> int:
    """The kind in an event's key."""
    return key >> _NUMBER_BITS


@compiled
def push(state, env: int, time_s: float, kind: int, number: int, subject: int, generation: int) -> None:
    """Add an event; the table has room (advance sees to that)."""
    episode = state.episodes[env]
    assert episode.event_count < state.events.shape[1]
    episode.event_count += 1
    rise(state, env, episode.event_count - 1, time_s, event_key(kind, number), subject, generation)


@compiled
def rise(state, env: int, hole: int, time_s: float, key: int, subject: int, generation: int) -> None:
    """Move the hole at `hole` up to where the event belongs, and put it there."""
    while hole > 0:
        above = (hole - 1) // _ARITY
        parent = state.events[env, above]
        if parent.time_s < time_s or (parent.time_s == time_s and parent.key <= key):
            break
        copy_event(state, env, above, hole)
        hole = above
    place_event(state, env, hole, time_s, key, subject, generation)


@compiled
def remove_earliest(state, env: int) -> None:
    """Take the earliest event, at index 0, off the heap."""
    episode = state.episodes[env]
    episode.event_count -= 1
    last = state.events[env, episode.event_count]
    sink(state, env, 0, last.time_s, last.key, last.subject, last.generation)


@compiled
def sink(state, env: int, hole: int, time_s: float, key: int, subject: int, generation: int) -> None:
    """Move the hole at `hole` down to where the event belongs, and put it there."""
    count = state.episodes[env].event_count
    while _ARITY * hole + 1 < count:
        first = _ARITY * hole + 1
        child = first
        for other in range(first + 1, min(first + _ARITY, count)):
            if is_before(state, env, other, child):
                child = other
        below = state.events[env, child]
        if time_s < below.time_s or (time_s == below.time_s and key <= below.key):
            break
        copy_event(state, env, child, hole)
        hole = child
    place_event(state, env, hole, time_s, key, subject, generation)


@compiled
def restore_order(state, env: int) -> None:
    """Make a heap of events in any order."""
    for k in range((state.episodes[env].event_count - 2) // _ARITY, -1, -1):
        event = state.events[env, k]
        sink(state, env, k, event.time_s, event.key, event.subject, event.generation)


@compiled
def is_before(state, env: int, i: int, j: int) -> bool:
    """Whether event i comes before event j."""
    one, other = state.events[env, i], state.events[env, j]
    return one.time_s < other.time_s or (one.time_s == other.time_s and one.key < other.key)


@compiled
def copy_event(state, env: int, source: int, target: int) -> None:
    """Copy one event over another."""
    event = state.events[env, source]
    place_event(state, env, target, event.time_s, event.key, event.subject, event.generation)


@compiled
def place_event(state, env: int, index: int, time_s: float, key: int, subject: int, generation: int) -> None:
    """Write an event's fields."""
    event = state.events[env, index]
    event.time_s = time_s
    event.key = key
    event.subject = subject
    event.generation = generation

"""Which replica a client sends a request to, by what it knows itself."""

from tessera_env.jit.compiled import compiled
from tessera_env.requests.settings import Balancing


@compiled
def chosen_replica(play, client: int) -> int:
    """One of the ready replicas, of which there is one at least."""
    if play.rules[0].balancing == Balancing.ROUND_ROBIN:
        return int(play.ready[play.turns[client] % play.clock[0].ready_count])
    return least_loaded(play, client)


@compiled
def least_loaded(play, client: int) -> int:
    """The replica with the fewest requests of this client; of equals, the one that it has sent to longest ago.

    The first of equals would get everything where each is done before the next one comes, and whatever is new
    last. Counts belong to a replica, not to its place in the list: one that goes takes its count along.
    """
    best = play.ready[0]
    for k in range(1, play.clock[0].ready_count):
        one, other = play.sent[client, play.ready[k]], play.sent[client, best]
        if one.outstanding < other.outstanding or (one.outstanding == other.outstanding and one.last < other.last):
            best = play.ready[k]
    return int(best)


@compiled
def count_sent(play, client: int, replica: int) -> None:
    """Remember that a client has sent a request there."""
    clock = play.clock[0]
    clock.sendings += 1
    play.turns[client] += 1
    sent = play.sent[client, replica]
    sent.outstanding += 1
    sent.last = clock.sendings

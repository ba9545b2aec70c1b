"""Circular doubly linked lists over one table: insert and remove in constant time, whatever the list.

Nodes 0 … are the lists' heads, then one node a task, then two a row of the instance table. A task is on at most one
list (waiting, displaced). An instance is on `held` (SPOT, without notice) by its first node and on `idle` or
`booked` by its second. Lists are kept newest first.
"""

from tessera_env.jit.compiled import compiled

WAITING = 0
DISPLACED = 1
BOOKED = 2
_POOL_HEADS = 3


@compiled
def held_list(pool_id: int) -> int:
    """Spot instances of a pool that have no notice, by launch, newest first."""
    return _POOL_HEADS + pool_id


@compiled
def idle_list(state, offer_id: int) -> int:
    """Instances of an offer that hold no task, most recently idled first."""
    return _POOL_HEADS + state.pools.shape[1] + offer_id


@compiled
def task_node(state, task_id: int) -> int:
    """The node of a task."""
    return _POOL_HEADS + 3 * state.pools.shape[1] + task_id


@compiled
def held_node(state, instance_id: int) -> int:
    """The node of an instance on its pool's held list."""
    return _POOL_HEADS + 3 * state.pools.shape[1] + state.tasks.shape[1] + 2 * instance_id


@compiled
def idle_node(state, instance_id: int) -> int:
    """The node of an instance on an idle list or the booked list."""
    return held_node(state, instance_id) + 1


@compiled
def task_of(state, node: int) -> int:
    """The task of a task's node."""
    return node - task_node(state, 0)


@compiled
def instance_of(state, node: int) -> int:
    """The instance of either of its nodes."""
    return (node - held_node(state, 0)) // 2


@compiled
def clear_lists(state, env: int) -> None:
    """Make every list empty."""
    for head in range(task_node(state, 0)):
        link = state.links[env, head]
        link.before = head
        link.after = head


@compiled
def insert(state, env: int, head: int, node: int) -> None:
    """Put a node at the front of a list."""
    link, front = state.links[env, node], state.links[env, head]
    link.before = head
    link.after = front.after
    state.links[env, front.after].before = node
    front.after = node


@compiled
def remove(state, env: int, node: int) -> None:
    """Take a node off the list it is on."""
    link = state.links[env, node]
    state.links[env, link.before].after = link.after
    state.links[env, link.after].before = link.before


@compiled
def first(state, env: int, head: int) -> int:
    """The node at the front of a list; the head itself if the list is empty."""
    return state.links[env, head].after


@compiled
def after(state, env: int, node: int) -> int:
    """The next node; the head behind the last one."""
    return state.links[env, node].after

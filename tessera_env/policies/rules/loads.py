"""How many spot replicas each pool is to hold: all where losses are rarest, or spread so that any one pool may be lost.

Losses an hour to be expected of a pool: 1 / (h + `young_h`), h the hours for which it has held, or those that replicas
there have lasted in the mean, if these are fewer. Recorded zones behave much like this: before hour 700 of the bundled
recording 1.2 an hour of spells of a quarter to half an hour, 0.4 of one to two hours, 0.12 of eight to sixteen. A pool
that is not known to hold is taken to have held for `young_h`. Where some were lost and others stayed, or were there
when a launch failed, capacity comes and goes in steps: the fewer replicas the pool is to hold, the rarer it loses one.

With N replicas needed, two kinds of plan are weighed:

- Together: N in the best pools, filled one after the other. Whatever is lost is an outage.
- Spread: at most m in a pool and m spares, so that a lost pool is no outage. Two have to be lost within the time that
  takes to see the first loss and to replace it. There is one such plan for each number of pools to go on without.

The cheapest is chosen, an outage counted at the price of `outage_h` hours of one on-demand replica. What finds no room
on spot is on-demand, at `spare_worth` times its price: for a loss that may well be larger than the spare.
"""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import ServiceField, ServicePoolField
from tessera_env.policies.rules.seats import known_count, known_value, service_count, service_value, span_of, target_of
from tessera_env.world.parameters import NONE

PARTIAL_H = 6.0  # so long a pool counts as one that holds some
TOGETHER = 0  # instead of the most in a pool


@compiled
def needed_on_spot(observations, env: int, pool_count: int) -> int:
    """The target, less what is on on-demand anyhow."""
    target = target_of(observations, env, pool_count)
    return max(0, target - service_count(observations, env, ServiceField.BASE_ON_DEMAND, pool_count))


@compiled
def held_h(observations, env: int, pool_id: int, pool_count: int) -> float:
    """Hours that the pool is known to have held; 0: it is not known to hold."""
    return span_of(known_value(observations, env, pool_id, ServicePoolField.UP_AGE, pool_count), 2.0)


@compiled
def loss_rate(options, observations, env: int, pool_id: int, pool_count: int) -> float:
    """Losses an hour to be expected of the pool."""
    held = held_h(observations, env, pool_id, pool_count)
    if held <= 0.0:
        held = options.young_h
    if known_count(observations, env, pool_id, ServicePoolField.LOSSES, pool_count) > 0:
        held = min(held, span_of(known_value(observations, env, pool_id, ServicePoolField.LIFETIME, pool_count), 2.0))
    return 1.0 / (held + options.young_h)


@compiled
def share_of_rate(observations, env: int, pool_id: int, pool_count: int, load: int) -> float:
    """Of the losses of all that is needed, those of so many: of a pool that holds only some, in proportion."""
    if span_of(known_value(observations, env, pool_id, ServicePoolField.PARTIAL_AGE, pool_count), 1.0) > PARTIAL_H:
        return 1.0
    return min(1.0, load / max(needed_on_spot(observations, env, pool_count), 1))


@compiled
def room_in(options, observations, env: int, pool_id: int, pool_count: int) -> int:
    """Replicas that the pool may hold: no more than now while it has a mark, one more at a time until it holds one."""
    if known_value(observations, env, pool_id, ServicePoolField.USABLE, pool_count) <= 0.0:
        return 0
    here = known_count(observations, env, pool_id, ServicePoolField.SPOT_HERE, pool_count)
    failed = span_of(known_value(observations, env, pool_id, ServicePoolField.FAILED_AGE, pool_count), 1.0)
    lost = span_of(known_value(observations, env, pool_id, ServicePoolField.LOST_AGE, pool_count), 1.0)
    if min(failed, lost) < options.mark_s / 3600.0:
        return here
    if held_h(observations, env, pool_id, pool_count) > 0.0:
        return service_count(observations, env, ServiceField.MOST, pool_count)
    return max(1, here)


@compiled
def pool_place(options, observations, env: int, pool_id: int, pool_count: int) -> float:
    """The pool's place among those with room, the least first: cheap, and rarely lost."""
    cost = known_value(observations, env, pool_id, ServicePoolField.SPOT_COST, pool_count)
    rate = loss_rate(options, observations, env, pool_id, pool_count)
    return needed_on_spot(observations, env, pool_count) * cost + options.outage_h * rate


@compiled
def next_pool(options, observations, env: int, pool_count: int, last: int) -> int:
    """The pool with room that comes after the last one; NONE: no more."""
    behind = pool_place(options, observations, env, last, pool_count) if last != NONE else -math.inf
    found, least = NONE, math.inf
    for pool_id in range(pool_count):
        if room_in(options, observations, env, pool_id, pool_count) > 0:
            place = pool_place(options, observations, env, pool_id, pool_count)
            if behind < place < least or (place == behind and last < pool_id and least > behind):
                found, least = pool_id, place
    return found


@compiled
def replicas_of(observations, env: int, pool_count: int, most: int) -> int:
    """Replicas of a plan with at most so many in a pool: those needed, and the spares."""
    extra = service_count(observations, env, ServiceField.EXTRA, pool_count)
    return needed_on_spot(observations, env, pool_count) + (0 if most == TOGETHER else max(most, extra))


@compiled
def plan_cost(options, observations, env: int, pool_count: int, most: int) -> float:
    """What the plan costs an hour, in prices of the dearest on-demand; what has no room on spot is on-demand."""
    left = replicas_of(observations, env, pool_count, most)
    each = left if most == TOGETHER else most
    window_h = 2.0 * span_of(service_value(observations, env, ServiceField.COLD_START, pool_count), 300.0) / 3600.0
    spot, one, two, pool_id = 0.0, 0.0, 0.0, NONE  # two: pairs of losses an hour, for each hour between them
    while left > 0:
        pool_id = next_pool(options, observations, env, pool_count, pool_id)
        if pool_id == NONE:
            break
        load = min(left, each, room_in(options, observations, env, pool_id, pool_count))
        rate = loss_rate(options, observations, env, pool_id, pool_count)
        rate *= share_of_rate(observations, env, pool_id, pool_count, load)
        spot += load * known_value(observations, env, pool_id, ServicePoolField.SPOT_COST, pool_count)
        two += one * rate
        one += rate
        left -= load
    lost = one if most == TOGETHER else window_h * two
    return (
        spot + options.spare_worth * left * cheapest_on_demand(observations, env, pool_count) + options.outage_h * lost
    )


@compiled
def cheapest_on_demand(observations, env: int, pool_count: int) -> float:
    """Its price, in prices of the dearest."""
    least = 1.0
    for pool_id in range(pool_count):
        if known_value(observations, env, pool_id, ServicePoolField.USABLE, pool_count) > 0.0:
            least = min(least, known_value(observations, env, pool_id, ServicePoolField.ON_DEMAND_COST, pool_count))
    return least


@compiled
def most_in_a_pool(options, observations, env: int, pool_count: int) -> int:
    """By the cheapest plan."""
    needed = needed_on_spot(observations, env, pool_count)
    best, least = TOGETHER, plan_cost(options, observations, env, pool_count, TOGETHER)
    if service_count(observations, env, ServiceField.EXTRA, pool_count) == 0:
        return best
    before = 0
    for others in range(1, pool_count):
        most = -(-needed // others)  # so that the others hold what is needed when one pool is lost
        if most != before:
            cost = plan_cost(options, observations, env, pool_count, most)
            if cost < least:
                best, least = most, cost
        before = most
    return best


@compiled
def load_of(options, observations, env: int, pool_id: int, pool_count: int) -> int:
    """Replicas that the pool is to hold."""
    room = room_in(options, observations, env, pool_id, pool_count)
    if room == 0:
        return 0
    most = most_in_a_pool(options, observations, env, pool_count)
    each = replicas_of(observations, env, pool_count, most) if most == TOGETHER else most
    return min(left_before(options, observations, env, pool_id, pool_count, most), each, room)


@compiled
def left_before(options, observations, env: int, pool_id: int, pool_count: int, most: int) -> int:
    """Replicas of the plan that the pools before this one do not hold; NONE: all pools."""
    left = replicas_of(observations, env, pool_count, most)
    each = left if most == TOGETHER else most
    before = next_pool(options, observations, env, pool_count, NONE)
    while left > 0 and before not in (pool_id, NONE):
        left -= min(left, each, room_in(options, observations, env, before, pool_count))
        before = next_pool(options, observations, env, pool_count, before)
    return left


@compiled
def without_room(options, observations, env: int, pool_count: int) -> int:
    """Replicas of the plan that find no room on spot."""
    most = most_in_a_pool(options, observations, env, pool_count)
    return left_before(options, observations, env, NONE, pool_count, most)

"""How many spot replicas each pool is to hold, as `tessera_env.policies.rules.loads` has it, with shifts.

Each pool's room, losses and place are worked out once for a row: `pools` has what is noted of each, (pools, NOTES).
"""

from enum import IntEnum

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import ServiceField, ServicePoolField
from tessera_env.policies.hedging.shifts import UNIT, PoolTurn, ServiceTurn, cut, factor_of, shift_of
from tessera_env.policies.rules.loads import PARTIAL_H, TOGETHER, cheapest_on_demand, needed_on_spot
from tessera_env.policies.rules.seats import known_count, known_value, service_count, service_value, span_of

# As `spot_hedge_plus` has them by default; not taken from there, since weights that were found are for these.
OUTAGE_H, YOUNG_H, MARK_H, SPARE_WORTH = 3.5, 1.0, 1200.0 / 3600.0, 4.0


class Note(IntEnum):
    """What is noted of a pool."""

    ROOM = 0
    RATE = 1  # losses an hour
    PLACE = 2  # the least first
    COST = 3
    ORDER = 4  # the pool that is the k-th by place
    LOAD = 5  # replicas that it is to hold
    STEPS = 6  # 1: it loses the fewer, the fewer it is to hold
    LEFT = 7  # replicas of the plan that it and those before it do not hold


NOTES = len(Note)


@compiled
def write_plan(observations, env: int, pool_count: int, shifts, number: int, figures, notes) -> None:
    """Write all notes of a row."""
    pool_shifts, service_shifts = shifts
    pool_figures, service_figures = figures
    outage_h = OUTAGE_H * factor_of(service_shifts, number, ServiceTurn.OUTAGE, service_figures)
    needed = needed_on_spot(observations, env, pool_count)
    for pool_id in range(pool_count):
        own, note = pool_figures[pool_id], notes[pool_id]
        cost = known_value(observations, env, pool_id, ServicePoolField.SPOT_COST, pool_count)
        note[Note.RATE] = loss_rate(observations, env, pool_id, pool_count, pool_shifts, number, own)
        note[Note.ROOM] = room_in(observations, env, pool_id, pool_count, pool_shifts, number, own)
        note[Note.STEPS] = comes_in_steps(observations, env, pool_id, pool_count, pool_shifts, number, own)
        note[Note.COST] = cost
        dearer = UNIT * shift_of(pool_shifts, number, PoolTurn.PRICE, own)
        note[Note.PLACE] = needed * (cost + dearer) + outage_h * note[Note.RATE]
    put_in_order(pool_count, notes)
    window_h = 2.0 * span_of(service_value(observations, env, ServiceField.COLD_START, pool_count), 300.0) / 3600.0
    pair_h = window_h * factor_of(service_shifts, number, ServiceTurn.PAIR, service_figures)
    spare = SPARE_WORTH * cheapest_on_demand(observations, env, pool_count)
    spare *= factor_of(service_shifts, number, ServiceTurn.SPARE, service_figures)
    prices = (outage_h, pair_h, spare)
    extra = service_count(observations, env, ServiceField.EXTRA, pool_count)
    write_loads(pool_count, notes, needed, extra, most_in_a_pool(pool_count, notes, needed, extra, prices))


@compiled
def loss_rate(observations, env: int, pool_id: int, pool_count: int, shifts, number: int, figures) -> float:
    """Losses an hour to be expected of the pool."""
    held_h = span_of(known_value(observations, env, pool_id, ServicePoolField.UP_AGE, pool_count), 2.0)
    if held_h <= 0.0:
        held_h = YOUNG_H
    if known_count(observations, env, pool_id, ServicePoolField.LOSSES, pool_count) > 0:
        lasted = known_value(observations, env, pool_id, ServicePoolField.LIFETIME, pool_count)
        held_h = min(held_h, span_of(lasted, 2.0))
    return 1.0 / (held_h + YOUNG_H) * factor_of(shifts, number, PoolTurn.RATE, figures)


@compiled
def comes_in_steps(observations, env: int, pool_id: int, pool_count: int, shifts, number: int, figures) -> float:
    """1 if the pool's capacity does, else 0."""
    partial = span_of(known_value(observations, env, pool_id, ServicePoolField.PARTIAL_AGE, pool_count), 1.0)
    lately = 1.0 if partial <= PARTIAL_H else -1.0
    return 1.0 if lately + shift_of(shifts, number, PoolTurn.STEPS, figures) > 0.0 else 0.0


@compiled
def room_in(observations, env: int, pool_id: int, pool_count: int, shifts, number: int, figures) -> int:
    """Replicas that the pool may hold."""
    if known_value(observations, env, pool_id, ServicePoolField.USABLE, pool_count) <= 0.0:
        return 0
    here = known_count(observations, env, pool_id, ServicePoolField.SPOT_HERE, pool_count)
    failed = span_of(known_value(observations, env, pool_id, ServicePoolField.FAILED_AGE, pool_count), 1.0)
    lost = span_of(known_value(observations, env, pool_id, ServicePoolField.LOST_AGE, pool_count), 1.0)
    unmarked = cut(min(failed, lost) / MARK_H - 1.0)
    if unmarked + shift_of(shifts, number, PoolTurn.OPEN, figures) < 0.0:
        return here
    holds = 1.0 if known_value(observations, env, pool_id, ServicePoolField.UP_AGE, pool_count) > 0.0 else -1.0
    if holds + shift_of(shifts, number, PoolTurn.FILL, figures) > 0.0:
        return service_count(observations, env, ServiceField.MOST, pool_count)
    return max(1, here)


@compiled
def put_in_order(pool_count: int, notes) -> None:
    """By place; of equal ones the first pool first."""
    for pool_id in range(pool_count):
        k = pool_id
        while k > 0 and notes[int(notes[k - 1, Note.ORDER]), Note.PLACE] > notes[pool_id, Note.PLACE]:
            notes[k, Note.ORDER] = notes[k - 1, Note.ORDER]
            k -= 1
        notes[k, Note.ORDER] = pool_id


@compiled
def most_in_a_pool(pool_count: int, notes, needed: int, extra: int, prices) -> int:
    """By the cheapest plan."""
    best, least = TOGETHER, plan_cost(pool_count, notes, needed, extra, TOGETHER, prices)
    if extra == 0:
        return best
    before = 0
    for others in range(1, pool_count):
        most = -(-needed // others)
        if most != before:
            cost = plan_cost(pool_count, notes, needed, extra, most, prices)
            if cost < least:
                best, least = most, cost
        before = most
    return best


@compiled
def plan_cost(pool_count: int, notes, needed: int, extra: int, most: int, prices) -> float:
    """What the plan with at most so many in a pool costs an hour.

    `prices` are those of an outage, of one for each pair of losses an hour, and of what finds no room on spot.
    """
    outage_h, pair_h, spare = prices
    left = needed + (0 if most == TOGETHER else max(most, extra))
    each = left if most == TOGETHER else most
    spot, one, two = 0.0, 0.0, 0.0
    for k in range(pool_count):
        note = notes[int(notes[k, Note.ORDER])]
        if left > 0 and note[Note.ROOM] > 0:
            load = min(left, each, int(note[Note.ROOM]))
            rate = note[Note.RATE]
            if note[Note.STEPS] > 0.0:
                rate *= min(1.0, load / max(needed, 1))
            spot += load * note[Note.COST]
            two += one * rate
            one += rate
            left -= load
    lost = one if most == TOGETHER else pair_h * two
    return spot + left * spare + outage_h * lost


@compiled
def write_loads(pool_count: int, notes, needed: int, extra: int, most: int) -> None:
    """Note what each pool is to hold by the plan."""
    left = needed + (0 if most == TOGETHER else max(most, extra))
    each = left if most == TOGETHER else most
    for k in range(pool_count):
        note = notes[int(notes[k, Note.ORDER])]
        note[Note.LOAD] = min(left, each, int(note[Note.ROOM]))
        left -= int(note[Note.LOAD])
        note[Note.LEFT] = left

"""What the rule with shifts answers: where all of them are 0 what `spot_hedge_plus` would."""

from tessera_env.jit.compiled import compiled
from tessera_env.jit.kernel import Kernel
from tessera_env.observation.fields import ServiceField, ServicePoolField
from tessera_env.policies.hedging.figures import write_figures
from tessera_env.policies.hedging.plan import Note, write_plan
from tessera_env.policies.hedging.shifts import PoolTurn, ServiceTurn, shift_of
from tessera_env.policies.rules.loads import needed_on_spot
from tessera_env.policies.rules.seats import known_count, known_value, service_count, service_value, target_of
from tessera_env.world.parameters import NONE

_NEVER_BY_ITSELF = -1.0


def _choose_rows(observations, masks, rows, sets, shifts, figures, notes, actions) -> None:
    """Write the action of each of `rows`, by that row's set of weights.

    `shifts` are those of pools and of the service; `figures`, likewise, and `notes` are room for what is worked out of
    one row.
    """
    pool_count = masks.shape[1] // 2
    for k in range(rows.shape[0]):
        env, number = rows[k], sets[rows[k]]
        write_figures(observations, env, pool_count, figures[0], figures[1])
        write_plan(observations, env, pool_count, shifts, number, figures, notes)
        actions[env] = choose_hedged(observations, masks, env, shifts, number, figures, notes)


@compiled
def choose_hedged(observations, masks, env: int, shifts, number: int, figures, notes) -> int:
    """The action of a row, from its notes."""
    pool_count = masks.shape[1] // 2
    if service_value(observations, env, ServiceField.SEAT_EMPTY, pool_count) > 0.0:
        return launch(observations, masks, env, pool_count, shifts, number, figures, notes)
    for pool_id in range(pool_count):
        if masks[env, 1 + pool_id] and stays_on_spot(observations, env, pool_id, pool_count, notes):
            return 1 + pool_id
        action = 1 + pool_count + pool_id
        here = known_value(observations, env, pool_id, ServicePoolField.SEAT_HERE_ON_DEMAND, pool_count) > 0.0
        if not here or not masks[env, action]:
            continue
        if lacks_on_demand(observations, env, pool_count, shifts, number, figures, notes):
            return action
    return 0


@compiled
def launch(observations, masks, env: int, pool_count: int, shifts, number: int, figures, notes) -> int:
    """Spot in the first pool that lacks a replica, else on-demand where it is cheapest, if that is lacking."""
    for pool_id in range(pool_count):
        claimed = known_count(observations, env, pool_id, ServicePoolField.SPOT_CLAIMED_HERE, pool_count)
        if masks[env, 1 + pool_id] and claimed < notes[pool_id, Note.LOAD]:
            return 1 + pool_id
    if not lacks_on_demand(observations, env, pool_count, shifts, number, figures, notes):
        return 0
    best, lowest = NONE, 2.0
    for pool_id in range(pool_count):
        cost = known_value(observations, env, pool_id, ServicePoolField.ON_DEMAND_COST, pool_count)
        if masks[env, 1 + pool_count + pool_id] and cost < lowest:
            best, lowest = 1 + pool_count + pool_id, cost
    return max(best, 0)


@compiled
def stays_on_spot(observations, env: int, pool_id: int, pool_count: int, notes) -> bool:
    """Whether the seat's replica is there, and stays: the pool is to hold more, or it serves and too few others do."""
    if known_value(observations, env, pool_id, ServicePoolField.SEAT_HERE_SPOT, pool_count) <= 0.0:
        return False
    claimed = known_count(observations, env, pool_id, ServicePoolField.SPOT_CLAIMED_HERE, pool_count)
    is_ready = service_value(observations, env, ServiceField.SEAT_READY, pool_count) > 0.0
    ready = service_count(observations, env, ServiceField.READY_SPOT, pool_count)
    return claimed < notes[pool_id, Note.LOAD] or (is_ready and ready <= needed_on_spot(observations, env, pool_count))


@compiled
def lacks_on_demand(observations, env: int, pool_count: int, shifts, number: int, figures, notes) -> bool:
    """Whether fewer are claimed on on-demand than are wanted there."""
    pool_shifts, service_shifts = shifts
    pool_figures, service_figures = figures
    serve = service_count(observations, env, ServiceField.READY_SPOT, pool_count)
    for pool_id in range(pool_count):
        starting = known_count(observations, env, pool_id, ServicePoolField.STARTING_HERE, pool_count)
        if _NEVER_BY_ITSELF + shift_of(pool_shifts, number, PoolTurn.TRUST, pool_figures[pool_id]) > 0.0:
            serve += starting
    wanted = service_count(observations, env, ServiceField.BASE_ON_DEMAND, pool_count)
    left = int(notes[int(notes[pool_count - 1, Note.ORDER]), Note.LEFT])
    wanted += max(0, needed_on_spot(observations, env, pool_count) - serve, left)
    if _NEVER_BY_ITSELF + shift_of(service_shifts, number, ServiceTurn.STAND_BY, service_figures) > 0.0:
        wanted += 1
    claimed = service_count(observations, env, ServiceField.CLAIMED_ON_DEMAND, pool_count)
    return claimed < min(target_of(observations, env, pool_count), wanted)


choose_rows = Kernel(_choose_rows)

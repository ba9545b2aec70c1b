"""What a rule with shifted turns answers: where all shifts are 0 what `yielding` would, if that moved to save work.

`shifts` are (sets, turns, figures + 1): of each `Turn` the weights of the figures, and a constant. `pools` are what
`tessera_env.policies.shifting.placing` adds to prices.
"""

from enum import IntEnum

from tessera_env.jit.compiled import compiled
from tessera_env.jit.kernel import Kernel
from tessera_env.observation.fields import Field
from tessera_env.policies.shifting.figures import FIGURE_COUNT, SINGLE_COUNT, write_figures, write_next
from tessera_env.policies.shifting.placing import best_on_demand, best_spot, staying, write_weights
from tessera_env.policies.shifting.turns import move_turn, on_demand_turn, yield_turn
from tessera_env.world.parameters import NONE

_ALWAYS = 1.0  # how far the rule is from the other answer where it never gives it


class Turn(IntEnum):
    """What is decided by the sign of a turn plus its shift; above 0 as its name says."""

    ON_DEMAND = 0  # BATCH, without spot: on-demand, not waiting
    YIELD = 1  # BATCH on spot: pauses
    TAKE_SPOT = 2  # BATCH on nothing: takes spot that it can have
    BACK_TO_SPOT = 3  # BATCH on on-demand: takes spot that it can have
    STAY_ON_DEMAND = 4  # BATCH on on-demand, without spot: stays, not pauses
    INTERACTIVE_ON_DEMAND = 5  # INTERACTIVE, without spot: on-demand, not waiting
    INTERACTIVE_TAKE_SPOT = 6
    INTERACTIVE_BACK_TO_SPOT = 7
    MOVE = 8  # on spot: to another pool's spot, which saves its work
    INTERACTIVE_MOVE = 9


def _choose_rows(observations, masks, rows, sets, shifts, pools, scale, figures, weights, actions) -> None:
    """Write the action of each of `rows`, by that row's set of weights.

    `figures` (figures,) and `weights` (terms,) are room for what is worked out of one row.
    """
    for k in range(rows.shape[0]):
        env, number = rows[k], sets[rows[k]]
        spot = look(observations, masks, env, pools, number, scale, figures, weights)
        actions[env] = choose_shifted(observations, masks, env, shifts, number, figures, spot)


def _add_figures(observations, masks, rows, pools, unscaled, figures, weights, sums) -> None:
    """Add single figures of `rows` and their squares to `sums` (2, singles), with the next pool by the first set of
    `pools`; `unscaled` is a scale of 0 and 1.
    """
    for k in range(rows.shape[0]):
        look(observations, masks, rows[k], pools, 0, unscaled, figures, weights)
        for i in range(SINGLE_COUNT):
            sums[0, i] += figures[i]
            sums[1, i] += figures[i] * figures[i]


@compiled
def look(observations, masks, env: int, pools, number: int, scale, figures, weights) -> int:
    """Write a row's figures; returns the action of the spot that its task would take, NONE if it can have none."""
    pool_count = masks.shape[1] // 2
    write_figures(observations, env, pool_count, scale, figures)
    write_weights(pools, number, figures, weights)
    spot = best_spot(observations, masks, env, pool_count, weights)
    write_next(observations, env, spot - 1 if spot != NONE else NONE, scale, figures)
    return spot


@compiled
def choose_shifted(observations, masks, env: int, shifts, number: int, figures, spot: int) -> int:
    """The action of a row by the weights of that number."""
    pool_count = masks.shape[1] // 2
    stay = staying(observations, masks, env, pool_count)
    on_demand = best_on_demand(observations, masks, env, pool_count)
    is_interactive = observations[env, Field.INTERACTIVE] > 0.0
    if stay != NONE and observations[env, Field.ON_SPOT] > 0.0:
        if not is_interactive and masks[env, 0] and yields(observations, env, shifts, number, figures):
            return 0
        turn = Turn.INTERACTIVE_MOVE if is_interactive else Turn.MOVE
        return spot if spot != NONE and moves(observations, env, shifts, number, turn, figures, stay, spot) else stay
    if is_interactive:
        return interactive(masks, env, shifts, number, figures, stay, spot, on_demand)
    if is_forced(observations, env) or not masks[env, 0]:
        return forced(is_forced(observations, env), stay, spot, on_demand)
    if stay != NONE:
        return on_on_demand(shifts, number, figures, stay, spot)
    return on_nothing(observations, env, shifts, number, figures, spot, on_demand)


@compiled
def yields(observations, env: int, shifts, number: int, figures) -> bool:
    """Whether a BATCH task on spot pauses."""
    return yield_turn(observations, env) + shift(shifts, number, Turn.YIELD, figures) > 0.0


@compiled
def moves(observations, env: int, shifts, number: int, turn: int, figures, stay: int, spot: int) -> bool:
    """Whether a task on spot moves to another pool's; the actions of staying and moving are pools plus 1."""
    return move_turn(observations, env, stay - 1, spot - 1) + shift(shifts, number, turn, figures) > 0.0


@compiled
def interactive(masks, env: int, shifts, number: int, figures, stay: int, spot: int, on_demand: int) -> int:
    """INTERACTIVE, not on spot: spot if it can be had, else on-demand."""
    if stay != NONE:
        return spot if spot != NONE and turns(shifts, number, Turn.INTERACTIVE_BACK_TO_SPOT, figures) else stay
    must = not masks[env, 0]
    if spot != NONE and (must or turns(shifts, number, Turn.INTERACTIVE_TAKE_SPOT, figures)):
        return spot
    if on_demand != NONE and (must or turns(shifts, number, Turn.INTERACTIVE_ON_DEMAND, figures)):
        return on_demand
    return 0


@compiled
def is_forced(observations, env: int) -> bool:
    """Whether its slack does not last for one more decision interval."""
    return observations[env, Field.WAIT_SLACK] < 0.0 and observations[env, Field.HAS_DEADLINE] > 0.0


@compiled
def forced(is_late: bool, stay: int, spot: int, on_demand: int) -> int:
    """A BATCH task that may not wait: on-demand first if its deadline forces it, since a spot launch could be lost."""
    if is_late and stay != NONE:
        return stay
    if is_late and on_demand != NONE:
        return on_demand
    if spot != NONE:
        return spot
    return max(on_demand, 0)


@compiled
def on_on_demand(shifts, number: int, figures, stay: int, spot: int) -> int:
    """BATCH on on-demand: back to spot if it can be had."""
    if spot != NONE and turns(shifts, number, Turn.BACK_TO_SPOT, figures):
        return spot
    return stay if turns(shifts, number, Turn.STAY_ON_DEMAND, figures) else 0


@compiled
def on_nothing(observations, env: int, shifts, number: int, figures, spot: int, on_demand: int) -> int:
    """BATCH on nothing: spot if it can be had, else on-demand if its slack is short."""
    short = on_demand_turn(observations, env) + shift(shifts, number, Turn.ON_DEMAND, figures) > 0.0
    if spot != NONE and (short or turns(shifts, number, Turn.TAKE_SPOT, figures)):
        return spot
    return on_demand if short and on_demand != NONE else 0


@compiled
def turns(shifts, number: int, turn: int, figures) -> bool:
    """Whether what the rule always does is still done."""
    return _ALWAYS + shift(shifts, number, turn, figures) > 0.0


@compiled
def shift(shifts, number: int, turn: int, figures) -> float:
    """How far a turn is shifted."""
    total = shifts[number, turn, FIGURE_COUNT]
    for k in range(FIGURE_COUNT):
        total += shifts[number, turn, k] * figures[k]
    return total


choose_rows = Kernel(_choose_rows)
add_figures = Kernel(_add_figures)

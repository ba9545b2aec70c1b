"""The figures of an observation that shifts are linear in: the task's, the fleet's, and of the pools a few means.

Figures do not depend on how many pools there are, or in which order: one set of weights plays any of them.
"""

from enum import IntEnum
from itertools import combinations_with_replacement

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import Field, PoolField
from tessera_env.policies.rules.ranking import pool_value
from tessera_env.policies.rules.seen import hours, seen
from tessera_env.world.parameters import NONE

MOST = 3.0  # a scaled figure is cut off at plus and minus this
_UNSAVED_HALF_H = 2.0
DEAREST = 9.0  # above any price of the observation

# Taken over from the observation as they are.
TAKEN = (
    Field.TIME,
    Field.DAY_SIN,
    Field.DAY_COS,
    Field.WORK_LEFT_H,
    Field.WORK_LEFT,
    Field.SLACK,
    Field.END_SLACK,
    Field.SLACK_PER_WORK,
    Field.AGE,
    Field.STATE,
    Field.MEMORY,
    Field.WAITING,
    Field.PLACED_SPOT,
    Field.PLACED_ON_DEMAND,
    Field.TIGHTER_ON_DEMAND,
    Field.LONGEST_ON_DEMAND_H,
    Field.LOOSER_ON_SPOT,
    Field.ROOM_FOR_IT,
    Field.ARRIVALS_LEFT,
    Field.DONE,
    Field.IDLE,
    Field.RUNNING_H,
    Field.UNSAVED,
    Field.INTERRUPTIONS,
    Field.EVENT_RETRY,
    Field.EVENT_RECONSIDER,
    Field.INTERACTIVE,
)
# Means over the pools that the task fits.
AVERAGED = (
    PoolField.AVAILABLE,
    PoolField.AVAILABLE_4H,
    PoolField.AVAILABLE_12H,
    PoolField.AVAILABLE_EPISODE,
    PoolField.SPOT_PRICE,
    PoolField.HELD,
)
_PRICE = AVERAGED.index(PoolField.SPOT_PRICE)
# Of the pool where the task is; 0 where it is on nothing.
OF_ITS_POOL = (PoolField.SINCE_CHANGE, PoolField.REST_UP)
# Of the pool whose spot it would take; 0 where there is none.
OF_NEXT_POOL = (PoolField.SINCE_CHANGE, PoolField.REST_UP, PoolField.AVAILABLE_4H, PoolField.SPOT_CHANGEOVER)


class Figure(IntEnum):
    """Where the figures stand that follow those which are taken over and averaged."""

    SPOT_ROOM = len(TAKEN) + len(AVERAGED)  # spot instances that could be launched in pools that it fits, / 16
    CAN_HAVE_SPOT = SPOT_ROOM + 1  # 1: one of them is available, other than that where it is
    BEST_PRICE = SPOT_ROOM + 2  # the cheapest of those, less the pools' mean of the episode's average price; else 0
    ITS_PRICE = SPOT_ROOM + 3  # the spot price where it is, less the pools' mean; 0 where it is on nothing
    UNSAVED_H = SPOT_ROOM + 4  # u / (u + 2), u the hours of work since the last save
    ITS_FIRST = SPOT_ROOM + 5  # of OF_ITS_POOL
    NEXT_FIRST = ITS_FIRST + len(OF_ITS_POOL)  # of OF_NEXT_POOL


SINGLE_COUNT = Figure.NEXT_FIRST + len(OF_NEXT_POOL)
SINGLE_NAMES = (
    *(field.name.lower() for field in TAKEN),
    *(f"mean_{field.name.lower()}" for field in AVERAGED),
    *(figure.name.lower() for figure in list(Figure)[:-2]),
    *(f"its_{field.name.lower()}" for field in OF_ITS_POOL),
    *(f"next_{field.name.lower()}" for field in OF_NEXT_POOL),
)

# Behind the single ones stand products of any two of these, squares too: who gives way to whom depends on time and
# slack together.
CROSSED = (
    "time",
    "work_left_h",
    "slack",
    "slack_per_work",
    "state",
    "waiting",
    "placed_on_demand",
    "mean_available",
    "tighter_on_demand",
    "room_for_it",
    "best_price",
    "unsaved_h",
)
PAIRS = tuple(combinations_with_replacement(CROSSED, 2))
NAMES = (*SINGLE_NAMES, *(f"{one} x {other}" for one, other in PAIRS))
FIGURE_COUNT = len(NAMES)

_FIRSTS = tuple(SINGLE_NAMES.index(one) for one, _ in PAIRS)
_SECONDS = tuple(SINGLE_NAMES.index(other) for _, other in PAIRS)
_TAKEN = tuple(int(field) for field in TAKEN)
_AVERAGED = tuple(int(field) for field in AVERAGED)
_OF_ITS_POOL = tuple(int(field) for field in OF_ITS_POOL)
_OF_NEXT_POOL = tuple(int(field) for field in OF_NEXT_POOL)


@compiled
def write_figures(observations, env: int, pool_count: int, scale, out) -> None:
    """Write the row's single figures, but for those of the next pool, scaled: see `scaled`."""
    for k in range(len(_TAKEN)):
        out[k] = seen(observations, env, _TAKEN[k])
    price, average = write_means(observations, env, pool_count, out)
    write_best(observations, env, pool_count, average, out)
    write_its_pool(observations, env, pool_count, price, out)
    unsaved = unsaved_h(observations, env)
    out[Figure.UNSAVED_H] = unsaved / (unsaved + _UNSAVED_HALF_H)
    for k in range(Figure.NEXT_FIRST):
        out[k] = scaled(scale, k, out[k])


@compiled
def write_next(observations, env: int, pool_id: int, scale, out) -> None:
    """Write the figures of the pool whose spot the task would take, NONE if there is none; then products of two single
    figures, divided by MOST.
    """
    for k in range(len(_OF_NEXT_POOL)):
        figure = pool_value(observations, env, pool_id, _OF_NEXT_POOL[k]) if pool_id != NONE else 0.0
        out[Figure.NEXT_FIRST + k] = scaled(scale, Figure.NEXT_FIRST + k, figure)
    for k in range(len(_FIRSTS)):
        out[SINGLE_COUNT + k] = out[_FIRSTS[k]] * out[_SECONDS[k]] / MOST


@compiled
def scaled(scale, k: int, figure: float) -> float:
    """A single figure less its mean, in deviations, cut off at plus and minus MOST."""
    return min(max((figure - scale[0, k]) / scale[1, k], -MOST), MOST)


@compiled
def unsaved_h(observations, env: int) -> float:
    """Hours of work since the last save."""
    left = seen(observations, env, Field.WORK_LEFT)
    left_h = hours(observations, env, Field.WORK_LEFT_H, 24.0)
    return seen(observations, env, Field.UNSAVED) * left_h / left if left > 0.0 else 0.0


@compiled
def write_means(observations, env: int, pool_count: int, out) -> tuple[float, float]:
    """Write means over the pools that fit, and their room; returns their means of the spot price, now and so far."""
    first, count, average = len(_TAKEN), 0, 0.0
    for k in range(first, SINGLE_COUNT):
        out[k] = 0.0
    for pool_id in range(pool_count):
        if pool_value(observations, env, pool_id, PoolField.FITS) <= 0.0:
            continue
        count += 1
        average += pool_value(observations, env, pool_id, PoolField.PRICE_AVERAGE)
        out[Figure.SPOT_ROOM] += pool_value(observations, env, pool_id, PoolField.ROOM)
        for k in range(len(_AVERAGED)):
            out[first + k] += pool_value(observations, env, pool_id, _AVERAGED[k])
    for k in range(len(_AVERAGED)):
        out[first + k] /= max(count, 1)
    return out[first + _PRICE], average / max(count, 1)


@compiled
def write_best(observations, env: int, pool_count: int, average: float, out) -> None:
    """Write whether spot is to be had, and how dear the cheapest is."""
    best = DEAREST
    for pool_id in range(pool_count):
        if can_have(observations, env, pool_id):
            best = min(best, pool_value(observations, env, pool_id, PoolField.SPOT_PRICE))
    if best < DEAREST:
        out[Figure.CAN_HAVE_SPOT] = 1.0
        out[Figure.BEST_PRICE] = best - average


@compiled
def can_have(observations, env: int, pool_id: int) -> bool:
    """Whether the task fits the pool, and spot is available there now; not where it is on spot already."""
    return (
        pool_value(observations, env, pool_id, PoolField.FITS) > 0.0
        and pool_value(observations, env, pool_id, PoolField.AVAILABLE) > 0.0
        and pool_value(observations, env, pool_id, PoolField.HERE_SPOT) <= 0.0
    )


@compiled
def write_its_pool(observations, env: int, pool_count: int, price: float, out) -> None:
    """Write what the pool where the task is looks like."""
    for pool_id in range(pool_count):
        here = pool_value(observations, env, pool_id, PoolField.HERE_SPOT)
        if here + pool_value(observations, env, pool_id, PoolField.HERE_ON_DEMAND) > 0.0:
            out[Figure.ITS_PRICE] = pool_value(observations, env, pool_id, PoolField.SPOT_PRICE) - price
            for k in range(len(_OF_ITS_POOL)):
                out[Figure.ITS_FIRST + k] = pool_value(observations, env, pool_id, _OF_ITS_POOL[k])

"""The least cost of a world for one task with a deadline, known in advance: compiled.

A schedule holds nothing, spot or on-demand in each segment between two change points of the market. It does the work
of its run time less one changeover a start, and must do all. Once it is settled what is held where, cost and work are
linear in the lengths, so some best schedule starts and stops at change points, but for **one** run's end. So:

1. Every prefix of a schedule that ends at a change point is a label: its cost, its work, what it holds. Of two that
   hold the same, one that costs no more and has done no less makes the other needless. The same of suffixes, which
   are prefixes of the mirrored world.
2. A schedule is a prefix, a suffix, and between them a part of one segment, as long as the work still lacks.
3. A price on work (Lagrange) makes the best rest of every prefix a lookup: a lower bound of what any schedule with
   this prefix costs. Prefixes whose bound is above a limit are left out, and what is then found below the limit is the
   optimum. If nothing is, no schedule costs less than the limit, and it is raised.
"""

import math
from typing import NamedTuple

import numpy as np

from tessera_env.jit.compiled import compiled
from tessera_env.jit.kernel import Kernel
from tessera_env.world.parameters import NONE

NOTHING, SPOT, ON_DEMAND = 0, 1, 2  # what is held
_ROUNDING = 1e-9  # of a tick; and of the work, relative
_EQUAL_USD = 1e-12  # relative; dollars that differ by less are the same sum, added up in another order
_HALVINGS = 60
_THINNED = 500  # labels of a list at most, where there is no room for all
_SPREAD = 2.5  # prices on work lie between the best one times e^-2.5 and times e^2.5
_WIDENING = 3.0  # of the distance between the limit and the first bound

PROBLEM = np.dtype(
    [
        ("work_s", np.float64),
        ("changeover_s", np.float64),  # of a start; billed
        ("on_demand_price", np.float64),  # $/s
        ("tick_s", np.float64),  # runs start and stop at multiples of it, and whole ones are billed; 0: exact
        ("first_window", np.float64),  # of the search above the first bound, relative
        ("tolerance", np.float64),  # a bracket so narrow will do, relative; 0: the optimum
    ],
    align=True,
)

# Between two change points; the mirrored world has the same ones from last to first.
SEGMENT = np.dtype(
    [
        ("length_s", np.float64),  # run time, if held throughout
        ("billed_s", np.float64),  # for that
        ("spot_price", np.float64),  # $/s
        ("up", np.int64),  # 1: spot can be held
    ],
    align=True,
)

LABEL = np.dtype(
    [
        ("work_s", np.float64),  # run time less changeovers
        ("usd", np.float64),
        ("before", np.int64),  # the label that it goes on from; NONE: the start
    ],
    align=True,
)

# What the search works on, and what it has found.
FOUND = np.dtype(
    [
        ("limit_usd", np.float64),  # labels that lead to more are left out
        ("apart_s", np.float64),  # and so are those that are nearer to one another in work; 0: none
        ("lower_usd", np.float64),  # no schedule costs less
        ("upper_usd", np.float64),  # of the schedule found
        ("segment", np.int64),  # where its run of partial length is; NONE: on-demand from the start on
        ("purchase", np.int64),  # SPOT or ON_DEMAND
        ("length_s", np.float64),  # of that run; in the end, what is billed for it
        ("spot_s", np.float64),  # billed in all
        ("on_demand_s", np.float64),
        ("before", np.int64),  # label of what goes before it; of the last search
        ("after", np.int64),  # label, of the mirrored world, of what comes after it
        ("joins_before", np.int64),  # 1: it goes on with what is held before it; 0: it goes over into what comes after
        ("label_count", np.int64),  # of the last search, both sides
    ],
    align=True,
)


class Side(NamedTuple):
    """The world, or its mirror image, of n segments, and room for the search."""

    segments: np.recarray  # (n,) SEGMENT
    prices: np.ndarray  # (m,) $/s, prices on work; the same on both sides
    values: np.ndarray  # (m, n + 1, 3) the least dollars less priced work of the rest, by what is held before it
    works: np.ndarray  # (n + 1, 3) s, the work of such a rest
    labels: np.recarray  # (room,) LABEL
    first: np.ndarray  # (n + 1, 3) int64, the first label before a segment, by what is held
    number: np.ndarray  # (n + 1, 3) int64, and how many; from most work to least, and from dearest to cheapest
    at: np.ndarray  # (3,) int64, the next label of each list while they are merged
    more_s: np.ndarray  # (3,) the work that labels of each list gain thereby


class Search(NamedTuple):
    """Everything of one world."""

    problems: np.recarray  # (1,) PROBLEM
    ahead: Side
    mirrored: Side
    founds: np.recarray  # (1,) FOUND
    plan: np.ndarray  # (n,) int64: what is held in each segment but that of the run of partial length


def _solve(search) -> None:
    """Find the least cost: the bracket and the schedule of its upper end are in `founds` and `plan` then."""
    problem, found = search.problems[0], search.founds[0]
    start_with_on_demand(problem, found)
    price, bound = best_price(problem, search.ahead)
    spread_prices(search.ahead.prices, price)
    for k in range(search.ahead.prices.shape[0]):
        fill_values(problem, search.ahead, k)
        fill_values(problem, search.mirrored, k)
    found.lower_usd = min(bound, found.upper_usd)
    window = problem.first_window * (bound + 0.01 * found.upper_usd)  # the bound is 0 where spot is free
    while found.upper_usd > found.lower_usd * (1.0 + problem.tolerance):
        found.limit_usd = min(bound + window, found.upper_usd)
        if not look_below_limit(search):
            # No room for all labels: fewer of them, up to any cost, for a good schedule; the lower end stays.
            found.limit_usd, found.apart_s = found.upper_usd, problem.work_s / _THINNED
            look_below_limit(search)
            break
        found.lower_usd = min(found.limit_usd, found.upper_usd)
        window *= _WIDENING
    measure_billed(search)


@compiled
def look_below_limit(search) -> bool:
    """Find the cheapest schedule below the limit; whether there was room for all labels."""
    problem, found = search.problems[0], search.founds[0]
    if not make_labels(problem, search.ahead, found) or not make_labels(problem, search.mirrored, found):
        return False
    found.label_count = label_count(search.ahead) + label_count(search.mirrored)
    known_usd = found.upper_usd
    for s in range(search.ahead.segments.shape[0]):
        for purchase in range(SPOT, ON_DEMAND + 1):
            if purchase == ON_DEMAND or search.ahead.segments[s].up:
                for pair in range(9):
                    join(search, s, purchase, pair // 3, pair % 3)
    if found.upper_usd < known_usd:
        write_plan(search)
    return True


@compiled
def label_count(side) -> int:
    """How many were made."""
    n = side.segments.shape[0]
    return int(side.first[n, ON_DEMAND] + side.number[n, ON_DEMAND])


@compiled
def start_with_on_demand(problem, found) -> None:
    """On-demand from the start on is always there."""
    run_s = problem.work_s + problem.changeover_s
    found.upper_usd = billed_s(problem, run_s) * problem.on_demand_price
    found.length_s = run_s
    found.segment = found.before = found.after = NONE
    found.purchase = ON_DEMAND
    found.label_count = 0
    found.apart_s = 0.0


@compiled
def billed_s(problem, run_s: float) -> float:
    """What is billed for a run."""
    if problem.tick_s == 0.0:
        return run_s
    return math.ceil(run_s / problem.tick_s - _ROUNDING) * problem.tick_s


@compiled
def price_of(problem, segment, held: int) -> float:
    """$/s."""
    if held == NOTHING:
        return 0.0
    return segment.spot_price if held == SPOT else problem.on_demand_price


@compiled
def gained_s(problem, segment, before: int, held: int) -> float:
    """Work of holding something throughout the segment; a start takes its changeover off."""
    if held == NOTHING:
        return 0.0
    return segment.length_s if held == before else segment.length_s - problem.changeover_s


@compiled
def fill_values(problem, side, k: int) -> None:
    """The least dollars less priced work of what follows each change point, and that rest's work."""
    price, n = side.prices[k], side.segments.shape[0]
    for held in range(3):
        side.values[k, n, held] = side.works[n, held] = 0.0
    for s in range(n - 1, -1, -1):
        segment = side.segments[s]
        for before in range(3):
            least, work_s = math.inf, 0.0
            for held in range(3):
                if held == SPOT and not segment.up:
                    continue
                gained = gained_s(problem, segment, before, held)
                usd = price_of(problem, segment, held) * segment.billed_s
                value = usd - price * gained + side.values[k, s + 1, held]
                if value < least:
                    least, work_s = value, gained + side.works[s + 1, held]
            side.values[k, s, before] = least
            side.works[s, before] = work_s


@compiled
def best_price(problem, side) -> tuple[float, float]:
    """The price on work at which the bound of all schedules is highest, and that bound, by bisection."""
    low, high, bound, best = 0.0, 2.0 * problem.on_demand_price, 0.0, 0.0
    rising = True  # no price has been too high yet
    for _ in range(_HALVINGS):
        price = high if rising else 0.5 * (low + high)
        side.prices[0] = price
        fill_values(problem, side, 0)
        value = side.values[0, 0, NOTHING] + price * problem.work_s
        if value > bound:
            bound, best = value, price
        if side.works[0, NOTHING] < problem.work_s:
            low = price
            high = 2.0 * price if rising else high
        else:
            high, rising = price, False
    return best, bound


@compiled
def spread_prices(prices, best: float) -> None:
    """Prices around the best one, closer near it: the rest after a prefix may need another price than the whole."""
    half = prices.shape[0] // 2
    for k in range(prices.shape[0]):
        step = (k - half) / half
        prices[k] = best * math.exp(_SPREAD * step * abs(step))


@compiled
def least_usd(problem, side, s: int, held: int, work_s: float, usd: float) -> float:
    """A bound of what any schedule costs that has done so much before segment s."""
    least = 0.0
    for k in range(side.prices.shape[0]):
        value = side.values[k, s, held] + side.prices[k] * (problem.work_s - work_s)
        least = max(least, value)
    return usd + least


@compiled
def make_labels(problem, side, found) -> bool:
    """All labels that may lead to a cost below the limit; whether there was room for them."""
    side.first[0, :] = 0
    side.number[0, :] = 0
    side.number[0, NOTHING] = 1
    start = side.labels[0]
    start.work_s = start.usd = 0.0
    start.before = NONE
    free = 1
    for s in range(side.segments.shape[0]):
        for held in range(3):
            side.first[s + 1, held], side.number[s + 1, held] = free, 0
            if held == SPOT and not side.segments[s].up:
                continue
            if free + side.number[s, 0] + side.number[s, 1] + side.number[s, 2] > side.labels.shape[0]:
                return False
            side.number[s + 1, held] = extend(problem, side, s, held, free, found)
            free += side.number[s + 1, held]
    return True


@compiled
def extend(problem, side, s: int, held: int, free: int, found) -> int:
    """Write the labels that hold this throughout segment s; returns their number.

    They are merged from the three lists before it, from most work to least: one is needless if it is no cheaper than
    those before.
    """
    for before in range(3):
        side.at[before] = side.first[s, before]
        side.more_s[before] = gained_s(problem, side.segments[s], before, held)
    usd_more = price_of(problem, side.segments[s], held) * side.segments[s].billed_s
    number, cheapest, last_s, limit = 0, math.inf, math.inf, found.limit_usd
    while True:
        before = most_work(side, s)
        if before == NONE:
            return number
        source = side.at[before]
        side.at[before] += 1
        work_s, usd = side.labels[source].work_s + side.more_s[before], side.labels[source].usd + usd_more
        if usd >= cheapest - _EQUAL_USD * limit:
            continue
        cheapest = usd
        is_hopeless = least_usd(problem, side, s + 1, held, work_s, usd) > limit * (1.0 + _EQUAL_USD)
        if is_hopeless or last_s - work_s < found.apart_s:
            continue
        label = side.labels[free + number]
        label.work_s, label.usd, label.before = work_s, usd, source
        last_s = work_s
        number += 1


@compiled
def most_work(side, s: int) -> int:
    """The list whose next label has most work then; NONE: all are merged."""
    best, most_s = NONE, -math.inf
    for before in range(3):
        if side.at[before] < side.first[s, before] + side.number[s, before]:
            work_s = side.labels[side.at[before]].work_s + side.more_s[before]
            if work_s > most_s:
                best, most_s = before, work_s
    return best


@compiled
def join(search, s: int, purchase: int, before: int, after: int) -> None:
    """Find the cheapest schedule that holds the purchase in a part of segment s, and those before and after it.

    From prefix to prefix the work still lacking grows, so that suffixes that lack too much can be passed for good.
    """
    problem, ahead, mirrored, found = search.problems[0], search.ahead, search.mirrored, search.founds[0]
    segment, mirror = ahead.segments[s], ahead.segments.shape[0] - 1 - s
    price = price_of(problem, segment, purchase)
    starts_s = 0.0 if before == purchase or after == purchase else problem.changeover_s
    first, last = mirrored.first[mirror, after], mirrored.first[mirror, after] + mirrored.number[mirror, after]
    for i in range(ahead.first[s, before], ahead.first[s, before] + ahead.number[s, before]):
        lacking_s = problem.work_s + starts_s - ahead.labels[i].work_s
        while last > first and lacks_too_much(lacking_s - mirrored.labels[last - 1].work_s, segment.length_s):
            last -= 1
        for j in range(last - 1, first - 1, -1):
            run_s = lacking_s - mirrored.labels[j].work_s
            usd = ahead.labels[i].usd + mirrored.labels[j].usd + price * part_billed_s(problem, segment, run_s)
            if usd < found.upper_usd:
                found.upper_usd, found.segment, found.purchase = usd, s, purchase
                found.length_s, found.before, found.after = max(run_s, 0.0), i, j
                found.joins_before = before == purchase
            if run_s <= 0.0:
                break  # suffixes with more work cost more


@compiled
def write_plan(search) -> None:
    """Follow the labels of the schedule found to their starts."""
    ahead, mirrored, found, n = search.ahead, search.mirrored, search.founds[0], search.plan.shape[0]
    label = found.before
    for s in range(found.segment, 0, -1):
        search.plan[s - 1] = held_by(ahead, s, label)
        label = ahead.labels[label].before
    label = found.after
    for s in range(n - 1 - found.segment, 0, -1):
        search.plan[n - s] = held_by(mirrored, s, label)
        label = mirrored.labels[label].before


@compiled
def measure_billed(search) -> None:
    """How long the schedule found is billed for each purchase."""
    problem, found = search.problems[0], search.founds[0]
    found.spot_s = found.on_demand_s = 0.0
    if found.segment == NONE:
        found.length_s = found.on_demand_s = billed_s(problem, found.length_s)
        return
    found.length_s = part_billed_s(problem, search.ahead.segments[found.segment], found.length_s)
    for s in range(search.plan.shape[0]):
        is_part = s == found.segment
        held = found.purchase if is_part else search.plan[s]
        length_s = found.length_s if is_part else search.ahead.segments[s].billed_s
        found.spot_s += length_s if held == SPOT else 0.0
        found.on_demand_s += length_s if held == ON_DEMAND else 0.0


@compiled
def held_by(side, s: int, label: int) -> int:
    """What a label before segment s holds: the three lists follow one another."""
    if label >= side.first[s, ON_DEMAND]:
        return ON_DEMAND
    return SPOT if label >= side.first[s, SPOT] else NOTHING


@compiled
def lacks_too_much(run_s: float, length_s: float) -> bool:
    """Whether the segment is too short for the run."""
    return run_s > length_s + _ROUNDING * (1.0 + length_s)


@compiled
def part_billed_s(problem, segment, run_s: float) -> float:
    """What is billed for a run in a part of the segment."""
    if run_s <= 0.0:
        return 0.0
    if segment.billed_s != segment.length_s:
        return segment.billed_s  # less than a tick, of which a whole one is billed
    return min(billed_s(problem, run_s), segment.billed_s)


solve = Kernel(_solve, waits=True)  # one call is a whole world's search

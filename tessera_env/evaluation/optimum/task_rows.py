"""What a task must have, as rows and columns of a linear programme over the cells of spot hours.

Columns are hours of work in each cell, hours of work on on-demand, and what is left undone. Whatever a policy does in
the engine, its own hours keep to the rows, and cost it at least what the columns cost:

- *One place at a time.* In each bin a task works no longer than the bin lasts. In a cell it works no longer than the
  cell is open to it: from its arrival, or the spell's start, plus a changeover, until its work is of no more use.
- *Stays.* An instance serves one task. From launch to work it takes provisioning, set-up and loading a state, of which
  all but provisioning is billed, and all of it takes room in the spell and time of the task. A stay lies within one
  spell, and does at most `most_h` of work there: what the spell, the task's deadline and its work leave. With c h to be
  paid for each stay, an hour of work takes c / most_h besides at least, the least of c / x with x <= most_h.
- *Working on.* With `make_before_break` or `just_in_time` the task may work while its next instance is set up: then
  only loading takes time from it, but for its first stay.
- *Sharing.* With `idle_timeout_s` an instance may have been set up for somebody else: then a stay takes loading alone,
  and the set-up is shared by as much work as fits into a spell after it.
- *Billing minimum.* A stay of x h is billed m h at least: m / most_h - 1 besides for each hour, at least.
- *Periodic checkpoints* pause x h of work at least x / interval - 1 times in a stay. Then (c + cost x pauses) / x is
  least where x is an interval, or most_h.
- *State.* A stay loads the state at its start, at least the base. A BATCH task whose deadline lies within the episode
  is either done in time, or its whole penalty is due, and then what it costs beside may be left out. Of one that is
  done in time, all that does not fit into the time after a stay's start was done before, and is loaded.
- *BATCH.* Work in time and what is left of it add up to the work. What is left costs `missed_weight` of its share: so
  much the engine takes for unfinished work, and for a missed deadline as much as for all of the work.
- *INTERACTIVE.* From arrival to completion each hour costs `downtime_weight` on-demand hours unless the task runs. So
  at each time t after arrival, hours run plus hours down by then are t - arrival at least, or the work if that is less.
  All stays with work before arrival + work had their changeovers down by then, and one that never ran was down all the
  time. What is not run by then takes as many hours afterwards, run or down, or all there are to the horizon.
"""

from typing import NamedTuple

import numpy as np

from tessera_env.evaluation.optimum.programme import Programme
from tessera_env.recordings.traces.series import HOUR_S

_SHORTEST_H = 0.01  # a stay counts as if it could do this much, which keeps factors within bounds
_ALWAYS_S = np.full(1, -np.inf)  # since when on-demand is to be had
_LATE_S = 1e-6  # the engine's: so much behind the deadline is in time


class Rules(NamedTuple):
    """What holds for all tasks of a world."""

    horizon_s: float
    works_on: bool  # a task can work while its next instance is set up
    shares: bool  # an instance can serve several tasks
    billing_minimum_s: float
    checkpoint_interval_s: float
    checkpoint_cost_s: float
    undone_usd_per_h: float
    downtime_weight: float


class Market(NamedTuple):
    """Who has instances, and the rows of what they have."""

    spells: np.recarray  # (S,) SPELL
    cells: np.recarray  # (C,) CELL
    edges_s: np.ndarray  # (bins + 1,)
    on_demand: np.recarray  # (P,) ON_DEMAND
    spell_rows: np.ndarray  # (S,)
    cell_rows: np.ndarray  # (C,)


class Stays(NamedTuple):
    """What an hour of work takes besides, by spell or by pool, (n,) each."""

    from_s: np.ndarray  # the earliest work
    most_h: np.ndarray  # of one stay; 0 or less: none
    billed: np.ndarray  # h an hour of work
    room: np.ndarray
    lost: np.ndarray  # of the task's time


class Columns(NamedTuple):
    """A task's hours of work in cells, (n,) each."""

    columns: np.ndarray
    cells: np.ndarray
    lost: np.ndarray  # of the task's time, h an hour of work


class Bought(NamedTuple):
    """A task's hours of work on on-demand, and what it waits for."""

    columns: np.ndarray  # (n,) one a part of its time
    wait_h: float  # from arrival to work, at least
    first_h: float  # what the first stay takes of the task's time, besides what every stay takes
    lost: float  # of the task's time, h an hour of work


ON_DEMAND = np.dtype(
    [
        ("usd_per_h", np.float64),
        ("setup_s", np.float64),
        ("provisioning_s", np.float64),
        ("mb_per_s", np.float64),
        ("gpu_memory_mb", np.float64),
    ]
)


def add_task(programme: Programme, rules: Rules, market: Market, task: np.record) -> None:
    """Add a task's columns and rows."""
    if task.interactive:
        _add_interactive(programme, rules, market, task)
    else:
        _add_batch(programme, rules, market, task)


def is_open(rules: Rules, market: Market, task: np.record) -> np.ndarray:
    """(C,) whether the task may be able to use a cell."""
    cells = market.cells
    fits = market.spells.gpu_memory_mb[cells.spell] >= task.gpu_memory_mb
    return fits & (cells.end_s > task.arrival_s) & (cells.start_s < _until_s(rules, task))


def _until_s(rules: Rules, task: np.record) -> float:
    """Until when hours of work are hours of cells: later ones are of no use, or counted apart."""
    if task.interactive:
        return min(task.arrival_s + task.work_s, rules.horizon_s)
    return min(task.deadline_s + _LATE_S, rules.horizon_s)


def _add_batch(programme: Programme, rules: Rules, market: Market, task: np.record) -> None:
    until_s, work_h = _until_s(rules, task), task.work_s / HOUR_S
    spot = _spot_columns(programme, rules, market, task)
    bought = _bought_columns(programme, rules, market, task, np.array([work_h]))
    left = programme.columns(rules.undone_usd_per_h, work_h)
    programme.at_most(-work_h, (spot.columns, -1.0), (bought.columns, -1.0), (left, -1.0))
    time_h = max((until_s - task.arrival_s) / HOUR_S - bought.first_h, 0.0)
    programme.at_most(time_h, (spot.columns, 1.0 + spot.lost), (bought.columns, 1.0 + bought.lost))
    _one_place_at_a_time(programme, market, spot, task.arrival_s, until_s)


def _one_place_at_a_time(programme: Programme, market: Market, spot: Columns, arrival_s: float, until_s: float) -> None:
    """In each bin the task works no longer than the bin lasts."""
    bins, which = np.unique(market.cells.bin[spot.cells], return_inverse=True)
    ends_s, starts_s = np.minimum(market.edges_s[bins + 1], until_s), np.maximum(market.edges_s[bins], arrival_s)
    rows = programme.rows((ends_s - starts_s) / HOUR_S)
    programme.enter(rows[which], spot.columns, 1.0)


def _add_interactive(programme: Programme, rules: Rules, market: Market, task: np.record) -> None:
    until_s, work_h = _until_s(rules, task), task.work_s / HOUR_S
    if until_s <= task.arrival_s:
        return
    inner_s = market.edges_s[(market.edges_s > task.arrival_s) & (market.edges_s < until_s)]
    ends_h = (np.append(inner_s, until_s) - task.arrival_s) / HOUR_S
    lengths_h = np.diff(ends_h, prepend=0.0)
    spot = _spot_columns(programme, rules, market, task)
    bought = _bought_columns(programme, rules, market, task, lengths_h)
    down_usd_per_h = rules.downtime_weight * task.on_demand_price
    down = programme.columns(np.full(len(ends_h), down_usd_per_h), lengths_h)
    late = programme.columns(_late_usd_per_h(rules, market, task, down_usd_per_h), work_h)
    programme.at_most(-work_h, (spot.columns, -1.0), (bought.columns, -1.0), (late, -1.0))
    programme.at_most(-min(bought.wait_h, ends_h[-1]), (down, -1.0))
    first_h = min(bought.first_h, ends_h[-1])
    programme.at_most(-first_h, (down, -1.0), (spot.columns, spot.lost), (bought.columns, bought.lost))
    part = np.searchsorted(inner_s, market.cells.start_s[spot.cells], side="right")
    for k, (end_h, length_h) in enumerate(zip(ends_h, lengths_h, strict=True)):
        until_now = (spot.columns[part <= k], -1.0), (bought.columns[: k + 1], -1.0), (down[: k + 1], -1.0)
        programme.at_most(-end_h, *until_now)
        programme.at_most(length_h, (spot.columns[part == k], 1.0), (bought.columns[k : k + 1], 1.0))


def _late_usd_per_h(rules: Rules, market: Market, task: np.record, down_usd_per_h: float) -> float:
    """The least cost of an hour of work that is left at arrival + work.

    With k h to the horizon, l h of w h of work cost p min(l, k) at least, and that is l p min(1, k / w) at least.
    """
    spots, pools = market.spells, market.on_demand
    later = (spots.gpu_memory_mb >= task.gpu_memory_mb) & (spots.end_s > task.arrival_s + task.work_s)
    fits = pools.gpu_memory_mb >= task.gpu_memory_mb
    prices = (spots.low_usd_per_h[later], pools.usd_per_h[fits], [down_usd_per_h])
    left_s = max(rules.horizon_s - task.arrival_s - task.work_s, 0.0)
    return float(np.concatenate(prices).min()) * min(1.0, left_s / task.work_s)


def _spot_columns(programme: Programme, rules: Rules, market: Market, task: np.record) -> Columns:
    """The task's hours in cells, entered in the rows of the hours that there are."""
    spells, cells = market.spells, market.cells
    stays = _stays(rules, task, spells, spells.start_s, spells.end_s, task.deadline_s <= rules.horizon_s)
    open_s = np.minimum(cells.end_s, _until_s(rules, task)) - np.maximum(cells.start_s, stays.from_s[cells.spell])
    open_h = np.minimum(open_s, cells.length_s) / HOUR_S
    chosen = np.flatnonzero(is_open(rules, market, task) & (stays.most_h[cells.spell] > 0.0) & (open_h > 0.0))
    cells = cells[chosen].view(np.recarray)
    billed, room = _with_shared_setup(rules, spells, stays)
    usd_per_h = cells.usd_per_h + (billed * spells.low_usd_per_h)[cells.spell]
    columns = programme.columns(usd_per_h, open_h[chosen])
    scarce = cells.is_scarce
    programme.enter(market.cell_rows[chosen][scarce], columns[scarce], 1.0)
    scarce = spells.is_scarce[cells.spell]
    programme.enter(market.spell_rows[cells.spell][scarce], columns[scarce], room[cells.spell][scarce])
    return Columns(columns, chosen, stays.lost[cells.spell])


def _with_shared_setup(rules: Rules, spells: np.recarray, stays: Stays) -> tuple[np.ndarray, np.ndarray]:
    """What an hour of work is billed besides, and its room, with its part of set-ups for several tasks."""
    if not rules.shares:
        return stays.billed, 1.0 + stays.room
    used_s = np.maximum(spells.end_s - spells.start_s - spells.setup_s - spells.provisioning_s, _SHORTEST_H * HOUR_S)
    setups = (1.0 + stays.room) / used_s
    return stays.billed + setups * spells.setup_s, 1.0 + stays.room + setups * (spells.setup_s + spells.provisioning_s)


def _bought_columns(programme: Programme, rules: Rules, market: Market, task: np.record, upper_h: np.ndarray) -> Bought:
    """The task's hours on on-demand, up to so many in each part of its time: at the best of all pools that it fits."""
    pools = market.on_demand[market.on_demand.gpu_memory_mb >= task.gpu_memory_mb].view(np.recarray)
    stays = _stays(rules, task, pools, _ALWAYS_S, -_ALWAYS_S, False)
    room_h = max(_until_s(rules, task) - stays.from_s.min(), 0.0) / HOUR_S
    usd_per_h = (pools.usd_per_h * (1.0 + stays.billed)).min()
    return Bought(
        columns=programme.columns(usd_per_h, np.minimum(upper_h, room_h)),
        wait_h=(stays.from_s.min() - task.arrival_s) / HOUR_S,
        first_h=0.0 if rules.shares or not rules.works_on else (pools.setup_s + pools.provisioning_s).min() / HOUR_S,
        lost=stays.lost.min(),
    )


def _stays(
    rules: Rules, task: np.record, sellers: np.recarray, start_s: np.ndarray, end_s: np.ndarray, has_deadline: bool
) -> Stays:
    """What an hour of the task's work takes besides, at sellers that have instances between these times."""
    boot_s = sellers.provisioning_s + sellers.setup_s
    own_s = np.zeros_like(boot_s) if rules.shares else boot_s  # the task itself waits for it
    booted_s = np.maximum(start_s + boot_s - own_s, task.arrival_s) + own_s
    until_s = _until_s(rules, task)
    done_s = np.clip(task.work_s - (until_s - booted_s), 0.0, task.work_s) if has_deadline else np.zeros(len(sellers))
    state_mb = np.minimum(task.state_base_mb + task.state_growth_mb_per_s * done_s, task.state_cap_mb)
    load_s = state_mb / sellers.mb_per_s
    from_s = booted_s + load_s
    most_s = np.minimum(np.minimum(end_s, until_s) - from_s, task.work_s - done_s)
    counted_s = np.maximum(most_s, _SHORTEST_H * HOUR_S)
    billed_s = load_s + (0.0 if rules.shares else sellers.setup_s)
    billed = _besides(rules, task, billed_s, counted_s)
    if not (rules.shares or task.interactive):  # whose stay may go on after arrival + work
        billed = np.maximum(billed, rules.billing_minimum_s / counted_s - 1.0)
    return Stays(
        from_s=from_s,
        most_h=most_s / HOUR_S,
        billed=billed,
        room=_besides(rules, task, load_s + own_s, counted_s),
        lost=_besides(rules, task, load_s if rules.works_on else load_s + own_s, counted_s),
    )


def _besides(rules: Rules, task: np.record, stay_s: np.ndarray, most_s: np.ndarray) -> np.ndarray:
    """The least that an hour of work takes besides, in hours, with so much for each stay and periodic checkpoints."""
    if rules.checkpoint_interval_s == np.inf or task.interactive:  # whose pauses are no downtime, but count as run
        return stay_s / most_s
    pauses = np.maximum(most_s / rules.checkpoint_interval_s - 1.0, 0.0)
    at_one = np.minimum(most_s, rules.checkpoint_interval_s)
    return np.minimum((stay_s + rules.checkpoint_cost_s * pauses) / most_s, stay_s / at_one)

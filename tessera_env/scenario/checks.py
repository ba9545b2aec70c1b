"""What must fit together in a scenario beyond the bounds of each field.

Each check yields lines `field: what must hold (got …)`.
"""

import math
import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np

from tessera_env.files.numbers import exact, rounded_down, rounded_up
from tessera_env.recordings.bundled import BUNDLED
from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.scenario.market import Pool, SpellCapacity, SpellsOfCapacity, SteppedPrice
from tessera_env.scenario.model import ScenarioFields
from tessera_env.scenario.service_checks import problems_of_services
from tessera_env.scenario.unread import problems_of_unread
from tessera_env.world.parameters import MB_PER_GBIT

MAX_TIMELINE_POINTS = 10_000_000  # per pool; 50 bytes each
ROUNDING_H = 1e-9  # that a deadline may lack


def problems_of(scenario: ScenarioFields) -> list[str]:
    """All that does not fit together, one line each."""
    return [problem for check in _CHECKS for problem in check(scenario)]


def _fractions(scenario: ScenarioFields) -> Iterator[str]:
    checkpoint = scenario.checkpoint
    if checkpoint.partial_fraction > checkpoint.full_fraction:
        yield (
            f"checkpoint.partial_fraction: must be at most full_fraction = {exact(checkpoint.full_fraction)} "
            f"(got {exact(checkpoint.partial_fraction)})"
        )


def _state(scenario: ScenarioFields) -> Iterator[str]:
    task = scenario.task
    if task.state_cap_mb < task.state_base_mb:
        yield (
            f"task.state_cap_mb: must be at least state_base_mb = {exact(task.state_base_mb)} "
            f"(got {exact(task.state_cap_mb)})"
        )


def _kinds(scenario: ScenarioFields) -> Iterator[str]:
    if scenario.task.count == 0 and not scenario.service:
        yield "task.count: must be at least 1, unless there is a service (got 0)"


def _memory(scenario: ScenarioFields) -> Iterator[str]:
    needed, had = scenario.task.gpu_memory_mb.highest, max(pool.gpu_memory_mb for pool in scenario.pools)
    if needed > had:
        yield (
            f"task.gpu_memory_mb: must be at most {exact(had)}, the largest pool's gpu_memory_mb "
            f"(got up to {exact(needed)})"
        )


def _pool_names(scenario: ScenarioFields) -> Iterator[str]:
    names = [pool.name for pool in scenario.pools]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"pools.{index}.name: must be unique (got {name!r} again)"


def _prices(scenario: ScenarioFields) -> Iterator[str]:
    for index, pool in enumerate(scenario.pools):
        price = pool.price
        if price.source == "steps":
            yield from _stepped_price(f"pools.{index}.price", price, scenario.horizon_h)
        if price.source != "ornstein_uhlenbeck":
            continue
        if price.lowest_share > price.highest_share:
            yield (
                f"pools.{index}.price.lowest_share: must be at most highest_share = {exact(price.highest_share)} "
                f"(got {exact(price.lowest_share)})"
            )
        least_s = scenario.horizon_h * HOUR_S / MAX_TIMELINE_POINTS
        if price.step_s < least_s:
            yield (
                f"pools.{index}.price.step_s: must be at least {rounded_up(least_s)} for this horizon "
                f"(got {exact(price.step_s)})"
            )


def _stepped_price(field: str, price: SteppedPrice, horizon_h: float) -> Iterator[str]:
    if price.lowest_share >= price.highest_share:
        yield (
            f"{field}.lowest_share: must be less than highest_share = {exact(price.highest_share)} "
            f"(got {exact(price.lowest_share)})"
        )
    elif not price.lowest_share < price.mean_share < price.highest_share:
        yield (
            f"{field}.mean_share: must lie between lowest_share = {exact(price.lowest_share)} and highest_share = "
            f"{exact(price.highest_share)} (got {exact(price.mean_share)})"
        )
    if price.step_low_share > price.step_high_share:
        yield (
            f"{field}.step_low_share: must be at most step_high_share = {exact(price.step_high_share)} "
            f"(got {exact(price.step_low_share)})"
        )
    most = 24.0 / horizon_h * MAX_TIMELINE_POINTS / 2
    if price.changes_per_day > most:
        yield (
            f"{field}.changes_per_day: must be at most {rounded_down(most)} for this horizon "
            f"(got {exact(price.changes_per_day)})"
        )


def _arrivals(scenario: ScenarioFields) -> Iterator[str]:
    task = scenario.task
    is_process = task.arrivals in ("poisson", "bursts")
    if is_process != (task.arrivals_per_h is not None):
        needed = "be given" if is_process else "be none"
        given = "none" if task.arrivals_per_h is None else exact(task.arrivals_per_h)
        yield f"task.arrivals_per_h: must {needed} with arrivals = {task.arrivals!r} (got {given})"
    elif task.arrivals_per_h is not None:
        expected = task.arrivals_per_h * task.arrival_share * scenario.horizon_h
        if task.count < expected:
            yield (
                f"task.count: must be at least {math.ceil(expected)}, the tasks that arrive on average: arrivals_per_h "
                f"x arrival_share x horizon_h (got {task.count})"
            )


def _workload(scenario: ScenarioFields) -> Iterator[str]:
    task = scenario.task
    if task.count == 0:
        return
    if (task.work_h is None) == (task.recording is None):
        got = "neither" if task.recording is None else "both"
        yield f"task.work_h: must be given unless task.recording is (got {got})"
    if (task.recording is None) != (task.recording_format is None):
        got = task.recording_format or "none"
        yield f"task.recording_format: must be given with task.recording, and only then (got {got})"
    if task.arrivals == "recorded" and task.recording_format != "pods":
        yield (
            "task.arrivals: must not be 'recorded' unless recording_format is 'pods', which has arrivals "
            "(got 'recorded')"
        )


def _spells(scenario: ScenarioFields) -> Iterator[str]:
    """The generator keeps room for eight changes in the shortest pair of medians; shocks need some of it."""
    for index, pool in enumerate(scenario.pools):
        capacity = pool.capacity
        if isinstance(capacity, SpellsOfCapacity):
            yield from _levels(f"pools.{index}.capacity", capacity, scenario.horizon_h)
        if capacity.source == "spells":
            yield from _quantile_spells(f"pools.{index}.capacity", capacity, scenario.horizon_h)
        if capacity.source != "semi_markov":
            continue
        pair_h = capacity.up_median_h[0] / capacity.regime_factor_high + capacity.down_median_h[0]
        yield from _spell_pairs(f"pools.{index}.capacity", capacity, pair_h, 8.0 * scenario.horizon_h, "shortest")


def _levels(field: str, capacity: SpellsOfCapacity, horizon_h: float) -> Iterator[str]:
    least_h = 4.0 * horizon_h / MAX_TIMELINE_POINTS
    if capacity.instances == 1 and capacity.partial_share[1] > 0.0:
        yield f"{field}.partial_share: must be [0, 0] where instances is 1 (got {list(capacity.partial_share)})"
    if capacity.partial_share[1] > 0.0 and capacity.level_mean_h < least_h:
        yield (
            f"{field}.level_mean_h: must be at least {rounded_up(least_h)} h for this horizon "
            f"(got {rounded_down(capacity.level_mean_h)})"
        )


def _quantile_spells(field: str, capacity: SpellCapacity, horizon_h: float) -> Iterator[str]:
    pair_h = statistics.median(capacity.up_h) + statistics.median(capacity.down_h)
    yield from _spell_pairs(field, capacity, pair_h, 16.0 * horizon_h, "median")


def _spell_pairs(field: str, capacity: SpellsOfCapacity, pair_h: float, room_h: float, which: str) -> Iterator[str]:
    """Whether pairs of spells of this length, in a time of `room_h`, and shocks are not too many."""
    least_h, most_per_day = room_h / MAX_TIMELINE_POINTS, 24.0 / pair_h
    if pair_h < least_h:
        yield (
            f"{field}: must have medians of an up- and a down-spell that add up to at least {rounded_up(least_h)} h "
            f"for this horizon (got {rounded_down(pair_h)})"
        )
    if capacity.shocks_per_day > most_per_day:
        yield (
            f"{field}.shocks_per_day: must be at most {rounded_down(most_per_day)}, one in each {which} up- and "
            f"down-spell (got {exact(capacity.shocks_per_day)})"
        )


def _market(scenario: ScenarioFields) -> Iterator[str]:
    market, horizon_h = scenario.market, scenario.horizon_h
    if not scenario.replays:
        return
    if market.until_h is not None and market.until_h - market.from_h < horizon_h:
        least = rounded_up(market.from_h + horizon_h, lambda until_h: until_h - market.from_h >= horizon_h)
        yield f"market.until_h: must be at least from_h + horizon_h = {least} (got {exact(market.until_h)})"
    paths = market.trace_paths
    is_json = bool(paths) and all(path.lower().endswith(".json") for path in paths)
    if paths and not is_json and not (len(paths) == 1 and (paths[0].lower().endswith(".csv") or paths[0] in BUNDLED)):
        yield (
            f"market.trace: must be one of {', '.join(BUNDLED)}, a .csv file, a .json file or a list of "
            f".json files (got {_shown(paths)})"
        )
    elif is_json and market.polarity is None:
        yield "market.polarity: must be 'available' or 'unavailable' with a JSON trace (got none)"
    elif not is_json and market.polarity == "unavailable":
        yield "market.polarity: must be 'available' or none without a JSON trace (got 'unavailable')"


def _shown(paths: tuple[str, ...]) -> str:
    text = ", ".join(repr(path) for path in paths)
    return text if len(text) <= 80 else text[:77] + "..."


def _replays(scenario: ScenarioFields) -> Iterator[str]:
    for index, pool in enumerate(scenario.pools):
        if pool.replays and scenario.market.trace is None:
            yield f"market.trace: must be given, because pools.{index} has a source 'trace' (got none)"
            return
        if pool.replays and pool.trace_zone is None:
            yield f"pools.{index}.trace_zone: must be 'random' or a series of the trace (got none)"


def _deadlines(scenario: ScenarioFields) -> Iterator[str]:
    task = scenario.task
    if task.deadline_h is not None and task.slack is not None:
        yield "task.slack: must be none where deadline_h is given (got both)"
        return
    pools = enumerate(scenario.pools)
    fitting = [(index, pool) for index, pool in pools if pool.gpu_memory_mb >= task.gpu_memory_mb.highest]
    if not fitting or (task.deadline_h is None and task.slack is None):
        return
    needs = [(*_quickest(scenario, fitting, work_h), work_h) for work_h in _critical_works(scenario)]
    if task.deadline_h is not None:
        needed_h, index, work_h = max(needs)
        if task.deadline_h.lowest < needed_h - ROUNDING_H:
            least_h = rounded_up(needed_h, lambda hours: hours >= needed_h - ROUNDING_H)
            yield (
                f"task.deadline_h: must leave at least {least_h} h to a task with {work_h:.6g} h of work, "
                f"what it takes on on-demand (got {exact(task.deadline_h.lowest)} h{_setup(index, scenario.pools)})"
            )
    elif task.slack is not None:
        needed_h, index, work_h = max(needs, key=lambda need: need[0] / need[2])
        if task.earliest_deadline_h(work_h) < needed_h - ROUNDING_H:
            least = rounded_up(
                needed_h / work_h - 1.0,
                lambda slack: all(one[2] * (1.0 + slack) >= one[0] - ROUNDING_H for one in needs),
            )
            yield (
                f"task.slack: must be at least {least}, which leaves {needed_h:.6g} h to "
                f"a task with {work_h:.6g} h of work, what it takes on on-demand (got {exact(task.slack.lowest)}"
                f"{_setup(index, scenario.pools)})"
            )


def _quickest(scenario: ScenarioFields, fitting: list[tuple[int, Pool]], work_h: float) -> tuple[float, int]:
    """Hours that the task takes on on-demand where it is done soonest, and that pool."""
    state_mb = scenario.task.final_state_mb(work_h)
    return min((float(on_demand_h(scenario, pool, work_h, state_mb)), index) for index, pool in fitting)


def _setup(index: int, pools: tuple[Pool, ...]) -> str:
    """How long a set-up takes, if it does: its bounds, or its only value."""
    hours = pools[index].setup_h
    ends = dict.fromkeys((f"{hours.lowest:.6g}", f"{hours.highest:.6g}"))
    return f" with pools.{index}.setup_h = {' to '.join(ends)}" if hours.highest > 0.0 else ""


def _critical_works(scenario: ScenarioFields) -> list[float]:
    """Amounts of work among which is the one that lacks most time.

    Time given and time needed are linear in the work, but for state, whose growth only slows, so that the ends decide,
    and for periodic checkpoints, each of which adds its cost at once.
    """
    (lowest_h, highest_h), interval_h = scenario.task.work_bounds_h, scenario.checkpoint.interval_h
    works = [lowest_h, highest_h]
    if interval_h is not None:
        at_checkpoints = (
            interval_h * math.ceil(lowest_h / interval_h),
            interval_h * math.floor(highest_h / interval_h),
        )
        works += [work for work in at_checkpoints if lowest_h <= work <= highest_h]
    return works


def on_demand_h(scenario: ScenarioFields, pool: Pool, work_h: Any, state_mb: Any) -> Any:
    """Hours from arrival to completion on on-demand: the shortest changeover, or the longest where deadlines are vowed.

    The guard vows them, and so does the published safety rule, which is what slack in ticks is for.

    Args:
        scenario: whose tasks they are.
        pool: where they run.
        work_h: of a task, a number, or (n,) of several.
        state_mb: when it is done, as large; the result is, too.
    """
    checkpoint = scenario.checkpoint
    if not (scenario.deadline_guard or scenario.slack_tick_s > 0.0):
        return (pool.provisioning_s.lowest + pool.setup_h.lowest * HOUR_S) / HOUR_S + work_h
    run_s = work_h * HOUR_S
    if checkpoint.interval_h is not None:
        run_s = run_s + checkpoint.cost_s * np.floor(work_h / checkpoint.interval_h + 1e-9)
    load_s = state_mb / (min(pool.bandwidth_gbps, checkpoint.store_bandwidth_gbps) * MB_PER_GBIT)
    changeover_s = pool.provisioning_s.highest + pool.setup_h.highest * HOUR_S + load_s
    return (changeover_s + run_s + scenario.guard_margin_s) / HOUR_S


_CHECKS = (
    _kinds, problems_of_services, problems_of_unread, _fractions, _state, _memory, _pool_names, _prices, _arrivals,
    _workload, _spells, _market, _replays, _deadlines,
)  # fmt: skip

"""A recorded market as a generator: a scenario in TOML whose spells and prices are fitted to a trace.

Spells follow the quantile functions of the observed ones, independently of each other; capacity that never ran out is
constant; the price moves in steps as often and as far as the recorded one. What the trace does not say, such as the
instance type, is assumed, and the file says so.
"""

import math
import re
from dataclasses import dataclass

import numpy as np

from tessera_env.files.problems import named
from tessera_env.recordings.traces.series import HOUR_S, Series, TraceError
from tessera_env.recordings.traces.statistics import (
    Floats,
    Levels,
    PriceStatistics,
    Spells,
    held_s,
    levels_of,
    spells_of,
    statistics_of,
)
from tessera_env.scenario.market import MAX_POOLS, SHORTEST_LEVEL_H, SHORTEST_SPELL_H
from tessera_env.world.parameters import MAX_QUANTILES

FEWEST_SPELLS = 2
ASSUMED_PRICE_SHARE = 0.3  # of on-demand, where no price was recorded: V100 in 2023 cost 0.30 to 0.54 of it
_STEP_SHARES = (0.05, 0.95)  # quantiles of the recorded changes that bound the fitted ones
_SMALLEST_STEP = 1e-6
_LINE = 112  # characters of a list's line


@dataclass(frozen=True)
class Origin:
    """Where the fitted series come from, for the file's comments."""

    path: str
    from_h: float
    until_h: float


def fitted_toml(series: tuple[Series, ...], origin: Origin, on_demand_usd_per_h: float) -> str:
    """A runnable scenario, one pool a series.

    Raises:
        TraceError: one line: a series that was not always available has too few complete spells, or there are more
            series than pools can be.
    """
    if len(series) > MAX_POOLS:
        raise TraceError(
            f"{named(origin.path)}: has {len(series)} zones (allowed: {MAX_POOLS} pools; choose some by --zone)"
        )
    for one in series:
        if not is_always_up(one):
            _check_spells(one, origin.path)
    pools = [_pool(one, name, on_demand_usd_per_h) for one, name in zip(series, _pool_names(series), strict=True)]
    return "\n".join([_HEADER.format(origin=origin, path=_comment(origin.path)), *pools])


def spell_quantiles_h(lengths_s: Floats) -> list[float]:
    """The spells' quantile function in hours: as many equally spaced shares as there are spells, 2 to 65.

    Straight lines between them would make the mean of heavy-tailed spells up to a fifth too short, and so the share of
    time available wrong: the longest eighth is stretched until the mean is the observed one.
    """
    count = min(max(len(lengths_s), 2), MAX_QUANTILES)
    quantiles_h = np.quantile(lengths_s, np.linspace(0.0, 1.0, count)) / HOUR_S
    weights = np.full(count, 1.0 / (count - 1))
    weights[[0, -1]] *= 0.5
    first = count - max(count // 8, 1)
    rest_h = float(lengths_s.mean() / HOUR_S - weights[:first] @ quantiles_h[:first])
    quantiles_h[first:] *= rest_h / (weights[first:] @ quantiles_h[first:])
    quantiles_h = np.maximum.accumulate(np.maximum(quantiles_h, SHORTEST_SPELL_H))
    return [math.ceil(value * 1e5 - 1e-6) / 1e5 for value in quantiles_h.tolist()]


def price_steps(series: Series) -> Floats:
    """The recorded changes, each as the larger price over the smaller one, less 1; those from or to 0 are left out."""
    assert series.price is not None
    before, after = series.price[:-1], series.price[1:]
    moved = (before != after) & (np.minimum(before, after) > 0.0)
    return np.maximum(before, after)[moved] / np.minimum(before, after)[moved] - 1.0


def _check_spells(series: Series, path: str) -> None:
    spells = spells_of(series)
    for side, lengths_s in (("up", spells.up_s), ("down", spells.down_s)):
        if len(lengths_s) < FEWEST_SPELLS:
            raise TraceError(
                f"{named(path)}: zone {series.name}: must have at least {FEWEST_SPELLS} complete {side}-spells "
                f"(got {len(lengths_s)})"
            )


def _pool_names(series: tuple[Series, ...]) -> list[str]:
    """The zones' names as names of pools: other characters than those allowed become -, equal names are numbered."""
    names: list[str] = []
    for one in series:
        name = re.sub(r"[^A-Za-z0-9_.:-]", "-", one.name)[:90]
        name = name if name[0].isalnum() and name[0].isascii() else f"z{name}"
        taken = sum(other == name or other.startswith(f"{name}.") for other in names)
        names.append(f"{name}.{taken + 1}" if name in names else name)
    return names


def _pool(series: Series, name: str, on_demand_usd_per_h: float) -> str:
    statistics = statistics_of(series)
    return _POOL.format(
        name=name,
        zone=_comment(series.name),
        hours=statistics.hours,
        available=statistics.share_available,
        on_demand=on_demand_usd_per_h,
        price=_price(series, statistics.price, on_demand_usd_per_h),
        capacity=_capacity(series, statistics.spells),
    )


def _capacity(series: Series, spells: Spells) -> str:
    if is_always_up(series):
        return _ALWAYS.format(instances=instances_when_up(series))
    levels = levels_of(series)
    return _SPELLS.format(
        instances=levels.most,
        levels=_levels(levels) if levels.stay_s else "",
        up_count=len(spells.up_s),
        down_count=len(spells.down_s),
        sample_s=series.sample_s,
        up_h=_list(spell_quantiles_h(spells.up_s)),
        down_h=_list(spell_quantiles_h(spells.down_s)),
    )


def _levels(levels: Levels) -> str:
    share = min(math.ceil(levels.partial_share * 1e5) / 1e5, 1.0)
    return _LEVELS.format(share=share, stay_h=max(levels.stay_s / HOUR_S, SHORTEST_LEVEL_H))


def is_always_up(series: Series) -> bool:
    """Whether there was capacity at all times."""
    return bool((series.capacity > 0).all())


def instances_when_up(series: Series) -> int:
    """How many instances were to be had when any was: the mean over time, rounded."""
    up = series.capacity > 0
    return max(round(float(np.average(series.capacity[up], weights=held_s(series)[up]))), 1)


def _price(series: Series, price: PriceStatistics | None, on_demand_usd_per_h: float) -> str:
    if price is None:
        note = f"no price was recorded: {ASSUMED_PRICE_SHARE:g} of on-demand is assumed"
        return _CONSTANT.format(note=note, usd_per_h=ASSUMED_PRICE_SHARE * on_demand_usd_per_h)
    steps = price_steps(series)
    if len(steps) == 0 or price.lowest <= 0.0:  # shares of a price of 0 are none
        return _CONSTANT.format(note="the recorded price's mean over time", usd_per_h=price.mean)
    low, high = (float(np.clip(step, _SMALLEST_STEP, 1.0)) for step in np.quantile(steps, _STEP_SHARES))
    return _STEPPED.format(
        changes=len(steps),
        mean=price.mean / on_demand_usd_per_h,
        per_day=price.changes_per_day,
        low=low,
        high=max(low, high),
        lowest=price.lowest / on_demand_usd_per_h,
        highest=price.highest / on_demand_usd_per_h,
    )


def _list(values: list[float]) -> str:
    """A TOML list, wrapped."""
    lines = [""]
    for value in values:
        text = f"{value:g}, "
        if len(lines[-1]) + len(text) > _LINE:
            lines.append("")
        lines[-1] += text
    return "[\n" + "\n".join(f"    {line.rstrip()}" for line in lines) + "\n]"


def _comment(text: str) -> str:
    """Text that a comment can hold: without line ends and other control characters."""
    return "".join(character if character.isprintable() else "?" for character in text)


_HEADER = """\
# Fitted by `tessera traces fit` to hours {origin.from_h:g} to {origin.until_h:g} of {path}.
# Spells of capacity are drawn independently from the recorded ones' quantile functions, prices move in steps as the
# recorded ones do; each pool on its own. The longest eighth of the quantiles is stretched, so that lines between them
# keep the recorded mean. Lines marked "assumed" are not in the trace: change them as you need.

horizon_h = 72
decision_interval_s = 600    # assumed: ten minutes
notice_s = 120               # assumed: as on AWS

[task]
count = 1                    # assumed: one day's job with two days' time
arrivals = "at_start"
work_h = 24
deadline_h = 48
gpu_memory_mb = 16000
state_base_mb = 2000
"""

_POOL = """\
# {zone}: {hours:.1f} h, of which spot capacity was there {available:.1%}
[[pools]]
name = "{name}"
zone = "{name}"
instance_type = "p3.2xlarge"   # assumed, with memory and bandwidth: one V100
gpu_memory_mb = 16000
bandwidth_gbps = 10
on_demand_usd_per_h = {on_demand:g}
setup_h = 0.05                 # assumed: 3 minutes

[pools.price]
{price}

[pools.capacity]
{capacity}
"""

_LEVELS = """
# With fewer than all instances for this share of the time up, each number from 1 on as likely; the mean stay at one, h.
partial_share = [{share:g}, {share:g}]
level_mean_h = {stay_h:.4g}"""

_SPELLS = """\
source = "spells"
instances = {instances}
# Lengths in hours at equally spaced shares of the {up_count} complete up-spells and {down_count} down-spells, known to
# the sample of {sample_s:g} s. The first and the last spell are left out: the recording cut them.
up_h = {up_h}
down_h = {down_h}{levels}"""

_ALWAYS = """\
# It never ran out in these hours: its mean over time. Nothing interrupts work here, unless you add a hazard.
source = "constant"
instances = {instances}"""

_CONSTANT = """\
# {note}
source = "constant"
usd_per_h = {usd_per_h:.6g}"""

_STEPPED = """\
# fitted to {changes} recorded changes: the mean over time, and 5 % and 95 % quantiles of the changes
source = "steps"
mean_share = {mean:.10g}
changes_per_day = {per_day:.4g}
step_low_share = {low:.4g}
step_high_share = {high:.4g}
lowest_share = {lowest:.10g}
highest_share = {highest:.10g}"""

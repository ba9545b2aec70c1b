"""What defines a world but its seed: validated, frozen, with the unit of every figure in its description.

People give hours, US dollars, MB and Gbit/s. `tessera_env.scenario_files` reads scenarios from presets, files and
mappings; `tessera_env.conversion` turns one into the numbers that the kernels read.
"""

import math
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tessera_env.catalogue import with_catalogue_figures
from tessera_env.parameters import MAX_QUANTILES
from tessera_env.scenario_checks import problems_of
from tessera_env.scenario_distributions import MAX_MB, Distribution, Range, Section, as_tuple, range_within, within

MAX_HOURS = 1_000_000.0
MAX_USD_PER_H = 10_000.0
MAX_POOLS = 64
SHORTEST_SPELL_H = 1 / 60  # the generators make none shorter


def _quantiles(lengths_h: tuple[float, ...]) -> tuple[float, ...]:
    if not 2 <= len(lengths_h) <= MAX_QUANTILES:
        raise ValueError(f"must have 2 to {MAX_QUANTILES} values (got {len(lengths_h)})")
    if list(lengths_h) != sorted(lengths_h) or lengths_h[0] < SHORTEST_SPELL_H or lengths_h[-1] > MAX_HOURS:
        raise ValueError(f"must ascend within {SHORTEST_SPELL_H:g} to {MAX_HOURS:g} h (got {list(lengths_h)})")
    return lengths_h


Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")]
WorkHours = Annotated[Distribution, within(0.001, MAX_HOURS)]
SpellMedian = Annotated[Range, range_within(0.01, MAX_HOURS)]
Quantiles = Annotated[tuple[float, ...], BeforeValidator(as_tuple), AfterValidator(_quantiles)]
SpellSigma = Annotated[Range, range_within(0.0, 4.0)]


class Billing(Section):
    """How an instance's time becomes dollars."""

    minimum_s: float = Field(60.0, ge=0, le=86_400, description="shortest billed time, s")
    billing_increment_s: float = Field(
        0.0, ge=0, le=86_400, description="billed in whole increments of this, s; 0: exact"
    )
    free_first_hour: bool = Field(False, description="nothing is billed if interrupted within the first hour")


class Checkpoint(Section):
    """What is saved at a notice, and periodically."""

    full_fraction: float = Field(0.8, gt=0, le=1, description="transferable share of the state from which all is kept")
    partial_fraction: float = Field(0.3, ge=0, le=1, description="share from which that share is kept")
    at_notice: bool = Field(True, description="state is saved within the grace period; false: nothing is, to compare")
    store_bandwidth_gbps: float = Field(10.0, gt=0, le=100_000, description="of the checkpoint store, Gbit/s")
    interval_h: float | None = Field(
        None, ge=0.001, le=MAX_HOURS, description="work between periodic checkpoints, h; none: no periodic checkpoints"
    )
    cost_s: float = Field(0.0, ge=0, le=86_400, description="run time that one periodic checkpoint takes, s")


class Task(Section):
    """The workload: how many tasks, when, how long, how urgent, how large."""

    count: int = Field(1, ge=1, le=10_000_000, description="tasks in an episode")
    arrivals: Literal["at_start", "uniform", "poisson", "bursts", "recorded"] = Field(
        "at_start", description="when tasks arrive; recorded: as far apart as in the workload file"
    )
    arrival_share: float = Field(0.8, ge=0, le=1, description="arrivals lie within this first share of the horizon")
    arrivals_per_h: float | None = Field(
        None, ge=1e-6, le=1e6, description="mean rate of poisson and bursts; count is then the most tasks of a world"
    )
    daily_share: float = Field(
        0.0, ge=0, le=1, description="that rate x (1 + share x sin(2 pi (t - 9 h) / 24 h)): highest at 15 h"
    )
    burst_size: float = Field(10.0, ge=1, le=100_000, description="mean tasks of a burst; sizes are geometric")
    burst_spread_s: float = Field(300.0, ge=0, le=86_400, description="a burst's tasks arrive within this, s")
    arrival_scale: float = Field(
        1.0, gt=0, le=1e6, description="times between recorded arrivals are multiplied by this; below 1: denser"
    )
    trace: str | None = Field(None, description="path of a workload file, whose jobs the tasks are; none: generated")
    trace_format: Literal["pods", "run_times"] | None = Field(
        None, description="of that file: pods with arrival, run time, memory and GPU share, or bare run times"
    )
    trace_work_h: Annotated[Range, range_within(0.001, MAX_HOURS)] = Field(
        (0.1, 24.0), description="[low, high]; recorded work is clipped to this, h"
    )
    trace_mb_per_gpu: float = Field(
        16_000.0,
        gt=0,
        le=MAX_MB,
        description="GPU memory of a recorded job per GPU that it asked for, MB; jobs that fit no pool are left out",
    )
    interactive_share: float = Field(0.0, ge=0, le=1, description="share of the tasks that are INTERACTIVE")
    work_h: WorkHours | None = Field(None, description="work of a task, h; none with a workload file")
    deadline_h: Annotated[Distribution, within(0.001, MAX_HOURS)] | None = Field(
        None, description="deadline, h after arrival; none: no deadline"
    )
    slack: Annotated[Distribution, within(0.0, 1_000.0)] | None = Field(
        None, description="deadline = arrival + work x (1 + slack); none: no deadline"
    )
    gpu_memory_mb: Annotated[Distribution, within(0.0, MAX_MB)] = Field(
        Distribution(constant=0.0), description="GPU memory that a task needs, MB"
    )
    state_base_mb: float = Field(0.0, ge=0, le=MAX_MB, description="state to save at the start, MB")
    state_mb_per_work_h: float = Field(0.0, ge=0, le=MAX_MB, description="growth of the state, MB per hour of work")
    state_cap_mb: float = Field(MAX_MB, ge=0, le=MAX_MB, description="the state grows no further, MB")

    @property
    def work_bounds_h(self) -> tuple[float, float]:
        """The least and the most work that a task can have, h."""
        return self.trace_work_h if self.work_h is None else (self.work_h.lowest, self.work_h.highest)

    def earliest_deadline_h(self, work_h: Any) -> Any:
        """The tightest deadline, h after arrival, of a task with this work, or of (n,) tasks; infinity: none."""
        if self.deadline_h is not None:
            return self.deadline_h.lowest
        return math.inf if self.slack is None else work_h * (1.0 + self.slack.lowest)

    def final_state_mb(self, work_h: Any) -> Any:
        """State of a task with this work, or (n,) of several, when it is done, MB."""
        return np.minimum(self.state_base_mb + self.state_mb_per_work_h * work_h, self.state_cap_mb)


class Penalty(Section):
    """What the reward takes off beside dollars."""

    missed_weight: float = Field(2.0, ge=0, le=1_000, description="of a missed deadline, in shares of the task's cost")
    downtime_weight: float = Field(
        1.0, ge=0, le=1_000, description="of an INTERACTIVE task's downtime, in its on-demand price"
    )


def _trace_names(value: Any) -> Any:
    value = as_tuple(value)
    if value is None or isinstance(value, str):
        return value
    if not (isinstance(value, tuple) and 1 <= len(value) <= 256 and all(isinstance(path, str) for path in value)):
        raise ValueError("must be a bundled trace's name, the path of a .csv or .json file, or a list of .json paths")
    return value


class Market(Section):
    """The replayed trace, if any pool replays one."""

    trace: Annotated[str | tuple[str, ...] | None, BeforeValidator(_trace_names)] = Field(
        None, description="bundled name, path of a .csv or .json file, or list of .json paths"
    )
    polarity: Literal["available", "unavailable"] | None = Field(
        None, description="what a 1 in a JSON trace means; a .csv trace says it in its header"
    )
    from_h: float = Field(
        0.0, ge=0, le=MAX_HOURS, description="replayed windows start at or after this, h of the trace"
    )
    until_h: float | None = Field(
        None, gt=0, le=MAX_HOURS, description="and end at or before this, h; none: the trace's end"
    )

    @property
    def trace_paths(self) -> tuple[str, ...]:
        """The trace's names or paths; empty without a trace."""
        if self.trace is None:
            return ()
        return (self.trace,) if isinstance(self.trace, str) else self.trace


class ConstantPrice(Section):
    """A spot price that never changes."""

    source: Literal["constant"]
    usd_per_h: float = Field(ge=0, le=MAX_USD_PER_H, description="$/h")


class OrnsteinUhlenbeckPrice(Section):
    """A mean-reverting spot price; shares are of the pool's on-demand price."""

    source: Literal["ornstein_uhlenbeck"]
    mean_share: float = Field(gt=0, le=10, description="long-run mean")
    deviation_share: float = Field(ge=0, le=10, description="stationary standard deviation")
    reversion_per_h: float = Field(gt=0, le=10_000, description="theta, 1/h")
    step_s: float = Field(ge=1, le=1e7, description="the price changes every this many seconds")
    daily_share: float = Field(0.0, ge=0, lt=1, description="daily factor 1 + share x sin(2 pi t / 24 h)")
    lowest_share: float = Field(0.1, ge=0, le=10, description="clipped below")
    highest_share: float = Field(1.0, gt=0, le=10, description="clipped above")


class SteppedPrice(Section):
    """A spot price that moves a few times a day by a few per cent; shares are of the pool's on-demand price."""

    source: Literal["steps"]
    mean_share: float = Field(gt=0, le=10, description="what it reverts to")
    changes_per_day: float = Field(3.0, gt=0, le=100_000, description="mean number of changes; exponential times")
    step_low_share: float = Field(0.01, gt=0, le=1, description="smallest change, as a share of the price")
    step_high_share: float = Field(0.05, gt=0, le=1, description="largest change")
    lowest_share: float = Field(0.1, gt=0, le=10, description="clipped below")
    highest_share: float = Field(1.0, gt=0, le=10, description="clipped above")


class TracePrice(Section):
    """The spot price of the replayed trace."""

    source: Literal["trace"]


class ConstantCapacity(Section):
    """Always the same number of spot instances."""

    source: Literal["constant"]
    instances: int | None = Field(None, ge=0, le=1_000_000, description="instances to be had; none: no limit")


class SemiMarkovCapacity(Section):
    """Up- and down-spells with lognormal lengths; each world draws its family member within the ranges."""

    source: Literal["semi_markov"]
    instances: int = Field(1, ge=1, le=1_000_000, description="instances to be had when up")
    up_median_h: SpellMedian = Field(description="[low, high] of the median up-spell, h")
    up_sigma: SpellSigma = Field(description="[low, high] of its log-deviation")
    down_median_h: SpellMedian = Field(description="[low, high] of the median down-spell, h")
    down_sigma: SpellSigma = Field(description="[low, high] of its log-deviation")
    regime_mean_h: float | None = Field(
        None, ge=0.1, le=MAX_HOURS, description="mean stay in the good or the bad regime, h; none: one regime"
    )
    regime_factor_high: float = Field(
        1.0, ge=1, le=100, description="in the bad regime up-spells shrink and down-spells grow by up to this factor"
    )
    shocks_per_day: float = Field(0.0, ge=0, le=1_000, description="losses of all capacity of a zone at once, per day")
    shock_median_h: float = Field(0.5, gt=0, le=MAX_HOURS, description="median length of such a loss, h")


class SpellCapacity(Section):
    """Up- and down-spells whose lengths follow given quantile functions, such as a trace's own."""

    source: Literal["spells"]
    instances: int = Field(1, ge=1, le=1_000_000, description="instances to be had when up")
    up_h: Quantiles = Field(description="lengths of up-spells at equally spaced shares from 0 to 1, h, ascending")
    down_h: Quantiles = Field(description="of down-spells")
    shocks_per_day: float = Field(0.0, ge=0, le=1_000, description="losses of all capacity of a zone at once, per day")
    shock_median_h: float = Field(0.5, gt=0, le=MAX_HOURS, description="median length of such a loss, h")


class TraceCapacity(Section):
    """The capacity of the replayed trace."""

    source: Literal["trace"]
    instances: int = Field(1, ge=1, le=1_000_000, description="the trace's samples are multiplied by this")


class NoHazard(Section):
    """Spot instances are lost only with their pool's capacity."""

    model: Literal["none"] = "none"


class ConstantHazard(Section):
    """Spot instances are lost at a constant rate."""

    model: Literal["constant"]
    per_h: float = Field(ge=0, le=10_000, description="interruptions per instance-hour")


class DiscountHazard(Section):
    """Rate per_h x max(1 - spot / on-demand, 0.1): a deep discount is risky.

    The original engine's rule. In real data price and interruption hardly go together (|correlation| <= 0.075).
    """

    model: Literal["discount"]
    per_h: float = Field(ge=0, le=10_000, description="interruptions per instance-hour at a discount of 1")


class BathtubHazard(Section):
    """Lost by age: many early, few in between, all by the cap: F(t) = A (1 - e^(-t / tau1) + e^((t - b) / tau2)).

    The defaults were fitted to Google's preemptible instances of all types (Kadupitiya, Jadhao and Sharma, HPDC'20).
    """

    model: Literal["bathtub"]
    scale: float = Field(0.638, gt=0, le=1, description="A")
    tau1_h: float = Field(0.963, ge=0.001, le=1_000, description="tau1: of early losses, h")
    tau2_h: float = Field(1.094, ge=0.001, le=1_000, description="tau2: of losses near the cap, h")
    b_h: float = Field(25.36, gt=0, le=10_000, description="b: where the losses near the cap are centred, h")
    cap_h: float = Field(24.0, ge=0.01, le=10_000, description="no instance lives longer, h")


Price = ConstantPrice | OrnsteinUhlenbeckPrice | SteppedPrice | TracePrice
Capacity = ConstantCapacity | SemiMarkovCapacity | SpellCapacity | TraceCapacity
Hazard = NoHazard | ConstantHazard | DiscountHazard | BathtubHazard


class Pool(Section):
    """One (zone, instance type), to be bought as spot or on-demand.

    What is left out of `gpu_memory_mb`, `bandwidth_gbps` and `on_demand_usd_per_h` comes from the catalogue of
    instance types, if it has this one; a loaded pool has them all.
    """

    name: Name = Field(description="unique")
    zone: Name = Field(description="pools of one zone share its shocks")
    instance_type: Name = Field(description="the cloud's name of the type")
    gpu_memory_mb: float = Field(gt=0, le=MAX_MB, description="MB")
    bandwidth_gbps: float = Field(10.0, gt=0, le=100_000, description="network of an instance, Gbit/s")
    on_demand_usd_per_h: float = Field(gt=0, le=MAX_USD_PER_H, description="on-demand price, $/h")
    provisioning_s: Annotated[Distribution, within(0.0, 86_400.0)] = Field(
        Distribution(constant=0.0), description="from launch to the start of billing, s; drawn for each launch"
    )
    on_demand_failure_share: float = Field(
        0.0, ge=0, lt=1, description="share of on-demand launches that find no capacity"
    )
    setup_h: Annotated[Distribution, within(0.0, 1_000.0)] = Field(
        Distribution(constant=0.0), description="billed time before a task can load, h; drawn once per world"
    )
    price: Annotated[Price, Field(discriminator="source")] = Field(description="of spot instances")
    capacity: Annotated[Capacity, Field(discriminator="source")] = Field(
        ConstantCapacity(source="constant"), description="of spot instances"
    )
    hazard: Annotated[Hazard, Field(discriminator="model")] = Field(
        NoHazard(), description="of spot instances, beside losses of capacity"
    )
    trace_zone: Name | None = Field(
        None, description='replayed series; "random": drawn for each world; none: this pool replays nothing'
    )

    @model_validator(mode="before")
    @classmethod
    def _takes_figures_of_its_type(cls, values: Any) -> Any:
        return with_catalogue_figures(values)

    @property
    def replays(self) -> bool:
        """Whether its price or its capacity comes from a trace."""
        return "trace" in (self.price.source, self.capacity.source)


class Scenario(Section):
    """All that defines a world but the seed."""

    name: str = Field("custom", min_length=1, max_length=200, description="preset or file; set by the loader")
    description: str = Field("", max_length=2_000, description="one sentence for people")
    horizon_h: float = Field(gt=0, le=MAX_HOURS, description="longest episode, h")
    decision_interval_s: float = Field(ge=1, le=1e7, description="a waiting task is asked again after this, s")
    reconsider_running: bool = Field(False, description="running tasks are asked at each decision interval too")
    reconsider_at_capacity: bool = Field(
        False, description="running tasks on on-demand are asked whenever a pool's spot capacity grows"
    )
    reconsider_on_spot: bool = Field(
        True, description="so are those on spot; false: they stay until interrupted, or the guard forbids it"
    )
    deadline_guard: bool = Field(
        False, description="only placements from which on-demand still makes the deadline are valid"
    )
    guard_margin_s: float = Field(1.0, ge=0, le=86_400, description="the guard aims this much before the deadline, s")
    slack_tick_s: float = Field(
        0.0, ge=0, le=86_400, description="observed slack counts whole ticks: time left rounded down, work up; 0: exact"
    )
    notice_s: float = Field(ge=0, le=86_400, description="warning before an interruption, s; 0: none")
    idle_timeout_s: float = Field(
        0.0, ge=0, le=1e7, description="an instance without a task is kept and billed this long, s"
    )
    billing: Billing = Billing()
    checkpoint: Checkpoint = Checkpoint()
    task: Task
    penalty: Penalty = Penalty()
    market: Market = Market()
    pools: Annotated[tuple[Pool, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=MAX_POOLS)]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if problems := problems_of(self):
            raise ValueError("\n".join(problems))
        return self

    @property
    def replays(self) -> bool:
        """Whether any pool replays a trace."""
        return any(pool.replays for pool in self.pools)

    @property
    def recordings(self) -> tuple[str, ...]:
        """Names or paths of all traces and workload files that it reads."""
        return self.market.trace_paths if self.task.trace is None else (*self.market.trace_paths, self.task.trace)

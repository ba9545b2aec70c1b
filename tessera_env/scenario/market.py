"""Pools and their market: where prices, capacity and hazards come from."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tessera_env.files.numbers import rounded_up
from tessera_env.recordings.catalogue import with_catalogue_figures
from tessera_env.scenario.distributions import (
    MAX_HOURS,
    MAX_MB,
    Distribution,
    Range,
    Section,
    as_tuple,
    range_within,
    within,
)
from tessera_env.world.parameters import MAX_QUANTILES

MAX_USD_PER_H = 10_000.0


MAX_POOLS = 64


SHORTEST_LEVEL_H = 0.01
SHORTEST_SPELL_H = 1 / 60  # the generators make none shorter


def _quantiles(lengths_h: tuple[float, ...]) -> tuple[float, ...]:
    if not 2 <= len(lengths_h) <= MAX_QUANTILES:
        raise ValueError(f"must have 2 to {MAX_QUANTILES} values (got {len(lengths_h)})")
    if list(lengths_h) != sorted(lengths_h) or lengths_h[0] < SHORTEST_SPELL_H or lengths_h[-1] > MAX_HOURS:
        raise ValueError(
            f"must ascend within {rounded_up(SHORTEST_SPELL_H)} to {MAX_HOURS:g} h (got {list(lengths_h)})"
        )
    return lengths_h


Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")]


SpellMedian = Annotated[Range, range_within(0.01, MAX_HOURS)]


Quantiles = Annotated[tuple[float, ...], BeforeValidator(as_tuple), AfterValidator(_quantiles)]


PartialShare = Annotated[Range, range_within(0.0, 1.0)]


SpellSigma = Annotated[Range, range_within(0.0, 4.0)]


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


class SpellsOfCapacity(Section):
    """What spells of capacity share, whatever their lengths."""

    source: Literal["semi_markov", "spells"]
    instances: int = Field(1, ge=1, le=1_000_000, description="instances to be had when up")
    shocks_per_day: float = Field(0.0, ge=0, le=1_000, description="losses of all capacity of a zone at once, per day")
    shock_median_h: float = Field(0.5, gt=0, le=MAX_HOURS, description="median length of such a loss, h")
    partial_share: PartialShare = Field(
        (0.0, 0.0), description="[low, high] of the share of the time up with fewer than all instances"
    )
    level_mean_h: float = Field(
        0.25, ge=SHORTEST_LEVEL_H, le=MAX_HOURS, description="mean stay at one number of instances, h"
    )


class SemiMarkovCapacity(SpellsOfCapacity):
    """Up- and down-spells with lognormal lengths; each world draws its family member within the ranges."""

    source: Literal["semi_markov"]
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


class SpellCapacity(SpellsOfCapacity):
    """Up- and down-spells whose lengths follow given quantile functions, such as a trace's own."""

    source: Literal["spells"]
    up_h: Quantiles = Field(description="lengths of up-spells at equally spaced shares from 0 to 1, h, ascending")
    down_h: Quantiles = Field(description="of down-spells")


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

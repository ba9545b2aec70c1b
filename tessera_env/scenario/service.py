"""Services: how many replicas are to be ready, where they may run, and how one looks after them."""

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tessera_env.scenario.distributions import MAX_HOURS, MAX_MB, Section, as_tuple
from tessera_env.scenario.market import Name

MAX_REPLICAS = 1_024
MAX_SERVICES = 32


class Service(Section):
    """A service: replicas that are to be ready at every moment."""

    name: Name = Field("service", description="unique")
    target: int = Field(1, ge=0, le=MAX_REPLICAS, description="replicas that are to be ready")
    extra: int = Field(
        0, ge=0, le=MAX_REPLICAS, description="spot replicas that policies keep beyond the target, for losses"
    )
    base_on_demand: int = Field(
        0,
        ge=0,
        le=MAX_REPLICAS,
        description="of the target, replicas that policies keep on on-demand anyhow",
    )
    most: int | None = Field(
        None, ge=1, le=MAX_REPLICAS, description="the most replicas at one time; none: twice the largest target + extra"
    )
    pools: Annotated[tuple[Name, ...] | None, BeforeValidator(as_tuple)] = Field(
        None, description="names of the pools that it may use; none: all"
    )
    setup_s: float = Field(
        0.0,
        ge=0,
        le=86_400,
        description="from its pool's set-up to a ready replica, without loading the model; s",
    )
    model_mb: float = Field(0.0, ge=0, le=MAX_MB, description="loaded onto the instance, MB")
    gpu_memory_mb: float = Field(0.0, ge=0, le=MAX_MB, description="GPU memory that a replica needs, MB")
    control_interval_s: float | None = Field(
        None, ge=1, le=1e7, description="time between looks at the replicas, s; none: the decision interval"
    )
    looks: Literal["always", "when_changed"] = Field(
        "always",
        description="when_changed: a look is left out if nothing has happened since two that found nothing to do",
    )
    looks_at_events: bool = Field(
        True, description="also looked at when a replica is ready or lost, a launch is seen to fail, the target moves"
    )
    decides_before_market: bool = Field(
        False, description="a look comes before the market's changes of that instant, and its launches after them"
    )
    at_notice: Literal["lost", "serves"] = Field(
        "serves", description="a replica whose instance was given notice: lost at once, or serves to the end"
    )
    drain_s: float = Field(
        0.0, ge=0, le=86_400, description="a stopped replica takes nothing new, and is billed, this long, s"
    )
    make_before_break: bool = Field(
        False, description="a ready replica that moves serves until the new one is ready; both are billed"
    )
    launch_failure_s: float = Field(
        0.0, ge=0, le=86_400, description="a launch without capacity is seen to fail only after this, s"
    )
    score_from_s: float = Field(0.0, ge=0, le=MAX_HOURS * 3600.0, description="its figures count from here on, s")
    shortfall_weight: float = Field(
        2.0, ge=0, le=100_000, description="penalty of time below the target, in the target's on-demand cost"
    )
    requests_per_replica: float | None = Field(
        None, gt=0, le=1e9, description="requests/s that a ready replica serves; none: requests are not counted"
    )
    patience_s: float | None = Field(
        100.0, gt=0, le=1e7, description="requests that would wait longer are dropped, s; none: they wait"
    )

    @property
    def highest_target(self) -> int:
        """The most replicas that are ever to be ready."""
        return self.target

    def may_use(self, pool: str) -> bool:
        """Whether it may use the pool of this name."""
        return self.pools is None or pool in self.pools

    @property
    def seats(self) -> int:
        """The most replicas at one time."""
        return max(1, 2 * self.highest_target + self.extra) if self.most is None else self.most

    @property
    def patience(self) -> float:
        """How long a request waits at most, s; infinity: as long as it takes."""
        return math.inf if self.patience_s is None else self.patience_s


def as_services(value: Any) -> Any:
    """A tuple; one service may stand for itself."""
    if isinstance(value, dict | Service):
        return (value,)
    if isinstance(value, list | tuple) and len(value) > MAX_SERVICES:
        raise ValueError(f"must be at most {MAX_SERVICES} (got {len(value)})")
    return as_tuple(value)

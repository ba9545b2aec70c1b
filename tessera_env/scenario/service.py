"""Services: how many replicas are to be ready, where they may run, and how one looks after them."""

import math
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tessera_env.files.problems import shown
from tessera_env.scenario.demand import Autoscaler, Demand
from tessera_env.scenario.distributions import MAX_HOURS, MAX_MB, Section, as_tuple
from tessera_env.scenario.market import Name, Pool
from tessera_env.scenario.requests import Requests
from tessera_env.world.demand.timeline import MAX_SCHEDULE

MAX_REPLICAS = 1_024
MAX_SERVICES = 32


Schedule = tuple[tuple[float, int], ...]


def _as_target(value: Any) -> Any:
    """A number, or a schedule as tuples."""
    if isinstance(value, list | tuple):
        return tuple(tuple(step) if isinstance(step, list | tuple) else step for step in value)
    return value


def _checked_target(target: int | Schedule) -> int | Schedule:
    steps = [(0.0, target)] if isinstance(target, int) else list(target)
    if not 1 <= len(steps) <= MAX_SCHEDULE:
        raise ValueError(f"must have 1 to {MAX_SCHEDULE} steps (got {len(steps)})")
    hours = [hour for hour, _ in steps]
    if hours[0] != 0.0 or any(after <= hour for hour, after in pairwise(hours)) or hours[-1] >= 24.0:
        raise ValueError(f"must have hours that ascend from 0 and stay below 24 (got {shown(hours)})")
    if not all(0 <= replicas <= MAX_REPLICAS for _, replicas in steps):
        raise ValueError(f"must be 0 to {MAX_REPLICAS} replicas (got {shown(target)})")
    return target


TARGET = int | Schedule
Target = Annotated[TARGET, BeforeValidator(_as_target), AfterValidator(_checked_target)]


class Service(Section):
    """A service: replicas that are to be ready at every moment."""

    name: Name = Field("service", description="unique")
    target: Target = Field(
        1,
        description="replicas that are to be ready: a number, or [[hour, replicas], ...] of every day from hour 0 on; "
        "1 with an autoscaler, which says it",
    )
    demand: Demand | None = Field(None, discriminator="source", description="requests that come; none: nobody counts")
    autoscaler: Autoscaler | None = None
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
        None,
        ge=1,
        le=MAX_REPLICAS,
        description="the most at one time, those that are leaving included; none: 3 x the largest target + 2 x extra",
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
        None, gt=0, le=1e9, description="requests/s that a ready replica serves; none: they are not counted as served"
    )
    patience_s: float | None = Field(
        100.0, gt=0, le=1e7, description="requests that would wait longer are dropped, s; none: they wait"
    )

    requests: Requests | None = None

    @property
    def highest_target(self) -> int:
        """The most replicas that are ever to be ready."""
        if self.autoscaler is not None:
            return self.autoscaler.most
        return self.target if isinstance(self.target, int) else max(replicas for _, replicas in self.target)

    def may_use(self, pool: str) -> bool:
        """Whether it may use the pool of this name."""
        return self.pools is None or pool in self.pools

    def fits(self, pool: Pool) -> bool:
        """Whether its replicas can be in the pool: it may use it, and it is large enough."""
        return self.may_use(pool.name) and self.gpu_memory_mb <= pool.gpu_memory_mb

    @property
    def seats(self) -> int:
        """The most replicas at one time."""
        return max(1, 3 * self.highest_target + 2 * self.extra) if self.most is None else self.most

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

"""What defines a world but its seed: validated, frozen, with the unit of every figure in its description.

People give hours, US dollars, MB and Gbit/s. `tessera_env.scenario.loading` reads scenarios from presets, files and
mappings; `tessera_env.scenario.conversion` turns one into the numbers that the kernels read.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from tessera_env.scenario.demand import RecordedDemand
from tessera_env.scenario.distributions import MAX_HOURS, Section, as_tuple
from tessera_env.scenario.market import MAX_POOLS, Market, Pool
from tessera_env.scenario.service import Service, as_services
from tessera_env.scenario.workload import Task


def _as_pools(value: Any) -> Any:
    """A tuple; that there are too many is found out before each is looked at."""
    if isinstance(value, list | tuple) and len(value) > MAX_POOLS:
        raise ValueError(f"must be at most {MAX_POOLS} (got {len(value)})")
    return as_tuple(value)


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


class Penalty(Section):
    """What the reward takes off beside dollars."""

    missed_weight: float = Field(2.0, ge=0, le=1_000, description="of a missed deadline, in shares of the task's cost")
    downtime_weight: float = Field(
        1.0, ge=0, le=1_000, description="of an INTERACTIVE task's downtime, in its on-demand price"
    )


class ScenarioFields(Section):
    """All that defines a world but the seed, field by field; `Scenario` checks that they fit together, too."""

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
    ask_at_freed_room: bool = Field(
        False, description="waiting tasks, and those on on-demand, are asked whenever a full pool has spot room again"
    )
    ask_order: Literal["arrival", "urgency"] = Field(
        "arrival", description="of tasks due at one instant; urgency: INTERACTIVE first, then the least slack"
    )
    make_before_break: bool = Field(
        False, description="a task that moves works on until its new instance is set up; both are billed"
    )
    just_in_time: bool = Field(
        False, description="at a notice a task works on until saving has to begin, or to its end if that fits"
    )
    deadline_guard: bool = Field(
        False, description="only placements from which on-demand still makes the deadline are valid"
    )
    guard_counts_saves: bool = Field(
        False, description="the guard counts on what a move away from on-demand saves, so that long tasks may go back"
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
    task: Task = Task(count=0)
    service: Annotated[tuple[Service, ...], BeforeValidator(as_services)] = ()
    penalty: Penalty = Penalty()
    market: Market = Market()
    pools: Annotated[tuple[Pool, ...], BeforeValidator(_as_pools), Field(min_length=1, max_length=MAX_POOLS)]

    @model_serializer(mode="wrap")
    def _without_no_service(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A scenario without services says nothing of them, as before there were any."""
        values: dict[str, Any] = handler(self)
        if not self.service:
            values.pop("service", None)
        return values

    @property
    def replays(self) -> bool:
        """Whether any pool replays a trace."""
        return any(pool.replays for pool in self.pools)

    @property
    def recording_paths(self) -> tuple[str, ...]:
        """Names or paths of all traces and workload files that it reads."""
        jobs = () if self.task.recording is None else (self.task.recording,)
        demands = [service.demand for service in self.service]
        return (
            *self.market.trace_paths,
            *jobs,
            *(one.recording for one in demands if isinstance(one, RecordedDemand)),
        )

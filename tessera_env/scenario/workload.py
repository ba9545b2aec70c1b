"""The workload: which tasks a world has."""

import math
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from tessera_env.scenario.distributions import MAX_HOURS, MAX_MB, Distribution, Range, Section, range_within, within

WorkHours = Annotated[Distribution, within(0.001, MAX_HOURS)]


class Task(Section):
    """The workload: how many tasks, when, how long, how urgent, how large."""

    count: int = Field(1, ge=0, le=10_000_000, description="tasks in an episode")
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
    recording: str | None = Field(
        None, description="path of a workload file, whose jobs the tasks are; none: generated"
    )
    recording_format: Literal["pods", "run_times"] | None = Field(
        None, description="of that file: pods with arrival, run time, memory and GPU share, or bare run times"
    )
    recording_work_h: Annotated[Range, range_within(0.001, MAX_HOURS)] = Field(
        (0.1, 24.0), description="[low, high]; recorded work is clipped to this, h"
    )
    recording_mb_per_gpu: float = Field(
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
        return self.recording_work_h if self.work_h is None else (self.work_h.lowest, self.work_h.highest)

    def earliest_deadline_h(self, work_h: Any) -> Any:
        """The tightest deadline, h after arrival, of a task with this work, or of (n,) tasks; infinity: none."""
        if self.deadline_h is not None:
            return self.deadline_h.lowest
        return math.inf if self.slack is None else work_h * (1.0 + self.slack.lowest)

    def final_state_mb(self, work_h: Any) -> Any:
        """State of a task with this work, or (n,) of several, when it is done, MB."""
        return np.minimum(self.state_base_mb + self.state_mb_per_work_h * work_h, self.state_cap_mb)

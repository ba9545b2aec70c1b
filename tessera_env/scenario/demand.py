"""Demand of a service, where it comes from, and how its target follows it."""

from typing import Literal

from pydantic import Field

from tessera_env.recordings.demand import DemandFormat
from tessera_env.scenario.distributions import MAX_HOURS, Section

MAX_RATE = 1e9


class ConstantDemand(Section):
    """Always as many requests a second."""

    source: Literal["constant"]
    requests_per_s: float = Field(ge=0, le=MAX_RATE, description="requests per second")


class DailyDemand(Section):
    """More by day than by night."""

    source: Literal["daily"]
    requests_per_s: float = Field(ge=0, le=MAX_RATE, description="mean requests per second")
    daily_share: float = Field(
        0.5, ge=0, le=1, description="that mean x (1 + share x sin(2 pi (t - 9 h) / 24 h)): highest at 15 h"
    )
    step_s: float = Field(300.0, ge=1, le=86_400, description="the rate changes this often, s")


class BurstyDemand(Section):
    """Calm and burst in turn, for exponential times (a Markov-modulated rate)."""

    source: Literal["bursty"]
    requests_per_s: float = Field(ge=0, le=MAX_RATE, description="mean requests per second")
    burst_factor: float = Field(5.0, ge=1, le=1e6, description="rate in a burst, in multiples of the calm one")
    calm_s: float = Field(3_600.0, ge=1, le=1e9, description="mean time between bursts, s")
    burst_s: float = Field(300.0, ge=1, le=1e9, description="mean length of a burst, s")


class RecordedDemand(Section):
    """A window of a recording."""

    source: Literal["recorded"]
    recording: str = Field(description="path of a CSV file")
    recording_format: DemandFormat = Field(
        description="counts: time_s,requests; requests: time_s, a row each; azure_llm: TIMESTAMP and tokens, a row each"
    )
    step_s: float = Field(60.0, ge=0.1, le=86_400, description="the rate is that of this much time, s")
    longest_gap_s: float = Field(3_600.0, gt=0, le=1e9, description="rows further apart are refused, s")
    scale: float = Field(1.0, gt=0, le=MAX_RATE, description="rates are multiplied by this")
    from_h: float | None = Field(
        None, ge=0, le=MAX_HOURS, description="where in the recording the episode starts, h; none: drawn for each world"
    )


Demand = ConstantDemand | DailyDemand | BurstyDemand | RecordedDemand


class Autoscaler(Section):
    """The target follows the demand: replicas for the mean rate, once so many looks in a row ask for it."""

    requests_per_replica: float = Field(gt=0, le=MAX_RATE, description="requests per second that one replica is to get")
    least: int = Field(1, ge=0, le=1_024, description="fewest replicas; 0: a request wakes it at once")
    most: int = Field(ge=1, le=1_024, description="most replicas")
    rate_window_s: float = Field(60.0, gt=0, le=86_400, description="the rate is the mean over this time, s")
    interval_s: float = Field(20.0, ge=1, le=86_400, description="time between two looks at it, s")
    up_delay_s: float = Field(300.0, ge=0, le=86_400, description="it rises after so long that asks for more, s")
    down_delay_s: float = Field(1_200.0, ge=0, le=86_400, description="it falls after so long that asks for less, s")

"""Requests of a service one by one: how they are sent to its replicas, and how long each takes."""

import math
from typing import Literal

from pydantic import Field

from tessera_env.scenario.distributions import Section


class Requests(Section):
    """How requests are played after each run, for latencies and failures."""

    arrivals: Literal["poisson", "recorded"] = Field(
        "poisson", description="poisson: drawn at the demand's rate; recorded: the recording's own, one by one"
    )
    service_times: Literal["exponential", "constant", "tokens"] = Field(
        "exponential", description="how the time that a request takes on a replica is spread; tokens: by its own"
    )
    service_s: float | None = Field(
        None, gt=0, le=1e6, description="mean time that a request takes on a replica, s; none: its tokens say it"
    )
    first_s: float = Field(0.0, ge=0, le=1e6, description="tokens: takes this, s,")
    per_in_s: float = Field(0.0, ge=0, le=1e6, description="and this for each token of its context, s,")
    per_out_s: float = Field(0.0, ge=0, le=1e6, description="and this for each token that is generated, s")
    timeout_s: float | None = Field(100.0, gt=0, le=1e7, description="a request has failed after this, s; none: never")
    slots: int = Field(1, ge=1, le=100_000, description="requests that a replica serves at once")
    clients: int = Field(1, ge=1, le=100_000, description="each balances by itself, by its own counts")
    balancing: Literal["least_load", "round_robin"] = Field(
        "least_load", description="which ready replica a client sends a request to"
    )
    interrupted: Literal["retry", "lost", "finish"] = Field(
        "retry", description="requests at a replica that is lost: sent anew, failed, or finished"
    )
    without_replica: Literal["wait", "fail"] = Field("wait", description="requests while no replica is ready")

    @property
    def timeout(self) -> float:
        """Seconds until a request has failed; infinity: never."""
        return math.inf if self.timeout_s is None else self.timeout_s

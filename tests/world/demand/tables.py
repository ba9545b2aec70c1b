"""Services for the demand's tests, written straight into the tables, and their points read back."""

from collections.abc import Sequence

import numpy as np

from tessera_env.world.demand.build import demand_length, draw_demand
from tessera_env.world.demand.timeline import DEMAND_POINT, DEMAND_SPEC, RECORDED_RATE, DemandSource, TargetSource
from tessera_env.world.parameters import new_table
from tests.kept import kept
from tests.world.market.tables import fill, world

HOUR_S = 3_600.0
DAY_S = 86_400.0


def specs_of(*services: dict) -> np.recarray:
    """A table of services with these fields, one replica each unless told."""
    specs = new_table(len(services), DEMAND_SPEC)
    for spec, fields in zip(specs, services, strict=True):
        fill(spec, {"target": 1, "start_s": -1.0, "first": 0, **fields})
    return specs


def rates_of(*rates: float) -> np.recarray:
    """A recording's table."""
    table = new_table(max(len(rates), 1), RECORDED_RATE)
    table["requests_per_s"][: len(rates)] = rates
    return table


def draw(specs, rates, address, service_id, horizon_s, out, env):
    """What a kernel may be, which makes no array itself."""
    return draw_demand(specs, rates, address, service_id, horizon_s, out, env)


def drawn(
    specs: np.recarray, horizon_s: float, rates: Sequence[float] = (), service_id: int = 0, **address
) -> np.recarray:
    """One service's points in the world of this seed and episode."""
    out = new_table((1, len(specs), demand_length(specs, horizon_s)), DEMAND_POINT)
    count = kept(draw)(specs, rates_of(*rates), world(**address), service_id, horizon_s, out, 0)
    return out[0, service_id, :count]


def recorded(rates: Sequence[float], step_s: float, **fields) -> dict:
    """A service that replays these rates from their start, unless told."""
    source = {"source": int(DemandSource.RECORDED), "requests_per_s": 1.0, "step_s": step_s, "count": len(rates)}
    return {**source, "start_s": 0.0, **fields}


def autoscaled(**fields) -> dict:
    """A service whose autoscaler looks every 10 s at the last 10 s; 1 request/s a replica, two looks up, three down."""
    figures = {"target": -1, "least": 0, "most": 10, "requests_per_replica": 1.0, "rate_window_s": 10.0}
    figures |= {"interval_s": 10.0, "up_looks": 2, "down_looks": 3, "target_source": int(TargetSource.AUTOSCALER)}
    return {**figures, **fields}


def targets_of(points: np.recarray) -> list[tuple[float, int]]:
    """Steps (time, target)."""
    steps: list[tuple[float, int]] = []
    for point in points:
        if not steps or steps[-1][1] != point.target:
            steps.append((float(point.time_s), int(point.target)))
    return steps


def requests_at_end(points: np.recarray, horizon_s: float) -> float:
    """The integral up to the horizon."""
    last = points[-1]
    return float(last.requests + (horizon_s - last.time_s) * last.requests_per_s)

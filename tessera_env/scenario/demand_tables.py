"""Services' demand and targets as the tables that the kernels read."""

import math

import numpy as np

from tessera_env.recordings.demand import DemandRecording
from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.scenario.demand import Autoscaler, BurstyDemand, DailyDemand, Demand, RecordedDemand
from tessera_env.scenario.service import Service
from tessera_env.world.demand.timeline import DEMAND_SPEC, RECORDED_RATE, DemandSource, TargetSource
from tessera_env.world.parameters import NONE, new_table

_ROUNDING = 1e-9
Recorded = tuple[DemandRecording | None, ...]  # a service each


def demand_tables(services: tuple[Service, ...], recorded: Recorded) -> tuple[np.recarray, np.recarray]:
    """(S,) DEMAND_SPEC and the (steps,) RECORDED_RATE of all recordings, one at least."""
    table, rates = new_table(len(services), DEMAND_SPEC), []
    first = 0
    for spec, service, recording in zip(table, services, recorded, strict=True):
        _set_target(spec, service)
        if service.demand is not None:
            _set_demand(spec, service.demand)
        if recording is not None:
            spec.first, spec.count = first, len(recording.requests_per_s)
            first += spec.count
            rates.append(recording.requests_per_s)
    points = new_table(max(first, 1), RECORDED_RATE)
    if rates:
        points["requests_per_s"] = np.concatenate(rates)
    return table, points


def _set_target(spec: np.record, service: Service) -> None:
    if service.autoscaler is not None:
        _set_autoscaler(spec, service.autoscaler)
    elif isinstance(service.target, int):
        spec.target_source, spec.target = TargetSource.CONSTANT, service.target
    else:
        spec.target_source = TargetSource.SCHEDULE
        spec.schedule_count, spec.schedule_daily = len(service.target), True
        for k, (from_h, replicas) in enumerate(service.target):
            spec.schedule_from_s[k], spec.schedule_target[k] = from_h * HOUR_S, replicas


def _set_autoscaler(spec: np.record, scaler: Autoscaler) -> None:
    spec.target_source, spec.target = TargetSource.AUTOSCALER, NONE
    spec.least, spec.most = scaler.least, scaler.most
    spec.requests_per_replica = scaler.requests_per_replica
    spec.rate_window_s, spec.interval_s = scaler.rate_window_s, scaler.interval_s
    spec.up_looks = _looks(scaler.up_delay_s, scaler.interval_s)
    spec.down_looks = _looks(scaler.down_delay_s, scaler.interval_s)


def _looks(delay_s: float, interval_s: float) -> int:
    """Looks in a row that a delay takes; 8.4 s at looks each 1.2 s are 7, whatever the quotient's rounding."""
    return max(1, math.ceil(delay_s / interval_s - _ROUNDING))


def _set_demand(spec: np.record, demand: Demand) -> None:
    spec.source = DemandSource[demand.source.upper()]
    if isinstance(demand, RecordedDemand):
        spec.requests_per_s, spec.step_s = demand.scale, demand.step_s
        spec.start_s = -1.0 if demand.from_h is None else demand.from_h * HOUR_S
        return
    spec.requests_per_s = demand.requests_per_s
    if isinstance(demand, DailyDemand):
        spec.step_s, spec.daily_share = demand.step_s, demand.daily_share
    elif isinstance(demand, BurstyDemand):
        spec.burst_factor, spec.calm_s, spec.burst_s = demand.burst_factor, demand.calm_s, demand.burst_s

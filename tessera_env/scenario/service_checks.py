"""What must fit together in a service: as `checks` has it of a whole scenario."""

from collections.abc import Iterator

from tessera_env.files.numbers import exact
from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.scenario.demand import Demand, RecordedDemand
from tessera_env.scenario.model import ScenarioFields
from tessera_env.scenario.requests import Requests
from tessera_env.scenario.service import MAX_REPLICAS, Service


def problems_of_services(scenario: ScenarioFields) -> Iterator[str]:
    """One line each."""
    services = scenario.service
    names, pools = [service.name for service in services], [pool.name for pool in scenario.pools]
    with_requests = [index for index, service in enumerate(services) if service.requests is not None]
    for index in with_requests[1:]:
        yield f"service.{index}.requests: must be none, since those of service.{with_requests[0]} are played (got some)"
    for index, service in enumerate(services):
        if service.name in names[:index]:
            yield f"service.{index}.name: must be unique (got {service.name!r} again)"
        unknown = [name for name in service.pools or () if name not in pools]
        if unknown or service.pools == ():
            got = ", ".join(map(repr, unknown)) or "none"
            yield f"service.{index}.pools: must be of {', '.join(map(repr, pools))}, one at least (got {got})"
            continue
        yield from _replicas(f"service.{index}", service, scenario)


def _replicas(field: str, service: Service, scenario: ScenarioFields) -> Iterator[str]:
    if service.highest_target + service.extra > service.seats:
        yield (
            f"{field}.most: must be at least {service.highest_target + service.extra}, the largest target + extra "
            f"(got {service.seats})"
        )
    if service.seats > MAX_REPLICAS:
        yield f"{field}.target: must be at most {MAX_REPLICAS} with what is kept beside it (got {service.seats})"
    if service.base_on_demand > service.highest_target:
        yield (
            f"{field}.base_on_demand: must be at most {service.highest_target}, the largest target "
            f"(got {service.base_on_demand})"
        )
    had = max(pool.gpu_memory_mb for pool in scenario.pools if service.may_use(pool.name))
    if service.gpu_memory_mb > had:
        yield (
            f"{field}.gpu_memory_mb: must be at most {exact(had)}, the largest of its pools' "
            f"(got {exact(service.gpu_memory_mb)})"
        )
    if service.score_from_s >= scenario.horizon_h * HOUR_S:
        yield (
            f"{field}.score_from_s: must be below the horizon, {exact(scenario.horizon_h * HOUR_S)} s "
            f"(got {exact(service.score_from_s)})"
        )
    if service.requests is not None:
        yield from _requests(field, service.requests, service.demand)
    if service.autoscaler is not None:
        yield from _autoscaled(field, service)
    if service.highest_target == 0:
        yield f"{field}.target: must be above 0 at some time (got 0)"


def _requests(field: str, requests: Requests, demand: Demand | None) -> Iterator[str]:
    if demand is None:
        yield f"{field}.demand: must be given with requests, whose rate it is (got none)"
    recorded = demand if isinstance(demand, RecordedDemand) else None
    if requests.arrivals == "recorded" and (recorded is None or recorded.recording_format == "counts"):
        allowed = "must be 'poisson' unless demand is recorded, a row a request"
        yield f"{field}.requests.arrivals: {allowed} (got 'recorded')"
    elif requests.arrivals == "recorded" and recorded is not None and recorded.scale != 1.0:
        yield f"{field}.demand.scale: must be 1 where requests arrive as recorded (got {exact(recorded.scale)})"
    if requests.service_times == "tokens":
        yield from _tokens(f"{field}.requests", requests, recorded)
        return
    if requests.service_s is None:
        yield f"{field}.requests.service_s: must be given unless service_times is 'tokens' (got none)"
    for name in ("first_s", "per_in_s", "per_out_s"):
        if value := getattr(requests, name):
            yield f"{field}.requests.{name}: must be 0 unless service_times is 'tokens' (got {exact(value)})"


def _tokens(field: str, requests: Requests, recorded: RecordedDemand | None) -> Iterator[str]:
    if recorded is None or recorded.recording_format != "azure_llm":
        allowed = "must be 'exponential' or 'constant' unless demand is recorded as azure_llm, which has tokens"
        yield f"{field}.service_times: {allowed} (got 'tokens')"
    if requests.service_s is not None:
        yield f"{field}.service_s: must be none where service_times is 'tokens' (got {exact(requests.service_s)})"
    if requests.first_s + requests.per_in_s + requests.per_out_s == 0.0:
        yield f"{field}.per_out_s: must be above 0 where service_times is 'tokens', or first_s or per_in_s (got 0)"


def _autoscaled(field: str, service: Service) -> Iterator[str]:
    scaler = service.autoscaler
    assert scaler is not None
    if service.demand is None:
        yield f"{field}.demand: must be given with an autoscaler, whose target follows it (got none)"
    if service.target != 1:
        yield f"{field}.target: must be 1, its default, with an autoscaler, which says it (got {service.target})"
    if scaler.least > scaler.most:
        yield f"{field}.autoscaler.least: must be at most {scaler.most}, its most (got {scaler.least})"

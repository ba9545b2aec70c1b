"""What a service has, and what it was: replicas that count, demand, outages, requests in closed form.

Between two events demand, target and ready replicas are constant, so that whatever is added up over time is a product
or a triangle. Whoever changes one of them accounts for the time before first.
"""

import math

from tessera_env.engine.event_queue import push
from tessera_env.engine.kinds import EventKind, InstanceStatus, LogKind
from tessera_env.engine.log import log_event
from tessera_env.engine.prices import dollars_until
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE


@compiled
def ready_count(service) -> int:
    """Replicas that serve now."""
    return service.ready_spot + service.ready_on_demand


@compiled
def staying_spot(service) -> int:
    """Replicas on spot that serve and were not given notice."""
    return service.ready_spot - service.ready_leaving


@compiled
def account(params, state, env: int, service_id: int) -> None:
    """Add up the time since the last account."""
    spec, service, now_s = params.services[service_id], state.services[env, service_id], state.episodes[env].now_s
    elapsed_s = now_s - service.accounted_s
    if elapsed_s <= 0.0:
        return
    service.accounted_s = now_s
    service.served_target_s += service.target * elapsed_s
    serve_requests(spec, service, elapsed_s)
    if now_s <= spec.score_from_s:
        return
    ready = ready_count(service)
    service.scored_s += elapsed_s
    service.target_s += service.target * elapsed_s
    service.ready_s += ready * elapsed_s
    service.some_ready_s += elapsed_s if ready > 0 else 0.0
    service.ready_least = min(service.ready_least, ready)
    if ready >= service.target:
        service.outage_s = 0.0
        return
    service.outages += 1 if service.outage_s == 0.0 else 0
    service.outage_s += elapsed_s
    service.longest_outage_s = max(service.longest_outage_s, service.outage_s)
    service.below_s += elapsed_s
    dollars = spec.shortfall_weight * service.target * elapsed_s / 3600.0 * spec.on_demand_price
    service.penalty_usd += dollars
    state.episodes[env].penalty += dollars / state.episodes[env].scale_usd


@compiled
def account_all(params, state, env: int) -> None:
    """Add up the time since the last account of every service."""
    for service_id in range(params.services.shape[0]):
        account(params, state, env, service_id)


@compiled
def target_s(state, env: int, service_id: int, until_s: float) -> float:
    """Replica-seconds of the target from the start to a time."""
    total_s, count = 0.0, state.services[env, service_id].demand_count
    for k in range(count):
        end_s = state.demand[env, service_id, k + 1].time_s if k + 1 < count else until_s
        point = state.demand[env, service_id, k]
        total_s += point.target * max(0.0, min(end_s, until_s) - point.time_s)
    return total_s


@compiled
def serve_requests(spec, service, elapsed_s: float) -> None:
    """Requests as a fluid: what arrives is served at the ready replicas' rate, waits, or is dropped.

    Nobody waits longer than the patience, so that at most what arrives in that time waits, at the present rate.
    """
    if spec.requests_per_replica <= 0.0:
        return
    arriving, serving = service.requests_per_s, spec.requests_per_replica * ready_count(service)
    most = math.inf if spec.patience_s == math.inf else arriving * spec.patience_s
    service.arrived += arriving * elapsed_s
    before = min(service.backlog, most)
    service.dropped += service.backlog - before
    change = arriving - serving
    if change >= 0.0:
        after = min(before + change * elapsed_s, most)
        rising_s = (after - before) / change if change > 0.0 else elapsed_s
        service.dropped += max(0.0, before + change * elapsed_s - after)
        service.served += serving * elapsed_s
    else:
        rising_s = min(elapsed_s, before / -change)
        after = before + change * rising_s
        service.served += serving * rising_s + arriving * (elapsed_s - rising_s)
        after = max(after, 0.0)
    service.backlog_s += 0.5 * (before + after) * rising_s + after * (elapsed_s - rising_s)
    service.backlog = after


@compiled
def start_score(params, state, env: int, service_id: int) -> None:
    """Figures count from now on: what was before is taken out."""
    account(params, state, env, service_id)
    service = state.services[env, service_id]
    take_out_bills(params, state, env, service_id)
    service.arrived = service.backlog
    service.served = 0.0
    service.dropped = 0.0
    service.backlog_s = 0.0


@compiled
def take_out_bills(params, state, env: int, service_id: int) -> None:
    """Note what the service is charged for up to now: of ended uses, and of instances that it still pays for."""
    spec, service, episode = params.services[service_id], state.services[env, service_id], state.episodes[env]
    first, beyond = spec.first_seat, spec.first_seat + spec.seat_count
    for seat_id in range(first, beyond):
        seat = state.tasks[env, seat_id]
        service.usd_before += seat.setup_usd + seat.running_usd + seat.idle_usd
        service.spot_s_before += seat.spot_s
        service.on_demand_s_before += seat.on_demand_s
    for instance_id in range(episode.slots_used):
        instance = state.instances[env, instance_id]
        if instance.status == InstanceStatus.FREE or not instance.billing or not first <= instance.payer < beyond:
            continue
        usd = dollars_until(params, state, env, instance.offer, episode.now_s) - instance.charged_integral
        service.usd_before += usd
        if instance.on_demand:
            service.on_demand_s_before += episode.now_s - instance.charged_s
        else:
            service.spot_s_before += episode.now_s - instance.charged_s


@compiled
def note_event(params, state, env: int, service_id: int) -> None:
    """Something has happened to the service: it looks now, if events make it look, once at an instant."""
    spec, service, now_s = params.services[service_id], state.services[env, service_id], state.episodes[env].now_s
    service.changed = 1
    if spec.looks_at_events and service.event_look_s != now_s and now_s < params.config[0].horizon_s:
        service.event_look_s = now_s
        push(state, env, now_s, EventKind.LOOK, service_id, service_id, 0)


@compiled
def set_demand(params, state, env: int, service_id: int, point_id: int) -> None:
    """A point of the demand's timeline holds from now on; schedule the next."""
    spec, service = params.services[service_id], state.services[env, service_id]
    account(params, state, env, service_id)
    point = state.demand[env, service_id, point_id]
    moved = service.target != point.target
    service.demand_point = point_id
    service.target = point.target
    service.requests_per_s = point.requests_per_s
    log_event(state, env, LogKind.DEMAND, spec.first_seat, NONE, float(point.target), point.requests_per_s)
    if point_id + 1 < service.demand_count:
        time_s = state.demand[env, service_id, point_id + 1].time_s
        push(state, env, time_s, EventKind.DEMAND, service_id, service_id, 0)
    if moved:
        note_event(params, state, env, service_id)

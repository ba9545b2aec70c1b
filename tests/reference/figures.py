"""What a service adds up to: time below its target, outages, and requests as a fluid."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference.world import INF

if TYPE_CHECKING:
    from tests.reference.services import Service
    from tests.reference.simulator import Simulator


@dataclass
class Figures:
    """Times, seconds; the names are those of the engine's records."""

    scored_s: float = 0.0
    target_s: float = 0.0
    below_s: float = 0.0
    some_ready_s: float = 0.0
    ready_s: float = 0.0
    ready_least: int = 1_000_000_000
    outages: int = 0
    outage_s: float = 0.0  # the present one so far
    longest_outage_s: float = 0.0
    penalty_usd: float = 0.0
    before: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # dollars, spot_s, on_demand_s before SCORE
    backlog: float = 0.0
    arrived: float = 0.0
    served: float = 0.0
    dropped: float = 0.0
    backlog_s: float = 0.0


def pass_time(sim: "Simulator", service: "Service", seconds: float) -> None:
    """Nothing changes for this long."""
    if seconds <= 0.0:
        return
    if service.requests_per_replica > 0.0:
        flow(service.figures, service, seconds)
    if sim.now >= service.score_from_s:
        count(sim, service.figures, service, seconds)


def count(sim: "Simulator", figures: Figures, service: "Service", seconds: float) -> None:
    """Replicas against the target."""
    ready, target = service.ready(), service.target
    figures.scored_s += seconds
    figures.target_s += target * seconds
    figures.ready_s += ready * seconds
    figures.ready_least = min(figures.ready_least, ready)
    if ready > 0:
        figures.some_ready_s += seconds
    if ready >= target:
        figures.outage_s = 0.0
        return
    figures.outages += figures.outage_s == 0.0
    figures.outage_s += seconds
    figures.longest_outage_s = max(figures.longest_outage_s, figures.outage_s)
    figures.below_s += seconds
    usd = service.shortfall_weight * target * seconds / 3600.0 * service.price(sim)
    figures.penalty_usd += usd
    sim.penalty += usd / sim.scale_usd()


def flow(figures: Figures, service: "Service", seconds: float) -> None:
    """Requests come, are served, wait, and are dropped where they would wait for too long."""
    rate, can_serve = service.requests_per_s, service.requests_per_replica * service.ready()
    most = INF if service.patience_s == INF else rate * service.patience_s
    figures.arrived += rate * seconds
    if figures.backlog > most:
        figures.dropped += figures.backlog - most
        figures.backlog = most
    before, growth = figures.backlog, rate - can_serve
    if growth < 0.0:
        until_s = min(before / -growth, seconds)  # it is empty
        figures.served += can_serve * until_s + rate * (seconds - until_s)
    else:
        until_s = seconds if growth == 0.0 else min((most - before) / growth, seconds)  # it is full
        figures.served += can_serve * seconds
        figures.dropped += growth * (seconds - until_s)
    figures.backlog = max(before + growth * until_s, 0.0)
    figures.backlog_s += (before + figures.backlog) / 2.0 * until_s + figures.backlog * (seconds - until_s)

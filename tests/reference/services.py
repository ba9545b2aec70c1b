"""Services as plain data, with what has become of them, and the events that they have in store."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference import rounds, seats
from tests.reference.accounts import charged
from tests.reference.figures import Figures
from tests.reference.seats import Seat
from tests.reference.world import INF, ON_DEMAND, SPOT, Kind

if TYPE_CHECKING:
    from tests.reference.simulator import Simulator


KINDS = {Kind.SCORE, Kind.DEMAND, Kind.EARLY_LOOK, Kind.CLAIM, Kind.LOOK}  # of services alone


@dataclass(eq=False)
class Service:
    """One service: its options, then what has become of it."""

    seat_count: int
    usable: list[bool]  # by pool: it is one of its pools, and large enough
    demand: list[tuple[float, int, float]]  # (time_s, target, requests/s) from 0 on
    interval_s: float = 100.0
    when_changed: bool = False
    looks_at_events: bool = False
    decides_before_market: bool = False
    serves_at_notice: bool = False
    make_before_break: bool = False
    setup_s: float = 0.0
    model_mb: float = 0.0
    drain_s: float = 0.0
    launch_failure_s: float = 0.0
    score_from_s: float = 0.0
    shortfall_weight: float = 2.0
    requests_per_replica: float = 0.0  # 0: requests are not counted
    patience_s: float = INF
    extra: int = 0  # wanted by rules, like the next; nothing else reads them
    base_on_demand: int = 0

    number: int = 0
    seats: list[Seat] = field(default_factory=list)
    point: int = 0  # of the demand, that holds now
    looks: int = 0  # regular ones so far, left out or not
    event_look_s: float = 0.0  # the last instant with a look because of an event; the first look needs no other
    event_look_due: bool = False
    scored: bool = False  # SCORE has come
    rounds: int = 0
    round_s: float = -INF  # the last one
    changed: bool = True
    acted: bool = False  # the round has launched or stopped something
    quiet: int = 0  # rounds in a row
    orders: int = 0  # launches asked for
    claimed: Counter = field(default_factory=Counter)  # (purchase, pool) kept or asked for in this round
    asked: Counter = field(default_factory=Counter)  # of the last round
    in_use: list[bool] = field(default_factory=list)  # by pool
    counts: Counter = field(default_factory=Counter)
    figures: Figures = field(default_factory=Figures)

    @property
    def target(self) -> int:
        """Replicas that are to be ready now."""
        return self.demand[self.point][1]

    @property
    def requests_per_s(self) -> float:
        """Demand now."""
        return self.demand[self.point][2]

    def shown(self) -> tuple:
        """What is compared at every question."""
        ready, held = (
            [self.ready(purchase) for purchase in (SPOT, ON_DEMAND)],
            [self.held(purchase) for purchase in (SPOT, ON_DEMAND)],
        )
        marks = [in_use for in_use, usable in zip(self.in_use, self.usable, strict=True) if usable]
        return self.target, *ready, *held, self.rounds, marks

    @property
    def look_kind(self) -> Kind:
        """Where a regular look stands among the events of an instant."""
        return Kind.EARLY_LOOK if self.decides_before_market else Kind.LOOK

    def held(self, purchase: int, p: int | None = None) -> int:
        """Seats launched, set up or ready, of one pool or of all."""
        return sum(seat.held and seat.target[0] == purchase and p in (None, seat.target[1]) for seat in self.seats)

    def ready(self, purchase: int | None = None) -> int:
        """Replicas that serve."""
        return sum(seat.ready and purchase in (None, seat.target[0]) for seat in self.seats)

    def price(self, sim: "Simulator") -> float:
        """$/h of its cheapest on-demand pool."""
        return min(pool.on_demand_price for pool, usable in zip(sim.pools, self.usable, strict=True) if usable)

    def target_usd(self, sim: "Simulator") -> float:
        """What its target costs on on-demand from 0 to the horizon."""
        ends_s = [*(time_s for time_s, _, _ in self.demand[1:]), sim.rules.horizon_s]
        seconds = sum((end_s - from_s) * n for (from_s, n, _), end_s in zip(self.demand, ends_s, strict=True))
        return seconds / 3600.0 * self.price(sim)

    def changes(self, sim: "Simulator") -> None:
        """Something happens that is worth a look."""
        self.changed = True
        if self.looks_at_events and self.event_look_s != sim.now:
            self.event_look_s, self.event_look_due = sim.now, True


def open_services(sim: "Simulator") -> None:
    """Every seat is empty; seats are numbered one service after the other."""
    first = len(sim.tasks) if sim.world.first_seat is None else sim.world.first_seat
    for number, service in enumerate(sim.services):
        service.number, service.in_use = number, [True] * len(sim.pools)
        service.seats = [Seat(first + k, service) for k in range(service.seat_count)]
        first += service.seat_count
        note_demand(sim, service)


def note_demand(sim: "Simulator", service: Service) -> None:
    """The log names a service by its first seat."""
    sim.note("DEMAND", service.seats[0].number, value=service.target, other=service.requests_per_s)


# --- events ----------------------------------------------------------------------------------------------------------


def next_events(sim: "Simulator") -> Iterator[tuple[float, Kind, int, int]]:
    """Every event that services have in store, as (time, kind, rank, number)."""
    for s, service in enumerate(sim.services):
        if not service.scored and service.score_from_s > 0.0:
            yield service.score_from_s, Kind.SCORE, 0, s
        if service.point + 1 < len(service.demand):
            yield service.demand[service.point + 1][0], Kind.DEMAND, 0, s
        if service.looks * service.interval_s < sim.rules.horizon_s:
            yield service.looks * service.interval_s, service.look_kind, 0, s
        if service.event_look_due:
            yield sim.now, Kind.LOOK, 0, s
        for seat in service.seats:
            if seat.status == "claimed":
                yield sim.now, Kind.CLAIM, s, seat.order
            if seat.due_s < INF:
                yield seat.due_s, Kind.COMPLETION, 0, seat.number


def handle(sim: "Simulator", kind: Kind, rank: int, number: int) -> None:
    """One of these events."""
    if kind == Kind.COMPLETION:
        seats.come_due(sim, sim.seats[number])
    elif kind == Kind.CLAIM:
        seats.launch(
            sim, next(seat for seat in sim.services[rank].seats if (seat.status, seat.order) == ("claimed", number))
        )
    else:
        {Kind.SCORE: score, Kind.DEMAND: move_demand, Kind.EARLY_LOOK: look, Kind.LOOK: look}[kind](
            sim, sim.services[number]
        )


def score(sim: "Simulator", service: Service) -> None:
    """Figures count from now on."""
    service.scored, figures = True, service.figures
    figures.arrived, figures.served, figures.dropped, figures.backlog_s = figures.backlog, 0.0, 0.0, 0.0
    figures.before = [sum(part) for part in zip(*(charged(sim, seat.number) for seat in service.seats), strict=True)]


def move_demand(sim: "Simulator", service: Service) -> None:
    """The next point of the demand holds."""
    before = service.target
    service.point += 1
    note_demand(sim, service)
    if service.target != before:
        service.changes(sim)


def look(sim: "Simulator", service: Service) -> None:
    """A look is a round, unless it can be left out; the next regular one is scheduled first."""
    is_regular = service.looks * service.interval_s == sim.now
    if is_regular:
        service.looks += 1
    else:
        service.event_look_due = False
    if is_regular and service.when_changed and not service.changed and service.quiet >= 2:
        return
    if service.round_s == sim.now and not service.changed:
        return
    rounds.play(sim, service)

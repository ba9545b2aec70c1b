"""Books of services, kept from the event log alone: dollars by seat, replicas ready against the target, requests."""

from dataclasses import dataclass, field

import numpy as np

from tessera_env.engine.kinds import Stop, TaskStatus
from tessera_env.engine.state import State
from tessera_env.simulation.rows import Simulation
from tessera_env.simulation.services import service_metrics
from tests.engine.audit import Auditor, Job, Machine, is_close, price_of

HELD = (TaskStatus.CLAIMED, TaskStatus.TRYING, TaskStatus.PLACED)


@dataclass
class Book:
    """What the log has said about a service."""

    seats: dict[int, Job]
    score_from_s: float
    scored: bool = False
    target: int = 0
    ready: set[int] = field(default_factory=set)  # seats
    scored_s: float = 0.0
    below_s: float = 0.0
    ready_s: float = 0.0
    target_s: float = 0.0
    usd_before: float = 0.0


@dataclass
class ServiceAuditor(Auditor):
    """Checks a simulation's services, and its tasks beside them."""

    books: list[Book] = field(default_factory=list)

    def look(self, simulation: Simulation) -> None:
        if not self.books:
            self.open(simulation)
        super().look(simulation)
        self.compare_services(simulation)

    def open(self, simulation: Simulation) -> None:
        """Every seat is empty."""
        for spec in simulation.params.services:
            seats = {int(spec.first_seat) + k: Job() for k in range(int(spec.seat_count))}
            self.books.append(Book(seats, float(spec.score_from_s)))

    def user(self, i: int) -> Job:
        return next((book.seats[i] for book in self.books if i in book.seats), None) or self.jobs[i]

    def book_of(self, seat: int) -> Book:
        """Of the seat's service."""
        return next(book for book in self.books if seat in book.seats)

    def others_placed(self) -> list[Job]:
        return [seat for book in self.books for seat in book.seats.values() if seat.launch is not None]

    # --- the log ------------------------------------------------------------------------------------------------

    def on_demand(self, _simulation, line, target, requests_per_s) -> None:
        assert requests_per_s >= 0.0
        self.book_of(line.task).target = int(target)

    def on_ready(self, _simulation, line) -> None:
        book = self.book_of(line.task)
        assert line.task not in book.ready
        assert self.machines[line.launch].task == line.task
        assert line.time_s == book.seats[line.task].ready_s, "when it was said at its placing"
        book.ready.add(line.task)

    def on_unready(self, _simulation, line) -> None:
        self.book_of(line.task).ready.remove(line.task)

    # --- time ---------------------------------------------------------------------------------------------------

    def pass_time(self, simulation: Simulation, now_s: float) -> None:
        for book in self.books:
            if not book.scored and now_s >= book.score_from_s:
                book.scored, book.usd_before = True, self.usd_by(simulation, book, book.score_from_s)
            elapsed_s = now_s - max(self.now_s, book.score_from_s)
            if elapsed_s > 0.0:
                ready = len(book.ready)
                book.scored_s += elapsed_s
                book.below_s += elapsed_s if ready < book.target else 0.0
                book.ready_s += elapsed_s * ready
                book.target_s += elapsed_s * book.target
        super().pass_time(simulation, now_s)

    def usd_by(self, simulation: Simulation, book: Book, now_s: float) -> float:
        """What the service's seats have cost by a time, at which nothing has changed yet since the last line."""
        accounts = [seat.account for seat in book.seats.values()]
        usd = sum(account.setup_usd + account.running_usd + account.idle_usd for account in accounts)
        paid = [machine for machine in self.alive.values() if machine.payer in book.seats]
        return usd + sum(self.uncharged_usd(simulation, machine, now_s) for machine in paid)

    def uncharged_usd(self, simulation: Simulation, machine: Machine, now_s: float) -> float:
        """What a machine has cost since it was last charged for."""
        from_s = machine.billing_start_s + machine.charged_s
        return price_of(simulation, machine, from_s, now_s) if now_s > from_s else 0.0

    # --- comparisons --------------------------------------------------------------------------------------------

    def penalties_usd(self, simulation: Simulation) -> float:
        return super().penalties_usd(simulation) + float(simulation.state.services[0].penalty_usd.sum())

    def compare_services(self, simulation: Simulation) -> None:
        """The engine's figures are those of the books."""
        for k, book in enumerate(self.books):
            service = simulation.state.services[0, k]
            for name in ("scored_s", "below_s", "ready_s", "target_s"):
                assert is_close(float(service[name]), getattr(book, name)), name
            compare_counts(simulation.state, k, book)
            kept = service.served + service.dropped + service.backlog
            assert abs(service.arrived - kept) <= 1e-6 * max(1.0, service.arrived), (
                "arrived = served + dropped + waiting"
            )
            assert service.served >= 0.0 and service.dropped >= 0.0 and service.backlog >= 0.0
        self.compare_seats(simulation)
        self.compare_metrics(simulation)

    def compare_seats(self, simulation: Simulation) -> None:
        """Each seat's part of the bill."""
        for book in self.books:
            for i, seat in book.seats.items():
                record = simulation.state.tasks[0, i]
                for name in ("setup_usd", "running_usd", "idle_usd", "spot_s", "on_demand_s"):
                    assert is_close(float(record[name]), vars(seat.account)[name]), (i, name)

    def compare_metrics(self, simulation: Simulation) -> None:
        """Availability is the ready timeline's, dollars are price over billed time from `score_from_s` on."""
        values = service_metrics(simulation.params, simulation.state, np.array([0]))
        shares = [1.0 - book.below_s / max(book.scored_s, 1e-12) for book in self.books]
        assert is_close(float(values["availability"][0]), sum(shares) / len(shares)), "availability"
        if all(book.scored for book in self.books):
            usd = sum(self.usd_by(simulation, book, self.now_s) - book.usd_before for book in self.books)
            assert is_close(float(values["service_usd"][0]), usd), "service_usd"


def compare_counts(state: State, k: int, book: Book) -> None:
    """The engine's counts of replicas: ready ones by the log, held ones by the seats; no more than there are seats."""
    service, known = state.services[0, k], state.service_pools[0, k]
    assert service.ready_spot + service.ready_on_demand == len(book.ready)
    if state.episodes[0].status == Stop.DONE:
        return
    held = sum(int(state.tasks[0, i].status) in HELD for i in book.seats)
    assert held == service.held_spot + service.held_on_demand <= len(book.seats)
    assert (service.held_spot, service.held_on_demand) == (known.held.sum(), known.held_on_demand.sum())

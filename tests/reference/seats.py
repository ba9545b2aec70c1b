"""A seat of a service: its replica is asked for, launched, ready, noticed, moved and stopped."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference import accounts
from tests.reference.world import INF, Account, Instance

if TYPE_CHECKING:
    from tests.reference.services import Service
    from tests.reference.simulator import Simulator

Target = tuple[int, int]  # purchase, pool


@dataclass(eq=False)
class Seat:
    """One seat, and the replica in it."""

    number: int
    service: "Service"
    status: str = "empty"  # claimed, trying, placed, leaving
    target: Target = (-1, -1)  # where its replica is, or was asked for
    order: int = -1  # launches that were asked for before its own
    asked_round: int = 0  # when it was asked last
    due_s: float = INF  # it is ready, has drained, or is seen to have failed
    placed_s: float = 0.0
    ready_s: float = INF
    ready: bool = False
    instance: Instance | None = None
    predecessor: "Seat | None" = None  # stops when this one is ready
    account: Account = field(default_factory=Account)

    @property
    def held(self) -> bool:
        """It has a replica, or is to have one."""
        return self.status in ("claimed", "trying", "placed")


def successor(seat: Seat) -> Seat | None:
    """The seat whose replica is to take over from this one's."""
    return next((other for other in seat.service.seats if other.predecessor is seat), None)


def unlink(seat: Seat) -> None:
    """It takes over from none, and none from it."""
    after = successor(seat)
    seat.predecessor = None
    if after is not None:
        after.predecessor = None


# --- launch ----------------------------------------------------------------------------------------------------------


def ask_for(sim: "Simulator", seat: Seat, target: Target) -> None:
    """The seat is to have a replica there: at once, or after the market has moved."""
    service = seat.service
    seat.status, seat.target, seat.order = "claimed", target, service.orders
    service.orders += 1
    service.acted = True
    if not service.decides_before_market:
        launch(sim, seat)


def launch(sim: "Simulator", seat: Seat) -> None:
    """An idle instance, or a new one; without capacity the launch fails, seen at once or later."""
    service = seat.service
    instance = sim.found(seat.number, seat.target)
    if instance is not None:
        place(sim, seat, instance)
    elif service.launch_failure_s > 0.0:
        seat.status, seat.due_s = "trying", sim.now + service.launch_failure_s
    else:
        fail(sim, seat)
        service.changed = True


def place(sim: "Simulator", seat: Seat, instance: Instance) -> None:
    """The replica is set up on the instance."""
    instance.task, instance.idled = seat.number, None
    seat.instance, seat.status, seat.placed_s = instance, "placed", sim.now
    load_s = sim.load_s(instance.pool, seat.service.model_mb)
    seat.ready_s = seat.due_s = max(sim.now, instance.setup_done_s) + load_s + seat.service.setup_s
    accounts.place(sim, instance, seat.number, seat.ready_s)
    sim.note("PLACE", seat.number, instance.number, seat.ready_s)


def fail(sim: "Simulator", seat: Seat) -> None:
    """Nothing came of the launch."""
    unlink(seat)
    seat.status, seat.due_s = "empty", INF
    seat.service.counts["failed_launches"] += 1
    sim.fail(seat.number, seat.target)


def come_due(sim: "Simulator", seat: Seat) -> None:
    """What was to come: ready, drained, or failed."""
    if seat.status == "leaving":
        seat.service.changed = True
        return release(sim, seat)
    if seat.status == "trying":
        fail(sim, seat)
    else:
        become_ready(sim, seat)
    return seat.service.changes(sim)


def become_ready(sim: "Simulator", seat: Seat) -> None:
    """The replica serves; the one that it takes over from stops."""
    seat.ready, seat.due_s = True, INF
    sim.note("READY", seat.number, seat.instance.number)
    before, seat.predecessor = seat.predecessor, None
    if before is not None:
        stop(sim, before)


# --- stop ------------------------------------------------------------------------------------------------------------


def stop(sim: "Simulator", seat: Seat) -> None:
    """The replica is not wanted any more; a ready one may drain first."""
    service = seat.service
    service.acted = True
    service.counts["stops"] += 1
    unlink(seat)
    if seat.status == "trying":
        seat.status, seat.due_s = "empty", INF
    elif seat.ready and service.drain_s > 0.0:
        end_serving(sim, seat)
        seat.status, seat.due_s = "leaving", sim.now + service.drain_s
    else:
        release(sim, seat)


def end_serving(sim: "Simulator", seat: Seat) -> None:
    """A ready replica is not ready any more."""
    if seat.ready:
        seat.ready = False
        sim.note("UNREADY", seat.number, seat.instance.number)


def leave(sim: "Simulator", seat: Seat) -> Instance:
    """The seat is empty; its last account goes on paying for the instance."""
    if not sim.over:
        end_serving(sim, seat)
    instance = seat.instance
    accounts.vacate(sim, instance)
    sim.totals["setup_s"] += max(0.0, min(seat.ready_s, sim.now) - max(seat.placed_s, instance.billing_start_s))
    sim.note("STOP", seat.number, instance.number)
    seat.status, seat.due_s, seat.instance, instance.task = "empty", INF, None, None
    return instance


def release(sim: "Simulator", seat: Seat) -> None:
    """The seat gives its instance back."""
    sim.vacate(leave(sim, seat))


def move(sim: "Simulator", seat: Seat, target: Target) -> None:
    """To another placement: the new replica first where that can be, else the old one stops first."""
    service = seat.service
    empty = [other for other in service.seats if other.status == "empty"]
    if service.make_before_break and seat.status == "placed" and seat.ready and empty:
        empty[0].predecessor = seat
        return move_to(sim, empty[0], target)
    stop(sim, seat)
    empty = [other for other in service.seats if other.status == "empty"]
    return move_to(sim, seat if seat.status == "empty" else empty[0], target) if empty else None


def move_to(sim: "Simulator", seat: Seat, target: Target) -> None:
    """The new replica's seat is not asked in this round any more."""
    seat.asked_round = seat.service.rounds
    ask_for(sim, seat, target)


# --- a notice --------------------------------------------------------------------------------------------------------


def lose(sim: "Simulator", seat: Seat) -> None:
    """Its instance was given notice: the replica serves on, or is gone."""
    service, drains = seat.service, seat.status == "leaving"
    service.counts["preemptions"] += not drains
    unlink(seat)
    if seat.ready and service.serves_at_notice:
        seat.status = "leaving"
    else:
        leave(sim, seat)
    service.changes(sim)


def end(sim: "Simulator", seat: Seat) -> None:
    """The instance that a noticed replica served on is gone."""
    leave(sim, seat)
    seat.service.changes(sim)

"""A round of a service: its pools are marked, then its seats are asked one after the other."""

from collections import Counter
from typing import TYPE_CHECKING

from tests.reference import seats
from tests.reference.seats import Seat, Target
from tests.reference.world import NONE, SPOT, AskReason

if TYPE_CHECKING:
    from tests.reference.services import Service
    from tests.reference.simulator import Simulator


def play(sim: "Simulator", service: "Service") -> None:
    """Mark, ask everyone, and remember what was asked for."""
    was_changed = service.changed
    service.rounds, service.round_s = service.rounds + 1, sim.now
    service.changed = service.acted = False
    is_anew = service.rounds > 1 and mark(service)
    service.quiet = 0 if was_changed or is_anew else service.quiet + 1
    service.claimed = Counter()
    while (seat := next_seat(service)) is not None:
        was_empty, seat.asked_round = seat.status == "empty", service.rounds
        target = ask(sim, seat)
        if target is None and was_empty:
            break
        act(sim, seat, target)
    service.asked = service.claimed
    service.changed = service.changed or service.acted


def mark(service: "Service") -> bool:
    """Which pools are in use: those that kept what was asked for there; returns whether that is new for any."""
    before = list(service.in_use)
    usable = [p for p, is_usable in enumerate(service.usable) if is_usable]
    for p in usable:
        asked = service.asked[SPOT, p]
        if asked > service.held(SPOT, p):
            service.in_use[p] = False
        elif asked > 0:
            service.in_use[p] = True
    count = sum(service.in_use[p] for p in usable)
    if count <= (1 if len(usable) > 3 else 0) and count < len(usable):
        for p in usable:
            service.in_use[p] = True
    return service.in_use != before


def next_seat(service: "Service") -> Seat | None:
    """Replicas by age, without those that another one is to take over from, then empty seats; each once."""
    left = [seat for seat in service.seats if seat.asked_round < service.rounds]
    held = [seat for seat in left if seat.status in ("placed", "trying") and seats.successor(seat) is None]
    empty = [seat for seat in left if seat.status == "empty"]
    return min(held, key=lambda seat: seat.order) if held else next(iter(empty), None)


def ask(sim: "Simulator", seat: Seat) -> Target | None:
    """Where the policy wants the seat's replica to be; none: nowhere."""
    count = len(sim.pools)
    valid = [True, *seat.service.usable, *seat.service.usable]
    action = sim.answer(seat.number, AskReason.LOOK, valid)
    if not (0 <= action < len(valid) and valid[action]):
        sim.totals["invalid_actions"] += 1
        stays = seat.status != "empty" and not sim.rules.invalid_waits
        action = 1 + seat.target[0] * count + seat.target[1] if stays else 0
    sim.note("DECISION", seat.number, NONE, action, AskReason.LOOK)
    return divmod(action - 1, count) if action > 0 else None


def act(sim: "Simulator", seat: Seat, target: Target | None) -> None:
    """Keep, move, stop or launch."""
    if target is None:
        return seats.stop(sim, seat)
    seat.service.claimed[target] += 1
    if seat.status == "empty":
        return seats.ask_for(sim, seat, target)
    return seats.move(sim, seat, target) if target != seat.target else None

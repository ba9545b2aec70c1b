"""Who pays: every billed second of an instance is charged to its last user, or to the task that it is prepared for."""

from typing import TYPE_CHECKING

from tests.reference.world import SPOT, Instance

if TYPE_CHECKING:
    from tests.reference.simulator import Simulator

SETUP, RUNNING, IDLE = "setup_usd", "running_usd", "idle_usd"  # what an instance is used for, by the account's names


def use(sim: "Simulator", instance: Instance, i: int, what: str, from_s: float | None = None) -> None:
    """From now, or from a later time on, the task uses the instance so; what was to come later does not come."""
    instance.uses = [known for known in instance.uses if known[0] <= sim.now]
    instance.uses.append((sim.now if from_s is None else from_s, i, what))


def place(sim: "Simulator", instance: Instance, i: int, ready_s: float) -> None:
    """The task sets itself up on the instance, and runs from `ready_s` on."""
    use(sim, instance, i, SETUP)
    use(sim, instance, i, RUNNING, ready_s)


def vacate(sim: "Simulator", instance: Instance) -> None:
    """The instance has no task, and is prepared for none, any more; its last one goes on paying."""
    _, last, _ = past(sim, instance)[-1]
    use(sim, instance, last, IDLE)


def past(sim: "Simulator", instance: Instance) -> list[tuple[float, int, str]]:
    """The instance's uses that have begun."""
    return [known for known in instance.uses if known[0] <= sim.now]


def settle(sim: "Simulator", instance: Instance, billed_s: float) -> None:
    """Share out the bill of an instance that has ended; what is billed beyond its use is idle, and so is a refund."""
    begun = past(sim, instance)
    ends_s = [*(from_s for from_s, _, _ in begun[1:]), sim.now]
    rest_usd, rest_s = instance.dollars, billed_s
    for (from_s, i, what), end_s in zip(begun, ends_s, strict=True):
        from_s, end_s = max(from_s, instance.billing_start_s), max(end_s, instance.billing_start_s)
        usd = sim.price_of(instance, from_s, end_s)
        charge(sim, instance, i, what, usd, end_s - from_s)
        rest_usd, rest_s = rest_usd - usd, rest_s - (end_s - from_s)
    charge(sim, instance, begun[-1][1], IDLE, rest_usd, rest_s)


def charge(sim: "Simulator", instance: Instance, i: int, what: str, usd: float, seconds: float) -> None:
    """Add to a task's account."""
    account = sim.tasks[i].account
    setattr(account, what, getattr(account, what) + usd)
    if instance.purchase == SPOT:
        account.spot_s += seconds
    else:
        account.on_demand_s += seconds


def penalise(sim: "Simulator", i: int, share: float) -> None:
    """The task costs this share of what all work costs on on-demand beside its instances."""
    sim.penalty += share
    sim.tasks[i].account.penalty_usd += share * sim.scale_usd()

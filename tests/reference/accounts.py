"""What an instance costs, and who pays.

Every billed second is charged to the instance's last user, or to the task that it is prepared for.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.reference.world import ON_DEMAND, SPOT, Instance

if TYPE_CHECKING:
    from tests.reference.simulator import Simulator

SETUP, RUNNING, IDLE = "setup_usd", "running_usd", "idle_usd"  # what an instance is used for, by the account's names


# --- dollars ----------------------------------------------------------------------------------------------------------


def bill(sim: "Simulator", instance: Instance, interrupted: bool) -> float:
    """What the instance costs; returns the end of what is charged."""
    rules, start_s, pool = sim.rules, instance.billing_start_s, sim.pools[instance.pool]
    length_s = max(sim.now - start_s, rules.billing_minimum_s)
    if rules.billing_increment_s > 0.0:
        length_s = math.ceil(length_s / rules.billing_increment_s) * rules.billing_increment_s
    if instance.purchase == ON_DEMAND:
        instance.dollars = length_s * pool.on_demand_price / 3600.0
    elif not (interrupted and rules.free_first_hour and sim.now - start_s < 3600.0):
        instance.dollars = price_of(sim, instance, start_s, start_s + length_s)
    name = "spot" if instance.purchase == SPOT else "on_demand"
    sim.totals[name + "_usd"] += instance.dollars
    sim.totals[name + "_s"] += length_s
    settle(sim, instance, length_s)
    return start_s + length_s


def price_of(sim: "Simulator", instance: Instance, from_s: float, to_s: float) -> float:
    """What the instance costs from one time to another, at the prices of the moment."""
    pool = sim.pools[instance.pool]
    if instance.purchase == SPOT:
        return pool.spot_dollars(to_s) - pool.spot_dollars(from_s)
    return (to_s - from_s) * pool.on_demand_price / 3600.0


# --- accounts ---------------------------------------------------------------------------------------------------------


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
    rest_usd, rest_s = instance.dollars, billed_s
    for i, what, usd, seconds in shares(sim, instance):
        charge(sim, instance, i, what, usd, seconds)
        rest_usd, rest_s = rest_usd - usd, rest_s - seconds
    charge(sim, instance, past(sim, instance)[-1][1], IDLE, rest_usd, rest_s)


def shares(sim: "Simulator", instance: Instance) -> Iterator[tuple[int, str, float, float]]:
    """Who has used the instance for what up to now: dollars and seconds."""
    begun = past(sim, instance)
    ends_s = [*(from_s for from_s, _, _ in begun[1:]), sim.now]
    for (from_s, i, what), end_s in zip(begun, ends_s, strict=True):
        from_s, end_s = max(from_s, instance.billing_start_s), max(end_s, instance.billing_start_s)
        yield i, what, price_of(sim, instance, from_s, end_s), end_s - from_s


def charged(sim: "Simulator", i: int) -> tuple[float, float, float]:
    """Dollars, seconds of spot and of on-demand that a task or seat has used up to now."""
    account = sim.account(i)
    usd = account.setup_usd + account.running_usd + account.idle_usd
    seconds = [account.spot_s, account.on_demand_s]
    for instance in sim.alive:
        for j, _, more_usd, more_s in shares(sim, instance):
            if j == i and instance.billing:
                usd += more_usd
                seconds[instance.purchase] += more_s
    return usd, seconds[SPOT], seconds[ON_DEMAND]


def charge(sim: "Simulator", instance: Instance, i: int, what: str, usd: float, seconds: float) -> None:
    """Add to a task's account."""
    account = sim.account(i)
    setattr(account, what, getattr(account, what) + usd)
    if instance.purchase == SPOT:
        account.spot_s += seconds
    else:
        account.on_demand_s += seconds


def penalise(sim: "Simulator", i: int, share: float) -> None:
    """The task costs this share of what all work costs on on-demand beside its instances."""
    sim.penalty += share
    sim.tasks[i].account.penalty_usd += share * sim.scale_usd()

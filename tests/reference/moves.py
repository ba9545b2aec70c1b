"""A task goes to another instance; it may work on until that is set up, or after a notice until saving has to begin."""

from typing import TYPE_CHECKING

from tests.reference import accounts, seats
from tests.reference.mask import Mask
from tests.reference.world import INF, NONE, ON_DEMAND, SPOT, AskReason, Instance, Task

if TYPE_CHECKING:
    from tests.reference.simulator import Simulator


def hand_over_s(task: Task) -> float:
    """When the task leaves its instance: the next one is set up, or its own is about to end."""
    return min(task.stop_s, task.next.setup_done_s if task.next else INF)


def is_ready(sim: "Simulator", instance: Instance) -> bool:
    """Whether the instance's set-up is over."""
    return instance.setup_done_s <= sim.now


# --- the next instance -----------------------------------------------------------------------------------------------


def may_prepare(sim: "Simulator", i: int, instance: Instance) -> bool:
    """Whether the task works on until the instance is set up: not where no work runs, or where it might be late."""
    task = sim.tasks[i]
    if not sim.rules.make_before_break or is_ready(sim, instance) or task.ready_s > sim.now:
        return False
    if not sim.rules.deadline_guard or task.deadline_s == INF:
        return True
    here, mask = task.instance, Mask(sim, i)
    may_lose_work = here.purchase == SPOT and mask.may_lose_work(here.pool)
    if may_lose_work and not mask.in_time(instance.setup_done_s - sim.now, mask.work_left_at_save()):
        return False
    return sim.rules.checkpoint_cost_s == 0.0 or is_in_time_after_pauses(sim, i, instance)


def is_in_time_after_pauses(sim: "Simulator", i: int, instance: Instance) -> bool:
    """Whether the task makes its deadline though it takes the pauses that a stop now would save it."""
    task = sim.tasks[i]
    latest_s = task.deadline_s - sim.rules.guard_margin_s
    if instance.purchase == ON_DEMAND:
        return task.completion_s + sim.load_s(instance.pool, task.state_cap_mb) <= latest_s
    return task.completion_s + sim.rules.decision_interval_s <= latest_s - sim.quickest_changeover_s(i)


def prepare(sim: "Simulator", i: int, instance: Instance) -> None:
    """The task works on where it is until the instance is set up; it is not asked meanwhile."""
    task = sim.tasks[i]
    task.next, task.status, task.ask, task.prepared_s = instance, "placed", None, sim.now
    instance.prepared_for, instance.idled, instance.reserved = i, None, False
    accounts.use(sim, instance, i, accounts.SETUP)
    sim.note("PREPARE", i, instance.number, hand_over_s(task))


def forget_next(sim: "Simulator", i: int) -> Instance:
    """The instance is not the task's next one any more."""
    task = sim.tasks[i]
    instance, task.next, task.moving = task.next, None, False
    instance.prepared_for = None
    return instance


def give_up_next(sim: "Simulator", i: int) -> None:
    """The task does not need the instance that is prepared for it."""
    instance = forget_next(sim, i)
    accounts.vacate(sim, instance)
    sim.vacate(instance)


def take_next(sim: "Simulator", i: int) -> None:
    """The task, which has stopped, goes onto the instance that was prepared for it."""
    sim.totals["moves"] += sim.tasks[i].moving
    sim.place(i, forget_next(sim, i))


def lose_next(sim: "Simulator", i: int) -> None:
    """The next instance was given notice: the task is asked at once, and works on meanwhile."""
    accounts.vacate(sim, forget_next(sim, i))
    if sim.tasks[i].instance.noticed:
        displace(sim, i)
    elif sim.tasks[i].prepared_s == sim.now:
        sim.ask_again(i, AskReason.RECONSIDER)  # asked at once, it could move again and again at one instant
    else:
        sim.tasks[i].ask = (sim.now, AskReason.RECONSIDER)


def hand_over(sim: "Simulator", i: int) -> None:
    """The task leaves its instance, with all its work saved."""
    task = sim.tasks[i]
    if task.instance.noticed:
        stop_in_time(sim, i)
    else:
        leave(sim, i)
    if task.next is not None:
        take_next(sim, i)
    else:
        sim.wait(i)
        task.ask = (sim.now, AskReason.RETRY)


def leave(sim: "Simulator", i: int) -> None:
    """The task gives up its instance of its own will, with all its work saved."""
    task = sim.tasks[i]
    if task.instance.purchase == SPOT:
        task.left_spot_s = sim.now
    sim.vacate(sim.stop(i, sim.done_now(task)))


# --- a notice --------------------------------------------------------------------------------------------------------


def give_notice(sim: "Simulator", instance: Instance, end_s: float, by_lifetime: bool) -> None:
    """The instance will be gone; its task works on, or moves, or is asked where to go."""
    on_it = instance.task if instance.task is not None else instance.prepared_for
    if instance.reserved:
        accounts.vacate(sim, instance)
    instance.noticed, instance.by_lifetime, instance.end_s = True, by_lifetime, end_s
    instance.idled, instance.reserved = None, False
    sim.totals["interruptions"] += 1
    sim.note("NOTICE", NONE if on_it is None else on_it, instance.number, end_s)
    if instance.prepared_for is not None:
        lose_next(sim, instance.prepared_for)
    elif instance.task in sim.seats:
        seats.lose(sim, sim.seats[instance.task])
    elif instance.task is not None:
        lose_instance(sim, instance.task)


def lose_instance(sim: "Simulator", i: int) -> None:
    """What the task does whose instance was given notice."""
    task = sim.tasks[i]
    uses_grace = sim.rules.just_in_time and task.ready_s <= sim.now
    if uses_grace and task.completion_s <= task.instance.end_s:
        task.ask = None
        if task.next is not None:
            give_up_next(sim, i)
        return
    task.interruptions += 1
    stop_s = latest_stop_s(sim, i)
    if uses_grace and stop_s > sim.now:
        task.stop_s = stop_s
        if task.next is None:
            displace(sim, i)
    else:
        stop_at_notice(sim, i)


def latest_stop_s(sim: "Simulator", i: int) -> float:
    """The latest time at which the task, working on, can still be saved in full before its instance ends."""
    task, rules, end_s = sim.tasks[i], sim.rules, sim.tasks[i].instance.end_s
    if not rules.saves_at_notice:
        return -INF
    # t + s_per_mb x min(base + growth x (work done by t), cap) = the end; what is done is an upper bound
    s_per_mb = rules.full_fraction / rules.transfer_mb_per_s(sim.pools[task.instance.pool])
    base_mb = task.state_base_mb + task.state_growth_mb_per_s * (sim.done_now(task) - max(sim.now, task.ready_s))
    growing_s = (end_s - s_per_mb * base_mb) / (1.0 + s_per_mb * task.state_growth_mb_per_s)
    return min(max(growing_s, end_s - s_per_mb * task.state_cap_mb), end_s)


def stop_at_notice(sim: "Simulator", i: int) -> None:
    """The task stops at once, and saves what it can: with all of it, it goes to its next instance, if it has one."""
    task = sim.tasks[i]
    kept_s, lost_s = sim.checkpoint(i, task.instance)
    if task.next is not None and lost_s > 0.0:
        give_up_next(sim, i)
    sim.stop(i, kept_s, lost_s)
    if task.next is not None:
        take_next(sim, i)
    else:
        displace(sim, i)


def stop_in_time(sim: "Simulator", i: int) -> None:
    """The task leaves its noticed instance while all its work can be saved."""
    task = sim.tasks[i]
    done_s = sim.done_now(task)
    unsaved_s = done_s - sim.saved_now(task)
    if unsaved_s > 0.0:
        sim.count_checkpoint(i, "full", unsaved_s)
    sim.stop(i, done_s)


def displace(sim: "Simulator", i: int) -> None:
    """The task is asked where to go, and moved when all have been asked."""
    sim.tasks[i].status, sim.tasks[i].ask = "displaced", (sim.now, AskReason.INTERRUPTION)
    sim.migrate_due = True


def assign(sim: "Simulator", i: int, instance: Instance) -> None:
    """A displaced task gets an instance; one that still works moves when that is set up."""
    task = sim.tasks[i]
    if task.instance is None:
        sim.place(i, instance)
    elif is_ready(sim, instance):
        stop_in_time(sim, i)
        sim.place(i, instance)
    else:
        prepare(sim, i, instance)


def move_cost(sim: "Simulator", i: int, instance: Instance) -> float:
    """Seconds until the displaced task runs there."""
    task = sim.tasks[i]
    if task.memory_mb > sim.pools[instance.pool].gpu_memory_mb:
        return INF
    left_s = max(0.0, instance.setup_done_s - sim.now)
    seconds = left_s + sim.load_s(instance.pool, task.state_mb(sim.done_now(task)))
    return INF if late_by_choice(sim, i, instance, seconds) else seconds


def late_by_choice(sim: "Simulator", i: int, instance: Instance, seconds: float) -> bool:
    """Whether the guard forbids it: late there on on-demand, though another launch would be in time."""
    task, rules = sim.tasks[i], sim.rules
    if not rules.deadline_guard or instance.purchase != ON_DEMAND or task.deadline_s == INF or task.interactive:
        return False
    run_s = rules.run_time(task.work_s - sim.done_now(task))
    latest_s = task.deadline_s - rules.guard_margin_s
    return sim.now + seconds + run_s > latest_s and sim.now + sim.quickest_changeover_s(i) + run_s <= latest_s

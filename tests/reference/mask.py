"""Which actions are valid, by the rules alone: memory that does not fit, and the deadline guard."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.reference.world import INF, ON_DEMAND, SPOT

if TYPE_CHECKING:
    from tests.reference.simulator import Simulator


def valid_actions(sim: "Simulator", i: int) -> list[bool]:
    """One flag for each action of the task that is asked."""
    return Mask(sim, i).all_actions()


def nearest_valid(sim: "Simulator", i: int, valid: list[bool]) -> int:
    """What is done where the answer is not valid: stay, else wait, else go where it starts soonest."""
    task, count = sim.tasks[i], len(sim.pools)
    stay = 1 + task.instance.purchase * count + task.instance.pool if task.status == "placed" else 0
    if valid[stay]:
        return stay
    if valid[0]:
        return 0
    mask = Mask(sim, i)
    return min((a for a in range(1, len(valid)) if valid[a]), key=lambda a: mask.start_time((a - 1) % count), default=0)


@dataclass
class Mask:
    """Which actions are valid for a task now."""

    sim: "Simulator"
    i: int

    def all_actions(self) -> list[bool]:
        """One flag for each action."""
        sim, task, count = self.sim, self.sim.tasks[self.i], len(self.sim.pools)
        targets = [(purchase, p) for purchase in (SPOT, ON_DEMAND) for p in range(count)]
        fits = [task.memory_mb <= sim.pools[p].gpu_memory_mb for _, p in targets]
        if not sim.rules.deadline_guard or task.interactive or task.deadline_s == INF:
            return [True, *fits]
        valid = [self.may_wait()] + [fit and self.may_go(target) for fit, target in zip(fits, targets, strict=True)]
        if not any(valid):
            fitting = [p for p in range(count) if fits[p]]
            best = min(fitting, key=lambda p: self.on_demand_time(p, self.work_left()))
            valid[1 + count + best] = True
        return valid

    def work_left(self) -> float:
        """Work left now."""
        task = self.sim.tasks[self.i]
        return task.work_s - self.sim.done_now(task)

    def work_left_at_save(self) -> float:
        """Work left if all is lost that is not saved; what is displaced is saved, or will be before it stops."""
        task = self.sim.tasks[self.i]
        return task.work_s - (self.sim.saved_now(task) if task.status == "placed" else self.sim.done_now(task))

    def here(self):
        """Where the task is and may stay, as (purchase, pool), or None."""
        task = self.sim.tasks[self.i]
        return (task.instance.purchase, task.instance.pool) if task.status == "placed" else None

    def start_time(self, p: int) -> float:
        """Time from a launch until the task could run, with its final state."""
        pool = self.sim.pools[p]
        return pool.longest_start_s + self.sim.load_s(p, self.sim.tasks[self.i].state_cap_mb)

    def on_demand_time(self, p: int, work_s: float) -> float:
        """Time from a launch on on-demand in the pool until the work is done."""
        return self.start_time(p) + self.sim.rules.run_time(work_s)

    def best_on_demand_time(self, work_s: float) -> float:
        """The least over the pools that fit."""
        memory_mb, pools = self.sim.tasks[self.i].memory_mb, self.sim.pools
        fitting = [p for p in range(len(pools)) if memory_mb <= pools[p].gpu_memory_mb]
        return min(self.on_demand_time(p, work_s) for p in fitting)

    def in_time(self, delay_s: float, work_s: float) -> bool:
        """Whether on-demand, begun after the delay, still makes the deadline."""
        sim = self.sim
        latest_s = sim.tasks[self.i].deadline_s - sim.rules.guard_margin_s
        return sim.now + delay_s + self.best_on_demand_time(work_s) <= latest_s

    def may_wait(self) -> bool:
        """Wait for one decision interval."""
        return self.in_time(self.sim.rules.decision_interval_s, self.work_left())

    def may_go(self, target) -> bool:
        """Stay at or go to a placement."""
        sim, task = self.sim, self.sim.tasks[self.i]
        if target != self.here() and not self.can_be_had(target):
            return self.may_go(self.here()) if self.here() else self.may_wait()
        if target[0] == ON_DEMAND:
            latest_s = task.deadline_s - sim.rules.guard_margin_s
            return target == self.here() or sim.now + self.on_demand_time(target[1], self.work_left()) <= latest_s
        if task.status == "displaced" and self.may_get_another(target[1]):
            return self.may_wait()
        if self.may_lose_next(target) and not self.may_go(self.here()):
            return False
        return self.may_go_spot(target)

    def may_lose_next(self, target) -> bool:
        """Whether a task that moves may end up where it is, since the new instance is noticed as it is launched."""
        moves = self.sim.rules.make_before_break and self.here() and target != self.here()
        return bool(moves) and self.may_be_short_lived(target[1])

    def may_be_short_lived(self, p: int) -> bool:
        """Whether a spot instance may be noticed as it is launched."""
        mortal = any(self.sim.pools[p].hazard_per_s) or self.sim.pools[p].bathtub is not None
        return self.sim.rules.notice_s > 0.0 and mortal

    def may_get_another(self, p: int) -> bool:
        """Whether a displaced task may end up with no instance, or with one where it can lose its work."""
        sim, task = self.sim, self.sim.tasks[self.i]
        several = sum(other.status == "displaced" for other in sim.tasks) > 1
        lossy = any(
            n.idled is not None and n.purchase == SPOT and self.may_lose_work(n.pool)
            for n in sim.alive
            if task.memory_mb <= sim.pools[n.pool].gpu_memory_mb
        )
        return several or self.may_be_short_lived(p) or lossy

    def can_be_had(self, target) -> bool:
        """Whether asking for the placement now would give an instance."""
        idle = len(self.sim.idle(target)) - self.sim.claimed.get(target, 0)
        return target[0] == ON_DEMAND or idle > 0 or self.sim.room(target)

    def may_go_spot(self, target) -> bool:
        """Spot: whatever happens there, on-demand can still make it."""
        sim, task, p = self.sim, self.sim.tasks[self.i], target[1]
        interval_s = sim.rules.decision_interval_s
        if self.may_lose_work(p):
            saves = sim.rules.guard_counts_saves and self.here() and self.here()[0] == ON_DEMAND  # the move saves all
            return self.in_time(interval_s, self.work_left() if saves else self.work_left_at_save())
        changeover_s = self.start_time(p) if target != self.here() else max(0.0, task.ready_s - sim.now)
        return self.in_time(min(changeover_s, interval_s), self.work_left())

    def may_lose_work(self, p: int) -> bool:
        """Whether the grace period in the pool can be too short for the task's largest state."""
        rules, cap_mb = self.sim.rules, self.sim.tasks[self.i].state_cap_mb
        return not rules.saves_at_notice or self.sim.savable_share(p, cap_mb) < rules.full_fraction

"""The simulator once more, slow and obvious, in plain Python; it shares no code with the engine.

A world is plain data (`World`), a policy is a callable from a `Decision` to an action. There is no event queue:
after every event the next one is searched for in the state, so an event can neither be stale nor out of order.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.reference import accounts, figures, moves, seats, services
from tests.reference.asking import ask_about_room, ask_event, change_of_room
from tests.reference.mask import nearest_valid, valid_actions
from tests.reference.world import INF, NONE, ON_DEMAND, SPOT, Account, AskReason, Instance, Kind, Task, World


@dataclass
class Decision:
    """One question to the policy: where should this task be?"""

    time_s: float
    reason: AskReason
    task: int
    mask: list[bool]
    dollars: float  # settled and accrued so far
    penalty: float  # so far
    services: list[tuple] = field(default_factory=list)  # what each shows of itself


@dataclass
class Simulator:
    """Plays one episode; `planner(cost)` gives a column or -1 for each row of a cost matrix in seconds."""

    world: World
    choose: Callable[[Decision], int]
    planner: Callable[[list[list[float]]], list[int]]
    now: float = 0.0
    over: bool = False
    instances: list[Instance] = field(default_factory=list)  # by launch number
    alive: list[Instance] = field(default_factory=list)  # those that have not ended, likewise
    decisions: list[Decision] = field(default_factory=list)
    log: list[tuple] = field(default_factory=list)
    totals: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    penalty: float = 0.0

    def __post_init__(self):
        self.rules, self.pools, self.tasks = self.world.rules, self.world.pools, self.world.tasks
        self.spot_launches = [0] * len(self.pools)
        self.on_demand_tries = [0] * len(self.pools)
        self.claimed = {}
        self.migrate_due = self.room_freed = False
        self.market_seen = [0] * len(self.pools)  # last point handled
        self.idle_count = 0
        self.services = self.world.services
        services.open_services(self)
        self.seats = {seat.number: seat for service in self.services for seat in service.seats}

    def run(self) -> "Simulator":
        """To the end of the episode."""
        while not self.over:
            time_s, kind, rank, number = min(self.next_events())
            assert time_s >= self.now
            self.pass_time(time_s)
            if kind.name.startswith("ASK"):
                self.decide(number, self.tasks[number].ask[1])
            elif kind in services.KINDS or (kind == Kind.COMPLETION and number in self.seats):
                services.handle(self, kind, rank, number)
            else:
                getattr(self, "on_" + kind.name.lower())(number)
            if self.room_freed and not self.over:
                ask_about_room(self)
        return self

    # --- what happens next -------------------------------------------------------------------------------------

    def next_events(self):
        """Every event that the state has in store, as (time, kind, rank, number): urgency or service, mostly 0."""
        yield from services.next_events(self)
        yield self.rules.horizon_s, Kind.HORIZON, 0, 0
        if self.migrate_due:
            yield self.now, Kind.MIGRATE, 0, 0
        for i, task in enumerate(self.tasks):
            if task.status == "future":
                yield task.arrival_s, Kind.ARRIVAL, 0, i
            if task.instance is not None:
                yield task.completion_s, Kind.COMPLETION, 0, i
                yield moves.hand_over_s(task), Kind.HANDOVER, 0, i
            if task.ask is not None:
                yield ask_event(self, i)
        for instance in self.alive:
            for time_s, kind in self.events_of(instance):
                yield time_s, kind, 0, instance.number
        for p in range(len(self.pools)):
            yield self.next_capacity_change(p), Kind.MARKET, 0, p

    def events_of(self, instance: Instance):
        """What is in store for an instance that has not ended."""
        if instance.noticed:
            yield instance.end_s, Kind.END
        elif instance.lifetime_notice_s < INF:
            yield instance.lifetime_notice_s, Kind.NOTICE
        if instance.idled is not None:
            yield instance.idle_until_s, Kind.IDLE_TIMEOUT
        if not instance.billing:
            yield instance.billing_start_s, Kind.BILLING_START

    def next_capacity_change(self, p: int) -> float:
        """The next point of the pool at which its capacity is another."""
        pool, k = self.pools[p], self.market_seen[p]
        for later in range(k + 1, len(pool.time_s)):
            if pool.capacity[later] != pool.capacity[later - 1]:
                return pool.time_s[later]
        return INF

    def pass_time(self, time_s: float):
        """Downtime passes for INTERACTIVE tasks that are there and do not run; services count what they have ready."""
        for service in self.services:
            figures.pass_time(self, service, time_s - self.now)
        for i, task in enumerate(self.tasks):
            if task.interactive and task.status in ("waiting", "placed", "displaced"):
                running_from_s = INF if task.instance is None else max(self.now, task.ready_s)
                down_s = max(0.0, min(running_from_s, time_s) - self.now)
                self.totals["downtime_s"] += down_s
                price = self.cheapest_on_demand(task)
                accounts.penalise(self, i, self.rules.downtime_weight * down_s / 3600.0 * price / self.scale_usd())
        self.now = time_s

    def note(self, what: str, task: int = NONE, launch: int = NONE, value: float = 0.0, other: float = 0.0):
        """One line of the log; what value and other mean stands in the engine's description of its log."""
        self.log.append((self.now, what, task, launch, float(value), float(other)))

    # --- events ------------------------------------------------------------------------------------------------

    def on_completion(self, i: int):
        """The task is done; its instance is free."""
        task = self.tasks[i]
        instance = self.stop(i, task.work_s)
        task.status, task.done_s = "done", self.now
        self.note("COMPLETION", i, instance.number)
        self.totals["tasks_done"] += 1
        if self.now > task.deadline_s + 1e-6:
            self.miss(i)
        self.vacate(instance)
        if task.next is not None:
            moves.give_up_next(self, i)
        if not self.services and all(other.status == "done" for other in self.tasks):
            self.finish()

    def on_handover(self, i: int):
        """The task's next instance is set up, or its own is about to end."""
        moves.hand_over(self, i)

    def on_end(self, number: int):
        """The cloud takes the instance."""
        if self.instances[number].task is not None:
            seats.end(self, self.seats[self.instances[number].task])
        self.end(self.instances[number], interrupted=True)

    def on_idle_timeout(self, number: int):
        """The instance was idle for long enough."""
        self.end(self.instances[number])

    def on_market(self, p: int):
        """The pool's capacity changes: the surplus is lost, and all who wait may try again."""
        before = self.capacity(p)
        with change_of_room(self, p):
            self.market_seen[p] = self.pools[p].point(self.now)
        self.note("CAPACITY", value=self.capacity(p))
        surplus = len(self.held(p)) - self.capacity(p)
        for instance in sorted(self.held(p), key=lambda instance: -instance.number)[: max(surplus, 0)]:
            moves.give_notice(self, instance, self.now + self.rules.notice_s, by_lifetime=False)
        all_asked = self.capacity(p) > before and self.rules.reconsider_at_capacity
        for task in self.tasks:
            if task.status == "waiting":
                task.ask = (self.now, AskReason.RETRY)
            elif all_asked and task.status == "placed" and task.instance.purchase == ON_DEMAND and task.next is None:
                task.ask = (self.now, AskReason.RECONSIDER)

    def on_notice(self, number: int):
        """The instance's lifetime is nearly over."""
        instance = self.instances[number]
        moves.give_notice(self, instance, instance.end_s, by_lifetime=True)

    def on_billing_start(self, number: int):
        """Provisioning is over: set-up and the bill begin."""
        self.instances[number].billing = True

    def on_arrival(self, i: int):
        """The task is there, and waits."""
        task = self.tasks[i]
        self.note("ARRIVAL", i)
        task.status, task.waiting_since_s, task.ask = "waiting", self.now, (self.now, AskReason.ARRIVAL)

    def on_horizon(self, _number: int):
        """No more time."""
        self.finish()

    def on_migrate(self, _number: int):
        """Displaced tasks and the instances there are for them are matched, one purchase after the other."""
        self.migrate_due = False
        for purchase in (SPOT, ON_DEMAND):
            rows = [i for i, task in enumerate(self.tasks) if task.request == purchase]
            columns = [n for n in self.alive if n.purchase == purchase and (n.reserved or n.idled is not None)]
            plan = self.planner([[moves.move_cost(self, i, n) for n in columns] for i in rows]) if rows else []
            for i, column in zip(rows, plan, strict=True):
                self.tasks[i].request = None
                if column < 0:
                    self.wait(i)
                else:
                    self.totals["migrations"] += 1
                    moves.assign(self, i, columns[column])
        for instance in list(self.alive):
            if instance.reserved:
                self.totals["cancelled_launches"] += 1
                self.note("CANCEL", NONE, instance.number)
                self.end(instance, cancelled=True)
        self.claimed = {}

    # --- decisions ---------------------------------------------------------------------------------------------

    def decide(self, i: int, reason: AskReason):
        """Ask the policy about the task and do what it says."""
        task = self.tasks[i]
        task.ask = None
        valid = valid_actions(self, i)
        if reason == AskReason.RECONSIDER and not self.rules.reconsider_on_spot:
            here = task.instance
            if here.purchase == SPOT and valid[1 + here.pool]:
                return self.stay(i)
        action = self.answer(i, reason, valid)
        if not 0 <= action < len(valid) or not valid[action]:
            self.totals["invalid_actions"] += 1
            action = 0 if self.rules.invalid_waits else nearest_valid(self, i, valid)
        self.note("DECISION", i, NONE, action, reason)
        target = divmod(action - 1, len(self.pools)) if action > 0 else None  # (purchase, pool)
        return {"waiting": self.start, "placed": self.reconsider, "displaced": self.ask_for}[task.status](i, target)

    def answer(self, i: int, reason: AskReason, valid: list[bool]) -> int:
        """What the policy says about the task or seat."""
        shown = [service.shown() for service in self.services]
        decision = Decision(self.now, reason, i, valid, self.dollars(), self.penalty, shown)
        self.decisions.append(decision)
        self.totals["decisions"] += 1
        return self.choose(decision)

    def start(self, i: int, target):
        """What a waiting task does."""
        instance = self.obtain(i, target) if target else None
        if instance is None:
            self.wait(i)
        else:
            self.place(i, instance)

    def reconsider(self, i: int, target):
        """What a placed task does: it stays, pauses or moves; it stays too if there is no room where it wants to go."""
        here = self.tasks[i].instance
        instance = None
        if target is not None and target != (here.purchase, here.pool):
            instance = self.obtain(i, target)
        if target is not None and instance is None:
            return self.stay(i)
        if target is None:
            moves.leave(self, i)
            return self.wait(i)
        if moves.may_prepare(self, i, instance):
            self.tasks[i].moving = True
            return moves.prepare(self, i, instance)
        self.totals["moves"] += 1
        moves.leave(self, i)
        return self.place(i, instance)

    def ask_for(self, i: int, target):
        """What a displaced task does: it names what it would like, and gets it, or not, when all have been asked."""
        if target is None:
            return self.wait(i)
        self.tasks[i].request = target[0]
        if len(self.idle(target)) > self.claimed.get(target, 0):
            self.claimed[target] = self.claimed.get(target, 0) + 1
        elif self.attempt(target):
            self.launch(i, target).reserved = True
        else:
            self.fail(i, target)
        return None

    def wait(self, i: int):
        """The task gets no instance: it is asked again after the decision interval, or when it has to leave its own."""
        if self.tasks[i].instance is not None:
            self.tasks[i].status = "placed"
        else:
            self.tasks[i].status = "waiting"
            self.ask_again(i, AskReason.RETRY)

    def stay(self, i: int):
        """The task stays on its instance."""
        if self.rules.reconsider_running:
            self.ask_again(i, AskReason.RECONSIDER)

    def ask_again(self, i: int, reason: AskReason):
        """The next regular question."""
        self.tasks[i].ask = (self.now + self.rules.decision_interval_s, reason)

    # --- instances ---------------------------------------------------------------------------------------------

    def held(self, p: int) -> list[Instance]:
        """The pool's spot instances without notice."""
        return [n for n in self.alive if n.pool == p and n.purchase == SPOT and n.held]

    def capacity(self, p: int) -> int:
        """Spot instances that the pool gives now; a change at this instant counts when it has been handled."""
        return self.pools[p].capacity[self.market_seen[p]]

    def room(self, target) -> bool:
        """Whether a spot launch would succeed."""
        _purchase, p = target
        leaving = sum(n.pool == p and n.by_lifetime for n in self.alive)
        return self.capacity(p) - len(self.held(p)) - leaving > 0

    def attempt(self, target) -> bool:
        """Whether a launch that is tried now succeeds; on-demand may fail by bad luck."""
        purchase, p = target
        if purchase == SPOT:
            return self.room(target)
        self.on_demand_tries[p] += 1
        share = self.pools[p].on_demand_failure_share
        return share == 0.0 or self.world.luck(p, self.on_demand_tries[p] - 1) >= share

    def idle(self, target) -> list[Instance]:
        """Idle instances of that purchase and pool, the most recently idled last."""
        here = [n for n in self.alive if n.idled is not None and (n.purchase, n.pool) == target]
        return sorted(here, key=lambda instance: instance.idled)

    def fail(self, i: int, target):
        """A launch without room."""
        self.totals["failed_launches"] += 1
        self.note("LAUNCH_FAILED", i)

    def obtain(self, i: int, target) -> Instance | None:
        """An idle instance, or a new one, or none."""
        return self.found(i, target) or self.fail(i, target)

    def found(self, i: int, target) -> Instance | None:
        """Likewise, where it shows only later that there is none."""
        if self.idle(target):
            return self.idle(target)[-1]
        return self.launch(i, target) if self.attempt(target) else None

    def launch(self, i: int, target) -> Instance:
        """A new instance, for which the task has asked."""
        purchase, p = target
        pool = self.pools[p]
        ordinal = self.spot_launches[p] if purchase == SPOT else self.on_demand_tries[p] - 1
        boot_s = pool.provisioning_s
        if pool.provisioning_high_s > boot_s:
            boot_s += self.world.boot(purchase, p, ordinal) * (pool.provisioning_high_s - boot_s)
        billing_start_s = self.now + boot_s
        instance = Instance(len(self.instances), purchase, p, self.now, billing_start_s, billing_start_s + pool.setup_s)
        accounts.use(self, instance, i, accounts.SETUP)
        self.instances.append(instance)
        self.alive.append(instance)
        self.totals["launches"] += 1
        self.note("LAUNCH", NONE, instance.number, billing_start_s, instance.setup_done_s)
        if purchase == SPOT:
            end_s = pool.end_of_life(billing_start_s, self.world.lifetime(p, self.spot_launches[p]))
            self.spot_launches[p] += 1
            if end_s < self.rules.horizon_s:
                instance.end_s = end_s
                instance.lifetime_notice_s = max(end_s - self.rules.notice_s, self.now)
        return instance

    def end(self, instance: Instance, interrupted: bool = False, cancelled: bool = False):
        """The instance is gone and is paid for."""
        instance.idled, instance.reserved, instance.end_s = None, False, self.now
        with change_of_room(self, instance.pool):
            self.alive.remove(instance)
        billed_end_s = self.now
        if instance.billing and not cancelled:
            billed_end_s = accounts.bill(self, instance, interrupted)
        self.note("END", NONE, instance.number, instance.dollars, billed_end_s)

    # --- work --------------------------------------------------------------------------------------------------

    def done_now(self, task: Task) -> float:
        """Work done of a task by now, saved or not."""
        return task.progress_s if task.instance is None else self.done_at(task, self.now)

    def done_at(self, task: Task, at_s: float) -> float:
        """Work done by then of a task that stays on its instance."""
        run_s = max(0.0, at_s - task.ready_s)
        return task.progress_s + min(self.rules.gained(run_s), task.work_s - task.progress_s)

    def saved_now(self, task: Task) -> float:
        """Work of a task on an instance that earlier stops and periodic checkpoints have saved by now."""
        run_s = max(0.0, self.now - task.ready_s)
        return task.progress_s + min(self.rules.checkpointed(run_s), task.work_s - task.progress_s)

    def load_s(self, p: int, state_mb: float) -> float:
        """Time to load the state in the pool."""
        return state_mb / self.rules.transfer_mb_per_s(self.pools[p])

    def savable_share(self, p: int, state_mb: float) -> float:
        """How much of the state the grace period can transfer, as a share; may exceed 1."""
        savable_mb = self.rules.transfer_mb_per_s(self.pools[p]) * self.rules.notice_s
        return INF if state_mb == 0.0 else savable_mb / state_mb

    def quickest_changeover_s(self, i: int) -> float:
        """From a launch until the task could run, with its final state, where that is quickest."""
        task = self.tasks[i]
        fitting = [(p, pool) for p, pool in enumerate(self.pools) if task.memory_mb <= pool.gpu_memory_mb]
        return min(pool.longest_start_s + self.load_s(p, task.state_cap_mb) for p, pool in fitting)

    def place(self, i: int, instance: Instance):
        """The task goes onto the instance."""
        task = self.tasks[i]
        instance.task, instance.idled, instance.reserved = i, None, False
        task.instance, task.status, task.placed_s = instance, "placed", self.now
        load_s = self.load_s(instance.pool, task.state_mb(task.progress_s))
        task.ready_s = max(self.now, instance.setup_done_s) + load_s
        task.completion_s = task.ready_s + self.rules.run_time(task.work_s - task.progress_s)
        self.totals["waiting_s"] += self.now - task.waiting_since_s
        accounts.place(self, instance, i, task.ready_s)
        self.note("PLACE", i, instance.number, task.ready_s)
        self.stay(i)

    def stop(self, i: int, kept_s: float, lost_s: float = 0.0) -> Instance:
        """The task leaves its instance with this much work kept, and lost."""
        task, instance = self.tasks[i], self.tasks[i].instance
        accounts.vacate(self, instance)
        task.account.lost_s += lost_s
        self.totals["work_lost_s"] += lost_s
        self.totals["setup_s"] += max(0.0, min(task.ready_s, self.now) - max(task.placed_s, instance.billing_start_s))
        task.progress_s, task.ask, task.instance, instance.task = kept_s, None, None, None
        task.waiting_since_s, task.stop_s = self.now, INF
        self.note("STOP", i, instance.number, kept_s, lost_s)
        return instance

    def vacate(self, instance: Instance):
        """The instance has no task any more: released at once, or idle for a while."""
        if self.rules.idle_timeout_s == 0.0 or instance.noticed:
            return self.end(instance)
        self.idle_count += 1
        with change_of_room(self, instance.pool):
            instance.idled, instance.idle_until_s = self.idle_count, self.now + self.rules.idle_timeout_s
        return self.note("IDLE", NONE, instance.number)

    def checkpoint(self, i: int, instance: Instance) -> tuple[float, float]:
        """The work that is kept, saved before or within the grace period, and what is lost."""
        task = self.tasks[i]
        done_s, saved_s = self.done_now(task), self.saved_now(task)
        if done_s <= saved_s:
            return done_s, 0.0
        fraction = min(1.0, self.savable_share(instance.pool, task.state_mb(done_s)))
        plan, kept_s = "restart", 0.0
        if not self.rules.saves_at_notice:
            pass
        elif fraction >= self.rules.full_fraction:
            plan, kept_s = "full", done_s - saved_s
        elif fraction >= self.rules.partial_fraction:
            plan, kept_s = "partial", fraction * (done_s - saved_s)
        self.count_checkpoint(i, plan, kept_s)
        return (done_s, 0.0) if plan == "full" else (saved_s + kept_s, done_s - saved_s - kept_s)

    def count_checkpoint(self, i: int, plan: str, kept_s: float):
        """The task is saved within a grace period."""
        self.totals["checkpoints_" + plan] += 1
        self.totals["work_saved_s"] += kept_s
        self.note("CHECKPOINT", i, self.tasks[i].instance.number, ("full", "partial", "restart").index(plan), kept_s)

    # --- money -------------------------------------------------------------------------------------------------

    def cheapest_on_demand(self, task: Task) -> float:
        """$/h of the cheapest on-demand instance that fits."""
        return min(pool.on_demand_price for pool in self.pools if task.memory_mb <= pool.gpu_memory_mb)

    def scale_usd(self) -> float:
        """On-demand cost of all work, and of the services' targets."""
        usd = sum(task.work_s * self.cheapest_on_demand(task) / 3600.0 for task in self.tasks)
        return usd + sum(service.target_usd(self) for service in self.services)

    def account(self, i: int) -> Account:
        """Of a task or a seat."""
        return self.seats[i].account if i in self.seats else self.tasks[i].account

    def total_work_s(self) -> float:
        """Work of all tasks."""
        return sum(task.work_s for task in self.tasks)

    def dollars(self) -> float:
        """Settled, and accrued by what is billed now."""
        billed = [n for n in self.alive if n.billing]
        accrued = sum(accounts.price_of(self, n, n.billing_start_s, self.now) for n in billed)
        return self.totals["spot_usd"] + self.totals["on_demand_usd"] + accrued

    def miss(self, i: int):
        """A deadline is missed."""
        self.totals["deadlines_missed"] += 1
        accounts.penalise(self, i, self.rules.missed_weight * self.tasks[i].work_s / self.total_work_s())
        self.note("MISSED", i)

    def finish(self):
        """The episode is over: every task stops, every instance ends."""
        self.over = True
        for seat in self.seats.values():
            if seat.instance is not None:
                seats.leave(self, seat)
        for i, task in enumerate(self.tasks):
            if task.instance is not None:
                self.stop(i, self.done_now(task))
            elif task.status in ("waiting", "displaced"):
                self.totals["waiting_s"] += self.now - task.waiting_since_s
            if task.status != "done" and task.deadline_s <= self.now:
                self.miss(i)
            elif task.status != "done" and not task.interactive:
                left_s = task.work_s - task.progress_s
                accounts.penalise(self, i, self.rules.missed_weight * left_s / self.total_work_s())
        for instance in list(self.alive):
            self.end(instance)

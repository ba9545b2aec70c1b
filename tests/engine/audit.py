"""Books kept from the event log alone, and compared with what the engine says after every step."""

import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from tessera_env.engine.kinds import LogKind, Stop, TaskStatus
from tessera_env.engine.log import entries_of
from tessera_env.simulation.rows import Simulation
from tests.reference.world import Account

REL, ABS = 1e-9, 1e-7


def is_close(value: float, expected: float) -> bool:
    """As `pytest.approx(expected, rel=REL, abs=ABS)` says, which takes twenty times as long."""
    return abs(value - expected) <= max(REL * abs(expected), ABS)


def plain(record: np.record) -> SimpleNamespace:
    """A record as Python numbers, which are read many times faster."""
    return SimpleNamespace(**dict(zip(record.dtype.names, record.item(), strict=True)))


@dataclass
class Machine:
    """What the log has said about a launch."""

    pool: int
    on_demand: int
    launched_s: float
    billing_start_s: float
    setup_done_s: float
    noticed_s: float | None = None
    end_s: float = math.inf  # when the cloud takes it; known from the notice on
    ended_s: float | None = None
    task: int | None = None
    prepared_for: int | None = None
    idle_until_s: float = math.inf
    busy_s: float = 0.0
    payer: int | None = None
    charged_s: float = 0.0  # seconds that have been charged to tasks
    charged_usd: float = 0.0


@dataclass
class Job:
    """What the log has said about a task."""

    arrived_s: float | None = None
    launch: int | None = None
    placed_s: float = 0.0
    ready_s: float = 0.0
    kept_s: float = 0.0
    done: bool = False
    next_launch: int | None = None  # prepared for it while it works
    account: Account = field(default_factory=Account)


@dataclass
class Auditor:
    """Reads each new line of a simulation's log, and checks the totals of its first row against its own books."""

    read: int = 0
    now_s: float = 0.0
    machines: dict[int, Machine] = field(default_factory=dict)  # by launch
    alive: dict[int, Machine] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys((kind.name for kind in LogKind), 0))
    spot_usd: float = 0.0
    on_demand_usd: float = 0.0
    spot_s: float = 0.0
    on_demand_s: float = 0.0
    lost_s: float = 0.0
    saved_s: float = 0.0
    useful_s: float = 0.0
    cancelled: int | None = None
    released: tuple[int, float] | None = None  # the launch whose task was done last, and when
    asked: int = -1
    asked_s: float = -1.0

    def look(self, simulation: Simulation) -> None:
        """Read on, then compare."""
        row = plain(simulation.state.episodes[0])
        lines = simulation.state.log[0][self.read : row.log_count]
        for record, (*_, figures) in zip(lines, entries_of(lines), strict=True):
            line = plain(record)
            self.pass_time(simulation, line.time_s)
            kind = LogKind(line.kind).name
            self.counts[kind] += 1
            getattr(self, "on_" + kind.lower())(simulation, line, **figures)
        self.read = row.log_count
        self.pass_time(simulation, row.now_s)
        self.compare(simulation, row)

    def pass_time(self, simulation: Simulation, now_s: float) -> None:
        """Nothing happens before this time."""
        assert now_s >= self.now_s, "time goes back"
        self.now_s = now_s

    def user(self, i: int) -> Job:
        """Who is on an instance."""
        return self.jobs[i]

    def others_placed(self) -> list[Job]:
        """Those on an instance that are no tasks."""
        return []

    # --- the log -------------------------------------------------------------------------------------------------

    def on_arrival(self, _simulation, line) -> None:
        assert line.task == self.counts["ARRIVAL"] - 1, "tasks are numbered by arrival"
        self.jobs[line.task] = Job(arrived_s=line.time_s)

    def on_decision(self, simulation, line, action, reason) -> None:
        assert not self.user(line.task).done
        assert 0 <= action < simulation.state.masks.shape[1]
        assert self.user(line.task).next_launch is None, "it is not asked while it moves"
        self.asked, self.asked_s = line.task, line.time_s

    def on_launch(self, _simulation, line, billed_from_s, set_up_s) -> None:
        assert line.launch == len(self.machines), "launches are numbered in order"
        assert line.time_s <= billed_from_s <= set_up_s
        machine = Machine(line.pool, line.on_demand, line.time_s, billed_from_s, set_up_s, payer=self.asked)
        self.machines[line.launch] = self.alive[line.launch] = machine

    def on_launch_failed(self, simulation, line) -> None:
        may_fail = simulation.params.pools[line.pool].on_demand_failure_share > 0.0
        assert may_fail or not line.on_demand, "on-demand never runs out"

    def on_prepare(self, simulation, line, takes_over_s) -> None:
        machine, job = self.machines[line.launch], self.user(line.task)
        assert machine.task is machine.prepared_for is machine.ended_s is machine.noticed_s is None
        assert job.launch is not None and job.launch != line.launch and job.next_launch is None, "it works elsewhere"
        assert line.time_s < takes_over_s <= machine.setup_done_s
        self.change_payer(simulation, machine, line.task)
        machine.prepared_for, job.next_launch = line.task, line.launch

    def on_place(self, simulation, line, works_from_s) -> None:
        machine, job = self.machines[line.launch], self.user(line.task)
        assert machine.task is None and machine.ended_s is None and machine.noticed_s is None
        assert machine.prepared_for in (None, line.task)
        assert job.launch is None and not job.done
        assert works_from_s >= max(line.time_s, machine.setup_done_s)
        if machine.prepared_for is None:
            self.change_payer(simulation, machine, line.task)
        else:
            machine.prepared_for = job.next_launch = None
        assert job.next_launch is None
        machine.task, job.launch = line.task, line.launch
        job.placed_s, job.ready_s = line.time_s, works_from_s

    def on_stop(self, simulation, line, kept_s, lost_s) -> None:
        machine, job = self.machines[line.launch], self.user(line.task)
        assert machine.task == line.task and job.launch == line.launch
        ran_s = max(0.0, line.time_s - job.ready_s)
        done_s = kept_s + lost_s - job.kept_s
        assert -1e-9 <= done_s <= ran_s + 1e-6, "more work than time"
        assert kept_s >= job.kept_s - 1e-9, "saved work is never lost"
        assert lost_s >= 0.0
        assert line.time_s <= machine.end_s
        self.charge(simulation, machine, "setup_usd", min(job.ready_s, line.time_s))
        self.charge(simulation, machine, "running_usd", line.time_s)
        job.account.lost_s += lost_s
        self.lost_s += lost_s
        self.useful_s += kept_s - job.kept_s
        machine.busy_s += max(0.0, line.time_s - max(job.placed_s, machine.billing_start_s))
        machine.task, job.launch, job.kept_s = None, None, kept_s

    def on_notice(self, simulation, line, ends_s) -> None:
        machine = self.machines[line.launch]
        assert machine.noticed_s is None and machine.ended_s is None and not machine.on_demand
        machine.noticed_s, machine.end_s = line.time_s, ends_s
        assert line.task in (machine.task, machine.prepared_for, -1)
        self.leave_unused(simulation, machine)

    def on_checkpoint(self, _simulation, line, plan, saved_s) -> None:
        assert saved_s >= 0.0
        self.saved_s += saved_s

    def on_completion(self, simulation, line) -> None:
        job = self.jobs[line.task]
        assert job.launch is None and not job.done
        assert job.kept_s == simulation.state.tasks[0, line.task].work_s
        job.done = True
        self.released = line.launch, line.time_s

    def on_idle(self, simulation, line) -> None:
        machine = self.machines[line.launch]
        assert machine.task is None and machine.noticed_s is None
        machine.idle_until_s = line.time_s + simulation.params.config[0].idle_timeout_s
        self.leave_unused(simulation, machine)

    def on_cancel(self, _simulation, line) -> None:
        self.cancelled = line.launch

    def on_end(self, simulation, line, usd, billed_until_s) -> None:
        machine, now_s = self.machines[line.launch], line.time_s
        assert machine.task is None and machine.ended_s is None
        self.leave_unused(simulation, machine)
        machine.ended_s = now_s
        del self.alive[line.launch]
        dollars, billed_s = 0.0, 0.0
        if self.cancelled != line.launch and self.is_billed(simulation, machine):
            by_cloud = machine.end_s == now_s and self.released != (line.launch, now_s)
            dollars, billed_s = bill(simulation, machine, now_s, by_cloud)
            self.enter(machine, "idle_usd", dollars - machine.charged_usd, billed_s - machine.charged_s)
        self.cancelled = None
        assert is_close(usd, dollars)
        if machine.on_demand:
            self.on_demand_usd += dollars
            self.on_demand_s += billed_s
        else:
            self.spot_usd += dollars
            self.spot_s += billed_s
        assert billed_s >= machine.busy_s - 1e-6 or billed_s == 0.0, "billed at least while busy"

    def on_capacity(self, _simulation, line, instances) -> None:
        assert instances >= 0

    def on_missed(self, simulation, line) -> None:
        assert line.time_s >= simulation.state.tasks[0, line.task].deadline_s

    def is_billed(self, simulation, machine: Machine) -> bool:
        """Whether billing had started: at one instant it starts after what is done, taken or timed out, before asks."""
        if machine.launched_s < machine.billing_start_s == self.now_s:
            is_end = self.now_s == simulation.params.config[0].horizon_s
            return (is_end and self.now_s < min(machine.idle_until_s, machine.end_s)) or self.asked_s == self.now_s
        return machine.billing_start_s <= self.now_s

    # --- accounts --------------------------------------------------------------------------------------------------

    def leave_unused(self, simulation, machine: Machine) -> None:
        """What was prepared for a task is not any more."""
        if machine.prepared_for is not None:
            self.charge(simulation, machine, "setup_usd", self.now_s)
            self.user(machine.prepared_for).next_launch = machine.prepared_for = None

    def change_payer(self, simulation, machine: Machine, task: int) -> None:
        """From now on another task pays; until now the machine stood idle."""
        self.charge(simulation, machine, "idle_usd", self.now_s)
        machine.payer, machine.idle_until_s = task, math.inf

    def charge(self, simulation, machine: Machine, what: str, until_s: float) -> None:
        """Charge a machine that is billed to its payer, from where that was last done on."""
        from_s = machine.billing_start_s + machine.charged_s
        if until_s > from_s:
            self.enter(machine, what, price_of(simulation, machine, from_s, until_s), until_s - from_s)

    def enter(self, machine: Machine, what: str, usd: float, seconds: float) -> None:
        """Add to the payer's account."""
        account = vars(self.user(machine.payer).account)
        account[what] += usd
        account["on_demand_s" if machine.on_demand else "spot_s"] += seconds
        machine.charged_usd += usd
        machine.charged_s += seconds

    # --- comparisons -----------------------------------------------------------------------------------------------

    def compare(self, simulation: Simulation, row: SimpleNamespace) -> None:
        """The engine's totals are those of the books."""
        for name in ("spot_usd", "on_demand_usd", "spot_s", "on_demand_s"):
            assert is_close(getattr(row, name), getattr(self, name)), name
        assert is_close(row.work_lost_s, self.lost_s)
        assert is_close(row.work_saved_s, self.saved_s)
        assert is_close(sum(simulation.state.tasks["progress_s"][0, : row.task_count].tolist()), self.useful_s)
        assert is_close(row.reported_usd, self.spot_usd + self.on_demand_usd + self.accrued(simulation))
        self.compare_accounts(simulation, row)
        self.compare_counts(row)
        self.compare_fleet(simulation, row)

    def compare_accounts(self, simulation: Simulation, row: SimpleNamespace) -> None:
        """Each task's part, and their sum: what has ended, and what has been charged of what has not."""
        tasks = simulation.state.tasks[0]
        for name in ("setup_usd", "running_usd", "idle_usd", "spot_s", "on_demand_s", "lost_s"):
            for said, job in zip(tasks[name].tolist(), self.jobs.values(), strict=False):
                assert is_close(said, vars(job.account)[name]), name
        usd = sum(tasks[name].sum() for name in ("setup_usd", "running_usd", "idle_usd"))
        charged = [machine.charged_usd for machine in self.alive.values()]
        assert is_close(usd, self.spot_usd + self.on_demand_usd + sum(charged)), "every dollar is charged once"
        assert is_close(tasks.lost_s.sum(), self.lost_s)
        penalties = -row.episode_return - row.reported_usd / row.scale_usd
        assert is_close(self.penalties_usd(simulation), penalties * row.scale_usd)

    def penalties_usd(self, simulation: Simulation) -> float:
        """What the engine says of all penalties."""
        return float(simulation.state.tasks[0].penalty_usd.sum())

    def compare_counts(self, totals: SimpleNamespace) -> None:
        """Counts are numbers of lines."""
        counts = self.counts
        assert totals.launches == counts["LAUNCH"]
        assert totals.failed_launches == counts["LAUNCH_FAILED"]
        assert totals.cancelled_launches == counts["CANCEL"]
        assert totals.interruptions == counts["NOTICE"]
        assert totals.deadlines_missed == counts["MISSED"]
        assert totals.decisions == counts["DECISION"]
        plans = totals.checkpoints_full + totals.checkpoints_partial + totals.checkpoints_restart
        assert plans == counts["CHECKPOINT"]

    def compare_fleet(self, simulation: Simulation, row: SimpleNamespace) -> None:
        """Who is where, and how much of each pool is taken."""
        assert row.alive == len(self.alive)
        placed = [job for job in self.jobs.values() if job.launch is not None]
        done = sum(job.done for job in self.jobs.values())
        assert row.done == done
        assert row.next_arrival == len(self.jobs)
        if row.status == Stop.DONE:
            assert not self.alive and not placed
            return
        statuses = simulation.state.tasks["status"][0, : row.task_count].tolist()
        displaced = [i for i, status in enumerate(statuses) if status in (TaskStatus.DISPLACED, TaskStatus.REQUESTED)]
        assert len(displaced) == row.displaced + row.requested
        still_running = sum(self.jobs[i].launch is not None for i in displaced)
        on_none = row.waiting + len(displaced) - still_running
        assert len(self.jobs) == on_none + len(placed) + done, "arrived = waiting + running + done"
        assert statuses.count(TaskStatus.PLACED) == len(placed) - still_running
        assert int(simulation.state.offers["placed"][0].sum()) == len(placed) + len(self.others_placed())
        prepared = [job.next_launch for job in placed if job.next_launch is not None]
        all_placed = [*placed, *self.others_placed()]
        taken = {*prepared, *(job.launch for job in all_placed)}
        assert len(taken) == len(all_placed) + len(prepared), "no two tasks on one instance"
        for pool_id in range(simulation.params.pools.shape[0]):
            pool = plain(simulation.state.pools[0, pool_id])
            mine = [machine for machine in self.alive.values() if machine.pool == pool_id and not machine.on_demand]
            assert pool.held == sum(machine.noticed_s is None for machine in mine)
            assert pool.held <= simulation.state.market["capacity"][0, pool_id, pool.capacity_point]

    def accrued(self, simulation: Simulation) -> float:
        """Dollars of what is billed now."""
        dollars = 0.0
        for machine in self.alive.values():
            if machine.billing_start_s <= self.now_s:
                dollars += price_of(simulation, machine, machine.billing_start_s, self.now_s)
        return dollars


def bill(simulation: Simulation, machine: Machine, now_s: float, by_cloud: bool) -> tuple[float, float]:
    """Dollars and billed seconds by the scenario's rules."""
    config = simulation.params.config[0]
    used_s = now_s - machine.billing_start_s
    billed_s = max(used_s, config.billing_minimum_s)
    if config.billing_increment_s:
        billed_s = math.ceil(billed_s / config.billing_increment_s) * config.billing_increment_s
    dollars = price_of(simulation, machine, machine.billing_start_s, machine.billing_start_s + billed_s)
    if by_cloud and config.free_first_hour and used_s < 3_600.0:
        return 0.0, billed_s
    return dollars, billed_s


def price_of(simulation: Simulation, machine: Machine, start_s: float, end_s: float) -> float:
    """The price at every moment, summed piece by piece."""
    if machine.on_demand:
        return (end_s - start_s) / 3_600.0 * simulation.params.pools[machine.pool].on_demand_price
    count = int(simulation.state.pools[0, machine.pool].point_count)
    points = simulation.state.market[0, machine.pool][:count]
    edges = [*points.time_s.tolist(), math.inf]
    dollars = 0.0
    for k, price in enumerate(points.spot_price.tolist()):
        overlap_s = min(end_s, edges[k + 1]) - max(start_s, edges[k])
        dollars += max(0.0, overlap_s) / 3_600.0 * price
    return dollars

"""The observation again, from the engine's tables and the layout's words: none of the engine's own formulas."""

import math

import numpy as np

from tessera_env.engine.kinds import AskReason, InstanceStatus, LogKind, TaskStatus
from tessera_env.simulation.rows import Simulation
from tessera_env.world.parameters import NONE

INF = math.inf


class Moment:
    """One row at a decision, or at its end, and the observation that its tables call for."""

    def __init__(self, simulation: Simulation):
        self.simulation = simulation
        self.params, self.state = simulation.params, simulation.state
        self.config, self.row = self.params.config[0], self.state.episodes[0]
        self.now_s = float(self.row.now_s)
        self.task = self.state.tasks[0, self.row.focal]
        self.tasks = self.state.tasks[0].view(np.ndarray)[: self.row.task_count]
        self.most_tasks = int(self.state.tasks.shape[1])
        self.pool_count = len(self.params.pools)
        self.placed = self.task.status == TaskStatus.PLACED
        self.log = self.state.log[0][: self.row.log_count].view(np.ndarray)
        instances = self.state.instances[0].view(np.ndarray)
        self.instances = instances[instances["status"] != InstanceStatus.FREE]

    # the focal task

    def segments(self, run_s: float) -> tuple[float, float]:
        """Work done and work saved after so long on a ready instance, checkpoint by checkpoint."""
        done_s = saved_s = 0.0
        while run_s > 0.0:
            worked_s = min(run_s, self.config.checkpoint_interval_s)
            done_s, run_s = done_s + worked_s, run_s - worked_s
            if worked_s == self.config.checkpoint_interval_s and run_s >= self.config.checkpoint_cost_s:
                saved_s = done_s
            run_s -= self.config.checkpoint_cost_s
        return done_s, saved_s

    def progress_s(self) -> tuple[float, float]:
        """Work done and work saved of the focal task."""
        runs = self.task.instance != NONE  # a displaced one may work on
        done_s, saved_s = self.segments(self.now_s - self.task.ready_s) if runs else (0.0, 0.0)
        most_s = self.task.work_s - self.task.progress_s
        return self.task.progress_s + min(done_s, most_s), self.task.progress_s + min(saved_s, most_s)

    def run_time_s(self, work_s: float) -> float:
        """Time on a ready instance, with a checkpoint between two segments."""
        if self.config.checkpoint_interval_s == INF or work_s <= 0.0:
            return work_s
        return work_s + (math.ceil(work_s / self.config.checkpoint_interval_s) - 1) * self.config.checkpoint_cost_s

    def changeover_s(self, pool_id: int, megabytes: float) -> float:
        """Provisioning, set-up and loading."""
        spec = self.params.pools[pool_id]
        gbps = min(spec.bandwidth_gbps, self.config.store_bandwidth_gbps)
        return spec.provisioning_s + self.state.pools[0, pool_id].setup_s + megabytes / (gbps * 125.0)

    def fallback_s(self) -> float:
        """The shortest way onto on-demand with all of its state."""
        fitting = [p for p in range(self.pool_count) if self.fits(p)]
        pools = self.params.pools
        late_s = {p: float(pools[p].provisioning_high_s - pools[p].provisioning_s) for p in fitting}
        return min(self.changeover_s(p, self.task.state_cap_mb) + late_s[p] for p in fitting)

    def fits(self, pool_id: int) -> bool:
        return bool(self.task.gpu_memory_mb <= self.params.pools[pool_id].gpu_memory_mb)

    def megabytes(self) -> float:
        task = self.task
        return min(task.state_base_mb + task.state_growth_mb_per_s * self.progress_s()[0], task.state_cap_mb)

    def last_request_failed(self) -> bool:
        """The task's last line about a decision, a failed launch or a placement."""
        kinds = self.log["kind"][self.log["task"] == self.row.focal]
        kinds = kinds[np.isin(kinds, (LogKind.DECISION, LogKind.LAUNCH_FAILED, LogKind.PLACE))]
        return len(kinds) > 0 and kinds[-1] == LogKind.LAUNCH_FAILED

    def task_fields(self) -> dict[str, float]:
        task, now_s = self.task, self.now_s
        done_s, saved_s = self.progress_s()
        left_h = (task.work_s - done_s) / 3600.0
        until_ready_h = (task.ready_s - now_s) / 3600.0
        angle = 2.0 * math.pi * (now_s / 3600.0) / 24.0
        return {
            "time": now_s / self.config.horizon_s,
            "time_left": 1.0 - now_s / self.config.horizon_s,
            "day_sin": math.sin(angle),
            "day_cos": math.cos(angle),
            "event_arrival": self.row.reason == AskReason.ARRIVAL,
            "event_interruption": self.row.reason == AskReason.INTERRUPTION,
            "event_retry": self.row.reason == AskReason.RETRY,
            "event_reconsider": self.row.reason == AskReason.RECONSIDER,
            "interactive": task.interactive,
            "work_left": (task.work_s - done_s) / task.work_s,
            "work_left_h": left_h / (left_h + 24.0),
            "memory": task.gpu_memory_mb / max(self.params.pools.gpu_memory_mb),
            "state": self.megabytes() / (self.megabytes() + 8_000.0),
            "on_nothing": not self.placed,
            "on_spot": self.placed and 1 <= task.placement <= self.pool_count,
            "on_on_demand": self.placed and task.placement > self.pool_count,
            "changeover_left": half(max(until_ready_h, 0.0), 0.1)
            if self.placed or self.task.status == TaskStatus.DISPLACED
            else 0.0,
            "running_h": half(max(-until_ready_h, 0.0), 4.0) if self.placed else 0.0,
            "unsaved": (done_s - saved_s) / task.work_s if self.placed else 0.0,
            "interruptions": min(self.interruptions() / 16.0, 1.0),
            "launch_failed": self.last_request_failed(),
            "age": half((now_s - task.arrival_s) / 3600.0, 24.0),
            "end_slack": half(
                (self.config.horizon_s - now_s - self.run_time_s(3600.0 * left_h) - self.fallback_s()) / 3600.0, 6.0
            ),
        }

    def interruptions(self) -> int:
        """Notices to the task; not all interrupt it where it may move while it works, which the reference counts."""
        if self.config.just_in_time or self.config.make_before_break:
            return int(self.task.interruptions)
        return self.notices("task", self.row.focal)

    def notices(self, column: str, value: int) -> int:
        """Notices so far to a task, or in a pool."""
        return int(((self.log["kind"] == LogKind.NOTICE) & (self.log[column] == value)).sum())

    def deadline_fields(self) -> dict[str, float]:
        task = self.task
        if task.deadline_s == INF:
            names = ("slack", "slack_per_work", "slack_per_changeover", "wait_slack", "reserve_slack", "deadline_left")
            return {"has_deadline": 0.0, **dict.fromkeys((*names, "ahead", "ahead_after_changeover"), 1.0)}
        done_s, _ = self.progress_s()
        left_s, window_s = task.work_s - done_s, task.deadline_s - task.arrival_s
        slack_h = self.slack_h(self.run_time_s(left_s) + self.fallback_s())
        reserve_h = self.slack_h(self.run_time_s(left_s) + 2.0 * self.fallback_s())
        interval_h = self.config.decision_interval_s / 3600.0
        uniform_s = (self.now_s - task.arrival_s) / window_s * task.work_s
        later_s = (self.now_s + 2.0 * self.fallback_s() - task.arrival_s) / window_s * task.work_s
        return {
            "has_deadline": 1.0,
            "slack": half(slack_h, 6.0),
            # A second is added to what they are divided by, so that it is never zero.
            "slack_per_work": half(slack_h, (left_s + 1.0) / 3600.0),
            "slack_per_changeover": half(slack_h, (20.0 * self.fallback_s() + 1.0) / 3600.0),
            "wait_slack": half(slack_h - interval_h, 6.0),
            "reserve_slack": half(reserve_h - interval_h, 6.0),
            "deadline_left": max((task.deadline_s - self.now_s) / window_s, 0.0),
            "ahead": max((done_s - uniform_s) / task.work_s, -1.0),
            "ahead_after_changeover": max((done_s - later_s) / task.work_s, -1.0),
        }

    def slack_per_spell(self, ended: int) -> float:
        """Slack in pairs of changeovers for each up-spell to come."""
        if self.task.deadline_s == INF:
            return 1.0
        to_come = (ended + 1) * max(self.task.deadline_s - self.now_s, 0.0) / (self.now_s + 4 * 3_600.0)
        pair_s = 2.0 * self.fallback_s() * max(to_come, 1.0)
        left_s = self.task.work_s - self.progress_s()[0]
        slack_h = self.slack_h(self.run_time_s(left_s) + self.fallback_s())
        return half(3600.0 * slack_h, 2.0 * pair_s + 1.0)

    def slack_h(self, needed_s: float) -> float:
        """Hours to the deadline, less its margin, beyond what is needed; both in whole ticks where there are ticks."""
        left_s, tick_s = self.task.deadline_s - self.config.guard_margin_s - self.now_s, self.config.slack_tick_s
        if tick_s == 0.0:
            return float(left_s - needed_s) / 3600.0
        whole_left, whole_needed = math.floor(round(left_s / tick_s, 6)), math.ceil(round(needed_s / tick_s, 6))
        return float((whole_left - whole_needed) * tick_s) / 3600.0

    # the fleet

    def count(self, *statuses: TaskStatus) -> int:
        return int(np.isin(self.tasks["status"], statuses).sum())

    def on_purchase(self, on_demand: bool) -> int:
        instances = self.tasks["instance"][self.tasks["instance"] != NONE]  # of displaced tasks that work on, too
        return int((self.state.instances[0].view(np.ndarray)["on_demand"][instances] == on_demand).sum())

    def idle(self, pool_id: int, on_demand: int) -> int:
        i = self.instances
        held = (i["pool"] == pool_id) & (i["on_demand"] == on_demand) & (i["status"] == InstanceStatus.HELD)
        return int((held & (i["task"] == NONE)).sum())

    def fleet_fields(self) -> dict[str, float]:
        idle = sum(self.idle(p, purchase) for p in range(self.pool_count) for purchase in (0, 1))
        return {
            "waiting": half(self.count(TaskStatus.WAITING), 8.0),
            "placed_spot": half(self.on_purchase(False), 8.0),
            "placed_on_demand": half(self.on_purchase(True), 8.0),
            "idle": half(idle, 8.0),
            "displaced": half(self.count(TaskStatus.DISPLACED, TaskStatus.REQUESTED), 8.0),
            "arrivals_left": 1.0 - float((self.tasks["arrival_s"] <= self.now_s).sum()) / self.most_tasks,
            "done": self.count(TaskStatus.DONE) / self.most_tasks,
        }

    # the other tasks

    def order(self, task_id: int) -> tuple[float, int]:
        """The tightest first: INTERACTIVE, then by slack."""
        task = self.tasks[task_id]
        if task["interactive"]:
            return -INF, task_id
        runs = task["instance"] != NONE and task["ready_s"] < self.now_s
        from_s = float(task["ready_s"]) if runs else self.now_s
        return float(task["latest_s"]) - from_s, task_id

    def rival_fields(self) -> dict[str, float]:
        instance = self.tasks["instance"]
        placed = [i for i in range(len(self.tasks)) if i != self.row.focal and instance[i] != NONE]
        tighter = [i for i in placed if self.order(i) < self.order(self.row.focal)]
        on_demand = [i for i in placed if self.state.instances[0, instance[i]].on_demand]
        rooms = [self.room(p) for p in range(self.pool_count) if self.fits(p)]
        return {
            "tighter_on_demand": half(sum(i in tighter for i in on_demand), 8.0),
            "longest_on_demand_h": half(max((self.left_h(i) for i in on_demand if i in tighter), default=0.0), 4.0),
            "looser_on_spot": half(sum(i not in on_demand and i not in tighter for i in placed), 8.0),
            "room_for_it": half(min(max(sum(rooms), 0), 1_000_000), 8.0),
        }

    def left_h(self, task_id: int) -> float:
        """Work left; pauses for periodic checkpoints count as work."""
        task = self.tasks[task_id]
        run_s = max(0.0, self.now_s - task["ready_s"]) if task["instance"] != NONE else 0.0
        return float(task["work_s"] - task["progress_s"] - run_s) / 3600.0

    def room(self, pool_id: int) -> int:
        """Spot instances that the focal task could have."""
        mine = self.instances[(self.instances["pool"] == pool_id) & (self.instances["on_demand"] == 0)]
        held = int((mine["status"] == InstanceStatus.HELD).sum())
        leaving = int(((mine["status"] == InstanceStatus.NOTICED) & (mine["lifetime_notice"] == 1)).sum())
        free = max(int(self.timeline(pool_id)[-1]["capacity"]) - held - leaving, 0)
        return free + self.idle(pool_id, 0) - int(self.state.offers[0, pool_id].claimed)

    # a pool

    def timeline(self, pool_id: int) -> np.ndarray:
        """Its change points up to now."""
        points = self.state.market[0, pool_id][: self.state.pools[0, pool_id].point_count].view(np.ndarray)
        return points[points["time_s"] <= self.now_s]

    def spells(self, pool_id: int) -> list[tuple[bool, float]]:
        """(up, seconds) of each spell up to now; the last one goes on."""
        points = self.timeline(pool_id)
        spells: list[tuple[bool, float]] = []
        ends_s = [*points["time_s"][1:].tolist(), self.now_s]
        for capacity, start_s, end_s in zip(
            points["capacity"].tolist(), points["time_s"].tolist(), ends_s, strict=True
        ):
            up, seconds = capacity > 0, end_s - start_s
            if spells and spells[-1][0] == up:
                seconds += spells.pop()[1]
            spells.append((up, seconds))
        return spells

    def pool_fields(self, pool_id: int) -> dict[str, float]:
        spec, points = self.params.pools[pool_id], self.timeline(pool_id)
        mine = self.instances[(self.instances["pool"] == pool_id) & (self.instances["on_demand"] == 0)]
        held = int((mine["status"] == InstanceStatus.HELD).sum())
        leaving = int(((mine["status"] == InstanceStatus.NOTICED) & (mine["lifetime_notice"] == 1)).sum())
        room = max(points[-1]["capacity"] - held - leaving, 0)
        free_idle = self.idle(pool_id, 0) - self.state.offers[0, pool_id].claimed
        unit = max(self.params.pools.on_demand_price)
        changeover = half(self.changeover_s(pool_id, self.megabytes()) / 3600.0, 0.1)
        here = self.task.placement if self.placed else NONE
        return {
            "available": room + free_idle > 0,
            "room": min(room / 16.0, 1.0),
            "spot_price": min(points[-1]["spot_price"] / unit, 1.0),
            "on_demand_price": spec.on_demand_price / unit,
            "price_average": min(self.average_price(points) / unit, 1.0),
            "spot_changeover": changeover,
            "on_demand_changeover": changeover,
            "bandwidth": half(spec.bandwidth_gbps, 10.0),
            "fits": self.fits(pool_id),
            "here_spot": here == 1 + pool_id,
            "here_on_demand": here == 1 + self.pool_count + pool_id,
            "held": half(held, 8.0),
            "idle_spot": half(self.idle(pool_id, 0), 8.0),
            "idle_on_demand": half(self.idle(pool_id, 1), 8.0),
            "interruptions_seen": half(self.notices("pool", pool_id), 8.0),
            **self.spell_fields(pool_id),
        }

    def average_price(self, points: np.ndarray) -> float:
        if self.now_s == 0.0:
            return float(points["spot_price"][0])
        lengths_s = np.diff([*points["time_s"], self.now_s])
        return float((points["spot_price"] * lengths_s).sum() / self.now_s)

    def spell_fields(self, pool_id: int) -> dict[str, float]:
        spells = self.spells(pool_id)
        ended = {up: [s / 3600.0 for was_up, s in spells[:-1] if was_up == up] for up in (True, False)}
        up_s = sum(seconds for up, seconds in spells if up)
        return {
            **{f"available_{h}h": exponential_average(spells, 3600.0 * h) for h in (1, 4, 12)},
            "available_episode": up_s / self.now_s if self.now_s > 0.0 else float(spells[-1][0]),
            "since_change": half(spells[-1][1] / 3600.0, 2.0),
            "mean_up": half(float(np.mean(ended[True])), 2.0) if ended[True] else 0.0,
            "up_spells": half(len(ended[True]), 8.0),
            "rest_up": half(rest_up_h(ended[True]), 2.0),
            "slack_per_spell": self.slack_per_spell(len(ended[True])),
            "mean_down": half(float(np.mean(ended[False])), 2.0) if ended[False] else 0.0,
        }


def rest_up_h(ended_h: list[float]) -> float:
    """How long such spells go on from an instant in them."""
    return sum(h * h for h in ended_h) / (2.0 * sum(ended_h)) if ended_h else 0.0


def half(x: float, at: float) -> float:
    """x / (|x| + at)."""
    return x / (abs(x) + at)


def exponential_average(spells: list[tuple[bool, float]], constant_s: float) -> float:
    """From what is seen first."""
    average = float(spells[0][0])
    for up, seconds in spells:
        average = up + (average - up) * math.exp(-seconds / constant_s)
    return average

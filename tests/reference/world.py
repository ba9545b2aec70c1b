"""A world as plain data: rules, pools, tasks, instances. Nothing of the engine is used here.

Times are seconds, prices $/h, sizes MB. An action is 0 (wait), 1 + p (spot in pool p) or 1 + P + p (on-demand).
"""

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

INF = math.inf
SPOT, ON_DEMAND = 0, 1
NONE = -1  # no task, no instance


class Kind(IntEnum):
    """Kinds of events, in the order in which they happen at one instant."""

    SCORE = 0  # of services, here and below where it says so
    DEMAND = 1  # likewise
    EARLY_LOOK = 2  # likewise
    COMPLETION = 3
    HANDOVER = 4
    END = 5
    IDLE_TIMEOUT = 6
    MARKET = 7
    NOTICE = 8
    BILLING_START = 9
    CLAIM = 10  # of services
    ARRIVAL = 11
    HORIZON = 12
    ASK_INTERRUPTION = 13
    MIGRATE = 14
    ASK_ARRIVAL = 15
    ASK_RETRY = 16
    ASK_RECONSIDER = 17
    ASK_URGENT = 18
    LOOK = 19  # of services


class AskReason(IntEnum):
    """Why the policy is asked; the numbers are those of the log."""

    INTERRUPTION = 8
    ARRIVAL = 10
    RETRY = 11
    RECONSIDER = 12


@dataclass
class Rules:
    """What holds for the whole world."""

    horizon_s: float
    decision_interval_s: float
    reconsider_running: bool = False
    reconsider_at_capacity: bool = False
    reconsider_on_spot: bool = True
    ask_tightest_first: bool = False
    ask_at_freed_room: bool = False
    make_before_break: bool = False
    just_in_time: bool = False
    slack_tick_s: float = 0.0
    deadline_guard: bool = False
    guard_margin_s: float = 0.0
    guard_counts_saves: bool = False
    notice_s: float = 0.0
    idle_timeout_s: float = 0.0
    billing_minimum_s: float = 0.0
    billing_increment_s: float = 0.0
    free_first_hour: bool = False
    full_fraction: float = 0.8
    partial_fraction: float = 0.3
    saves_at_notice: bool = True
    store_bandwidth_gbps: float = INF
    checkpoint_interval_s: float = INF
    checkpoint_cost_s: float = 0.0
    missed_weight: float = 2.0
    downtime_weight: float = 0.0

    def gained(self, run_s: float) -> float:
        """Work done in a time on a ready instance: segments, and a checkpoint after each."""
        tau, cost = self.checkpoint_interval_s, self.checkpoint_cost_s
        if tau == INF:
            return run_s
        segments = math.floor(run_s / (tau + cost))
        return segments * tau + min(run_s - segments * (tau + cost), tau)

    def checkpointed(self, run_s: float) -> float:
        """What of that work periodic checkpoints have saved."""
        tau, cost = self.checkpoint_interval_s, self.checkpoint_cost_s
        return 0.0 if tau == INF else math.floor(run_s / (tau + cost)) * tau

    def run_time(self, work_s: float) -> float:
        """Time that work takes on a ready instance; the last segment needs no checkpoint."""
        tau = self.checkpoint_interval_s
        if tau == INF or work_s <= 0.0:
            return work_s
        return work_s + self.checkpoint_cost_s * (math.ceil(work_s / tau) - 1)

    def transfer_mb_per_s(self, pool: "Pool") -> float:
        """The slower of the pool's network and the checkpoint store; 1 Gbit is 125 MB."""
        return min(pool.bandwidth_gbps, self.store_bandwidth_gbps) * 125.0


@dataclass
class Pool:
    """One pool: its timeline (piecewise constant, integrals up to each point) and what its instances are like."""

    time_s: list[float]
    spot_price: list[float]
    capacity: list[int]
    hazard_per_s: list[float]
    price_integral: list[float]
    hazard_integral: list[float]
    on_demand_price: float
    gpu_memory_mb: float
    bandwidth_gbps: float
    provisioning_s: float  # the shortest
    setup_s: float
    provisioning_high_s: float = 0.0  # the longest, if it is longer
    on_demand_failure_share: float = 0.0
    bathtub: tuple[float, float, float, float, float] | None = None  # A, tau1, tau2, b, cap, in hours

    @property
    def longest_start_s(self) -> float:
        """From a launch to the end of set-up, at the longest."""
        return max(self.provisioning_s, self.provisioning_high_s) + self.setup_s

    def point(self, t: float) -> int:
        """The last point at or before t."""
        return bisect_right(self.time_s, t) - 1

    def spot_dollars(self, t: float) -> float:
        """What one spot instance costs from 0 to t."""
        k = self.point(t)
        return self.price_integral[k] + (t - self.time_s[k]) * self.spot_price[k] / 3600.0

    def end_of_life(self, start_s: float, exponential: float) -> float:
        """When the hazard gathered since start reaches the unit-exponential draw."""
        if self.bathtub is not None:
            return start_s + 3600.0 * self.bathtub_age_h(1.0 - math.exp(-exponential))
        k = self.point(start_s)
        target = self.hazard_integral[k] + (start_s - self.time_s[k]) * self.hazard_per_s[k] + exponential
        while k + 1 < len(self.time_s) and self.hazard_integral[k + 1] <= target:
            k += 1
        if self.hazard_per_s[k] <= 0.0:
            return INF
        return self.time_s[k] + (target - self.hazard_integral[k]) / self.hazard_per_s[k]

    def bathtub_age_h(self, share: float) -> float:
        """The age that this share of instances does not reach."""
        scale, tau1_h, tau2_h, b_h, cap_h = self.bathtub
        alive_h, dead_h = 0.0, cap_h
        for _ in range(60):
            age_h = 0.5 * (alive_h + dead_h)
            lost = scale * (1.0 - math.exp(-age_h / tau1_h) + math.exp((age_h - b_h) / tau2_h))
            if min(max(lost, 0.0), 1.0) < share:
                alive_h = age_h
            else:
                dead_h = age_h
        return dead_h


@dataclass
class Account:
    """What a task costs; every billed second of an instance is in one account."""

    setup_usd: float = 0.0  # before work runs
    running_usd: float = 0.0
    idle_usd: float = 0.0  # after it has left
    penalty_usd: float = 0.0
    spot_s: float = 0.0
    on_demand_s: float = 0.0
    lost_s: float = 0.0  # work


@dataclass
class Task:
    """One task as the world has it, and what has become of it."""

    arrival_s: float
    work_s: float
    deadline_s: float = INF
    memory_mb: float = 0.0
    state_base_mb: float = 0.0
    state_growth_mb_per_s: float = 0.0
    state_cap_mb: float = 0.0
    interactive: bool = False

    status: str = "future"  # waiting, placed, displaced, done
    progress_s: float = 0.0  # what is saved
    waiting_since_s: float = 0.0  # its last stop, or its arrival
    placed_s: float = 0.0
    ready_s: float = INF  # work runs from here while placed
    completion_s: float = INF
    done_s: float = INF
    instance: "Instance | None" = None
    next: "Instance | None" = None  # prepared for it while it works on another one
    prepared_s: float = -INF  # since when
    moving: bool = False  # to that one, of its own will
    stop_s: float = INF  # when it has to leave its instance, which was given notice
    left_spot_s: float = -INF  # when it last gave up a spot instance of its own will
    ask: tuple[float, AskReason] | None = None  # when and why the policy is asked next
    request: int | None = None  # purchase asked for while displaced
    interruptions: int = 0
    account: Account = field(default_factory=Account)

    def state_mb(self, progress_s: float) -> float:
        """State to save or to load at that progress."""
        return min(self.state_base_mb + self.state_growth_mb_per_s * progress_s, self.state_cap_mb)


@dataclass(eq=False)
class Instance:
    """One machine."""

    number: int
    purchase: int
    pool: int
    launched_s: float
    billing_start_s: float
    setup_done_s: float
    lifetime_notice_s: float = INF
    end_s: float = INF  # known from the notice on, then when it ended
    noticed: bool = False
    by_lifetime: bool = False
    billing: bool = False
    reserved: bool = False  # launched for a task that is being moved
    task: int | None = None
    prepared_for: int | None = None
    uses: list[tuple[float, int, str]] = field(default_factory=list)  # from when, for which task, SETUP, RUNNING, IDLE
    idled: int | None = None  # when it became idle, as a count
    idle_until_s: float = INF
    dollars: float = 0.0

    @property
    def held(self) -> bool:
        """Not under notice."""
        return not self.noticed


@dataclass
class World:
    """All that a policy cannot change.

    `lifetime(pool, ordinal)` is a unit-exponential draw of a spot launch; `boot(purchase, pool, ordinal)` a uniform one
    of a launch, or of a try where it is on-demand; `luck(pool, ordinal)` a uniform one of an on-demand try.
    """

    rules: Rules
    pools: list[Pool]
    tasks: list[Task]
    lifetime: Callable[[int, int], float] = lambda pool, ordinal: INF
    boot: Callable[[int, int, int], float] = lambda purchase, pool, ordinal: 0.0
    luck: Callable[[int, int], float] = lambda pool, ordinal: 1.0

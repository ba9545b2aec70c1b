"""The numbers of a scenario that the compiled kernels read: record types only, one line a field.

Nothing here changes during an episode. `tessera_env.scenario.conversion` fills these tables from a Scenario.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from tessera_env.world.distributions import DISTRIBUTION

UNLIMITED = 1_000_000_000  # capacity of a pool that never runs out
MB_PER_GBIT = 125.0
NONE = -1  # no row: no task, no instance, no trace
FOR_DISPLACED = -2  # in place of a task: the instance was launched for displaced tasks that are about to be assigned


class PriceSource(IntEnum):
    """Where a pool's spot price comes from."""

    CONSTANT = 0
    ORNSTEIN_UHLENBECK = 1
    TRACE = 2
    STEPS = 3


class CapacitySource(IntEnum):
    """Where a pool's spot capacity comes from."""

    CONSTANT = 0
    SEMI_MARKOV = 1
    TRACE = 2
    SPELLS = 3


class HazardModel(IntEnum):
    """What drives the lifetime interruptions of a pool's spot instances."""

    NONE = 0
    CONSTANT = 1
    DISCOUNT = 2
    BATHTUB = 3


class Arrivals(IntEnum):
    """When tasks arrive."""

    AT_START = 0
    UNIFORM = 1
    POISSON = 2
    BURSTS = 3
    RECORDED = 4


CONFIG = np.dtype(
    [
        ("horizon_s", np.float64),
        ("decision_interval_s", np.float64),  # a waiting task is asked again after this
        ("reconsider_running", np.int64),  # 1: running tasks are asked at each decision interval too
        ("reconsider_at_capacity", np.int64),  # 1: those on on-demand also when a pool's capacity grows
        ("reconsider_on_spot", np.int64),  # 0: but for those on spot, which stay if the mask lets them
        ("ask_at_freed_room", np.int64),  # 1: waiting tasks, and those on on-demand, when a full pool has room again
        ("ask_tightest_first", np.int64),  # 1: tasks due at one instant are asked by urgency; 0: by arrival
        ("make_before_break", np.int64),  # 1: a task that moves works on until the new instance is set up
        ("just_in_time", np.int64),  # 1: at a notice a task works on until saving has to begin
        ("deadline_guard", np.int64),  # 1: the mask allows only what can still make the deadline
        ("guard_counts_saves", np.int64),  # 1: the guard counts on what a move away from on-demand saves
        ("guard_margin_s", np.float64),  # the guard aims this much before the deadline
        ("invalid_waits", np.int64),  # 1: an invalid answer means WAIT; 0: the valid one that changes least
        (
            "shaped_reward",
            np.int64,
        ),  # 1: rewards count work done and certain misses at once; 0: dollars and penalties
        ("reward_scale", np.float64),  # rewards are multiplied by this
        ("slack_tick_s", np.float64),  # slack counts whole ticks: time rounded down, work up; 0: exact
        ("notice_s", np.float64),
        ("idle_timeout_s", np.float64),  # 0: an instance without a task is released at once
        ("billing_minimum_s", np.float64),
        ("billing_increment_s", np.float64),  # 0: per second, exactly; else whole increments
        ("free_first_hour", np.int64),  # 1: nothing is billed if the cloud interrupts within the first hour
        ("full_fraction", np.float64),  # at least this share transferable: FULL
        ("partial_fraction", np.float64),  # at least this share: PARTIAL, below: RESTART
        ("saves_at_notice", np.int64),  # 0: the grace period is not used, always RESTART
        ("store_bandwidth_gbps", np.float64),  # of the checkpoint store
        ("checkpoint_interval_s", np.float64),  # work between periodic checkpoints; inf: none
        ("checkpoint_cost_s", np.float64),  # run time that one periodic checkpoint costs
        ("task_count", np.int64),  # the most tasks a world can have
        ("arrivals", np.int64),  # Arrivals
        ("arrival_share", np.float64),  # arrivals lie in this first share of the horizon
        ("arrivals_per_h", np.float64),  # mean rate of tasks
        ("arrival_daily_share", np.float64),  # the rate varies over the day by this share
        ("burst_size", np.float64),  # mean number of tasks in a burst
        ("burst_spread_s", np.float64),  # a burst's tasks arrive within this
        ("arrival_scale", np.float64),  # times between recorded arrivals are multiplied by this
        ("job_count", np.int64),  # recorded jobs; 0: tasks are generated
        ("interactive_share", np.float64),  # share of the tasks that are INTERACTIVE
        ("state_base_mb", np.float64),
        ("state_mb_per_work_h", np.float64),
        ("state_cap_mb", np.float64),
        ("deadline_from_arrival", np.int64),  # 1: `deadline_h` counts; 0: none unless slack counts
        ("deadline_from_slack", np.int64),  # 1: deadline = arrival + work x (1 + slack)
        ("missed_weight", np.float64),  # penalty of a missed deadline, in shares of the task
        ("downtime_weight", np.float64),  # penalty of an INTERACTIVE task's hour without running
        ("window_from_s", np.float64),  # replayed windows start at or after this
        ("window_until_s", np.float64),  # and end at or before this
        ("window_step_s", np.float64),  # windows start at whole multiples of this
        ("dearest_on_demand", np.float64),  # $/h, the unit of prices in the observation
        ("largest_memory_mb", np.float64),  # the unit of memory in the observation
        ("series_count", np.int64),  # traces that can be replayed
    ],
    align=True,
)

POOL_SPEC = np.dtype(
    [
        ("zone", np.int64),  # pools of one zone share its shocks
        ("gpu_memory_mb", np.float64),
        ("bandwidth_gbps", np.float64),
        ("on_demand_price", np.float64),  # $/h
        ("provisioning_s", np.float64),  # the median; not billed
        ("provisioning_high_s", np.float64),  # the longest
        ("on_demand_failure_share", np.float64),  # of on-demand launches that find no capacity
        ("price_source", np.int64),  # PriceSource
        ("price_mean", np.float64),  # $/h; the constant price, or the process's mean
        ("price_deviation", np.float64),  # $/h, stationary
        ("price_reversion_per_h", np.float64),  # theta
        ("price_step_s", np.float64),  # grid of the process
        ("price_daily_share", np.float64),  # daily factor 1 + share x sin(2 pi t / 24 h)
        ("price_lowest", np.float64),  # clip, $/h
        ("price_highest", np.float64),
        ("price_changes_per_day", np.float64),  # of a price that moves in steps
        ("price_step_low", np.float64),  # a step's size, as a share of the price
        ("price_step_high", np.float64),
        ("capacity_source", np.int64),  # CapacitySource
        ("capacity", np.int64),  # instances to be had when up; a trace's samples are multiplied by it
        ("hazard_model", np.int64),  # HazardModel
        ("hazard_per_h", np.float64),
        # Bathtub: F(t) = scale (1 - e^(-t / tau1) + e^((t - b) / tau2)) by an instance's age, 1 from the cap on.
        ("hazard_scale", np.float64),
        ("hazard_tau1_h", np.float64),
        ("hazard_tau2_h", np.float64),
        ("hazard_b_h", np.float64),
        ("hazard_cap_h", np.float64),
        ("series", np.int64),  # row of the replayed trace; NONE: drawn for each world
        # Semi-Markov capacity: each world draws a family member between these bounds.
        ("up_median_low_h", np.float64),
        ("up_median_high_h", np.float64),
        ("up_sigma_low", np.float64),  # log-deviation of the spells
        ("up_sigma_high", np.float64),
        ("down_median_low_h", np.float64),
        ("down_median_high_h", np.float64),
        ("down_sigma_low", np.float64),
        ("down_sigma_high", np.float64),
        ("regime_mean_h", np.float64),  # mean stay in the good or the bad regime; inf: one regime
        ("regime_factor_high", np.float64),  # in the bad regime up-spells shrink, down-spells grow by up to this
        ("shocks_per_day", np.float64),  # zone-wide losses of all capacity
        ("shock_median_h", np.float64),
        ("partial_share_low", np.float64),  # of the time up, with fewer than all instances
        ("partial_share_high", np.float64),
        ("level_mean_h", np.float64),  # mean stay at a number of instances
        # Spells by their quantile functions: how many points the rows of the quantiles' table have.
        ("up_points", np.int64),
        ("down_points", np.int64),
    ],
    align=True,
)

MAX_QUANTILES = 65

# One recorded job; NaN: not recorded, the scenario's distributions say.
JOB = np.dtype(
    [
        ("arrival_s", np.float64),  # from the first job's arrival
        ("work_s", np.float64),
        ("gpu_memory_mb", np.float64),
        ("state_mb", np.float64),
        ("interactive", np.float64),  # 1: INTERACTIVE, 0: BATCH
    ],
    align=True,
)

# One service: its seats are the task rows behind the scenario's tasks, `seat_count` of them from `first_seat` on.
SERVICE_SPEC = np.dtype(
    [
        ("first_seat", np.int64),
        ("seat_count", np.int64),  # the most replicas at one time
        ("extra", np.int64),  # spot replicas wanted beyond the target
        ("base_on_demand", np.int64),  # of the target, replicas that are on-demand whatever spot does
        ("control_interval_s", np.float64),  # looks lie on multiples of this
        ("looks_when_changed", np.int64),  # 1: a look is left out where nothing has changed since two quiet ones
        ("looks_at_events", np.int64),  # 1: there is also a look when a replica is ready or lost, or the target moves
        ("decides_before_market", np.int64),  # 1: a look comes before what else happens then; launches come after it
        ("setup_s", np.float64),  # of a replica on its instance, beyond the pool's set-up; billed
        ("model_mb", np.float64),  # loaded like a task's state
        ("gpu_memory_mb", np.float64),
        ("drain_s", np.float64),  # a stopped replica is billed this long, and takes nothing new
        ("serves_at_notice", np.int64),  # 1: it serves to its end; 0: it counts as lost at once
        ("make_before_break", np.int64),  # 1: a replica that moves serves until the new one is ready
        ("launch_failure_s", np.float64),  # a launch without capacity is seen to fail only after this
        ("score_from_s", np.float64),  # figures count from here on
        ("shortfall_weight", np.float64),  # penalty of time below target, in the target's on-demand cost
        ("on_demand_price", np.float64),  # $/h, the least of its pools
        ("requests_per_replica", np.float64),  # requests/s that a ready replica serves; 0: no requests are counted
        ("patience_s", np.float64),  # requests that would wait longer are dropped; inf: none
    ],
    align=True,
)

# One replayed change point: holds from `time_s` to the next point's time.
TRACE_POINT = np.dtype(
    [("time_s", np.float64), ("spot_price", np.float64), ("capacity", np.int64)],
    align=True,
)

# One replayed trace: a run of rows of the points' table.
SERIES = np.dtype([("first", np.int64), ("count", np.int64), ("end_s", np.float64)], align=True)


class Quantity(IntEnum):
    """Rows of the distributions' table; pool p's set-up time is row FIRST_SETUP + 2 p, its provisioning the next."""

    WORK_H = 0
    DEADLINE_H = 1
    SLACK = 2
    GPU_MEMORY_MB = 3
    FIRST_SETUP = 4


class Parameters(NamedTuple):
    """All tables of one scenario; P pools, S traces."""

    config: np.recarray  # (1,) CONFIG
    pools: np.recarray  # (P,) POOL_SPEC
    distributions: np.recarray  # (4 + 2P,) DISTRIBUTION
    series: np.recarray  # (max(S, 1),) SERIES
    trace: np.recarray  # (points,) TRACE_POINT; one point at least
    quantiles: np.ndarray  # (P, 2, MAX_QUANTILES) hours: lengths of up- and of down-spells, ascending
    jobs: np.recarray  # (jobs,) JOB; one at least
    services: np.recarray  # (S,) SERVICE_SPEC
    service_pools: np.ndarray  # (S, P) bool: which pools a service may use
    demands: np.recarray  # (S,) DEMAND_SPEC
    demand_points: np.recarray  # (points,) recorded demand; one point at least


def new_table(shape: int | tuple[int, ...], dtype: np.dtype) -> np.recarray:
    """A zeroed table of records; fields read and write as attributes, compiled or not."""
    return np.zeros(shape, dtype).view(np.recarray)


__all__ = [
    "CONFIG",
    "DISTRIBUTION",
    "FOR_DISPLACED",
    "JOB",
    "MAX_QUANTILES",
    "NONE",
    "POOL_SPEC",
    "SERIES",
    "SERVICE_SPEC",
    "TRACE_POINT",
    "UNLIMITED",
    "Arrivals",
    "CapacitySource",
    "HazardModel",
    "Parameters",
    "PriceSource",
    "Quantity",
    "new_table",
]

"""A service's timeline: change points of its demand, with the integral, and of its target; and what draws them."""

from enum import IntEnum

import numpy as np

from tessera_env.jit.compiled import compiled, compiled_allocating

DAY_S = 86400.0
MAX_SCHEDULE = 48


class DemandSource(IntEnum):
    """Where a service's demand comes from."""

    CONSTANT = 0
    DAILY = 1
    BURSTY = 2
    RECORDED = 3


class TargetSource(IntEnum):
    """What says how many replicas a service is to have."""

    CONSTANT = 0
    SCHEDULE = 1
    AUTOSCALER = 2


# What one service's demand and target are drawn by.
DEMAND_SPEC = np.dtype(
    [
        ("source", np.int64),  # DemandSource
        ("requests_per_s", np.float64),  # in the long-run mean; of a recording, the factor of its rates
        ("step_s", np.float64),  # daily: the rate changes this often; recorded: its grid
        ("daily_share", np.float64),  # daily factor 1 + share x sin(2 pi (t - 9 h) / 24 h)
        ("burst_factor", np.float64),  # the rate in a burst, in multiples of the calm one
        ("calm_s", np.float64),  # mean stays of the two states
        ("burst_s", np.float64),
        ("first", np.int64),  # the recording: a run of rows of the rates' table
        ("count", np.int64),
        ("start_s", np.float64),  # where in it the episode starts; negative: drawn for each world
        ("target_source", np.int64),  # TargetSource
        ("target", np.int64),  # constant; of an autoscaler, at the start; NONE: what the demand at the start asks for
        ("schedule_count", np.int64),
        ("schedule_daily", np.int64),  # 1: the same every day
        ("schedule_from_s", np.float64, (MAX_SCHEDULE,)),  # ascending from 0
        ("schedule_target", np.int64, (MAX_SCHEDULE,)),
        ("least", np.int64),  # of an autoscaler's targets
        ("most", np.int64),
        ("requests_per_replica", np.float64),  # requests/s that one replica is to get
        ("rate_window_s", np.float64),  # the rate is the mean over this time
        ("interval_s", np.float64),  # between two looks at it
        ("up_looks", np.int64),  # looks in a row that must ask for more
        ("down_looks", np.int64),  # or for less
    ],
    align=True,
)

# One step of a recording's grid.
RECORDED_RATE = np.dtype([("requests_per_s", np.float64)], align=True)

# One change point; rate and target hold from `time_s` to the next point's time.
DEMAND_POINT = np.dtype(
    [
        ("time_s", np.float64),
        ("requests_per_s", np.float64),
        ("requests", np.float64),  # from 0 to time_s
        ("target", np.int64),  # replicas that the service is to have
    ],
    align=True,
)


@compiled
def append_rate(demand, env: int, service_id: int, count: int, time_s: float, requests_per_s: float) -> int:
    """Append a point of the rate, unless it changes nothing; returns the new number of points."""
    if count > 0 and demand[env, service_id, count - 1].requests_per_s == requests_per_s:
        return count
    point = demand[env, service_id, count]
    point.time_s = time_s
    point.requests_per_s = requests_per_s
    point.requests = requests_by(demand, env, service_id, count - 1, time_s) if count > 0 else 0.0
    return count + 1


@compiled
def append_target(times_s, targets, count: int, time_s: float, target: int) -> int:
    """Append a step of the target, unless it changes nothing; returns the new number of steps."""
    if count > 0 and targets[count - 1] == target:
        return count
    times_s[count] = time_s
    targets[count] = target
    return count + 1


@compiled
def requests_by(demand, env: int, service_id: int, k: int, time_s: float) -> float:
    """Requests from 0 to `time_s`, which lies at or after point k and not after the next one."""
    point = demand[env, service_id, k]
    return point.requests + (time_s - point.time_s) * point.requests_per_s


@compiled_allocating
def merge_targets(demand, env: int, service_id: int, count: int, times_s, targets, target_count: int) -> int:
    """Put steps of the target into the points of the rate; equal times make one point; returns how many there are.

    Both start at 0. From the last point backwards, so that no point is overwritten before it is read.
    """
    i, j = count - 1, target_count - 1
    merged = merged_count(demand, env, service_id, count, times_s, target_count)
    for k in range(merged - 1, -1, -1):
        rate_at_s, target_at_s = demand[env, service_id, i].time_s, times_s[j]
        time_s = max(rate_at_s, target_at_s)
        requests_per_s = demand[env, service_id, i].requests_per_s
        requests = requests_by(demand, env, service_id, i, time_s)
        point = demand[env, service_id, k]
        point.time_s, point.requests_per_s, point.requests, point.target = time_s, requests_per_s, requests, targets[j]
        if rate_at_s == time_s:
            i -= 1
        if target_at_s == time_s:
            j -= 1
    return merged


@compiled_allocating
def merged_count(demand, env: int, service_id: int, count: int, times_s, target_count: int) -> int:
    """How many different times two ascending runs have together."""
    i, merged = 0, count
    for j in range(target_count):
        while i < count and demand[env, service_id, i].time_s < times_s[j]:
            i += 1
        if i == count or demand[env, service_id, i].time_s != times_s[j]:
            merged += 1
    return merged

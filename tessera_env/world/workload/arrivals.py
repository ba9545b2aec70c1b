"""When a world's tasks arrive: sorted times within the first share of the horizon."""

import math

import numpy as np

from tessera_env.jit.compiled import compiled, compiled_allocating
from tessera_env.world.parameters import Arrivals
from tessera_env.world.random_stream import Purpose, exponential, uniform

_DAY_S = 86400.0
_RISING_S = 9.0 * 3600.0  # the daily rate is at its mean and rising: highest at 15 h, lowest at 3 h
# Draws of Purpose.ARRIVAL, a stream for each candidate, and of Purpose.BURST, a stream for each burst.
_GAP, _KEPT, _ONLY = 0, 1, 2
_SIZE, _FIRST_OFFSET = 0, 1


@compiled_allocating
def draw_arrivals_s(params, world):
    """The world's arrival times, s; between one and `task_count` of them."""
    config = params.config[0]
    arrivals_s = np.zeros(config.task_count)
    count = config.task_count
    if config.arrivals == Arrivals.UNIFORM:
        for k in range(count):
            arrivals_s[k] = uniform(world, Purpose.ARRIVAL, k, 0) * config.arrival_share * config.horizon_s
    elif config.arrivals == Arrivals.POISSON:
        count = poisson_arrivals(config, world, arrivals_s)
    elif config.arrivals == Arrivals.BURSTS:
        count = burst_arrivals(config, world, arrivals_s)
    if count == 0:  # an episode needs a task
        arrivals_s[0] = uniform(world, Purpose.ARRIVAL, 0, _ONLY) * config.arrival_share * config.horizon_s
        count = 1
    arrivals_s = arrivals_s[:count]
    arrivals_s.sort()
    return arrivals_s


@compiled
def next_arrival_s(config, world, per_h: float, time_s: float, candidate: int):
    """The process's next arrival and the next unused candidate: a Poisson process whose rate varies over the day.

    Thinning (Lewis and Shedler, 1979): candidates at the highest rate, each kept with the present rate's share of it.
    """
    share = config.arrival_daily_share
    while True:
        time_s += exponential(world, Purpose.ARRIVAL, candidate, _GAP) * 3600.0 / (per_h * (1.0 + share))
        rate = 1.0 + share * math.sin(2.0 * math.pi * (time_s - _RISING_S) / _DAY_S)
        candidate += 1
        if uniform(world, Purpose.ARRIVAL, candidate - 1, _KEPT) * (1.0 + share) < rate:
            return time_s, candidate


@compiled_allocating
def poisson_arrivals(config, world, arrivals_s) -> int:
    """Tasks arrive one by one; returns how many."""
    limit_s = config.arrival_share * config.horizon_s
    time_s, candidate, count = 0.0, 0, 0
    while count < config.task_count:
        time_s, candidate = next_arrival_s(config, world, config.arrivals_per_h, time_s, candidate)
        if time_s >= limit_s:
            break
        arrivals_s[count] = time_s
        count += 1
    return count


@compiled_allocating
def burst_arrivals(config, world, arrivals_s) -> int:
    """Bursts start like single tasks; their sizes are geometric, their tasks spread evenly; returns how many tasks.

    As when a user submits a sweep. Bursts start less often by their mean size, so the rate of tasks is the same.
    """
    limit_s = config.arrival_share * config.horizon_s
    time_s, candidate, count = 0.0, 0, 0
    while count < config.task_count:
        time_s, candidate = next_arrival_s(config, world, config.arrivals_per_h / config.burst_size, time_s, candidate)
        if time_s >= limit_s:
            break
        for k in range(burst_size(config, world, candidate)):
            at_s = time_s + config.burst_spread_s * uniform(world, Purpose.BURST, candidate, _FIRST_OFFSET + k)
            if at_s < limit_s and count < config.task_count:
                arrivals_s[count] = at_s
                count += 1
    return count


@compiled
def burst_size(config, world, burst: int) -> int:
    """How many tasks a burst has: geometric from 1 on, by inversion."""
    if config.burst_size <= 1.0:
        return 1
    draw = uniform(world, Purpose.BURST, burst, _SIZE)
    return 1 + int(math.log(draw) / math.log(1.0 - 1.0 / config.burst_size))

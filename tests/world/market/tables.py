"""Parameters for the market's tests, written straight into the tables."""

import math

import numpy as np

from tessera_env.world.demand.timeline import DEMAND_SPEC, RECORDED_RATE
from tessera_env.world.distributions import DISTRIBUTION
from tessera_env.world.market.timeline import MARKET_POINT
from tessera_env.world.parameters import (
    CONFIG,
    JOB,
    MAX_QUANTILES,
    POOL_SPEC,
    SERIES,
    SERVICE_SPEC,
    TRACE_POINT,
    Parameters,
    Quantity,
    new_table,
)
from tessera_env.world.random_stream import WORLD, seed_words
from tests.kept import kept

POOL = {"on_demand_price": 1.0, "price_mean": 0.5, "capacity": 1, "regime_mean_h": math.inf, "regime_factor_high": 1.0}


def parameters(*pools: dict, horizon_s: float = 86_400.0, points=(), **config) -> Parameters:
    """Tables with these pools' fields; `points` = (time_s, spot_price, capacity) of one trace."""
    params = Parameters(
        config=new_table(1, CONFIG),
        pools=new_table(len(pools), POOL_SPEC),
        distributions=new_table(Quantity.FIRST_SETUP + 2 * len(pools), DISTRIBUTION),
        series=new_table(1, SERIES),
        trace=new_table(max(len(points), 1), TRACE_POINT),
        quantiles=np.zeros((len(pools), 2, MAX_QUANTILES)),
        jobs=new_table(1, JOB),
        services=new_table(0, SERVICE_SPEC),
        service_pools=np.zeros((0, len(pools)), dtype=np.bool_),
        demands=new_table(0, DEMAND_SPEC),
        demand_points=new_table(1, RECORDED_RATE),
    )
    fill(params.config[0], {"horizon_s": horizon_s, **config})
    for record, fields in zip(params.pools, pools, strict=True):
        fill(record, {**POOL, **fields})
    for record, point in zip(params.trace, points, strict=False):
        record.time_s, record.spot_price, record.capacity = point
    params.series[0].count = len(points)
    return params


def fill(record, fields: dict) -> None:
    """Set fields of a record by name."""
    for name, value in fields.items():
        record[name] = value


def world(seed: int = 0, episode: int = 0, window_s: float = 0.0):
    """The address of a world."""
    record = new_table(1, WORLD)[0]
    record.seed_low, record.seed_high = seed_words(seed)
    record.episode, record.window_s = episode, window_s
    return record


def steps(function, params: Parameters, address, pool_id: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """What a function of (params, world, pool, series, times, values) writes, as (times, values)."""
    kind = np.float64 if "price" in function.__name__ else np.int64
    times_s, values = np.empty(10_000), np.empty(10_000, kind)
    count = kept(function)(params, address, pool_id, 0, times_s, values)
    return times_s[:count], values[:count]


def value_at(times_s: np.ndarray, values: np.ndarray, at_s) -> np.ndarray:
    """The step function's value."""
    return values[np.searchsorted(times_s, at_s, side="right") - 1]


def timeline(points: int, pools: int = 1) -> np.recarray:
    """An empty market table of one environment."""
    return new_table((1, pools, points), MARKET_POINT)


def z_of_mean(samples, expected: float) -> float:
    """How many standard errors the samples' mean lies from what is expected."""
    samples = np.asarray(samples, dtype=float)
    error = samples.std(ddof=1) / math.sqrt(len(samples))
    difference = float(samples.mean() - expected)
    return difference / error if error > 0.0 else math.copysign(math.inf, difference)

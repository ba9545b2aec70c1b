"""Spot prices of one pool over an episode: steps (time, $/h), starting at 0."""

import math

from tessera_env.compiled import compiled
from tessera_env.market.replay import append_step, first_row, row_time_s
from tessera_env.parameters import PriceSource
from tessera_env.random_stream import Purpose, normal

DAY_S = 86400.0


@compiled
def price_steps(params, world, pool_id: int, series_id: int, times_s, prices) -> int:
    """Write the pool's price steps into `times_s` and `prices`; returns how many there are."""
    spec = params.pools[pool_id]
    if spec.price_source == PriceSource.ORNSTEIN_UHLENBECK:
        return ornstein_uhlenbeck_steps(params, world, pool_id, times_s, prices)
    if spec.price_source == PriceSource.TRACE:
        return replayed_prices(params, world, series_id, times_s, prices)
    times_s[0] = 0.0
    prices[0] = spec.price_mean
    return 1


@compiled
def ornstein_uhlenbeck_steps(params, world, pool_id: int, times_s, prices) -> int:
    """The Ornstein-Uhlenbeck process on a grid, by its exact discretisation, from its stationary distribution.

    x' = mean + (x - mean) a + deviation sqrt(1 - a^2) z with a = exp(-theta h) (Gillespie, Phys. Rev. E 54, 1996),
    so mean, variance and autocovariance do not depend on the grid's step. The daily factor and the clip apply to
    what is paid, not to the process. Real spot prices since 2017 move far more slowly; see the replayed traces.
    """
    spec, config = params.pools[pool_id], params.config[0]
    step_s = spec.price_step_s
    decay = math.exp(-spec.price_reversion_per_h * step_s / 3600.0)
    spread = spec.price_deviation * math.sqrt(1.0 - decay * decay)
    count = math.ceil(config.horizon_s / step_s)
    level = spec.price_deviation * normal(world, Purpose.PRICE, pool_id, 0)
    for k in range(count):
        if k > 0:
            level = level * decay + spread * normal(world, Purpose.PRICE, pool_id, k)
        times_s[k] = k * step_s
        daily = 1.0 + spec.price_daily_share * math.sin(2.0 * math.pi * times_s[k] / DAY_S)
        prices[k] = min(max((spec.price_mean + level) * daily, spec.price_lowest), spec.price_highest)
    return count


@compiled
def replayed_prices(params, world, series_id: int, times_s, prices) -> int:
    """The trace's price steps in this world's window."""
    series, horizon_s = params.series[series_id], params.config[0].horizon_s
    count = 0
    for row in range(first_row(params, world, series_id), series.first + series.count):
        time_s = row_time_s(params, world, row)
        if time_s >= horizon_s:
            break
        count = append_step(times_s, prices, count, time_s, params.trace[row].spot_price)
    return count

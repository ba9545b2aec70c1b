"""Spot prices of one pool over an episode: steps (time, $/h), starting at 0."""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.world.market.replay import append_step, first_row, row_time_s
from tessera_env.world.parameters import PriceSource
from tessera_env.world.random_stream import Purpose, exponential, normal, uniform

DAY_S = 86400.0


@compiled
def price_steps(params, world, pool_id: int, series_id: int, times_s, prices) -> int:
    """Write the pool's price steps into `times_s` and `prices`; returns how many there are."""
    spec = params.pools[pool_id]
    if spec.price_source == PriceSource.ORNSTEIN_UHLENBECK:
        return ornstein_uhlenbeck_steps(params, world, pool_id, times_s, prices)
    if spec.price_source == PriceSource.TRACE:
        return replayed_prices(params, world, series_id, times_s, prices)
    if spec.price_source == PriceSource.STEPS:
        return stepped_prices(params, world, pool_id, times_s, prices)
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
def stepped_prices_bound(spec, horizon_s: float) -> int:
    """More steps than a world will have: ten standard deviations above the mean of a Poisson count."""
    mean = spec.price_changes_per_day * horizon_s / DAY_S
    return 16 + int(mean + 10.0 * math.sqrt(mean))


@compiled
def stepped_prices(params, world, pool_id: int, times_s, prices) -> int:
    """A price that moves a few times a day by a few per cent, as real spot prices have since 2017.

    Exponential times between changes; each multiplies or divides by 1 + u, u uniform between its bounds. It goes up
    with a probability that falls linearly in the logarithm of the price, from 1 at the lower end of the range around
    the mean to 0 at the upper one, so that it reverts. It starts near its long-run law, a normal logarithm.
    """
    spec, horizon_s = params.pools[pool_id], params.config[0].horizon_s
    low, high = spec.price_step_low, spec.price_step_high
    width = math.log(max(spec.price_highest / spec.price_mean, spec.price_mean / spec.price_lowest))
    mean_square = (low * low + low * high + high * high) / 3.0
    spread = math.sqrt(0.5 * width * mean_square / (0.5 * (low + high)))
    price = spec.price_mean * math.exp(spread * normal(world, Purpose.PRICE, pool_id, 0))
    time_s, count = 0.0, 0
    for k in range(stepped_prices_bound(spec, horizon_s)):
        if time_s >= horizon_s:
            break
        price = min(max(price, spec.price_lowest), spec.price_highest)
        count = append_step(times_s, prices, count, time_s, price)
        time_s += exponential(world, Purpose.PRICE, pool_id, 3 * k + 1) * DAY_S / spec.price_changes_per_day
        factor = 1.0 + low + uniform(world, Purpose.PRICE, pool_id, 3 * k + 2) * (high - low)
        rising_share = 0.5 - 0.5 * math.log(price / spec.price_mean) / width
        price = price * factor if uniform(world, Purpose.PRICE, pool_id, 3 * k + 3) < rising_share else price / factor
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

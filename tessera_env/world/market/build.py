"""Draw a world's market: the window, each pool's trace and set-up time, and each pool's timeline."""

import numpy as np

from tessera_env.jit.compiled import INTERPRETER, compiled, compiled_allocating
from tessera_env.world.distributions import draw
from tessera_env.world.market.capacity import announce_losses, capacity_steps, semi_markov_bound
from tessera_env.world.market.hazards import hazard_per_s
from tessera_env.world.market.levels import has_levels, in_levels, levels_bound
from tessera_env.world.market.prices import price_steps, stepped_prices_bound
from tessera_env.world.market.spells import spells_bound
from tessera_env.world.market.timeline import integrate, merge
from tessera_env.world.parameters import NONE, CapacitySource, Parameters, PriceSource, Quantity
from tessera_env.world.random_stream import Purpose, uniform


def timeline_length(params: Parameters) -> int:
    """How many change points a pool's timeline can have in this scenario, at most."""
    return max(
        _price_steps_bound(params, spec) + 2 * _capacity_steps_bound(params, pool_id, spec)
        for pool_id, spec in enumerate(params.pools)
    )


def _price_steps_bound(params: Parameters, spec) -> int:
    if spec.price_source == PriceSource.ORNSTEIN_UHLENBECK:
        return int(np.ceil(params.config[0].horizon_s / spec.price_step_s)) + 1
    if spec.price_source == PriceSource.STEPS:
        return stepped_prices_bound(spec, params.config[0].horizon_s)
    return _window_points_bound(params) if spec.price_source == PriceSource.TRACE else 1


def _capacity_steps_bound(params: Parameters, pool_id: int, spec) -> int:
    if spec.capacity_source == CapacitySource.SEMI_MARKOV:
        steps = int(INTERPRETER.run(semi_markov_bound, (spec, params.config[0].horizon_s)))  # sooner than compiling it
        return steps + _levels_bound(params, spec)
    if spec.capacity_source == CapacitySource.SPELLS:
        return spells_bound(params, pool_id) + _levels_bound(params, spec)
    return _window_points_bound(params) if spec.capacity_source == CapacitySource.TRACE else 1


def _levels_bound(params: Parameters, spec) -> int:
    return int(INTERPRETER.run(levels_bound, (spec, params.config[0].horizon_s)))


def _window_points_bound(params: Parameters) -> int:
    """The most change points that any window of any trace has, and the one before the window."""
    most = 0
    for series in params.series:
        times_s = np.asarray(params.trace["time_s"][series.first : series.first + series.count])
        ends = np.searchsorted(times_s, times_s + params.config[0].horizon_s, side="right")
        most = max(most, int(np.max(ends - np.arange(len(times_s)), initial=0)))
    return most + 2


@compiled_allocating
def draw_market(params, world, pools, market, env: int) -> None:
    """Draw the window and every pool's trace, set-up time and timeline into the rows of `env`."""
    world.window_s = draw_window_s(params, world)
    length = market.shape[2]
    prices_at, prices = np.empty(length), np.empty(length)
    raw_at, raw = np.empty(length), np.empty(length)
    known_at, known = np.empty(length), np.empty(length)
    for pool_id in range(params.pools.shape[0]):
        spec, pool = params.pools[pool_id], pools[env, pool_id]
        series_id = draw_series(params, world, pool_id)
        pool.setup_s = draw(params.distributions[Quantity.FIRST_SETUP + 2 * pool_id], world, Purpose.SETUP, pool_id, 0)
        price_count = price_steps(params, world, pool_id, series_id, prices_at, prices)
        raw_count = capacity_steps(params, world, pool_id, series_id, raw_at, raw)
        if has_levels(spec):
            raw_count = in_levels(params, world, pool_id, raw_count, raw_at, raw, known_at, known)
            raw_at[:raw_count], raw[:raw_count] = known_at[:raw_count], known[:raw_count]
        known_count = announce_losses(raw_at, raw, raw_count, params.config[0].notice_s, known_at, known)
        count = merge(prices_at, prices, price_count, known_at, known, known_count, market, env, pool_id)
        for k in range(count):
            market[env, pool_id, k].hazard_per_s = hazard_per_s(spec, market[env, pool_id, k].spot_price)
        integrate(market, env, pool_id, count)
        pool.point_count = count


@compiled
def draw_window_s(params, world) -> float:
    """Where in the traces the episode starts: uniform over the grid of starts whose window fits."""
    config = params.config[0]
    if config.series_count == 0:
        return 0.0
    room_s = config.window_until_s - config.window_from_s - config.horizon_s
    starts = int(room_s / config.window_step_s) + 1
    step = int(uniform(world, Purpose.WINDOW, 0, 0) * starts)
    return config.window_from_s + step * config.window_step_s


@compiled
def draw_series(params, world, pool_id: int) -> int:
    """The pool's trace: its own, or drawn for this world."""
    series_id = params.pools[pool_id].series
    if series_id == NONE and params.config[0].series_count > 0:
        return int(uniform(world, Purpose.SERIES, pool_id, 0) * params.config[0].series_count)
    return series_id

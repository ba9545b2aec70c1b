"""What one instance of an offer costs up to a time."""

from tessera_env.jit.compiled import compiled
from tessera_env.world.market.timeline import point_at, price_integral_at


@compiled
def dollars_until(params, state, env: int, offer_id: int, time_s: float) -> float:
    """Dollars for one instance of an offer held from 0 to `time_s`, now or later."""
    offer = state.offers[env, offer_id]
    if offer.on_demand:
        return time_s * params.pools[offer.pool].on_demand_price / 3600.0
    pool = state.pools[env, offer.pool]
    k = point_at(state.market, env, offer.pool, pool.cursor, pool.point_count, time_s)
    return price_integral_at(state.market, env, offer.pool, k, time_s)


@compiled
def move_cursor(state, env: int, pool_id: int) -> int:
    """Bring the pool's cursor to now; returns the point that holds."""
    pool = state.pools[env, pool_id]
    pool.cursor = point_at(state.market, env, pool_id, pool.cursor, pool.point_count, state.episodes[env].now_s)
    return pool.cursor

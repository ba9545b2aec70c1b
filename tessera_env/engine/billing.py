"""What instances cost: accrued while they run, settled when they end."""

import math

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import log_event
from tessera_env.jit.compiled import compiled
from tessera_env.world.market.timeline import point_at, price_integral_at
from tessera_env.world.parameters import NONE

_FREE_S = 3600.0


@compiled
def dollars_until(params, state, env: int, pool_id: int, on_demand: int, time_s: float) -> float:
    """Dollars for one instance of a pool and purchase held from 0 to `time_s`, now or later."""
    if on_demand:
        return time_s * params.pools[pool_id].on_demand_price / 3600.0
    pool = state.pools[env, pool_id]
    k = point_at(state.market, env, pool_id, pool.cursor, pool.point_count, time_s)
    return price_integral_at(state.market, env, pool_id, k, time_s)


@compiled
def move_cursor(state, env: int, pool_id: int) -> int:
    """Bring the pool's cursor to now; returns the point that holds."""
    pool = state.pools[env, pool_id]
    pool.cursor = point_at(state.market, env, pool_id, pool.cursor, pool.point_count, state.rows[env].now_s)
    return pool.cursor


@compiled
def start_billing(params, state, env: int, instance_id: int) -> None:
    """From now on the instance is billed."""
    instance = state.instances[env, instance_id]
    pool = state.pools[env, instance.pool]
    move_cursor(state, env, instance.pool)
    instance.start_integral = dollars_until(
        params, state, env, instance.pool, instance.on_demand, instance.billing_start_s
    )
    instance.billing = 1
    if instance.on_demand:
        pool.billing_on_demand += 1
        pool.starts_on_demand += instance.start_integral
    else:
        pool.billing_spot += 1
        pool.starts_spot += instance.start_integral


@compiled
def stop_billing(state, env: int, instance_id: int) -> None:
    """The instance accrues nothing more."""
    instance = state.instances[env, instance_id]
    pool = state.pools[env, instance.pool]
    instance.billing = 0
    if instance.on_demand:
        pool.billing_on_demand -= 1
        pool.starts_on_demand = pool.starts_on_demand - instance.start_integral if pool.billing_on_demand else 0.0
    else:
        pool.billing_spot -= 1
        pool.starts_spot = pool.starts_spot - instance.start_integral if pool.billing_spot else 0.0


@compiled
def billed_length_s(config, used_s: float) -> float:
    """The time that is charged for a use: the minimum at least, and whole increments if there are any."""
    length_s = max(used_s, config.billing_minimum_s)
    if config.billing_increment_s > 0.0:
        length_s = math.ceil(length_s / config.billing_increment_s) * config.billing_increment_s
    return length_s


@compiled
def settle(params, state, env: int, instance_id: int, by_cloud: bool) -> None:
    """Bill an instance that ends now; nothing is due if its billing never started."""
    config, row, totals = params.config[0], state.rows[env], state.totals[env]
    instance = state.instances[env, instance_id]
    dollars, billed_end_s = 0.0, row.now_s
    if instance.billing:
        stop_billing(state, env, instance_id)
        used_s = row.now_s - instance.billing_start_s
        length_s = billed_length_s(config, used_s)
        billed_end_s = instance.billing_start_s + length_s
        if instance.on_demand:
            dollars = length_s * params.pools[instance.pool].on_demand_price / 3600.0
            totals.on_demand_usd += dollars
            totals.on_demand_s += length_s
        else:
            if not (by_cloud and config.free_first_hour and used_s < _FREE_S):
                end_integral = dollars_until(params, state, env, instance.pool, 0, billed_end_s)
                dollars = end_integral - instance.start_integral
            totals.spot_usd += dollars
            totals.spot_s += length_s
    log_event(state, env, LogKind.END, NONE, instance_id, dollars, billed_end_s)


@compiled
def dollars_so_far(params, state, env: int) -> float:
    """All dollars of the episode up to now: settled, and accrued by what is still billed."""
    totals, now_s = state.totals[env], state.rows[env].now_s
    dollars = totals.spot_usd + totals.on_demand_usd
    for pool_id in range(state.pools.shape[1]):
        pool = state.pools[env, pool_id]
        if pool.billing_spot > 0:
            move_cursor(state, env, pool_id)
            dollars += pool.billing_spot * dollars_until(params, state, env, pool_id, 0, now_s) - pool.starts_spot
        if pool.billing_on_demand > 0:
            accrued = pool.billing_on_demand * dollars_until(params, state, env, pool_id, 1, now_s)
            dollars += accrued - pool.starts_on_demand
    return dollars

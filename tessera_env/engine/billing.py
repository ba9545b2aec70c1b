"""What instances cost: accrued while they run, settled when they end."""

import math

from tessera_env.engine.accounts import charge_rest
from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import log_event
from tessera_env.engine.prices import dollars_until, move_cursor
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE

_FREE_S = 3600.0


@compiled
def start_billing(params, state, env: int, instance_id: int) -> None:
    """From now on the instance is billed."""
    instance = state.instances[env, instance_id]
    offer = state.offers[env, instance.offer]
    move_cursor(state, env, instance.pool)
    instance.start_integral = dollars_until(params, state, env, instance.offer, instance.billing_start_s)
    instance.charged_s = instance.billing_start_s
    instance.charged_integral = instance.start_integral
    instance.billing = 1
    offer.billing += 1
    offer.starts += instance.start_integral


@compiled
def stop_billing(state, env: int, instance_id: int) -> None:
    """The instance accrues nothing more."""
    instance = state.instances[env, instance_id]
    offer = state.offers[env, instance.offer]
    instance.billing = 0
    offer.billing -= 1
    offer.starts = offer.starts - instance.start_integral if offer.billing else 0.0


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
    config, episode = params.config[0], state.episodes[env]
    instance = state.instances[env, instance_id]
    dollars, billed_end_s = 0.0, episode.now_s
    if instance.billing:
        stop_billing(state, env, instance_id)
        used_s = episode.now_s - instance.billing_start_s
        length_s = billed_length_s(config, used_s)
        billed_end_s = instance.billing_start_s + length_s
        if instance.on_demand:
            dollars = length_s * params.pools[instance.pool].on_demand_price / 3600.0
            episode.on_demand_usd += dollars
            episode.on_demand_s += length_s
        else:
            if not (by_cloud and config.free_first_hour and used_s < _FREE_S):
                end_integral = dollars_until(params, state, env, instance.offer, billed_end_s)
                dollars = end_integral - instance.start_integral
            episode.spot_usd += dollars
            episode.spot_s += length_s
        charge_rest(state, env, instance_id, dollars, length_s)
    log_event(state, env, LogKind.END, NONE, instance_id, dollars, billed_end_s)


@compiled
def dollars_so_far(params, state, env: int) -> float:
    """All dollars of the episode up to now: settled, and accrued by what is still billed; pool by pool."""
    episode, pool_count = state.episodes[env], state.pools.shape[1]
    dollars = episode.spot_usd + episode.on_demand_usd
    for k in range(2 * pool_count):
        offer_id = k // 2 + k % 2 * pool_count
        offer = state.offers[env, offer_id]
        if offer.billing > 0:
            if not offer.on_demand:
                move_cursor(state, env, offer.pool)
            dollars += offer.billing * dollars_until(params, state, env, offer_id, episode.now_s) - offer.starts
    return dollars

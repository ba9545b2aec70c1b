"""Preferences over placements as numbers: the lowest valid rank is chosen, on ties the lowest action.

A rank is a tier plus, within a tier, the price in units of the dearest on-demand price. Ranks of all actions give a
rule its answer under any mask: where the wish is invalid, the next best valid placement is taken.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import FIELD_COUNT, POOL_FIELD_COUNT, PoolField

STAY = 0.0
FIRST, SECOND, THIRD = 1e3, 2e3, 3e3  # far apart against any price in the observation
UNAVAILABLE = 8e3  # a launch that fails
DOES_NOT_FIT = 9e3  # a placement that is never valid


@compiled
def pool_value(observations, env: int, pool_id: int, field: int) -> float:
    """A pool's field of a row's observation."""
    return float(observations[env, FIELD_COUNT + pool_id * POOL_FIELD_COUNT + field])


@compiled
def on_demand_rank(observations, env: int, pool_id: int, tier: float) -> float:
    """Staying on on-demand before all, then `tier`, the cheapest first."""
    if pool_value(observations, env, pool_id, PoolField.HERE_ON_DEMAND) > 0.0:
        return STAY
    if pool_value(observations, env, pool_id, PoolField.FITS) <= 0.0:
        return DOES_NOT_FIT
    return tier + pool_value(observations, env, pool_id, PoolField.ON_DEMAND_PRICE)


@compiled
def spot_rank(observations, env: int, pool_id: int, tier: float, stays: bool) -> float:
    """Staying where it is on spot, if it `stays`, then `tier`, the cheapest available first."""
    if stays and pool_value(observations, env, pool_id, PoolField.HERE_SPOT) > 0.0:
        return STAY
    if pool_value(observations, env, pool_id, PoolField.FITS) <= 0.0:
        return DOES_NOT_FIT
    if pool_value(observations, env, pool_id, PoolField.AVAILABLE) <= 0.0:
        return UNAVAILABLE
    return tier + pool_value(observations, env, pool_id, PoolField.SPOT_PRICE)

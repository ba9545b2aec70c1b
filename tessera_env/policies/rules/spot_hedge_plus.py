"""SpotHedge mended: replicas keep together in a pool that has proven itself, with spares only while none has.

`spot_hedge` (Mao et al., "SkyServe", EuroSys'25) comes to hold most replicas in one pool and a spare in another, so
that most outages are the loss of that one pool, which the spare does not prevent; its fallback also stands in for a
missing spare, at three times the price; a pool with a mark is left out until nearly all have one. Here, with N as the
target and b on on-demand anyhow:

- Spot wanted: N - b, together where losses are rarest; or, while that is cheaper than the outages that it prevents,
  with so many spares over so many pools that any of them may be lost (`loads`). None where the scenario's extra is 0.
- On-demand wanted: min(N, b + max(N - b - S, R)), S ready on spot now, R the replicas of the plan that find no room on
  spot, 0 where all do. It goes once spot is ready.
- A mark lasts `mark_s` after a loss or a failed launch. A pool that is not known to hold gets one replica at a time.
- Pools prove themselves and marks expire by the clock, so that looks may not be left out (`looks` = "always").
- A replica that is ready and in the wrong pool stops once N - b others are: moves leave no gap.
"""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import ServiceField, ServicePoolField
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.greedy import greedy_rank
from tessera_env.policies.rules.loads import load_of, needed_on_spot, without_room
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.seats import (
    KEPT,
    NEVER,
    WAITS,
    is_seat,
    known_count,
    known_value,
    seat_rank,
    service_count,
    service_value,
    target_of,
)

_FIRST = -1.0  # before any on-demand


@compiled
def spot_place(options, observations, env: int, pool_id: int, pool_count: int) -> float:
    """The place of spot in the pool: a replica there is kept, or launched, as long as the pool is to hold more."""
    is_empty = service_value(observations, env, ServiceField.SEAT_EMPTY, pool_count) > 0.0
    if not is_empty and known_value(observations, env, pool_id, ServicePoolField.SEAT_HERE_SPOT, pool_count) <= 0.0:
        return NEVER
    claimed = known_count(observations, env, pool_id, ServicePoolField.SPOT_CLAIMED_HERE, pool_count)
    lacks = claimed < load_of(options, observations, env, pool_id, pool_count)
    if is_empty:
        return _FIRST if lacks else NEVER
    is_ready = service_value(observations, env, ServiceField.SEAT_READY, pool_count) > 0.0
    ready = service_count(observations, env, ServiceField.READY_SPOT, pool_count)
    serves = is_ready and ready <= needed_on_spot(observations, env, pool_count)
    return KEPT if lacks or serves else NEVER


@compiled
def on_demand_place(options, observations, env: int, action: int, pool_count: int) -> float:
    """The place of on-demand in a pool: a replica there is kept, or launched, as long as there are to be more."""
    is_empty = service_value(observations, env, ServiceField.SEAT_EMPTY, pool_count) > 0.0
    here = ServicePoolField.SEAT_HERE_ON_DEMAND
    if not is_empty and known_value(observations, env, action - 1 - pool_count, here, pool_count) <= 0.0:
        return NEVER
    base = service_count(observations, env, ServiceField.BASE_ON_DEMAND, pool_count)
    ready = service_count(observations, env, ServiceField.READY_SPOT, pool_count)
    missing = max(0, needed_on_spot(observations, env, pool_count) - ready)
    wanted = base + max(missing, without_room(options, observations, env, pool_count))
    wanted = min(target_of(observations, env, pool_count), wanted)
    return seat_rank(observations, env, action, pool_count, 0, wanted, NEVER)


@compiled
def spot_hedge_plus_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; tasks beside services go as `greedy` has it."""
    if not is_seat(observations, env, pool_count):
        return greedy_rank(options, observations, env, action, pool_count)
    if action == 0:
        return WAITS
    if action <= pool_count:
        return spot_place(options, observations, env, action - 1, pool_count)
    return on_demand_place(options, observations, env, action, pool_count)


class SpotHedgePlus(RulePolicy):
    """SpotHedge mended: together in proven pools, spares only while none is, fallback on what is missing alone.

    Args:
        layout: of the environment.
        outage_h: hours of one on-demand replica that an outage is worth; the more, the more spares.
        young_h: a pool that has just come is expected to be lost after so long, h.
        mark_s: no new replica goes to a pool for so long after a loss or a failed launch there, s.
        spare_worth: a spare that finds no room on spot is on-demand where it is worth so many times its price.

    Raises:
        ValueError: an option is out of its range.
    """

    name = "spot_hedge_plus"
    rank = spot_hedge_plus_rank
    for_services = True

    def __init__(
        self,
        layout: Layout,
        outage_h: float = 3.5,
        young_h: float = 1.0,
        mark_s: float = 1200.0,
        spare_worth: float = 4.0,
    ) -> None:
        for name, value, low in (
            *(("outage_h", outage_h, 0.0), ("young_h", young_h, 0.01), ("mark_s", mark_s, 0.0)),
            ("spare_worth", spare_worth, 0.0),
        ):
            if not low <= value <= 1e6:
                raise ValueError(f"{self.name}: {name}: {value:g} (allowed: {low:g} to 1e6)")
        super().__init__(layout, outage_h=outage_h, young_h=young_h, mark_s=mark_s, spare_worth=spare_worth)

"""SpotHedge mended: pools that age into trust, spares only while they are needed, marks that expire, no flapping."""

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import ServiceField, ServicePoolField
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.greedy import greedy_rank
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.seats import (
    NEVER,
    is_seat,
    known_count,
    known_value,
    seat_rank,
    service_count,
    span_of,
    target_of,
)

_LEFT_OUT = 4e3


@compiled
def hazard_per_h(options, observations, env: int, pool_id: int, pool_count: int) -> float:
    """Losses per hour to be expected of a replica in the pool: the longer it has held, the fewer."""
    age = span_of(known_value(observations, env, pool_id, ServicePoolField.UP_AGE, pool_count), 2.0)
    if age > 0.0:
        return 1.0 / (age + options.young_h)
    losses = known_count(observations, env, pool_id, ServicePoolField.LOSSES, pool_count)
    failures = known_count(observations, env, pool_id, ServicePoolField.FAILURES, pool_count)
    return (1.0 + losses + options.fail * min(failures, 10)) / options.prior_h


@compiled
def is_left_out(options, observations, env: int, pool_id: int, pool_count: int) -> bool:
    """Whether no new replica is tried there now."""
    failed_h = span_of(known_value(observations, env, pool_id, ServicePoolField.FAILED_AGE, pool_count), 1.0)
    lost_h = span_of(known_value(observations, env, pool_id, ServicePoolField.LOST_AGE, pool_count), 1.0)
    return min(failed_h, lost_h) < options.mark_s / 3600.0


@compiled
def plus_choice(options, observations, env: int, pool_id: int, pool_count: int) -> float:
    """A pool's place among those that a new spot replica could go to, the least first."""
    claimed = known_count(observations, env, pool_id, ServicePoolField.SPOT_CLAIMED_HERE, pool_count)
    cost = known_value(observations, env, pool_id, ServicePoolField.SPOT_COST, pool_count)
    hazard = hazard_per_h(options, observations, env, pool_id, pool_count)
    place = options.load * claimed + hazard + options.price * cost
    if is_left_out(options, observations, env, pool_id, pool_count):
        return _LEFT_OUT + place
    probes = known_count(observations, env, pool_id, ServicePoolField.SPOT_HERE, pool_count) == 0 and claimed > 0
    return place + (1000.0 if probes and hazard > 1.5 / options.prior_h else 0.0)


@compiled
def worst_hazard(options, observations, env: int, pool_count: int) -> float:
    """Of the pools with replicas."""
    worst = 0.0
    for pool_id in range(pool_count):
        if known_count(observations, env, pool_id, ServicePoolField.SPOT_HERE, pool_count) > 0:
            worst = max(worst, hazard_per_h(options, observations, env, pool_id, pool_count))
    return worst


@compiled
def total_hazard(options, observations, env: int, pool_count: int) -> float:
    """Of the pools with replicas."""
    total = 0.0
    for pool_id in range(pool_count):
        if known_count(observations, env, pool_id, ServicePoolField.SPOT_HERE, pool_count) > 0:
            total += hazard_per_h(options, observations, env, pool_id, pool_count)
    return total


@compiled
def best_hazard(options, observations, env: int, pool_count: int) -> float:
    """Of the pools with replicas that are not left out."""
    best = 1e3
    for pool_id in range(pool_count):
        if known_count(observations, env, pool_id, ServicePoolField.SPOT_HERE, pool_count) > 0 and not is_left_out(
            options, observations, env, pool_id, pool_count
        ):
            best = min(best, hazard_per_h(options, observations, env, pool_id, pool_count))
    return best


@compiled
def spot_hedge_plus_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; tasks beside services go as `greedy` has it."""
    if not is_seat(observations, env, pool_count):
        return greedy_rank(options, observations, env, action, pool_count)
    target = target_of(observations, env, pool_count)
    base = min(target, service_count(observations, env, ServiceField.BASE_ON_DEMAND, pool_count))
    extra = service_count(observations, env, ServiceField.EXTRA, pool_count)
    ready = service_count(observations, env, ServiceField.READY_SPOT, pool_count)
    needed = target - base
    worst = worst_hazard(options, observations, env, pool_count)
    risky = total_hazard(options, observations, env, pool_count) > options.risk
    spot = needed + (extra if risky else 0)
    if ready <= spot and worst - best_hazard(options, observations, env, pool_count) > options.move:
        spot += 1
    on_demand = min(target, base + max(0, needed + (extra if risky and options.cover else 0) - ready))
    held = service_count(observations, env, ServiceField.HELD_SPOT, pool_count)
    if 0 < action <= pool_count:
        choice = plus_choice(options, observations, env, action - 1, pool_count)
        here = known_value(observations, env, action - 1, ServicePoolField.SEAT_HERE_SPOT, pool_count) > 0.0
        if here and held > spot:
            hazard = hazard_per_h(options, observations, env, action - 1, pool_count)
            return NEVER if hazard >= worst - 1e-6 and held - ready < 1 else 0.0
        return seat_rank(observations, env, action, pool_count, spot, on_demand, choice)
    return seat_rank(observations, env, action, pool_count, spot, on_demand, NEVER)


class SpotHedgePlus(RulePolicy):
    """SpotHedge mended."""

    name = "spot_hedge_plus"
    rank = spot_hedge_plus_rank
    for_services = True

    def __init__(
        self,
        layout: Layout,
        risk: float = 2.0,
        young_h: float = 0.5,
        prior_h: float = 2.0,
        mark_s: float = 600.0,
        load: float = 0.05,
        fail: float = 0.2,
        price: float = 0.1,
        move: float = 1e9,
        cover: int = 0,
    ) -> None:
        super().__init__(
            layout,
            risk=risk,
            young_h=young_h,
            prior_h=prior_h,
            mark_s=mark_s,
            load=load,
            fail=fail,
            price=price,
            move=move,
            cover=cover,
        )

"""SpotHedge mended: it weighs what pools have shown, pays for no spare, and falls back only on what is missing.

`spot_hedge` (Mao et al., "SkyServe", EuroSys'25) loses a pool whole more often than it loses a single replica, so that
one spare seldom helps; its fallback also stands in for a spare that is missing, at three times the price; a pool with a
mark is left out until nearly all have one. Here, with N as the target and b on on-demand anyhow:

- Spot wanted: N - b (with `spares` the scenario's extra besides).
- On-demand wanted: min(N, b + max(0, N - b - S)), S ready on spot now.
- A new replica goes where losses are least to be expected: 1 / (h + `young_h`) an hour, h the hours that the pool is
  known to have held, or may have (`prior_h` more where it was never seen down, at most since it was). Each loss there,
  and each of the first five failed launches, adds a tenth. A replica there already adds `load` an hour: at 0 replicas
  keep together in the pool that has held longest, since one loss of all is one outage, and losses of one each are many.
- A mark lasts `mark_s` after a loss or a failed launch; then the pool is tried by one replica at a time until it holds.
- A replica in a pool that is worse by `move` losses an hour moves, one at a time, and stops once the new one is ready.
"""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import ServiceField, ServicePoolField
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.greedy import greedy_rank
from tessera_env.policies.rules.rule_policy import RulePolicy
from tessera_env.policies.rules.seats import (
    KEPT,
    NEVER,
    is_seat,
    known_count,
    known_value,
    seat_rank,
    service_count,
    span_of,
    target_of,
)

_LEFT_OUT, _NOT_PROVEN = 4e3, 1e3
_EACH_FAILURE, _MOST_FAILURES = 0.1, 5  # of the least that is to be expected; more failures say nothing new
_PRICE = 0.1  # losses an hour that the dearest on-demand price is worth: between like pools the cheaper one
_NOBODY = 1e3


@compiled
def down_h(observations, env: int, pool_id: int, pool_count: int) -> float:
    """Hours since the pool was seen to lack capacity; infinity: never."""
    failed = known_value(observations, env, pool_id, ServicePoolField.FAILED_AGE, pool_count)
    lost = known_value(observations, env, pool_id, ServicePoolField.LOST_AGE, pool_count)
    return min(span_of(failed, 1.0), span_of(lost, 1.0))


@compiled
def held_h(observations, env: int, pool_id: int, pool_count: int) -> float:
    """Hours that the pool is known to have held; 0: it is not known to hold."""
    return span_of(known_value(observations, env, pool_id, ServicePoolField.UP_AGE, pool_count), 2.0)


@compiled
def exposure(options, observations, env: int, pool_id: int, pool_count: int, others: int) -> float:
    """Losses an hour to be expected of a replica in the pool, beside so many others; between like pools, its price."""
    known = held_h(observations, env, pool_id, pool_count)
    age = max(known, min(known + options.prior_h, down_h(observations, env, pool_id, pool_count)))
    losses = known_count(observations, env, pool_id, ServicePoolField.LOSSES, pool_count)
    failures = known_count(observations, env, pool_id, ServicePoolField.FAILURES, pool_count)
    expected = (1.0 + _EACH_FAILURE * (losses + min(failures, _MOST_FAILURES))) / (age + options.young_h)
    price = known_value(observations, env, pool_id, ServicePoolField.SPOT_COST, pool_count)
    return expected + options.load * others + _PRICE * price


@compiled
def plus_choice(options, observations, env: int, pool_id: int, pool_count: int) -> float:
    """A pool's place among those that a new replica could go to, the least first."""
    claimed = known_count(observations, env, pool_id, ServicePoolField.SPOT_CLAIMED_HERE, pool_count)
    place = exposure(options, observations, env, pool_id, pool_count, claimed)
    down = down_h(observations, env, pool_id, pool_count)
    if down < options.mark_s / 3600.0:
        return _LEFT_OUT + place
    is_proven = down == math.inf or held_h(observations, env, pool_id, pool_count) > 0.0
    return place if is_proven or claimed == 0 else _NOT_PROVEN + place


@compiled
def last_exposure(options, observations, env: int, pool_id: int, pool_count: int) -> float:
    """That of the pool's last replica; 0: it has none."""
    held = known_count(observations, env, pool_id, ServicePoolField.SPOT_HERE, pool_count)
    return exposure(options, observations, env, pool_id, pool_count, held - 1) if held > 0 else 0.0


@compiled
def worst_exposure(options, observations, env: int, pool_count: int) -> float:
    """The most of a held replica."""
    worst = 0.0
    for pool_id in range(pool_count):
        worst = max(worst, last_exposure(options, observations, env, pool_id, pool_count))
    return worst


@compiled
def best_exposure(options, observations, env: int, pool_count: int) -> float:
    """The least that one more replica would have, in a pool without a mark."""
    best = _NOBODY
    for pool_id in range(pool_count):
        usable = known_value(observations, env, pool_id, ServicePoolField.USABLE, pool_count) > 0.0
        if usable and down_h(observations, env, pool_id, pool_count) >= options.mark_s / 3600.0:
            held = known_count(observations, env, pool_id, ServicePoolField.SPOT_HERE, pool_count)
            best = min(best, exposure(options, observations, env, pool_id, pool_count, held))
    return best


@compiled
def spot_hedge_plus_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    """The action's place; tasks beside services go as `greedy` has it."""
    if not is_seat(observations, env, pool_count):
        return greedy_rank(options, observations, env, action, pool_count)
    target = target_of(observations, env, pool_count)
    base = min(target, service_count(observations, env, ServiceField.BASE_ON_DEMAND, pool_count))
    ready = service_count(observations, env, ServiceField.READY_SPOT, pool_count)
    held = service_count(observations, env, ServiceField.HELD_SPOT, pool_count)
    needed = target - base
    spot = needed + (service_count(observations, env, ServiceField.EXTRA, pool_count) if options.spares else 0)
    worst = worst_exposure(options, observations, env, pool_count)
    if needed <= ready <= spot and held <= spot + 1:
        moves = worst - best_exposure(options, observations, env, pool_count) > options.move
        spot += 1 if moves else 0
    on_demand = min(target, base + max(0, needed - ready))
    choice = NEVER
    if 0 < action <= pool_count:
        if known_value(observations, env, action - 1, ServicePoolField.SEAT_HERE_SPOT, pool_count) > 0.0:
            is_worst = last_exposure(options, observations, env, action - 1, pool_count) >= worst
            return NEVER if held > spot and is_worst else KEPT
        choice = plus_choice(options, observations, env, action - 1, pool_count)
    return seat_rank(observations, env, action, pool_count, spot, on_demand, choice)


class SpotHedgePlus(RulePolicy):
    """SpotHedge mended: pools by what they have shown, no spare, fallback on what is missing alone.

    Args:
        layout: of the environment.
        young_h: a pool that has just come is expected to be lost after so long, h.
        prior_h: a pool that nobody has seen down is taken to have held so much longer than is known, h.
        mark_s: a pool is left out so long after a loss or a failed launch, s.
        load: losses an hour that a replica in the same pool counts for; above 0 replicas spread.
        move: a replica moves to a pool that is better by so many losses an hour.
        spares: 1: the scenario's `extra` replicas are kept beyond the target.

    Raises:
        ValueError: an option is out of its range.
    """

    name = "spot_hedge_plus"
    rank = spot_hedge_plus_rank
    for_services = True

    def __init__(
        self,
        layout: Layout,
        young_h: float = 0.5,
        prior_h: float = 2.0,
        mark_s: float = 600.0,
        load: float = 0.0,
        move: float = 0.5,
        spares: int = 0,
    ) -> None:
        for name, value, low in (("young_h", young_h, 0.01), ("prior_h", prior_h, 0.0), ("mark_s", mark_s, 0.0)):
            if not low <= value <= 1e6:
                raise ValueError(f"{self.name}: {name}: {value:g} (allowed: {low:g} to 1e6)")
        for name, value in (("load", load), ("move", move)):
            if not 0.0 <= value <= 1e6:
                raise ValueError(f"{self.name}: {name}: {value:g} (allowed: 0 to 1e6)")
        if spares not in (0, 1):
            raise ValueError(f"{self.name}: spares: {spares} (allowed: 0, 1)")
        options = {"young_h": young_h, "prior_h": prior_h, "mark_s": mark_s, "load": load, "move": move}
        super().__init__(layout, **options, spares=spares)

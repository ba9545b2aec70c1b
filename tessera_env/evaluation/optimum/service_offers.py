"""What a world has to offer to one of its services, and how many replicas it wants.

Everything here is at least as good as what the engine gives:

- *Capacity.* Who is held without notice counts against the pool's capacity. A replica that `serves` on after a notice
  does so for `notice_s`, so the largest capacity of the last `notice_s` is the room
  (`tessera_env.evaluation.optimum.spot_hours`). Launches that fail and lifetimes only take something away.
- *Price.* An instance is billed from its boot's end, at the price of the moment, or more; with a free first hour those
  that the cloud takes within it are free.
- *Cold start.* The pool's shortest boot, its set-up, the model's loading and the replica's own set-up. Where instances
  are kept idle, boot and set-up may be another replica's, so they are left out.
- *On-demand* never runs out. Of two pools, one that is as cheap and as fast as the other is enough.
"""

from collections.abc import Iterator

import numpy as np

from tessera_env.evaluation.optimum.spot_hours import seller_of
from tessera_env.evaluation.optimum.timeline import Demand, Offer
from tessera_env.simulation.rows import Simulation
from tessera_env.world.parameters import MB_PER_GBIT, UNLIMITED


def offers_of(simulation: Simulation, row: int, service_id: int) -> list[Offer]:
    """Spot and on-demand in each pool that the service may use, in the world that the row has just started."""
    usable = np.flatnonzero(simulation.params.service_pools[service_id])
    spot = [_spot(simulation, row, service_id, int(pool_id)) for pool_id in usable]
    on_demand = [_on_demand(simulation, row, service_id, int(pool_id)) for pool_id in usable]
    return spot + list(_undominated(on_demand))


def demand_of(simulation: Simulation, row: int, service_id: int) -> Demand:
    """The service's target in that world."""
    count = int(simulation.state.services[row, service_id].demand_count)
    points = simulation.state.demand.view(np.ndarray)[row, service_id, :count]
    changes = np.append(True, np.diff(points["target"]) != 0) & (points["time_s"] < _horizon_s(simulation))
    return Demand(points["time_s"][changes], points["target"][changes])


def _horizon_s(simulation: Simulation) -> float:
    return float(simulation.params.config[0].horizon_s)


def _spot(simulation: Simulation, row: int, service_id: int, pool_id: int) -> Offer:
    serves_s = simulation.scenario.notice_s if simulation.params.services[service_id].serves_at_notice else 0.0
    seller = seller_of(simulation, row, pool_id, serves_s)
    changes = np.append(True, (np.diff(seller.usd_per_h) != 0.0) | (np.diff(seller.capacity) != 0))
    return Offer(
        seller.time_s[changes],
        seller.usd_per_h[changes],
        seller.capacity[changes],
        *_cold_start_s(simulation, row, service_id, pool_id),
    )


def _on_demand(simulation: Simulation, row: int, service_id: int, pool_id: int) -> Offer:
    price = np.array([simulation.scenario.pools[pool_id].on_demand_usd_per_h])
    return Offer(np.zeros(1), price, np.array([UNLIMITED]), *_cold_start_s(simulation, row, service_id, pool_id))


def _cold_start_s(simulation: Simulation, row: int, service_id: int, pool_id: int) -> tuple[float, float]:
    """The shortest boot, and what is billed before the replica is ready."""
    scenario, spec = simulation.scenario, simulation.params.services[service_id]
    pool = scenario.pools[pool_id]
    mb_per_s = min(pool.bandwidth_gbps, scenario.checkpoint.store_bandwidth_gbps) * MB_PER_GBIT
    own_s = float(spec.setup_s) + float(spec.model_mb) / mb_per_s
    if scenario.idle_timeout_s > 0.0:
        return 0.0, own_s
    return pool.provisioning_s.lowest, float(simulation.state.pools[row, pool_id].setup_s) + own_s


def _undominated(offers: list[Offer]) -> Iterator[Offer]:
    """Those of one price and no limit without which something would be missing."""
    for index, offer in enumerate(offers):
        figures = _figures(offer)
        others = [(_figures(other), k) for k, other in enumerate(offers) if k != index]
        if not any((other <= figures).all() and ((other < figures).any() or k < index) for other, k in others):
            yield offer


def _figures(offer: Offer) -> np.ndarray:
    return np.array([offer.usd_per_h[0], offer.boot_s, offer.setup_s])

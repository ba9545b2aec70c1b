"""What a picture of a market shows: price, interruption risk and capacity of each pool, of a world or of a trace."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tessera_env.recordings.traces.series import Series
from tessera_env.scenario.market import BathtubHazard
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation
from tessera_env.world.parameters import UNLIMITED

Floats = NDArray[np.float64]

# Told apart whatever one's colour vision for the first eight (Okabe and Ito), then darker ones.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#332288", "#882255", "#117733", "#999933")
_AGES = 400

# Of the height, where both are drawn: prices below, risks above. One on the other, a fast market is a thicket.
PRICE_SHARE, RISK_SHARE = 0.6, 0.36


@dataclass(frozen=True, eq=False)
class PoolCurves:
    """One pool; each value holds from its time to the next one, the last one to the market's end."""

    name: str
    time_s: Floats  # (n,) rising from 0
    price: Floats | None  # (n,) $/h; None: not recorded
    risk: Floats | None  # (n,) interruptions beside losses of capacity, % per instance-hour; None: none at any time
    capacity: Floats | None  # (n,) instances to be had; None: no limit


@dataclass(frozen=True, eq=False)
class AgeRisk:
    """Interruption risk that depends on the instance's age, not on the time."""

    pools: tuple[str, ...]
    age_h: Floats  # (n,)
    risk: Floats  # (n,) % per hour


@dataclass(frozen=True, eq=False)
class Market:
    """A world's market, or a trace."""

    title: str
    note: str
    pools: tuple[PoolCurves, ...]
    end_s: float
    by_age: tuple[AgeRisk, ...] = ()

    @property
    def has_risk(self) -> bool:
        """Whether any pool has a risk over time."""
        return any(pool.risk is not None for pool in self.pools)

    @property
    def has_price(self) -> bool:
        """Whether any pool's price is known."""
        return any(pool.price is not None for pool in self.pools)

    @property
    def has_capacity(self) -> bool:
        """Whether any pool's capacity changes, or is none."""
        known = [pool.capacity for pool in self.pools if pool.capacity is not None]
        return any(capacity.min() < max(float(capacity.max()), 1.0) for capacity in known)


def world_market(scenario: Scenario, seed: int, world: int) -> Market:
    """The market of one world, as a policy meets it: losses of capacity count from their notice on."""
    simulation = Simulation(scenario, 1)
    simulation.start(np.ones(1, dtype=bool), [seed], [world])
    points = simulation.episode(0).market
    pools = tuple(_world_pool(pool.name, own) for pool, own in zip(scenario.pools, points, strict=True))
    note = scenario.description or "spot prices, interruption risk and capacity"
    by_age = _age_risks(scenario)
    title = f"{scenario.name}: spot market of world {world}, seed {seed}"
    return Market(title, note, pools, scenario.horizon_h * 3600.0, by_age)


def trace_market(name: str, series: Sequence[Series]) -> Market:
    """A recorded market."""
    end_s = max(one.end_s for one in series)
    pools = tuple(_recorded_pool(one) for one in series)
    zones = f"{len(series)} zones" if len(series) > 1 else "1 zone"
    return Market(f"{name}: recorded spot market", f"{zones}, {end_s / 3600.0:,.1f} h", pools, end_s)


def highest(curves: Iterable[Floats | None]) -> float:
    """The top of a scale from 0 that holds all curves."""
    most = max((float(curve.max()) for curve in curves if curve is not None), default=0.0)
    return 1.05 * most if most > 0.0 else 1.0


def round_ticks(top: float, most: int = 6) -> list[float]:
    """Round values from 0 to below `top`, about as many as `most`."""
    power = 10.0 ** math.floor(math.log10(top / most))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= top / most * (1.0 - 1e-9))
    return [float(f"{value:.10g}") for value in np.arange(0.0, top, step)]


def corners(pool: PoolCurves, values: Floats, end_s: float) -> tuple[Floats, Floats]:
    """Times in hours and values where the quantity changes, and where it ends, for a line of steps."""
    kept = np.append(True, values[1:] != values[:-1])
    return np.append(pool.time_s[kept], end_s) / 3600.0, np.append(values[kept], values[-1])


def spells_with_capacity(pool: PoolCurves, end_s: float) -> list[tuple[float, float, float]]:
    """(start in hours, end in hours, instances) of each time with capacity that stays the same; infinity: no limit."""
    if pool.capacity is None:
        return [(0.0, end_s / 3600.0, math.inf)]
    times_h, counts = corners(pool, pool.capacity, end_s)
    rows = zip(times_h[:-1], times_h[1:], counts[:-1], strict=True)
    return [(float(start), float(end), float(count)) for start, end, count in rows if count > 0]


def _world_pool(name: str, points: np.ndarray) -> PoolCurves:
    risk = points["hazard_per_s"] * 3600.0 * 100.0
    capacity = points["capacity"].astype(np.float64)
    return PoolCurves(
        name=name,
        time_s=points["time_s"],
        price=points["spot_price"],
        risk=risk if np.any(risk > 0.0) else None,
        capacity=capacity if capacity.max() < UNLIMITED else None,
    )


def _recorded_pool(series: Series) -> PoolCurves:
    return PoolCurves(series.name, series.time_s, series.price, None, series.capacity.astype(np.float64))


def _age_risks(scenario: Scenario) -> tuple[AgeRisk, ...]:
    """One for all pools with the same lifetimes."""
    names: dict[BathtubHazard, tuple[str, ...]] = {}
    for pool in scenario.pools:
        if isinstance(pool.hazard, BathtubHazard):
            names[pool.hazard] = (*names.get(pool.hazard, ()), pool.name)
    return tuple(_age_risk(hazard, pools) for hazard, pools in names.items())


def _age_risk(hazard: BathtubHazard, pools: tuple[str, ...]) -> AgeRisk:
    """The losses within a short time, of those still there, over that time."""
    edges_h = np.linspace(0.0, hazard.cap_h, _AGES + 1)
    early, late = -np.expm1(-edges_h / hazard.tau1_h), np.exp((edges_h - hazard.b_h) / hazard.tau2_h)
    left = 1.0 - np.clip(hazard.scale * (early + late), 0.0, 1.0)
    alive = left[:-1] > 1e-9
    lost = np.maximum(-np.diff(left)[alive], 0.0)
    risk = 100.0 * lost / left[:-1][alive] / np.diff(edges_h)[alive]
    return AgeRisk(pools, 0.5 * (edges_h[:-1] + edges_h[1:])[alive], risk)

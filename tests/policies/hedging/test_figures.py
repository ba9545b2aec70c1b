"""Figures against a slow computation by field names."""

import numpy as np
import pytest

from tessera_env.observation.layout import Layout
from tessera_env.policies.hedging.figures import (
    POOL_FIGURES,
    SERVICE_FIGURES,
    PoolFigure,
    ServiceFigure,
    write_figures,
)
from tests.policies.observations import observation

COUNTS = ("losses", "failures", "spot_here", "ready_here", "starting_here")


def figures(row: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    pools, service = np.zeros((layout.pool_count, POOL_FIGURES)), np.zeros(SERVICE_FIGURES)
    write_figures(np.ascontiguousarray(row), 0, layout.pool_count, pools, service)
    return pools, service


def drawn(layout: Layout, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A row, and its counts and hours."""
    draw, pools = np.random.default_rng(seed), layout.pool_count
    true = {name: draw.integers(0, 9, pools) for name in COUNTS}
    true |= {name: draw.exponential(1.0, pools) for name in ("failed_age", "lost_age", "got_age", "lifetime")}
    true["partial_age"] = draw.exponential(1.0, pools)
    true["up_age"] = draw.exponential(3.0, pools) * (draw.random(pools) < 0.6)
    true |= {"usable": draw.random(pools) < 0.7, "spot_cost": draw.random(pools)}
    true["usable"][0] = True
    halves = {**dict.fromkeys(COUNTS, 8.0), "failed_age": 1.0, "lost_age": 1.0, "got_age": 1.0, "lifetime": 2.0}
    halves |= {"up_age": 2.0, "partial_age": 1.0}
    seen = {name: value / (value + halves[name]) if name in halves else value for name, value in true.items()}
    never = draw.random(pools) < 0.3
    seen["failed_age"], true["failed_age"] = (
        np.where(never, 1.0, seen["failed_age"]),
        np.where(never, np.inf, true["failed_age"]),
    )
    own = {name: draw.random() for name in ("target", "ready_on_demand", "lacking", "clock_sin", "clock_cos")}
    return observation(layout, **seen, **own), {**true, **{name: np.array(value) for name, value in own.items()}}


def slow_pools(true: dict[str, np.ndarray]) -> dict[PoolFigure, np.ndarray]:
    def part(name: str, half: float) -> np.ndarray:
        return true[name] / (true[name] + half)

    def lately(name: str) -> np.ndarray:
        return 1.0 / (1.0 + true[name])

    return {
        PoolFigure.ONE: np.ones(len(true["usable"])),
        PoolFigure.HOLDS: true["up_age"] > 0,
        PoolFigure.HELD_LONG: part("up_age", 8.0),
        PoolFigure.HELD: part("up_age", 2.0),
        PoolFigure.HELD_SHORT: part("up_age", 0.25),
        PoolFigure.LOSSES: part("losses", 8.0),
        PoolFigure.LOSSES_FEW: part("losses", 1.0),
        PoolFigure.FAILURES: part("failures", 8.0),
        PoolFigure.FAILURES_FEW: part("failures", 1.0),
        PoolFigure.FAILED_LATELY: lately("failed_age"),
        PoolFigure.LOST_LATELY: lately("lost_age"),
        PoolFigure.GOT_LATELY: lately("got_age"),
        PoolFigure.LIFETIME: part("lifetime", 2.0),
        PoolFigure.DEARER: true["spot_cost"] - true["spot_cost"][true["usable"]].mean(),
        PoolFigure.HERE: part("spot_here", 8.0),
        PoolFigure.READY: part("ready_here", 8.0),
        PoolFigure.PARTIAL_LATELY: lately("partial_age"),
    }


def slow_service(true: dict[str, np.ndarray], pools: dict[PoolFigure, np.ndarray]) -> dict[ServiceFigure, float]:
    usable = true["usable"]
    losses, failures, starting = (true[name][usable].sum() for name in ("losses", "failures", "starting_here"))
    return {
        ServiceFigure.ONE: 1.0,
        ServiceFigure.TARGET: true["target"],
        ServiceFigure.HOLD: pools[PoolFigure.HOLDS][usable].mean(),
        ServiceFigure.HELD_LONGEST: pools[PoolFigure.HELD][usable].max(),
        ServiceFigure.LOSSES: losses / (losses + 8.0),
        ServiceFigure.FAILURES: failures / (failures + 8.0),
        ServiceFigure.LOST_LATELY: pools[PoolFigure.LOST_LATELY][usable].max(),
        ServiceFigure.READY_ON_DEMAND: true["ready_on_demand"],
        ServiceFigure.STARTING: starting / (starting + 8.0),
        ServiceFigure.LACKING: true["lacking"],
        ServiceFigure.PARTIAL: pools[PoolFigure.PARTIAL_LATELY][usable].mean(),
        ServiceFigure.DAY_SIN: true["clock_sin"],
        ServiceFigure.DAY_COS: true["clock_cos"],
    }


@pytest.mark.parametrize("pool_count", [1, 2, 9])
def test_of_random_rows(pool_count: int) -> None:
    layout = Layout.of(pool_count, has_tasks=False, has_services=True)
    for seed in range(50):
        row, true = drawn(layout, seed)
        pools, service = figures(row, layout)
        expected = slow_pools(true)
        for figure in PoolFigure:
            assert pools[:, figure] == pytest.approx(expected[figure].astype(float), rel=1e-4, abs=1e-5), figure
        for one, value in slow_service(true, expected).items():
            assert service[one] == pytest.approx(float(value), rel=1e-4, abs=1e-5), one
        assert (np.abs(pools) <= 1.0).all() and (np.abs(service) <= 1.0).all()


def test_the_order_of_pools_plays_no_part() -> None:
    layout = Layout.of(5, has_tasks=False, has_services=True)
    first, width = layout.first_pool_index, layout.pool_field_count
    for seed in range(20):
        row, _ = drawn(layout, seed)
        turned = np.concatenate([row[0, :first], np.roll(row[0, first:], width)])[None]
        (pools, service), (others, other) = figures(row, layout), figures(turned, layout)
        np.testing.assert_allclose(others, np.roll(pools, 1, axis=0), atol=1e-12)
        np.testing.assert_allclose(other, service, atol=1e-12)

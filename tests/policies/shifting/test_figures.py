"""Figures against a slow computation by field names."""

import numpy as np
import pytest

from tessera_env.observation.layout import Layout
from tessera_env.policies.shifting.figures import (
    AVERAGED,
    CROSSED,
    FIGURE_COUNT,
    MOST,
    NAMES,
    OF_ITS_POOL,
    OF_NEXT_POOL,
    TAKEN,
    write_figures,
    write_next,
)
from tessera_env.policies.shifting.policy import UNSCALED
from tessera_env.world.parameters import NONE
from tests.policies.observations import LAYOUT, on_spot, random_rows, waiting


def figures(
    row: np.ndarray, layout: Layout = LAYOUT, scale: np.ndarray = UNSCALED, next_pool: int = NONE
) -> dict[str, float]:
    out, row = np.zeros(FIGURE_COUNT), np.ascontiguousarray(row)
    write_figures(row, 0, layout.pool_count, scale, out)
    write_next(row, 0, next_pool, scale, out)
    return dict(zip(NAMES, out.tolist(), strict=True))


def slow_figures(row: np.ndarray, layout: Layout, next_pool: int) -> dict[str, float]:
    seen = {name: layout.read(row[0].astype(float), name) for name in layout.names}
    fits = seen["fits"] > 0
    here = (seen["here_spot"] > 0) | (seen["here_on_demand"] > 0)
    can = fits & (seen["available"] > 0) & ~(seen["here_spot"] > 0)
    expected = {field.name.lower(): float(seen[field.name.lower()]) for field in TAKEN}
    for field in AVERAGED:
        name = field.name.lower()
        expected[f"mean_{name}"] = float(seen[name][fits].mean()) if fits.any() else 0.0
    average = float(seen["price_average"][fits].mean()) if fits.any() else 0.0
    expected["spot_room"] = float(seen["room"][fits].sum())
    expected["can_have_spot"] = float(can.any())
    expected["best_price"] = float(seen["spot_price"][can].min()) - average if can.any() else 0.0
    last = np.flatnonzero(here)[-1] if here.any() else None
    expected["its_price"] = 0.0 if last is None else float(seen["spot_price"][last]) - expected["mean_spot_price"]
    left = float(seen["work_left"])
    left_h = 24.0 * seen["work_left_h"] / (1.0 - abs(seen["work_left_h"]))
    unsaved_h = float(seen["unsaved"] * left_h / left) if left > 0 else 0.0
    expected["unsaved_h"] = unsaved_h / (unsaved_h + 2.0)
    for field in OF_ITS_POOL:
        expected[f"its_{field.name.lower()}"] = 0.0 if last is None else float(seen[field.name.lower()][last])
    for field in OF_NEXT_POOL:
        name = field.name.lower()
        expected[f"next_{name}"] = 0.0 if next_pool == NONE else float(seen[name][next_pool])
    expected = {name: min(max(value, -MOST), MOST) for name, value in expected.items()}
    for k, one in enumerate(CROSSED):
        for other in CROSSED[k:]:
            expected[f"{one} x {other}"] = expected[one] * expected[other] / MOST
    return expected


@pytest.mark.parametrize("pools", [1, 2, 9])
def test_of_random_rows(pools: int) -> None:
    layout = Layout(pools)
    for k, row in enumerate(random_rows(50, layout, seed=pools)):
        next_pool = NONE if k % 3 == 0 else k % pools
        for name in ("work_left", "work_left_h", "unsaved"):
            row[layout.slice_of(name)] = abs(row[layout.slice_of(name)])
        expected = slow_figures(row[None], layout, next_pool)
        assert figures(row[None], layout, next_pool=next_pool) == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_names_are_as_many_as_figures_and_differ() -> None:
    assert len(NAMES) == FIGURE_COUNT == len(set(NAMES))


def test_the_pool_where_it_is_on_spot_is_not_one_that_it_can_have() -> None:
    seen = figures(on_spot(1, available=[0, 1]))
    assert seen["can_have_spot"] == 0.0 and seen["best_price"] == 0.0
    assert figures(waiting(available=[0, 1]))["can_have_spot"] == 1.0


def test_scaled_and_cut_off() -> None:
    scale = UNSCALED.copy()
    scale[0, NAMES.index("spot_room")], scale[1, NAMES.index("spot_room")] = 0.25, 0.5
    assert figures(waiting(room=[0.5, 0.5]), scale=scale)["spot_room"] == pytest.approx((1.0 - 0.25) / 0.5)
    scale[1, NAMES.index("spot_room")] = 1e-3
    assert figures(waiting(room=[0.5, 0.5]), scale=scale)["spot_room"] == MOST


def test_the_order_of_pools_plays_no_part() -> None:
    layout = Layout(5)
    first, width = layout.first_pool_index, layout.pool_field_count
    for row in random_rows(20, layout):
        row[layout.slice_of("here_spot")] = row[layout.slice_of("here_on_demand")] = 0.0
        turned = np.concatenate([row[:first], np.roll(row[first:], width)])
        assert figures(turned[None], layout) == pytest.approx(figures(row[None], layout), abs=1e-6)

"""Demand that follows the day: its integral in closed form, whatever the grid."""

import math

import numpy as np
import pytest

from tessera_env.world.demand.timeline import DemandSource
from tests.world.demand.tables import DAY_S, HOUR_S, drawn, requests_at_end, specs_of


def daily(**fields) -> dict:
    """A service of 2 requests/s in the mean."""
    source = {"source": int(DemandSource.DAILY), "requests_per_s": 2.0}
    return {**source, "daily_share": 0.8, "step_s": 600.0, **fields}


def requests(until_s: float, share: float = 0.8) -> float:
    """The integral of 2 (1 + share sin(2 pi (t - 9 h) / 24 h)) from 0 on."""
    turn = 2.0 * math.pi / DAY_S
    swing = math.cos(turn * 9.0 * HOUR_S) - math.cos(turn * (until_s - 9.0 * HOUR_S))
    return 2.0 * (until_s + share * swing / turn)


@pytest.mark.parametrize("step_s", [60.0, 600.0, 7_000.0, 86_400.0])
@pytest.mark.parametrize("horizon_h", [1.0, 7.3, 24.0, 100.0])
def test_the_integral_is_exact_on_every_grid(step_s, horizon_h):
    """Bug: the rate at a step's beginning, which on a grid of 7,000 s misses by per cent."""
    horizon_s = horizon_h * HOUR_S
    points = drawn(specs_of(daily(step_s=step_s)), horizon_s)
    for point in points[1:]:
        assert point.requests == pytest.approx(requests(point.time_s), rel=1e-9)
    assert requests_at_end(points, horizon_s) == pytest.approx(requests(horizon_s), rel=1e-9)


def test_a_day_has_its_mean_and_its_hours():
    points = drawn(specs_of(daily(step_s=HOUR_S)), 48 * HOUR_S)
    hours_s = np.arange(48) * HOUR_S
    rates = points.requests_per_s[np.searchsorted(points.time_s, hours_s, side="right") - 1]
    assert np.allclose(rates[:24], rates[24:])
    assert rates[:24].mean() == pytest.approx(2.0)
    assert {int(k) for k in np.argsort(rates[:24])[-2:]} == {14, 15}, "highest at 15 h"
    assert {int(k) for k in np.argsort(rates[:24])[:2]} == {2, 3}, "lowest at 3 h"
    assert set(points.time_s) <= set(hours_s)


def test_no_rate_is_negative():
    """At a share of 1 it touches 0 at 3 h."""
    rates = drawn(specs_of(daily(step_s=1.0, daily_share=1.0)), 4 * HOUR_S).requests_per_s
    assert 0.0 <= rates.min() < 1e-7


def test_a_share_of_0_is_constant():
    points = drawn(specs_of(daily(daily_share=0.0)), DAY_S)
    assert points.tolist() == [(0.0, 2.0, 0.0, 1)]

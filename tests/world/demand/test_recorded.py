"""Demand out of a recording: which window a world gets, and what it holds."""

import numpy as np
import pytest
from numba import config as numba_config
from scipy import stats

from tests.world.demand.tables import drawn, recorded, requests_at_end, specs_of

PLAIN = bool(numba_config.DISABLE_JIT)
RATES = [1.0, 4.0, 4.0, 0.0, 2.0]  # of 10 s each


def steps(points) -> list[tuple[float, float]]:
    return list(zip(points.time_s.tolist(), points.requests_per_s.tolist(), strict=True))


def test_a_window_from_the_start_by_hand():
    points = drawn(specs_of(recorded(RATES, 10.0)), 50.0, RATES)
    assert steps(points) == [(0.0, 1.0), (10.0, 4.0), (30.0, 0.0), (40.0, 2.0)]
    assert points.requests.tolist() == [0.0, 10.0, 90.0, 90.0]
    assert requests_at_end(points, 50.0) == 10.0 * sum(RATES)


def test_a_window_may_begin_and_end_within_a_step():
    points = drawn(specs_of(recorded(RATES, 10.0, start_s=25.0)), 12.0, RATES)
    assert steps(points) == [(0.0, 4.0), (5.0, 0.0)]
    assert requests_at_end(points, 12.0) == 20.0


@pytest.mark.parametrize("k", range(5))
def test_a_start_at_a_step_has_no_sliver_of_the_one_before(k):
    """0.3 / 0.1 is less than 3. Bug: the step before holds for 5e-17 s."""
    points = drawn(specs_of(recorded(RATES, 0.1, start_s=k * 0.1 if k != 3 else 0.3)), 0.1, RATES)
    assert points[0].requests_per_s == RATES[k]
    assert len(points) == 1


def test_rates_are_multiplied():
    points = drawn(specs_of(recorded(RATES, 10.0, requests_per_s=2.5)), 20.0, RATES)
    assert steps(points) == [(0.0, 2.5), (10.0, 10.0)]


def test_a_service_has_its_own_recording():
    both = specs_of(recorded(RATES, 10.0), recorded([7.0, 8.0], 5.0, first=len(RATES)))
    table = [*RATES, 7.0, 8.0]
    assert steps(drawn(both, 10.0, table, service_id=1)) == [(0.0, 7.0), (5.0, 8.0)]
    assert steps(drawn(both, 10.0, table, service_id=0)) == [(0.0, 1.0)]


def test_drawn_windows_are_uniform_over_those_that_fit():
    """100 steps, windows of 2.5 steps: starts 0 to 97. Bug: starts from which the recording ends too soon."""
    rates = [float(k) for k in range(100)]
    specs = specs_of(recorded(rates, 10.0, start_s=-1.0))
    worlds = 500 if PLAIN else 10_000
    starts = np.array([drawn(specs, 25.0, rates, episode=k)[0].requests_per_s for k in range(worlds)], int)
    assert (starts.min(), starts.max()) == (0, 97)
    counts = np.bincount(starts, minlength=98)
    assert stats.chisquare(counts).pvalue > 1e-4
    assert set(np.diff(drawn(specs, 25.0, rates).time_s)) == {10.0}, "windows start at steps"


def test_services_draw_windows_of_their_own():
    rates = [float(k) for k in range(1_000)]
    both = specs_of(*[recorded(rates, 10.0, start_s=-1.0)] * 2)
    assert drawn(both, 25.0, rates, service_id=0)[0] != drawn(both, 25.0, rates, service_id=1)[0]


def test_one_window_fits_exactly():
    specs = specs_of(recorded(RATES, 10.0, start_s=-1.0))
    for episode in range(20):
        assert steps(drawn(specs, 50.0, RATES, episode=episode))[0] == (0.0, 1.0)

"""Drawing a service's demand: its room, its bits, and that nothing else of the world touches them."""

import numpy as np
import pytest
from numba import config as numba_config

from tessera_env.jit.compiled import INTERPRETER
from tessera_env.world.demand.build import demand_length, draw_demand
from tessera_env.world.demand.timeline import DEMAND_POINT, DemandSource, TargetSource
from tessera_env.world.parameters import new_table
from tests.kept import kept
from tests.world.demand.tables import DAY_S, HOUR_S, autoscaled, draw, drawn, rates_of, recorded, specs_of
from tests.world.market.tables import world

PLAIN = bool(numba_config.DISABLE_JIT)
RATES = np.random.default_rng(0).integers(0, 12, 1_000).astype(float).tolist()
SCALED = autoscaled(rate_window_s=600.0, interval_s=60.0, up_looks=1, down_looks=1, most=20)
CONSTANT = {"source": int(DemandSource.CONSTANT), "requests_per_s": 3.0}
DAILY = {"source": int(DemandSource.DAILY), "requests_per_s": 3.0, "daily_share": 1.0, "step_s": 300.0}
BURSTY = {"source": int(DemandSource.BURSTY), "requests_per_s": 3.0, "burst_factor": 6.0}
BURSTY |= {"calm_s": 3_600.0, "burst_s": 900.0}
REPLAYED = recorded(RATES, 60.0, start_s=-1.0)
SCHEDULED = {"target_source": int(TargetSource.SCHEDULE), "schedule_count": 2, "schedule_daily": 1}
SCHEDULED |= {"schedule_from_s": [0.0, 8 * HOUR_S] + [0.0] * 46, "schedule_target": [2, 5] + [0] * 46}
SOURCES = {"constant": CONSTANT, "daily": DAILY, "bursty": BURSTY, "recorded": REPLAYED}
TARGETS = {"constant": {}, "schedule": SCHEDULED, "autoscaler": SCALED}
EVERY = [{**source, **target} for source in SOURCES.values() for target in TARGETS.values()]
HORIZON_S = 0.5 * DAY_S


@pytest.mark.parametrize("fields", EVERY)
def test_compiled_is_plain(fields):
    specs = specs_of(fields)
    points = drawn(specs, HORIZON_S, RATES, seed=5)
    out = new_table((1, 1, demand_length(specs, HORIZON_S)), DEMAND_POINT)
    args = (specs, rates_of(*RATES), world(seed=5), 0, HORIZON_S, out, 0)
    count = INTERPRETER.run(draw_demand, args)
    assert points.tobytes() == out[0, 0, :count].tobytes()


@pytest.mark.parametrize("fields", EVERY)
def test_points_ascend_and_integrate(fields):
    points = drawn(specs_of(fields), HORIZON_S, RATES)
    times_s = points.time_s
    assert times_s[0] == 0.0 and (np.diff(times_s) > 0.0).all() and times_s[-1] < HORIZON_S
    summed = np.concatenate(([0.0], np.cumsum(np.diff(times_s) * points.requests_per_s[:-1])))
    assert np.allclose(points.requests, summed, rtol=1e-12)
    assert (points.requests_per_s >= 0.0).all() and (points.target >= 0).all()


@pytest.mark.parametrize("fields", EVERY)
def test_a_world_fits_its_room(fields):
    """Of the shortest and of the longest worlds. Bug: a table without room, written past its end."""
    specs = specs_of(fields)
    for horizon_s in (1.0, 59.0, 60.0, 61.0, 3_600.0, HORIZON_S):
        for episode in range(3):
            points = drawn(specs, horizon_s, RATES, episode=episode)
            assert len(points) <= demand_length(specs, horizon_s)


def test_the_room_is_that_of_the_largest_service():
    specs = specs_of(*EVERY)
    assert demand_length(specs, HORIZON_S) == max(demand_length(specs[k : k + 1], HORIZON_S) for k in range(len(specs)))
    assert demand_length(specs_of(CONSTANT), HORIZON_S) == 2
    assert demand_length(specs_of(), HORIZON_S) == 1


@pytest.mark.parametrize("fields", [BURSTY, REPLAYED])
def test_a_world_is_told_by_seed_and_episode(fields):
    specs = specs_of(fields)
    first = drawn(specs, HORIZON_S, RATES, seed=3).tobytes()
    assert first == drawn(specs, HORIZON_S, RATES, seed=3).tobytes()
    for address in ({"seed": 4}, {"seed": 3, "episode": 1}):
        assert first != drawn(specs, HORIZON_S, RATES, **address).tobytes()


def test_another_service_changes_nothing():
    alone = drawn(specs_of(BURSTY), HORIZON_S).tobytes()
    both = specs_of(BURSTY, {**BURSTY, "calm_s": 600.0}, REPLAYED)
    assert drawn(both, HORIZON_S, RATES).tobytes() == alone
    assert drawn(both, HORIZON_S, RATES, service_id=1).tobytes() != alone


def test_rows_are_drawn_where_they_belong():
    """Two services in three environments; the other rows stay as they are."""
    specs = specs_of(BURSTY, DAILY)
    out = new_table((3, 2, demand_length(specs, HORIZON_S)), DEMAND_POINT)
    count = kept(draw)(specs, rates_of(), world(seed=9), 1, HORIZON_S, out, 2)
    assert out[2, 1, :count].tobytes() == drawn(specs, HORIZON_S, service_id=1, seed=9).tobytes()
    out[2, 1] = 0
    assert not out.view(np.uint8).any()

"""What is expected of spot."""

import numpy as np
import pytest

from tessera_env.policies.planning.groups import groups_of, supply_of
from tessera_env.policies.planning.outlook import capacity_of, outlook_of
from tests.policies.observations import LAYOUT, observation
from tests.policies.planning.tables import queue

SEEN = {"room": [1 / 16, 0.0], "held": [1 / 9, 0.0], "spot_price": [1 / 3, 2 / 3], "price_average": [2 / 3, 1 / 3]}


def test_capacity_is_held_and_free() -> None:
    assert capacity_of(LAYOUT, observation(**SEEN)[0]).tolist() == [2.0, 0.0]


def test_from_what_is_now_to_the_average() -> None:
    """Two pools with spot for half and for a quarter of 20 h: the prior of 4 h draws them together."""
    row = observation(**SEEN, available_episode=[0.5, 0.25])[0]
    found = outlook_of(LAYOUT, row, queue({}, now_h=20.0), np.array([2.0, 2.0]))
    assert found.average_capacity == pytest.approx([2 * (10 + 4 * 0.375) / 24, 2 * (5 + 4 * 0.375) / 24])
    capacity, usd_per_h = found.expected(np.array([0.0, 0.5, 1.0, 1000.0]))
    assert capacity[:, 0].tolist() == [2.0, 0.0]  # the first bin is now
    assert capacity[0, 0] > capacity[0, 1] > capacity[0, 2] and capacity[1, 0] < capacity[1, 1] < capacity[1, 2]
    assert capacity[:, 2] == pytest.approx(found.average_capacity, abs=0.02)
    assert usd_per_h[:, 0] == pytest.approx([1.0, 2.0], rel=1e-6)
    assert usd_per_h[:, 2] == pytest.approx([2.0, 1.0], abs=0.02)


def test_a_pool_that_never_had_spot_is_like_the_others() -> None:
    row = observation(**SEEN, available_episode=[1.0, 0.0])[0]
    found = outlook_of(LAYOUT, row, queue({}, now_h=1.0), np.array([2.0, 0.0]))
    assert 0.0 < found.average_capacity[1] < found.average_capacity[0]


def test_at_the_start() -> None:
    row = observation(**SEEN, available_episode=[1.0, 0.0])[0]
    found = outlook_of(LAYOUT, row, queue({}), np.array([2.0, 0.0]))
    assert all(np.isfinite(values).all() for values in vars(found).values())


def test_like_pools_are_one_group() -> None:
    row = observation(**SEEN, available_episode=[1.0, 1.0])[0]
    known = queue({})
    outlook = outlook_of(LAYOUT, row, known, np.array([2.0, 2.0]))
    alike = supply_of(groups_of(known), outlook, np.array([0.0, 1.0]))
    assert alike.capacity.tolist() == [[2.0]] and alike.spot_usd_per_h == pytest.approx(np.array([[1.0]]))
    known.pools.gpu_memory_mb[1] = 24000.0
    groups = groups_of(known)
    assert groups.fits(np.array([16000.0, 20000.0])).tolist() == [[True, True], [False, True]]
    assert supply_of(groups, outlook, np.array([0.0, 1.0])).capacity.tolist() == [[2.0], [0.0]]

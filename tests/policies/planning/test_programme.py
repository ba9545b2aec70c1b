"""Plans whose least cost can be seen."""

import pytest

from tests.policies.planning.tables import plan

EDGES_H = [0.0, 1.0, 2.0, 4.0]


def test_spot_as_soon_as_possible() -> None:
    found = plan([{}], EDGES_H, [1, 1, 1])
    assert found.spot_h.tolist() == [[1.0, 1.0, 0.0]]
    assert found.on_demand_h.sum() == 0.0


def test_a_loose_task_leaves_spot_to_a_tight_one() -> None:
    found = plan([{}, {"until_h": 2.0}], EDGES_H, [1, 1, 1])
    assert found.spot_h.tolist() == [[0.0, 0.0, 2.0], [1.0, 1.0, 0.0]]
    assert found.on_demand_h.sum() == 0.0


def test_it_waits_for_spot_that_is_expected() -> None:
    found = plan([{}], EDGES_H, [0, 0, 1])
    assert found.spot_h.tolist() == [[0.0, 0.0, 2.0]]


def test_on_demand_as_late_as_possible() -> None:
    found = plan([{}], EDGES_H, [0, 0, 0])
    assert found.on_demand_h.tolist() == [[0.0, 0.0, 2.0]]


def test_of_two_that_lack_room_each_is_done_in_time() -> None:
    found = plan([{"work_h": 3.0}, {"work_h": 3.0}], EDGES_H, [1, 1, 1])
    assert found.spot_h.sum() == pytest.approx(4.0)
    assert (found.spot_h + found.on_demand_h).sum(axis=1) == pytest.approx([3.0, 3.0])


def test_interactive_runs_at_once() -> None:
    found = plan([{"interactive": True, "undone_usd_per_h": 6.0}], EDGES_H, [0, 1, 1])
    assert found.on_demand_h.tolist() == [[1.0, 0.0, 0.0]]
    assert found.spot_h.tolist() == [[0.0, 1.0, 0.0]]


def test_interactive_waits_where_that_is_cheaper() -> None:
    found = plan([{"interactive": True, "undone_usd_per_h": 1.5}], EDGES_H, [0, 1, 1])
    assert found.on_demand_h.sum() == 0.0
    assert found.spot_h.tolist() == [[0.0, 1.0, 1.0]]


def test_what_does_not_fit_buys() -> None:
    found = plan([{"fits": False}], EDGES_H, [1, 1, 1])
    assert found.spot_h.sum() == 0.0 and found.on_demand_h.sum() == pytest.approx(2.0)


def test_spot_that_loses_most_of_the_work_is_dearer_than_on_demand() -> None:
    assert plan([{"gain": 0.5}], EDGES_H, [1, 1, 1]).spot_h.sum() == pytest.approx(4.0)
    assert plan([{"gain": 0.3}], EDGES_H, [1, 1, 1]).spot_h.sum() == 0.0


def test_who_is_on_spot_keeps_it() -> None:
    for one in (0, 1):
        tasks = [{"stay_spot_usd": 0.2 * (k == one)} for k in range(2)]
        found = plan(tasks, EDGES_H, [1, 1, 1])
        assert found.spot_h[one, 0] == 1.0 and found.spot_h[1 - one, 0] == 0.0


def test_a_task_on_nothing_loses_the_changeover() -> None:
    found = plan([{"from_h": 0.25}], EDGES_H, [1, 1, 1])
    assert found.open_h.tolist() == [[0.75, 1.0, 2.0]]
    assert found.spot_h.tolist() == [[0.75, 1.0, 0.25]]


def test_a_lot_works_side_by_side() -> None:
    found = plan([{"count": 3.0, "work_h": 6.0, "until_h": 2.0}], EDGES_H, [3, 3, 3])
    assert found.spot_h.tolist() == [[3.0, 3.0, 0.0]]


def test_what_cannot_be_done_is_left() -> None:
    found = plan([{"work_h": 6.0}], EDGES_H, [0, 0, 0])
    assert found.on_demand_h.tolist() == [[1.0, 1.0, 2.0]]

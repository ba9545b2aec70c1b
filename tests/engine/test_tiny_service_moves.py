"""Tiny worlds worked out by hand: a replica that goes to another pool; each is played by the reference, too.

Spot costs $0.0005 a second; a look every 100 s, at no events. Seat 0 is on pool 0 and moves to pool 1 at 500.
"""

import pytest

from tests.engine.agreement import agreed
from tests.engine.play import WAIT
from tests.reference.service_worlds import service, service_world
from tests.reference.worlds import pool

FIRST, SECOND = 1, 2  # spot in the two pools
MOVE_S = 500.0


def choose(decision) -> int:
    """Seat 0 is on pool 0 and moves at 500; whoever is asked later stays on pool 1, or stays empty."""
    if decision.time_s < MOVE_S:
        return FIRST if decision.task == 0 else WAIT
    held = decision.services[0][3] + decision.services[0][4]
    return SECOND if decision.time_s == MOVE_S or (decision.task == 1 and held > 0) else WAIT


def moved(seats: int, second=None, horizon_s: float = 1_000.0, rules=None, answers=choose, **fields):
    """The world of this file."""
    one = service(seats, pools=2, **fields)
    return agreed(service_world([pool(), second or pool()], [one], horizon_s=horizon_s, **(rules or {})), answers)


def lines(run, *kinds: str) -> list[tuple]:
    """(time, kind, seat) of these kinds of log lines from the move on."""
    return [line[:3] for line in run.from_(MOVE_S) if line[1] in kinds]


def test_a_replica_stops_and_comes_again_in_its_own_seat():
    run = moved(1, setup_s=150.0, answers=lambda decision: FIRST if decision.time_s < MOVE_S else SECOND)
    assert lines(run, "UNREADY", "STOP", "PLACE", "READY") == [
        (500.0, "UNREADY", 0),
        (500.0, "STOP", 0),
        (500.0, "PLACE", 0),
        (650.0, "READY", 0),
    ]
    assert run.figures[0]["longest_outage_s"] == 150.0
    assert run.dollars == pytest.approx([0.25, 0.25])


def test_a_replica_serves_until_the_new_one_is_ready():
    run = moved(2, setup_s=150.0, make_before_break=True, score_from_s=150.0)
    assert lines(run, "PLACE", "READY", "UNREADY", "STOP")[:4] == [
        (500.0, "PLACE", 1),
        (650.0, "READY", 1),
        (650.0, "UNREADY", 0),
        (650.0, "STOP", 0),
    ]
    assert run.figures[0]["outages"] == 0
    assert run.dollars == pytest.approx([0.0005 * 650.0, 0.0005 * 500.0])
    assert [decision[2] for decision in run.decisions if decision[0] == 600.0] == [1], "seat 0 is not asked meanwhile"


def test_without_an_empty_seat_it_stops_first():
    answers = {0: (FIRST, SECOND), 1: (FIRST, FIRST)}
    run = moved(
        2,
        make_before_break=True,
        setup_s=150.0,
        answers=lambda decision: answers[decision.task][decision.time_s >= MOVE_S],
    )
    assert lines(run, "UNREADY", "PLACE") == [(500.0, "UNREADY", 0), (500.0, "PLACE", 0)]


def test_a_replica_that_is_not_ready_stops_first():
    run = moved(2, make_before_break=True, setup_s=600.0)
    assert lines(run, "STOP", "PLACE")[:2] == [(500.0, "STOP", 0), (500.0, "PLACE", 0)]


def test_a_move_without_room_leaves_the_replica_where_it_is():
    def stays(decision):
        return SECOND if decision.time_s == MOVE_S else FIRST if decision.task == 0 else WAIT

    run = moved(2, pool(capacity=((0.0, 0),)), make_before_break=True, answers=stays)
    assert lines(run, "LAUNCH_FAILED") == [(500.0, "LAUNCH_FAILED", 1)]
    assert [decision[2] for decision in run.decisions if decision[0] == 600.0] == [0, 1]
    assert run.figures[0]["below_s"] == 0.0


def test_a_new_replica_that_is_lost_leaves_the_old_one_where_it_is():
    def stays(decision):
        return SECOND if decision.time_s == MOVE_S else FIRST if decision.task == 0 else WAIT

    second = pool(capacity=((0.0, 1), (550.0, 0)))
    run = moved(2, second, make_before_break=True, setup_s=150.0, score_from_s=150.0, answers=stays)
    assert lines(run, "NOTICE", "UNREADY", "READY") == [(550.0, "NOTICE", 1)]
    assert run.figures[0]["below_s"] == 0.0


def test_an_old_replica_that_is_lost_does_not_stop_the_one_after_it_in_its_seat():
    # Seat 0 is lost at 550 and has another replica from 600 on, which has nothing to do with seat 1's of 650.
    first = pool(capacity=((0.0, 1), (550.0, 0), (560.0, 1)))
    one = service(2, pools=2, make_before_break=True, setup_s=150.0)

    def back(decision):
        if decision.task == 0:
            return SECOND if decision.time_s == MOVE_S else FIRST
        return SECOND if decision.time_s > MOVE_S else WAIT

    run = agreed(service_world([first, pool()], [one], horizon_s=1_000.0), back)
    assert lines(run, "READY", "STOP") == [(550.0, "STOP", 0), (650.0, "READY", 1), (750.0, "READY", 0)] + [
        (1_000.0, "STOP", 0),
        (1_000.0, "STOP", 1),
    ]


def test_a_replica_that_drains_moves_to_another_seat():
    run = moved(2, drain_s=50.0, setup_s=150.0)
    assert lines(run, "UNREADY", "PLACE", "STOP", "READY")[:4] == [
        (500.0, "UNREADY", 0),
        (500.0, "PLACE", 1),
        (550.0, "STOP", 0),
        (650.0, "READY", 1),
    ]
    assert [decision[2] for decision in run.decisions if decision[0] == MOVE_S] == [0], "seat 1 is not asked any more"


def test_a_replica_that_drains_in_the_only_seat_goes_nowhere():
    run = moved(1, drain_s=50.0, answers=lambda decision: FIRST if decision.time_s < MOVE_S else SECOND)
    assert lines(run, "PLACE") == [(600.0, "PLACE", 0)]
    assert run.figures[0]["orders"] == 2

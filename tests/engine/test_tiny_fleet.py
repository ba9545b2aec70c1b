"""Tiny worlds worked out by hand: who is asked because a full pool has room again, and in which order.

On-demand costs $0.001 a second, spot $0.0005; a question every 1,000 s unless a test says otherwise. Each world is
played by the reference, too.
"""

from collections import Counter

import pytest

from tests.engine.agreement import agreed
from tests.engine.play import (
    ASK_ARRIVAL,
    ASK_INTERRUPTION,
    ASK_RECONSIDER,
    ASK_RETRY,
    ON_DEMAND,
    SPOT,
    WAIT,
    unit_lifetime,
)
from tests.reference.world import NONE
from tests.reference.worlds import pool, task, world

ROOM = {"ask_at_freed_room": True, "decision_interval_s": 1_000.0}
RUNNING = {"ask_at_freed_room": True, "reconsider_running": True}
URGENT = {"ask_tightest_first": True}
ONE_PLACE = ((0.0, 1),)


def from_(run, time_s: float) -> list[tuple]:
    """The decisions from a time on."""
    return [decision for decision in run.decisions if decision[0] >= time_s]


# --- asked at freed room ---------------------------------------------------------------------------------------------


def test_a_completion_asks_who_waits_for_the_place():
    tasks = [task(100.0), task(300.0)]
    run = agreed(world([pool(capacity=ONE_PLACE)], tasks, **ROOM), [SPOT, SPOT, SPOT])
    assert run.decisions == [(0.0, ASK_ARRIVAL, 0), (0.0, ASK_ARRIVAL, 1), (100.0, ASK_RETRY, 1)]
    assert run.of("COMPLETION")[-1][0] == 400.0
    without = agreed(world([pool(capacity=ONE_PLACE)], tasks, decision_interval_s=1_000.0), [SPOT, SPOT, SPOT])
    assert from_(without, 1.0) == [(1_000.0, ASK_RETRY, 1)]


def test_the_question_that_was_to_come_is_put_off():
    run = agreed(world([pool(capacity=ONE_PLACE)], [task(100.0), task(300.0)], **ROOM), [SPOT, SPOT, WAIT, SPOT])
    assert from_(run, 1.0) == [(100.0, ASK_RETRY, 1), (1_100.0, ASK_RETRY, 1)]


def test_who_is_on_on_demand_is_asked_too_and_only_then():
    # Running tasks are not reconsidered here; task 1 stays at 100, and is not asked again at 1,100.
    tasks = [task(100.0), task(3_000.0)]
    run = agreed(world([pool(capacity=ONE_PLACE)], tasks, **ROOM), [SPOT, ON_DEMAND, ON_DEMAND])
    assert from_(run, 1.0) == [(100.0, ASK_RECONSIDER, 1)]
    moved = agreed(world([pool(capacity=ONE_PLACE)], tasks, **ROOM), [SPOT, ON_DEMAND, SPOT])
    assert from_(moved, 1.0) == [(100.0, ASK_RECONSIDER, 1)]
    assert moved.dollars == pytest.approx([0.05, 0.1, 2_900 * 0.0005])


def test_who_is_on_spot_is_not_asked():
    pools = [pool(capacity=ONE_PLACE), pool()]
    run = agreed(world(pools, [task(100.0), task(300.0)], **ROOM), [1, 2])
    assert from_(run, 1.0) == []


def test_nobody_is_asked_if_there_was_room_before():
    run = agreed(world([pool(capacity=((0.0, 2),))], [task(100.0), task(300.0)], **ROOM), [SPOT, WAIT, SPOT])
    assert from_(run, 1.0) == [(1_000.0, ASK_RETRY, 1)]


def test_a_pause_frees_a_place_at_its_instant():
    # At 100 task 1, which waits, is asked before task 0, which runs: no room. Then task 0 pauses.
    run = agreed(world([pool(capacity=ONE_PLACE)], [task(500.0), task(500.0)], **RUNNING), [SPOT] * 3 + [WAIT, SPOT])
    assert [decision for decision in run.decisions if decision[0] == 100.0] == [
        (100.0, ASK_RETRY, 1),
        (100.0, ASK_RECONSIDER, 0),
        (100.0, ASK_RETRY, 1),
    ]
    assert run.of("PLACE")[1] == (100.0, "PLACE", 1, 1, 100.0, 0.0)
    assert run.decisions[5:7] == [(200.0, ASK_RETRY, 0), (200.0, ASK_RECONSIDER, 1)]  # task 0: an interval later


def test_a_move_frees_a_place_at_its_instant():
    pools = [pool(capacity=ONE_PLACE), pool(capacity=ONE_PLACE)]
    run = agreed(world(pools, [task(500.0), task(500.0)], **RUNNING), [1, 1, WAIT, 2, 1] + [1, 2] * 9)
    assert run.decisions[2:5] == [(100.0, ASK_RETRY, 1), (100.0, ASK_RECONSIDER, 0), (100.0, ASK_RETRY, 1)]
    assert [line[2:4] for line in run.of("PLACE")] == [(0, 0), (0, 1), (1, 2)]


def test_who_gave_up_spot_for_on_demand_is_not_asked_back_at_that_instant():
    # At 100 task 0 moves to on-demand, and its place is free: it itself is not asked about it.
    run = agreed(world([pool(capacity=ONE_PLACE)], [task(500.0)], **RUNNING), [SPOT, ON_DEMAND, ON_DEMAND])
    assert run.decisions[1:3] == [(100.0, ASK_RECONSIDER, 0), (200.0, ASK_RECONSIDER, 0)]


def test_a_place_that_comes_with_capacity():
    # From 0 to 1 at 50 and from 1 to 2 at 80, with one held; not at 90, when there is room anyhow.
    pools = [pool(capacity=((0.0, 0), (50.0, 1), (80.0, 2), (90.0, 3)))]
    tasks = [task(200.0), task(200.0)]
    run = agreed(world(pools, tasks, **ROOM), [ON_DEMAND, ON_DEMAND, SPOT, ON_DEMAND, ON_DEMAND])
    assert from_(run, 1.0) == [(50.0, ASK_RECONSIDER, 0), (50.0, ASK_RECONSIDER, 1), (80.0, ASK_RECONSIDER, 1)]


def test_an_idle_instance_is_room_and_so_is_its_place_when_it_is_released():
    # Task 0 leaves an idle instance at 100; it times out at 400.
    tasks = [task(100.0), task(300.0)]
    run = agreed(world([pool(capacity=ONE_PLACE)], tasks, idle_timeout_s=300.0, **ROOM), [SPOT, SPOT, WAIT, SPOT])
    assert from_(run, 1.0) == [(100.0, ASK_RETRY, 1), (400.0, ASK_RETRY, 1)]


def test_an_idle_instance_in_a_pool_with_room_asks_nobody():
    run = agreed(world([pool()], [task(100.0), task(50.0)], idle_timeout_s=300.0, **ROOM), [SPOT, WAIT, SPOT])
    assert from_(run, 1.0) == [(1_000.0, ASK_RETRY, 1)]


def test_what_ends_its_life_holds_its_place_until_then():
    # Noticed at 880, gone at 1,000. Task 0 waits from 880 on, task 1 is on on-demand.
    hazard = unit_lifetime(0, 0) / 1_000.0
    pools = [pool(capacity=ONE_PLACE, hazards=((0.0, hazard), (1_050.0, 0.0)))]
    tasks = [task(2_000.0), task(1_500.0)]
    run = agreed(world(pools, tasks, notice_s=120.0, **ROOM), [SPOT, ON_DEMAND, WAIT, ON_DEMAND, ON_DEMAND])
    asked = from_(run, 1.0)
    assert asked[0] == (pytest.approx(880.0), ASK_INTERRUPTION, 0)
    assert asked[1:] == [(pytest.approx(1_000.0), ASK_RETRY, 0), (pytest.approx(1_000.0), ASK_RECONSIDER, 1)]


def test_what_capacity_takes_leaves_no_place():
    pools = [pool(capacity=((0.0, 1), (500.0, 0)))]
    run = agreed(world(pools, [task(1_000.0), task(900.0)], notice_s=120.0, **ROOM), [SPOT, ON_DEMAND, ON_DEMAND])
    assert from_(run, 1.0) == [(500.0, ASK_INTERRUPTION, 0)]


def test_a_launch_that_is_cancelled_frees_its_place():
    # Task 0 loses its instance at 1,000 and asks for pool 2, whose only place it books; the idle instance of pool 1 is
    # better. Task 2, on on-demand, is asked about the place in pool 2.
    hazard = unit_lifetime(0, 0) / 1_000.0
    pools = [pool(hazards=((0.0, hazard),)), pool(), pool(setup_s=300.0, capacity=ONE_PLACE)]
    tasks = [task(2_000.0), task(900.0), task(1_500.0)]
    rules = {**ROOM, "decision_interval_s": 9_000.0, "idle_timeout_s": 600.0}
    run = agreed(world(pools, tasks, **rules), [1, 2, 4, 3, 4])
    assert len(run.of("CANCEL")) == 1
    assert [decision[1:] for decision in from_(run, 1.0)] == [(ASK_INTERRUPTION, 0), (ASK_RECONSIDER, 2)]


def test_who_arrives_at_that_instant_is_asked_once():
    run = agreed(world([pool(capacity=ONE_PLACE)], [task(100.0), task(300.0, arrival_s=100.0)], **ROOM), [SPOT, SPOT])
    assert run.decisions == [(0.0, ASK_ARRIVAL, 0), (100.0, ASK_ARRIVAL, 1)]


def test_nobody_is_asked_at_the_horizon():
    rules = {**ROOM, "horizon_s": 100.0}
    run = agreed(world([pool(capacity=ONE_PLACE)], [task(100.0), task(300.0)], **rules), [SPOT, SPOT])
    assert from_(run, 1.0) == []


@pytest.mark.parametrize(("places", "count"), [(1, 2), (1, 5), (2, 3), (3, 7)])
@pytest.mark.parametrize("order", [{}, URGENT])
def test_tasks_that_pause_and_take_back_for_ever_let_every_instant_end(places, count, order):
    """Whoever is on spot pauses, whoever waits takes spot: each place changes hands once at an instant."""
    pools = [pool(capacity=((0.0, places),))]
    tasks = [task(3_000.0) for _ in range(count)]
    rules = {**RUNNING, **order, "horizon_s": 1_000.0}
    run = agreed(world(pools, tasks, **rules), lambda decision: WAIT if decision.reason == ASK_RECONSIDER else SPOT)
    asked = Counter(decision[0] for decision in run.decisions)
    assert max(asked.values()) <= count * (places + 1)
    assert len(run.of("PLACE")) >= 9 * min(places, count - places) + places


# --- the tightest first ----------------------------------------------------------------------------------------------


def test_the_tightest_is_asked_first_and_ties_by_number():
    tasks = [
        task(100.0),
        task(100.0, deadline_s=5_000.0),
        task(100.0, deadline_s=1_000.0),
        task(100.0, deadline_s=50.0),  # too late already
        task(100.0, deadline_s=1_000.9),  # as tight as task 2 in whole seconds
        task(100.0, interactive=True),
        task(100.0, deadline_s=1_000.0),
    ]
    run = agreed(world([pool()], tasks, **URGENT), [ON_DEMAND] * 7)
    assert run.decisions == [(0.0, ASK_ARRIVAL, i) for i in (5, 3, 2, 4, 6, 1, 0)]
    by_number = agreed(world([pool()], tasks), [ON_DEMAND] * 7)
    assert [decision[2] for decision in by_number.decisions] == [0, 1, 2, 3, 4, 5, 6]


def test_slack_counts_work_left_and_the_way_onto_on_demand():
    # 1,000 s of time each. Left to do: 900 s, 500 s and 100 MB/s x 600 s = 60 s of loading: 100, 440 s of slack.
    state = {"state_growth_mb_per_s": 100.0, "state_cap_mb": 60_000.0}
    tasks = [task(500.0, deadline_s=1_000.0, **state), task(900.0, deadline_s=1_000.0), task(541.0, deadline_s=1_000.0)]
    run = agreed(world([pool()], tasks, **URGENT), [ON_DEMAND] * 3)
    assert [decision[2] for decision in run.decisions] == [1, 0, 2]


def test_the_order_counts_exact_slack_whatever_ticks_there_are():
    # Slacks of 800, 700 and 699 s; in ticks of 100 s they would be 8, 6 and 6.
    tasks = [task(200.0, deadline_s=1_000.0), task(399.0, deadline_s=1_099.0), task(301.0, deadline_s=1_000.0)]
    run = agreed(world([pool()], tasks, slack_tick_s=100.0, **URGENT), [ON_DEMAND] * 3)
    assert [decision[2] for decision in run.decisions] == [2, 1, 0]


def test_arrivals_waiting_and_running_tasks_share_one_order():
    # At 100 task 0 runs (no deadline), task 1 waits (slack 2,900), task 2 runs (slack 400), task 3 arrives (slack 500).
    tasks = [
        task(500.0),
        task(1_000.0, deadline_s=4_000.0),
        task(500.0, deadline_s=900.0),
        task(500.0, arrival_s=100.0, deadline_s=1_100.0),
    ]
    rules = {**URGENT, "reconsider_running": True}
    answers = {0: ON_DEMAND, 1: WAIT, 2: ON_DEMAND, 3: ON_DEMAND}
    run = agreed(world([pool()], tasks, **rules), lambda decision: answers[decision.task])
    assert [decision for decision in run.decisions if decision[0] == 100.0] == [
        (100.0, ASK_RECONSIDER, 2),
        (100.0, ASK_ARRIVAL, 3),
        (100.0, ASK_RETRY, 1),
        (100.0, ASK_RECONSIDER, 0),
    ]


def test_displaced_tasks_are_asked_by_urgency_before_all_others():
    pools = [pool(capacity=((0.0, 2), (500.0, 0)))]
    tasks = [
        task(2_000.0, deadline_s=9_000.0),
        task(2_000.0, deadline_s=4_000.0),
        task(100.0, arrival_s=500.0, interactive=True),
    ]
    run = agreed(world(pools, tasks, **URGENT), [SPOT, SPOT] + [ON_DEMAND] * 3)
    assert from_(run, 1.0) == [(500.0, ASK_INTERRUPTION, 1), (500.0, ASK_INTERRUPTION, 0), (500.0, ASK_ARRIVAL, 2)]


def test_a_loose_task_yields_its_place_to_a_tighter_one():
    # At 100 the tight task 1 is asked first and finds no room; task 0 pauses, and task 1 is asked again.
    tasks = [task(500.0, deadline_s=9_000.0), task(500.0, deadline_s=700.0)]
    rules = {**RUNNING, **URGENT}
    answers = [ON_DEMAND, SPOT, SPOT, WAIT, SPOT, SPOT, SPOT]
    run = agreed(world([pool(capacity=ONE_PLACE)], tasks, **rules), answers)
    assert run.decisions[:5] == [
        (0.0, ASK_ARRIVAL, 1),
        (0.0, ASK_ARRIVAL, 0),
        (100.0, ASK_RECONSIDER, 1),
        (100.0, ASK_RECONSIDER, 0),
        (100.0, ASK_RECONSIDER, 1),
    ]
    assert [line[:4] for line in run.of("PLACE")[2:]] == [(100.0, "PLACE", 1, 2)]
    # Task 1 goes on; task 0 is next asked an interval later, in its turn.
    assert run.decisions[5:7] == [(200.0, ASK_RECONSIDER, 1), (200.0, ASK_RETRY, 0)]


def test_what_is_asked_about_room_stands_in_the_same_order():
    # At 100 all three are due; task 0, the loosest on spot, is asked last and pauses: the tighter of the others first.
    tasks = [task(900.0), task(500.0, deadline_s=2_000.0), task(500.0, deadline_s=1_500.0)]
    answers = [WAIT, WAIT, SPOT, WAIT, WAIT, WAIT, WAIT, SPOT]
    run = agreed(world([pool(capacity=ONE_PLACE)], tasks, **{**RUNNING, **URGENT}), answers)
    assert [decision[2] for decision in run.decisions if decision[0] == 100.0] == [2, 1, 0, 2, 1]
    assert run.of("PLACE")[1][:4] == (100.0, "PLACE", 1, 1)


def test_an_interactive_task_with_nothing_to_lose_comes_first_though_it_came_last():
    tasks = [
        task(100.0, deadline_s=100.0, arrival_s=50.0),
        task(100.0, arrival_s=50.0, interactive=True),
    ]
    run = agreed(world([pool(capacity=ONE_PLACE)], tasks, **URGENT), [SPOT, ON_DEMAND])
    assert [line[2] for line in run.of("PLACE")] == [1, 0]
    assert run.of("LAUNCH_FAILED") == []
    assert run.of("LAUNCH")[0][2] == NONE

"""Tiny worlds worked out by hand: a task that moves works on until its new instance is set up.

On-demand costs $0.001 a second, spot $0.0005, state moves at 1,000 MB/s; a question every 100 s. Each world is played
by the reference, too.
"""

from collections import Counter

import pytest

from tests.engine.agreement import agreed
from tests.engine.play import ASK_INTERRUPTION, ASK_RECONSIDER, ON_DEMAND, SPOT, WAIT
from tests.reference.world import INF, NONE
from tests.reference.worlds import pool, task, world

MOVING = {"make_before_break": True, "reconsider_running": True}
RESTART = 2.0


def losing(at_s: float, **fields):
    """A pool of one place that is lost."""
    return pool(capacity=((0.0, 1), (at_s, 0)), **fields)


def test_both_instances_are_billed_and_the_task_stops_only_to_load():
    # On on-demand it runs from 51 on (50 s of set-up, 1 s of loading). At 100 it moves to spot, which is set up at 150:
    # 99 s are done then, loading takes 1 s, and the other 901 s run from 151 on.
    run = agreed(world([pool(setup_s=50.0)], [task(1_000.0, state_mb=1_000.0)], **MOVING), [ON_DEMAND] + [SPOT] * 20)
    assert run.from_(100.0)[:7] == [
        (100.0, "DECISION", 0, NONE, SPOT, ASK_RECONSIDER),
        (100.0, "LAUNCH", NONE, 1, 100.0, 150.0),
        (100.0, "PREPARE", 0, 1, 150.0, 0.0),
        (150.0, "STOP", 0, 0, 99.0, 0.0),
        (150.0, "END", NONE, 0, pytest.approx(0.150), 150.0),
        (150.0, "PLACE", 0, 1, 151.0, 0.0),
        (250.0, "DECISION", 0, NONE, SPOT, ASK_RECONSIDER),  # an interval after the hand-over
    ]
    assert run.of("COMPLETION")[0][0] == 1_052.0
    assert run.dollars == pytest.approx([0.150, 952 * 0.0005])
    assert run.totals["moves"] == 1
    assert run.totals["waiting_s"] == 0.0
    (account,) = run.accounts
    assert account.setup_usd == pytest.approx(51 * 0.001 + 51 * 0.0005)
    assert account.running_usd == pytest.approx(99 * 0.001 + 901 * 0.0005)
    assert account.idle_usd == pytest.approx(0.0)


def test_a_task_that_moves_is_asked_nothing():
    run = agreed(world([pool(setup_s=350.0)], [task(1_000.0)], **MOVING), [ON_DEMAND] * 4 + [SPOT] * 20)
    assert [decision[0] for decision in run.decisions[:7]] == [0.0, 100.0, 200.0, 300.0, 400.0, 850.0, 950.0]


def test_an_instance_that_is_set_up_is_taken_at_once():
    tasks = [task(500.0), task(50.0)]
    pools = [pool(), pool(setup_s=30.0)]
    run = agreed(world(pools, tasks, idle_timeout_s=300.0, **MOVING), [1, 2] + [2] * 9)
    assert run.of("PREPARE") == []
    assert run.of("PLACE")[2] == (100.0, "PLACE", 0, 1, 100.0, 0.0)
    at_once = agreed(world([pool()], [task(500.0)], **MOVING), [SPOT] + [ON_DEMAND] * 9)
    assert at_once.of("PREPARE") == []
    assert at_once.totals["moves"] == 1


def test_without_work_that_runs_there_is_nothing_to_wait_for():
    # Still in set-up at 100: it moves at once, as it always did.
    run = agreed(world([pool(setup_s=150.0)], [task(500.0)], **MOVING), [SPOT] + [ON_DEMAND] * 9)
    assert run.of("PREPARE") == []
    assert run.of("PLACE")[1] == (100.0, "PLACE", 0, 1, 250.0, 0.0)


def test_work_that_is_done_before_needs_no_new_instance():
    # Done at 140; the new one would have been set up at 150.
    run = agreed(world([pool(setup_s=50.0)], [task(90.0)], **MOVING), [ON_DEMAND, SPOT])
    assert run.from_(140.0) == [
        (140.0, "STOP", 0, 0, 90.0, 0.0),
        (140.0, "COMPLETION", 0, 0, 0.0, 0.0),
        (140.0, "END", NONE, 0, pytest.approx(0.14), 140.0),
        (140.0, "END", NONE, 1, pytest.approx(0.02), 140.0),
    ]
    assert run.totals["moves"] == 0
    assert run.accounts[0].setup_usd == pytest.approx(0.05 + 0.02)


def test_what_was_prepared_in_vain_is_kept_as_idle_instances_are():
    # At 200 task 1 takes it; task 0 pays for it from 100, its launch, until then.
    tasks = [task(90.0), task(100.0, arrival_s=200.0)]
    run = agreed(world([pool(setup_s=50.0)], tasks, idle_timeout_s=80.0, **MOVING), [ON_DEMAND, SPOT, SPOT, SPOT])
    assert [line[3] for line in run.of("IDLE")] == [0, 1, 1]
    assert run.of("PLACE")[1] == (200.0, "PLACE", 1, 1, 200.0, 0.0)
    assert run.accounts[0].setup_usd == pytest.approx(0.05 + 40 * 0.0005)
    assert run.accounts[0].idle_usd == pytest.approx(80 * 0.001 + 60 * 0.0005)
    assert run.accounts[1].running_usd == pytest.approx(0.05)
    assert run.accounts[1].idle_usd == 0.0  # all is done


# --- what is lost ----------------------------------------------------------------------------------------------------


def test_a_new_instance_that_is_lost_is_asked_about_at_once():
    # Moving from on-demand to pool 1, whose capacity goes at 120: the task runs on, and stays where it is.
    pools = [pool(), losing(120.0, setup_s=50.0)]
    run = agreed(world(pools, [task(180.0)], notice_s=20.0, **MOVING), [3, 2, 3])
    assert run.from_(101.0) == [
        (120.0, "CAPACITY", NONE, NONE, 0.0, 0.0),
        (120.0, "NOTICE", 0, 1, 140.0, 0.0),
        (120.0, "DECISION", 0, NONE, 3.0, ASK_RECONSIDER),
        (140.0, "END", NONE, 1, pytest.approx(0.02), 140.0),
        (180.0, "STOP", 0, 0, 180.0, 0.0),
        (180.0, "COMPLETION", 0, 0, 0.0, 0.0),
        (180.0, "END", NONE, 0, pytest.approx(0.18), 180.0),
    ]
    assert run.interruptions == [0]
    assert run.totals["moves"] == 0
    assert run.accounts[0].setup_usd == pytest.approx(0.01)  # until it is lost
    assert run.accounts[0].idle_usd == pytest.approx(0.01)


def test_after_that_it_can_move_elsewhere():
    pools = [pool(setup_s=20.0), losing(120.0, setup_s=50.0)]
    run = agreed(world(pools, [task(500.0)], notice_s=20.0, **MOVING), [3, 2, 1] + [1] * 9)
    assert run.of("PREPARE") == [(100.0, "PREPARE", 0, 1, 150.0, 0.0), (120.0, "PREPARE", 0, 2, 140.0, 0.0)]
    assert run.of("STOP")[0] == (140.0, "STOP", 0, 0, 120.0, 0.0)
    assert run.totals["moves"] == 1


def test_a_new_instance_lost_as_it_is_launched_is_asked_about_an_interval_later():
    # No end of spot, and every life is shorter than the notice: asked at once, the task could move for ever.
    pools = [pool(setup_s=10.0, capacity=((0.0, 10**9),), hazards=((0.0, 1.0),))]
    rules = {**MOVING, "notice_s": 10_000.0, "horizon_s": 1_000.0}
    run = agreed(world(pools, [task(2_000.0)], **rules), [ON_DEMAND] + [SPOT] * 20)
    assert Counter(decision[0] for decision in run.decisions) == dict.fromkeys(range(0, 1_000, 100), 1)
    assert run.progress_s == [990.0]


def test_an_old_instance_that_is_lost_with_all_saved_is_left_at_once():
    # No state: all is saved. At 120 the task stops, and runs from 200 on, when the new instance is set up.
    pools = [losing(120.0), pool(setup_s=100.0)]
    run = agreed(world(pools, [task(500.0)], **MOVING), [1, 2] + [2] * 9)
    assert run.from_(120.0)[1:6] == [
        (120.0, "NOTICE", 0, 0, 120.0, 0.0),
        (120.0, "CHECKPOINT", 0, 0, 0.0, 120.0),
        (120.0, "STOP", 0, 0, 120.0, 0.0),
        (120.0, "PLACE", 0, 1, 200.0, 0.0),
        (120.0, "END", NONE, 0, pytest.approx(0.06), 120.0),
    ]
    assert run.decisions[2] == (220.0, ASK_RECONSIDER, 0)
    assert run.interruptions == [1]
    assert run.totals["moves"] == 1
    assert run.totals["migrations"] == 0
    assert run.of("COMPLETION")[0][0] == 580.0


def test_an_old_instance_that_is_lost_with_work_displaces_the_task():
    # 1 MB of state and no notice: 120 s are lost, and the new instance is given up; the task goes to on-demand.
    pools = [losing(120.0), pool(setup_s=100.0)]
    run = agreed(world(pools, [task(500.0, state_mb=1.0)], **MOVING), [1, 2, 3] + [3] * 9)
    assert run.from_(120.0)[1:8] == [
        (120.0, "NOTICE", 0, 0, 120.0, 0.0),
        (120.0, "CHECKPOINT", 0, 0, RESTART, 0.0),
        (120.0, "STOP", 0, 0, 0.0, pytest.approx(119.999)),
        (120.0, "END", NONE, 1, pytest.approx(0.01), 120.0),
        (120.0, "END", NONE, 0, pytest.approx(0.06), 120.0),
        (120.0, "DECISION", 0, NONE, 3.0, ASK_INTERRUPTION),
        (120.0, "LAUNCH", NONE, 2, 120.0, 120.0),
    ]
    assert run.totals["moves"] == 0
    assert run.totals["migrations"] == 1
    assert run.accounts[0].lost_s == pytest.approx(119.999)


def test_both_are_lost_at_one_instant():
    pools = [losing(120.0), losing(120.0, setup_s=100.0)]
    run = agreed(world(pools, [task(500.0)], **MOVING), [1, 2, 3] + [3] * 9)
    assert [decision for decision in run.decisions if decision[0] == 120.0] == [(120.0, ASK_INTERRUPTION, 0)]
    assert run.of("COMPLETION")[0][0] == 500.0


def test_a_place_that_the_move_leaves_is_free_when_it_is_left():
    # Task 1 waits for the place of task 0, which moves to on-demand from 100 to 150.
    tasks = [task(400.0), task(200.0)]
    rules = {**MOVING, "ask_at_freed_room": True, "decision_interval_s": 100.0}
    pools = [pool(setup_s=50.0, capacity=((0.0, 1),))]
    answers = {(0, 100.0): ON_DEMAND, (1, 150.0): SPOT}
    run = agreed(
        world(pools, tasks, **rules),
        lambda decision: answers.get((decision.task, decision.time_s), {0: SPOT, 1: WAIT}[decision.task]),
    )
    assert run.decisions[4] == (150.0, 11, 1)
    assert run.of("PLACE")[2] == (150.0, "PLACE", 1, 2, 200.0, 0.0)


# --- under the deadline guard ----------------------------------------------------------------------------------------


def test_who_might_be_late_by_working_on_moves_at_once():
    # At 200 it has done 99.999 s of 500 s. Were it to work on until 300 and lose that, it would be done at 900.001.
    tasks = [task(500.0, state_mb=1.0, deadline_s=INF)]
    rules = {**MOVING, "deadline_guard": True}
    for deadline_s, prepares in ((900.1, 1), (900.0, 0)):
        tasks[0].deadline_s = deadline_s
        run = agreed(world([pool(setup_s=100.0)], tasks, **rules), [SPOT, SPOT, ON_DEMAND] + [ON_DEMAND] * 20)
        assert len(run.of("PREPARE")) == prepares
        assert run.totals["deadlines_missed"] == run.totals["invalid_actions"] == 0


def test_who_loses_nothing_works_on_under_the_guard():
    tasks = [task(500.0, deadline_s=720.0)]
    rules = {**MOVING, "deadline_guard": True}
    run = agreed(world([pool(setup_s=100.0)], tasks, **rules), [ON_DEMAND] * 20)
    assert run.totals["deadlines_missed"] == 0
    run = agreed(world([pool(setup_s=100.0)], [task(500.0, deadline_s=820.0)], **rules), [SPOT, SPOT, ON_DEMAND] * 9)
    assert run.of("PREPARE")[0] == (200.0, "PREPARE", 0, 1, 300.0, 0.0)


@pytest.mark.parametrize(
    ("hazard", "deadline_s", "may_move"), [(0.0, 720.1, True), (1e-9, 809.9, False), (1e-9, 810.1, True)]
)
def test_who_may_not_stay_may_not_move_to_spot_that_can_be_lost_at_launch(hazard, deadline_s, may_move):
    # On spot in pool 1 it has done 90 s of 500 s at 200, and can lose them: done at 200 + 100 + 10 + 500 if it
    # stays and does. In pool 0 it would lose nothing: done at 200 + 10 + 10 + 410.
    hazards = ((0.0, hazard),)
    pools = [pool(setup_s=10.0, hazards=hazards), pool(setup_s=10.0, bandwidth_gbps=0.008)]
    tasks = [task(500.0, state_mb=100.0, deadline_s=deadline_s)]
    rules = {**MOVING, "deadline_guard": True, "notice_s": 1.0}
    run = agreed(world(pools, tasks, **rules), [2, 2, 2] + [3] * 20)
    assert run.masks[2] == [True, may_move, deadline_s > 810.0, True, True]
    assert run.totals["deadlines_missed"] == 0


@pytest.mark.parametrize(("deadline_s", "prepares"), [(1_480.0, 0), (1_499.0, 0), (1_500.0, 1)])
def test_pauses_for_checkpoints_that_a_stop_would_have_saved_make_nobody_late(deadline_s, prepares):
    # On on-demand from 60 on, it would be done at 60 + 1,050 + 10 x 30 = 1,410. A stop at 150, after 90 s, saves it a
    # pause: 150 + 960 + 9 x 30 = 1,380. Working on it takes the pause, then may be on spot for an interval of 30 s,
    # and need 60 s to come back: 1,500.
    rules = {"checkpoint_interval_s": 100.0, "checkpoint_cost_s": 30.0, "decision_interval_s": 30.0, "notice_s": 100.0}
    tasks = [task(1_050.0, state_mb=20_000.0, deadline_s=deadline_s)]
    run = agreed(
        world([pool(setup_s=40.0)], tasks, **{**MOVING, **rules, "deadline_guard": True}),
        lambda decision: SPOT if decision.time_s == 150.0 and decision.mask[SPOT] else ON_DEMAND,
    )
    assert run.masks[5] == [True, True, True]
    assert len([line for line in run.of("PREPARE") if line[0] == 150.0]) == prepares
    assert run.of("LAUNCH")[1][0] == 150.0
    assert run.totals["deadlines_missed"] == run.totals["invalid_actions"] == 0

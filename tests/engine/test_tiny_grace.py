"""Tiny worlds worked out by hand: a task whose instance was given notice works on until saving has to begin.

On-demand costs $0.001 a second, spot $0.0005, state moves at 1,000 MB/s. Unless a test says otherwise, a task of
60,000 MB runs from 60 on, is given notice at 500 of its end at 620, and has to stop at 572, since 0.8 of its state take
48 s to save. Each world is played by the reference, too.
"""

import pytest

from tests.engine.agreement import agreed
from tests.engine.play import ASK_INTERRUPTION, ASK_RECONSIDER, ASK_RETRY, ON_DEMAND, SPOT, WAIT
from tests.reference.world import INF, NONE
from tests.reference.worlds import pool, task, world

GRACE = {"just_in_time": True, "notice_s": 120.0, "decision_interval_s": 5_000.0}
STATE_MB = 60_000.0
FULL, PARTIAL = 0.0, 1.0


def losing(at_s: float = 500.0, **fields):
    """A pool of one place that is lost."""
    return pool(capacity=((0.0, 1), (at_s, 0)), **fields)


def big(work_s: float = 1_000.0, **fields):
    """A task of 60,000 MB."""
    return task(work_s, **{"state_mb": STATE_MB, **fields})


def stops(run) -> list[tuple]:
    """Time, launch, work kept and lost of every stop."""
    return [(line[0], *line[3:]) for line in run.of("STOP")]


def test_who_waits_works_on_until_saving_has_to_begin():
    run = agreed(world([losing()], [big()], **GRACE), [SPOT, WAIT, ON_DEMAND])
    assert run.from_(500.0)[1:9] == [
        (500.0, "NOTICE", 0, 0, 620.0, 0.0),
        (500.0, "DECISION", 0, NONE, WAIT, ASK_INTERRUPTION),
        (572.0, "CHECKPOINT", 0, 0, FULL, 512.0),
        (572.0, "STOP", 0, 0, 512.0, 0.0),
        (572.0, "DECISION", 0, NONE, ON_DEMAND, ASK_RETRY),  # asked at that very instant
        (572.0, "LAUNCH", NONE, 1, 572.0, 572.0),
        (572.0, "PLACE", 0, 1, 632.0, 0.0),
        (620.0, "END", NONE, 0, pytest.approx(0.31), 620.0),
    ]
    assert run.of("COMPLETION")[0][0] == 632.0 + 488.0
    assert run.interruptions == [1]
    assert run.totals["waiting_s"] == 0.0
    assert run.totals["work_saved_s"] == 512.0


def test_without_the_option_it_stops_at_the_notice():
    run = agreed(world([losing()], [big()], **{**GRACE, "just_in_time": False}), [SPOT, ON_DEMAND])
    assert stops(run)[0] == (500.0, 0, 440.0, 0.0)


def test_without_state_it_works_to_the_end():
    run = agreed(world([losing()], [task(1_000.0)], **GRACE), [SPOT, WAIT, ON_DEMAND])
    assert stops(run)[0] == (620.0, 0, 620.0, 0.0)
    assert run.of("PLACE")[1][0] == 620.0


def test_the_state_that_it_will_have_by_then_counts():
    # 100 MB for each second of work: t + 0.8 x 0.1 x t = 620. At most 10,000 MB: 620 - 8.
    growing = {"state_growth_mb_per_s": 100.0}
    run = agreed(world([losing()], [task(2_000.0, state_cap_mb=1e6, **growing)], **GRACE), [SPOT, WAIT, ON_DEMAND])
    assert stops(run)[0][0] == pytest.approx(620.0 / 1.08)
    run = agreed(world([losing()], [task(2_000.0, state_cap_mb=10_000.0, **growing)], **GRACE), [SPOT, WAIT, ON_DEMAND])
    assert stops(run)[0][0] == pytest.approx(612.0)


def test_a_slow_store_takes_longer_to_save():
    # 500 MB/s: loads in 120 s, saves in 96 s.
    run = agreed(world([losing()], [big()], store_bandwidth_gbps=4.0, **GRACE), [SPOT, WAIT, ON_DEMAND])
    assert stops(run)[0] == (524.0, 0, 404.0, 0.0)


def test_periodic_checkpoints_go_on_and_the_last_is_of_what_they_have_not_saved():
    # From 60 on 100 s of work and 10 s of saving; by 572, 512 s later, four rounds and 72 s.
    rules = {**GRACE, "checkpoint_interval_s": 100.0, "checkpoint_cost_s": 10.0}
    run = agreed(world([losing()], [big()], **rules), [SPOT, WAIT, ON_DEMAND])
    assert run.of("CHECKPOINT") == [(572.0, "CHECKPOINT", 0, 0, FULL, 72.0)]
    assert stops(run)[0] == (572.0, 0, 472.0, 0.0)


# --- done in time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("work_s", [550.0, 560.0])  # done at 610, and at the very end
def test_what_can_be_done_by_the_end_is_done_there(work_s):
    rules = {**GRACE, "idle_timeout_s": 300.0, "reconsider_running": True, "decision_interval_s": 190.0}
    run = agreed(world([losing()], [big(work_s)], **rules), [SPOT] * 20)
    done_s = 60.0 + work_s
    assert run.from_(500.0) == [
        (500.0, "CAPACITY", NONE, NONE, 0.0, 0.0),
        (500.0, "NOTICE", 0, 0, 620.0, 0.0),
        (done_s, "STOP", 0, 0, work_s, 0.0),
        (done_s, "COMPLETION", 0, 0, 0.0, 0.0),
        (done_s, "END", NONE, 0, pytest.approx(0.0005 * done_s), done_s),  # released, not idle
    ]
    assert run.interruptions == [0]
    assert run.totals["interruptions"] == 1
    assert run.totals["tasks_done"] == 1


def test_what_takes_a_second_longer_is_not():
    run = agreed(world([losing()], [big(561.0)], **GRACE), [SPOT, WAIT, ON_DEMAND])
    assert stops(run)[0] == (572.0, 0, 512.0, 0.0)


def test_it_needs_no_saving_to_be_done_in_time():
    run = agreed(world([losing()], [big(560.0)], saves_at_notice=False, **GRACE), [SPOT])
    assert run.of("COMPLETION")[0][0] == 620.0


def test_without_a_free_first_hour_for_who_is_done():
    run = agreed(world([losing()], [big(560.0)], free_first_hour=True, **GRACE), [SPOT])
    assert run.dollars == pytest.approx([0.31])  # it was left, at the instant at which it would have been taken


# --- the next instance -----------------------------------------------------------------------------------------------


def test_a_replacement_that_is_set_up_before_takes_over_then():
    run = agreed(world([losing(), pool(setup_s=30.0)], [big()], **GRACE), [1, 4])
    assert run.from_(500.0)[2:8] == [
        (500.0, "DECISION", 0, NONE, 4.0, ASK_INTERRUPTION),
        (500.0, "LAUNCH", NONE, 1, 500.0, 530.0),
        (500.0, "PREPARE", 0, 1, 530.0, 0.0),
        (530.0, "CHECKPOINT", 0, 0, FULL, 470.0),
        (530.0, "STOP", 0, 0, 470.0, 0.0),
        (530.0, "PLACE", 0, 1, 590.0, 0.0),
    ]
    assert run.totals["migrations"] == 1
    assert run.totals["moves"] == 0
    assert run.of("END")[0][:4] == (620.0, "END", NONE, 0)


def test_a_replacement_that_is_not_waits_for_nobody():
    # Set up at 600; the task stops at 572 and loads from 600 on.
    run = agreed(world([losing(), pool(setup_s=100.0)], [big()], **GRACE), [1, 4])
    assert run.of("PREPARE") == [(500.0, "PREPARE", 0, 1, 572.0, 0.0)]
    assert stops(run)[0] == (572.0, 0, 512.0, 0.0)
    assert run.of("PLACE")[1] == (572.0, "PLACE", 0, 1, 660.0, 0.0)


def test_a_replacement_that_is_there_takes_over_at_once():
    run = agreed(world([losing()], [big()], **GRACE), [SPOT, ON_DEMAND])
    assert run.of("PREPARE") == []
    assert stops(run)[0] == (500.0, 0, 440.0, 0.0)
    assert run.of("PLACE")[1] == (500.0, "PLACE", 0, 1, 560.0, 0.0)


def test_without_room_it_works_on():
    run = agreed(world([losing()], [big()], **GRACE), [SPOT, SPOT, ON_DEMAND])
    assert run.of("LAUNCH_FAILED") == [(500.0, "LAUNCH_FAILED", 0, NONE, 0.0, 0.0)]
    assert run.decisions[2] == (572.0, ASK_RETRY, 0)


def test_a_replacement_that_is_lost_is_asked_about_at_once():
    # Pool 1 loses its capacity at 510: asked again at 510, and on-demand of pool 2 is set up at 540.
    pools = [losing(), losing(510.0, setup_s=50.0), pool(setup_s=30.0)]
    run = agreed(world(pools, [big()], **GRACE), [1, 2, 6])
    assert run.decisions[1:] == [(500.0, ASK_INTERRUPTION, 0), (510.0, ASK_INTERRUPTION, 0)]
    assert run.of("PREPARE") == [(500.0, "PREPARE", 0, 1, 550.0, 0.0), (510.0, "PREPARE", 0, 2, 540.0, 0.0)]
    assert stops(run)[0] == (540.0, 0, 480.0, 0.0)
    assert run.interruptions == [1]  # once, though two instances were given notice
    assert run.totals["interruptions"] == run.totals["migrations"] == 2


def test_who_does_not_want_another_then_works_on():
    pools = [losing(), losing(510.0, setup_s=50.0)]
    run = agreed(world(pools, [big()], **GRACE), [1, 2, WAIT, 4])
    assert stops(run)[0] == (572.0, 0, 512.0, 0.0)
    assert run.decisions[3] == (572.0, ASK_RETRY, 0)


def test_nothing_is_asked_between_the_answer_and_the_hand_over():
    rules = {**GRACE, "reconsider_running": True, "decision_interval_s": 490.0}
    run = agreed(world([losing(), pool(setup_s=100.0)], [big()], **rules), [1, 1, 4] + [4] * 9)
    assert run.decisions[1:4] == [
        (490.0, ASK_RECONSIDER, 0),
        (500.0, ASK_INTERRUPTION, 0),
        (1_062.0, ASK_RECONSIDER, 0),
    ]


# --- as without the option -------------------------------------------------------------------------------------------


def test_too_large_a_state_is_saved_in_part_at_once():
    # 240,000 MB, of which 0.8 take 192 s.
    run = agreed(world([losing()], [task(1_000.0, state_mb=240_000.0)], **GRACE), [SPOT, ON_DEMAND])
    assert run.of("CHECKPOINT") == [(500.0, "CHECKPOINT", 0, 0, PARTIAL, 130.0)]
    assert stops(run)[0] == (500.0, 0, 130.0, 130.0)
    assert run.accounts[0].lost_s == 130.0


def test_without_saving_at_notice_the_work_is_lost_at_once():
    run = agreed(world([losing()], [big()], saves_at_notice=False, **GRACE), [SPOT, ON_DEMAND])
    assert stops(run)[0] == (500.0, 0, 0.0, 440.0)


def test_work_that_does_not_run_yet_does_not_begin():
    # Set-up until 450, loading until 510.
    run = agreed(world([losing(setup_s=450.0)], [big()], **GRACE), [SPOT, ON_DEMAND])
    assert stops(run)[0] == (500.0, 0, 0.0, 0.0)
    assert run.decisions[1] == (500.0, ASK_INTERRUPTION, 0)


def test_without_notice_there_is_no_time():
    run = agreed(world([losing()], [big()], **{**GRACE, "notice_s": 0.0}), [SPOT, ON_DEMAND])
    assert stops(run)[0] == (500.0, 0, 0.0, 440.0)


# --- while it moves --------------------------------------------------------------------------------------------------

MOVING = {**GRACE, "make_before_break": True, "reconsider_running": True, "decision_interval_s": 490.0}


@pytest.mark.parametrize(("setup_s", "leaves_s"), [(50.0, 540.0), (100.0, 572.0)])
def test_a_move_goes_on_and_is_over_at_the_latest_when_saving_has_to_begin(setup_s, leaves_s):
    pools = [losing(), pool(setup_s=setup_s)]
    run = agreed(world(pools, [big()], **MOVING), [1, 4] + [4] * 9)
    assert [decision[0] for decision in run.decisions[:3]] == [0.0, 490.0, leaves_s + 490.0]
    assert stops(run)[0] == (leaves_s, 0, leaves_s - 60.0, 0.0)
    assert run.of("CHECKPOINT") == [(leaves_s, "CHECKPOINT", 0, 0, FULL, leaves_s - 60.0)]
    assert run.of("PLACE")[1] == (leaves_s, "PLACE", 0, 1, 490.0 + setup_s + 60.0, 0.0)
    assert run.totals["moves"] == run.interruptions[0] == 1
    assert run.totals["migrations"] == 0


def test_a_move_of_a_task_that_will_be_done_is_called_off():
    # Done at 610. The new instance, launched at 490 and set up at 540, is given up at 500.
    run = agreed(world([losing(), pool(setup_s=50.0)], [big(550.0)], **MOVING), [1, 4])
    assert (500.0, "END", NONE, 1, pytest.approx(0.01), 500.0) in run.log
    assert run.of("COMPLETION")[0][0] == 610.0
    assert run.totals["moves"] == 0
    assert run.accounts[0].setup_usd == pytest.approx(60 * 0.0005 + 0.01)


def test_a_move_whose_goal_is_lost_in_the_grace_period():
    # Old noticed at 500, new at 510: displaced, and asked for the first time.
    pools = [losing(), losing(510.0, setup_s=50.0)]
    run = agreed(world(pools, [big()], **MOVING), [1, 2, 3] + [3] * 9)
    assert run.decisions[2] == (510.0, ASK_INTERRUPTION, 0)
    assert stops(run)[0] == (510.0, 0, 450.0, 0.0)  # on-demand of pool 0 is there at once
    assert run.totals["moves"] == 0
    assert run.totals["migrations"] == run.interruptions[0] == 1


# --- several tasks, downtime, deadlines ------------------------------------------------------------------------------


def test_an_interactive_task_that_works_on_is_not_down():
    # Down until 60, and from 572, when it stops, to 632, when its state is loaded.
    tasks = [big(interactive=True)]
    run = agreed(world([losing()], tasks, downtime_weight=1.0, **GRACE), [SPOT, WAIT, ON_DEMAND])
    assert run.totals["downtime_s"] == pytest.approx(120.0)
    assert run.accounts[0].penalty_usd == pytest.approx(0.12)


def test_the_assignment_counts_the_state_of_now():
    # At 500 task 0 has 44,000 MB and task 1 has 400 MB, though both were at 0 when they last stopped. Pool 1 is ready
    # and slow (100 MB/s), pool 2 is fast and takes 100 s: 440 + 100.4 against 144 + 4 as crossed.
    pools = [pool(capacity=((0.0, 2), (500.0, 0))), pool(bandwidth_gbps=0.8), pool(setup_s=100.0)]
    tasks = [
        task(2_000.0, state_growth_mb_per_s=88.0, state_cap_mb=44_000.0),
        task(2_000.0, state_growth_mb_per_s=0.8, state_cap_mb=400.0),
    ]
    run = agreed(world(pools, tasks, **GRACE), [1, 1, 2, 3, WAIT])
    assert run.of("PREPARE") == [(500.0, "PREPARE", 0, 3, pytest.approx(584.8), 0.0)]
    assert [line[:4] for line in run.of("PLACE")[2:]] == [(500.0, "PLACE", 1, 2), (pytest.approx(584.8), "PLACE", 0, 3)]


def test_the_notice_frees_no_place_and_the_hand_over_to_on_demand_asks_the_task_nothing():
    # What capacity takes is not room; the task, which left spot because it had to, is on on-demand from 530 on.
    rules = {**GRACE, "ask_at_freed_room": True}
    run = agreed(world([losing(), pool(setup_s=30.0)], [big(), task(3_000.0)], **rules), [1, 3, 4])
    assert [decision[0] for decision in run.decisions] == [0.0, 0.0, 500.0]


def test_at_the_horizon_what_it_has_done_on_its_noticed_instance_counts():
    run = agreed(world([losing()], [big()], horizon_s=550.0, **GRACE), [SPOT, WAIT])
    assert run.progress_s == [490.0]
    assert run.of("CHECKPOINT") == []


def test_under_the_guard_work_that_runs_puts_no_deadline_at_risk():
    # 44 s of slack at the notice; the task works on, which costs none, and loads for 60 s on on-demand.
    deadline_s = 60.0 + 1_000.0 + 60.0
    rules = {**GRACE, "deadline_guard": True, "reconsider_running": True, "decision_interval_s": 100.0}
    run = agreed(world([losing()], [big(deadline_s=deadline_s)], **rules), lambda decision: first_valid(decision.mask))
    assert run.totals["deadlines_missed"] == 0
    assert run.totals["invalid_actions"] == 0
    assert run.of("COMPLETION")[0][0] <= deadline_s < INF


def first_valid(mask: list[bool]) -> int:
    """Spot if it is valid, else waiting, else on-demand."""
    return next(action for action in (SPOT, WAIT, ON_DEMAND) if mask[action])

"""Tiny worlds worked out by hand: launching, billing, waiting, idling, pausing, moving, ending.

On-demand costs $0.001 a second, spot $0.0005, state moves at 1,000 MB/s unless a test says otherwise. Log lines are
(time_s, kind, task, launch, value, other); `FIGURES` in `tessera_env/engine/log.py` says what value and other are.
"""

import pytest

from tests.engine.play import ASK_ARRIVAL, ASK_RECONSIDER, ASK_RETRY, ON_DEMAND, SPOT, WAIT, play
from tests.reference.world import INF, NONE
from tests.reference.worlds import pool, task, world


def test_a_task_on_on_demand_from_arrival_to_completion():
    # Billing starts after 50 s of provisioning; set-up takes 100 s, loading 2,000 MB takes 2 s.
    run = play(world([pool(provisioning_s=50.0, setup_s=100.0)], [task(1_000.0, state_mb=2_000.0)]), [ON_DEMAND])
    assert run.log == [
        (0.0, "ARRIVAL", 0, NONE, 0.0, 0.0),
        (0.0, "DECISION", 0, NONE, ON_DEMAND, ASK_ARRIVAL),
        (0.0, "LAUNCH", NONE, 0, 50.0, 150.0),
        (0.0, "PLACE", 0, 0, 152.0, 0.0),
        (1_152.0, "STOP", 0, 0, 1_000.0, 0.0),
        (1_152.0, "COMPLETION", 0, 0, 0.0, 0.0),
        (1_152.0, "END", NONE, 0, pytest.approx(1.102), 1_152.0),
    ]
    assert run.totals["on_demand_usd"] == pytest.approx(1.102)
    assert run.totals["on_demand_s"] == 1_102.0
    assert run.totals["setup_s"] == 102.0
    assert run.totals["spot_usd"] == run.totals["spot_s"] == run.totals["waiting_s"] == 0.0


def test_spot_pays_the_integral_of_its_price():
    # $1.80/h for 400 s, then $3.60/h for 700 s: 0.20 + 0.70.
    run = play(world([pool(((0.0, 1.8), (400.0, 3.6)), setup_s=100.0)], [task(1_000.0)]), [SPOT])
    assert run.dollars == pytest.approx([0.9])
    assert run.totals["spot_s"] == 1_100.0


def test_price_changes_alone_ask_nobody():
    run = play(world([pool(((0.0, 1.8), (40.0, 3.6), (250.0, 1.0)))], [task(1_000.0)]), [WAIT, WAIT, WAIT, SPOT])
    assert [decision[0] for decision in run.decisions] == [0.0, 100.0, 200.0, 300.0]


@pytest.mark.parametrize(
    ("work_s", "rules", "billed_s"),
    [
        (30.0, {}, 30.0),
        (30.0, {"billing_minimum_s": 60.0}, 60.0),
        (61.0, {"billing_minimum_s": 60.0}, 61.0),
        (200.0, {"billing_increment_s": 195.0}, 390.0),
        (390.0, {"billing_increment_s": 195.0}, 390.0),  # whole increments exactly: not one more
        (30.0, {"billing_increment_s": 50.0, "billing_minimum_s": 60.0}, 100.0),
    ],
)
@pytest.mark.parametrize(("action", "usd_per_s"), [(SPOT, 0.0005), (ON_DEMAND, 0.001)])
def test_what_is_billed_at_the_least(work_s, rules, billed_s, action, usd_per_s):
    run = play(world([pool()], [task(work_s)], **rules), [action])
    assert run.dollars == pytest.approx([billed_s * usd_per_s])
    assert run.totals["spot_s"] + run.totals["on_demand_s"] == billed_s
    assert run.log[-1][5] == billed_s  # billed until


def test_the_minimum_is_paid_at_the_prices_of_its_time():
    # 10 s of use, 60 s billed: 20 s at $1.80/h and 40 s at $3.60/h.
    run = play(world([pool(((0.0, 1.8), (20.0, 3.6)))], [task(10.0)], billing_minimum_s=60.0), [SPOT])
    assert run.dollars == pytest.approx([20 * 0.0005 + 40 * 0.001])


@pytest.mark.parametrize(
    ("lost_at_s", "dollars"),
    [(3_599.0, 0.0), (3_600.0, 1.8)],  # within the first hour of billing, and just not
)
def test_aws_bills_nothing_if_it_interrupts_within_the_first_hour(lost_at_s, dollars):
    pools = [pool(capacity=((0.0, 1), (lost_at_s, 0)))]
    run = play(world(pools, [task(9_000.0)], free_first_hour=True, horizon_s=5_000.0), [SPOT])
    assert run.dollars == pytest.approx([dollars])
    assert run.totals["spot_s"] == lost_at_s  # the hours were used


def test_the_free_hour_is_not_for_those_who_leave():
    run = play(world([pool()], [task(1_000.0)], free_first_hour=True), [SPOT])
    assert run.dollars == pytest.approx([0.5])


def test_a_launch_without_capacity_fails_and_is_tried_again():
    pools = [pool(capacity=((0.0, 0), (250.0, 1)))]
    run = play(world(pools, [task(1_000.0)]), [SPOT, SPOT, SPOT, SPOT])
    # Asked every 100 s; the change of capacity at 250 asks at once, and the pending question of 300 is dropped.
    assert run.decisions == [
        (0.0, ASK_ARRIVAL, 0),
        (100.0, ASK_RETRY, 0),
        (200.0, ASK_RETRY, 0),
        (250.0, ASK_RETRY, 0),
    ]
    assert run.of("LAUNCH_FAILED") == [(t, "LAUNCH_FAILED", 0, NONE, 0.0, 0.0) for t in (0.0, 100.0, 200.0)]
    assert run.totals["failed_launches"] == 3
    assert run.totals["waiting_s"] == 250.0
    assert run.of("COMPLETION")[0][0] == 1_250.0


def test_a_task_due_for_two_reasons_at_one_instant_is_asked_once():
    pools = [pool(capacity=((0.0, 0), (200.0, 1))), pool(capacity=((0.0, 0), (200.0, 1)))]
    run = play(world(pools, [task(1_000.0)]), [WAIT, WAIT, 2])
    assert [decision[0] for decision in run.decisions] == [0.0, 100.0, 200.0]


def test_tasks_are_asked_by_kind_and_then_by_number():
    # Task 2 arrives at 200, when task 0 and task 1 are asked again.
    tasks = [task(500.0), task(500.0), task(500.0, arrival_s=200.0)]
    run = play(world([pool()], tasks), [WAIT, WAIT, WAIT, WAIT, SPOT, SPOT, SPOT])
    assert run.decisions == [
        (0.0, ASK_ARRIVAL, 0),
        (0.0, ASK_ARRIVAL, 1),
        (100.0, ASK_RETRY, 0),
        (100.0, ASK_RETRY, 1),
        (200.0, ASK_ARRIVAL, 2),
        (200.0, ASK_RETRY, 0),
        (200.0, ASK_RETRY, 1),
    ]


def test_capacity_given_back_can_be_had_at_that_instant():
    # One place. Task 0 is done at 100, when task 1, which found no place at 0, is asked again.
    run = play(world([pool(capacity=((0.0, 1),))], [task(100.0), task(300.0)]), [SPOT, SPOT, SPOT])
    assert run.totals["failed_launches"] == 1
    assert run.of("LAUNCH") == [(0.0, "LAUNCH", NONE, 0, 0.0, 0.0), (100.0, "LAUNCH", NONE, 1, 100.0, 100.0)]
    assert run.of("COMPLETION")[-1][0] == 400.0


def test_on_demand_always_has_room():
    run = play(world([pool(capacity=((0.0, 0),))], [task(100.0) for _ in range(20)]), [ON_DEMAND] * 20)
    assert run.totals["failed_launches"] == 0
    assert run.totals["on_demand_usd"] == pytest.approx(2.0)


# --- idle instances --------------------------------------------------------------------------------------------------


def test_an_idle_instance_is_billed_until_its_time_out():
    tasks = [task(100.0), task(1_000.0, arrival_s=5_000.0)]
    run = play(world([pool(setup_s=50.0)], tasks, idle_timeout_s=300.0), [ON_DEMAND, ON_DEMAND])
    # 0: set-up until 50, work until 150, idle until 450. Then nothing until 5,000.
    assert run.of("IDLE")[0] == (150.0, "IDLE", NONE, 0, 0.0, 0.0)
    assert run.of("END") == [
        (450.0, "END", NONE, 0, pytest.approx(0.45), 450.0),
        (6_050.0, "END", NONE, 1, pytest.approx(1.05), 6_050.0),
    ]


def test_a_new_task_takes_the_idle_instance_without_set_up():
    tasks = [task(100.0), task(1_000.0, arrival_s=200.0, state_mb=3_000.0)]
    run = play(world([pool(setup_s=50.0)], tasks, idle_timeout_s=300.0), [ON_DEMAND, ON_DEMAND])
    assert run.totals["launches"] == 1
    assert run.of("PLACE")[1] == (200.0, "PLACE", 1, 0, 203.0, 0.0)
    assert run.of("END") == [(1_203.0, "END", NONE, 0, pytest.approx(1.203), 1_203.0)]  # the 450 s time-out is stale


def test_the_most_recently_idled_instance_is_taken_first():
    tasks = [task(100.0), task(200.0), task(50.0, arrival_s=250.0)]
    run = play(world([pool()], tasks, idle_timeout_s=1_000.0), [ON_DEMAND] * 3)
    assert run.of("PLACE")[2][3] == 1  # idle since 200; launch 0 since 100


def test_an_idle_instance_of_the_other_purchase_or_pool_does_not_count():
    tasks = [task(100.0), task(100.0, arrival_s=200.0), task(100.0, arrival_s=200.0)]
    two_pools = [pool(), pool()]
    run = play(world(two_pools, tasks, idle_timeout_s=1_000.0), [1, 3, 2])
    assert run.totals["launches"] == 3


def test_two_tasks_never_share_an_instance():
    tasks = [task(100.0), task(100.0, arrival_s=150.0), task(100.0, arrival_s=150.0)]
    run = play(world([pool()], tasks, idle_timeout_s=1_000.0), [SPOT] * 3)
    assert [line[3] for line in run.of("PLACE")] == [0, 0, 1]


def test_an_idle_spot_instance_keeps_its_place():
    # One place, held idle from 100 on: no launch beside it, but the idle instance can be had.
    tasks = [task(100.0), task(100.0, arrival_s=150.0), task(100.0, arrival_s=160.0)]
    run = play(world([pool(capacity=((0.0, 1),))], tasks, idle_timeout_s=1_000.0), [SPOT, SPOT, SPOT, SPOT])
    assert [line[3] for line in run.of("PLACE")] == [0, 0, 0]
    assert run.of("LAUNCH_FAILED")[0][0] == 160.0


# --- running tasks that are asked again ------------------------------------------------------------------------------


def test_running_tasks_are_asked_at_each_interval_where_the_scenario_says_so():
    run = play(world([pool()], [task(250.0)], reconsider_running=True), [SPOT, SPOT, SPOT])
    assert run.decisions == [(0.0, ASK_ARRIVAL, 0), (100.0, ASK_RECONSIDER, 0), (200.0, ASK_RECONSIDER, 0)]
    assert run.totals["launches"] == 1
    assert run.of("COMPLETION")[0][0] == 250.0


def test_a_pause_saves_everything_and_costs_no_time():
    # 100 s in set-up, 100 s of work, paused at 200; back at 300: set-up 100 s, loading 2 s, the other 900 s.
    pools = [pool(setup_s=100.0)]
    answers = [SPOT, SPOT, WAIT, SPOT] + [SPOT] * 20
    run = play(world(pools, [task(1_000.0, state_mb=2_000.0)], reconsider_running=True), answers)
    assert run.of("STOP")[0] == (200.0, "STOP", 0, 0, pytest.approx(98.0), 0.0)
    assert run.of("END")[0] == (200.0, "END", NONE, 0, pytest.approx(0.1), 200.0)
    assert run.of("PLACE")[1] == (300.0, "PLACE", 0, 1, 402.0, 0.0)
    assert run.of("COMPLETION")[0][0] == pytest.approx(402.0 + 902.0)
    assert run.totals["waiting_s"] == 100.0
    assert run.totals["work_lost_s"] == 0.0
    assert run.totals["interruptions"] == run.totals["checkpoints_full"] == run.totals["moves"] == 0


def test_a_move_takes_the_new_instance_before_it_leaves_the_old_one():
    # At 200, after 150 s of work (50 s set-up): to pool 1, set-up 30 s, loading 1 s; the old one ends at 200.
    pools = [pool(setup_s=50.0), pool(setup_s=30.0, capacity=((0.0, 1),))]
    answers = [1, 1, 2] + [2] * 20
    run = play(world(pools, [task(1_000.0, state_mb=1_000.0)], reconsider_running=True), answers)
    assert run.from_(200.0)[:5] == [
        (200.0, "DECISION", 0, NONE, 2.0, ASK_RECONSIDER),
        (200.0, "LAUNCH", NONE, 1, 200.0, 230.0),
        (200.0, "STOP", 0, 0, pytest.approx(149.0), 0.0),
        (200.0, "END", NONE, 0, pytest.approx(0.1), 200.0),
        (200.0, "PLACE", 0, 1, 231.0, 0.0),
    ]
    assert run.totals["moves"] == 1
    assert run.of("COMPLETION")[0][0] == pytest.approx(231.0 + 851.0)


def test_a_move_without_room_leaves_the_task_running_where_it_is():
    pools = [pool(), pool(capacity=((0.0, 0),))]
    run = play(world(pools, [task(250.0)], reconsider_running=True), [1, 2, 1])
    assert run.totals["failed_launches"] == 1
    assert run.totals["moves"] == 0
    assert run.of("COMPLETION")[0][0] == 250.0
    assert run.decisions[-1] == (200.0, ASK_RECONSIDER, 0)


def test_a_full_pool_is_no_obstacle_to_staying_in_it():
    run = play(world([pool(capacity=((0.0, 1),))], [task(250.0)], reconsider_running=True), [SPOT] * 3)
    assert run.totals["failed_launches"] == 0


def test_from_spot_to_on_demand_of_the_same_pool_is_a_move():
    run = play(world([pool(setup_s=20.0)], [task(300.0)], reconsider_running=True), [SPOT] + [ON_DEMAND] * 5)
    assert run.totals["moves"] == 1
    assert run.dollars == pytest.approx([100 * 0.0005, 240 * 0.001])  # 80 s done; 20 s set-up and 220 s of work


def test_spot_that_comes_back_is_offered_at_once_to_a_task_on_on_demand():
    # Asked at 0, at the interval's end at 100, when spot comes at 130 and an interval after that; on spot again not.
    rules = {"reconsider_running": True, "reconsider_at_capacity": True, "reconsider_on_spot": False}
    pools = [pool(capacity=((0.0, 0), (130.0, 1)))]
    run = play(world(pools, [task(1_000.0)], **rules), [ON_DEMAND, ON_DEMAND, ON_DEMAND, SPOT])
    assert run.decisions == [
        (0.0, ASK_ARRIVAL, 0),
        (100.0, ASK_RECONSIDER, 0),
        (130.0, ASK_RECONSIDER, 0),
        (230.0, ASK_RECONSIDER, 0),
    ]
    assert run.totals["moves"] == 1
    assert run.of("COMPLETION")[0][0] == 1_000.0


def test_capacity_that_goes_is_no_reason_to_ask():
    rules = {"reconsider_running": True, "reconsider_at_capacity": True}
    pools = [pool(capacity=((0.0, 2), (30.0, 1), (60.0, 2)))]
    run = play(world(pools, [task(110.0)], **rules), [ON_DEMAND] * 3)
    assert [time_s for time_s, _, _ in run.decisions] == [0.0, 60.0]


def test_a_task_on_spot_stays_unasked_where_the_scenario_says_so():
    rules = {"reconsider_running": True, "reconsider_on_spot": False}
    run = play(world([pool()], [task(350.0)], **rules), [SPOT])
    assert run.decisions == [(0.0, ASK_ARRIVAL, 0)]
    assert run.of("COMPLETION")[0][0] == 350.0
    run = play(world([pool()], [task(350.0)], reconsider_running=True), [SPOT] * 4)
    assert len(run.decisions) == 4


# --- masks, the end, deadlines ---------------------------------------------------------------------------------------


def test_a_pool_that_the_task_does_not_fit_is_invalid_and_counts_as_waiting():
    pools = [pool(gpu_memory_mb=8_000.0), pool(gpu_memory_mb=24_000.0)]
    run = play(world(pools, [task(100.0, memory_mb=8_000.1)]), [1, 3, 4])
    assert run.masks[0] == [True, False, True, False, True]
    assert run.totals["invalid_actions"] == 2
    assert [line[4] for line in run.of("DECISION")] == [0.0, 0.0, 4.0]
    assert run.of("PLACE")[0][0] == 200.0


def test_memory_that_fits_exactly_fits():
    run = play(world([pool(gpu_memory_mb=8_000.0)], [task(100.0, memory_mb=8_000.0)]), [SPOT])
    assert run.masks[0] == [True, True, True]


def test_an_invalid_answer_leaves_a_running_task_where_it_is():
    """As if it had been told to stay: the second pool is too small, and waiting would cost it its instance."""
    pools = [pool(), pool(gpu_memory_mb=1_000.0)]
    run = play(world(pools, [task(300.0, memory_mb=2_000.0)], reconsider_running=True), [1, 2, 1, 1])
    assert run.totals["invalid_actions"] == 1
    assert run.of("STOP") == [(300.0, "STOP", 0, 0, 300.0, 0.0)]


def test_at_the_horizon_everything_ends_and_is_billed():
    tasks = [task(9_000.0), task(100.0), task(1_000.0, arrival_s=990.0), task(10.0, arrival_s=2_000.0)]
    run = play(world([pool()], tasks, horizon_s=1_000.0, idle_timeout_s=5_000.0), [SPOT, ON_DEMAND, WAIT])
    assert run.from_(1_000.0) == [
        (1_000.0, "STOP", 0, 0, 1_000.0, 0.0),
        (1_000.0, "END", NONE, 0, pytest.approx(0.5), 1_000.0),
        (1_000.0, "END", NONE, 1, pytest.approx(1.0), 1_000.0),  # idle since 100
    ]
    assert run.totals["waiting_s"] == 10.0
    assert run.totals["tasks_done"] == 1
    # Unfinished without a deadline: 2 x work left / all work = 2 x (8,000 + 1,000 + 10) / 10,110.
    assert run.penalty == pytest.approx(2 * 9_010 / 10_110)


def test_work_that_ends_at_the_horizon_is_done():
    run = play(world([pool()], [task(1_000.0)], horizon_s=1_000.0), [SPOT])
    assert run.totals["tasks_done"] == 1
    assert run.penalty == 0.0


@pytest.mark.parametrize(("deadline_s", "missed"), [(1_000.0, 0), (999.0, 1)])
def test_a_deadline_is_missed_only_behind_it(deadline_s, missed):
    run = play(world([pool()], [task(1_000.0, deadline_s=deadline_s), task(3_000.0)]), [SPOT, SPOT])
    assert run.totals["deadlines_missed"] == missed
    assert run.penalty == pytest.approx(missed * 2 * 1_000 / 4_000)
    assert run.of("MISSED") == [(1_000.0, "MISSED", 0, NONE, 0.0, 0.0)] * missed


def test_a_deadline_that_comes_before_the_end_is_missed_and_a_later_one_is_unfinished():
    tasks = [task(2_000.0, deadline_s=1_000.0), task(2_000.0, deadline_s=1_001.0)]
    run = play(world([pool()], tasks, horizon_s=1_000.0), [SPOT, SPOT])
    assert run.totals["deadlines_missed"] == 1
    assert run.penalty == pytest.approx(2 * 2_000 / 4_000 + 2 * 1_000 / 4_000)


def test_an_interactive_task_pays_for_every_hour_that_it_does_not_run():
    # Down from 10 to 110 (waits), then 20 s provisioning, 30 s set-up, 1 s loading: 151 s of 1,000 s of work.
    pools = [pool(provisioning_s=20.0, setup_s=30.0)]
    tasks = [task(1_000.0, arrival_s=10.0, state_mb=1_000.0, interactive=True, deadline_s=INF)]
    run = play(world(pools, tasks, downtime_weight=3.0), [WAIT, ON_DEMAND])
    assert run.totals["downtime_s"] == pytest.approx(151.0)
    assert run.penalty == pytest.approx(3 * 151 / 1_000)
    assert run.totals["waiting_s"] == 100.0


def test_downtime_that_an_interruption_cuts_short_is_not_counted():
    # Set-up takes 600 s; lost after 100 s of it, set up anew elsewhere: 700 s, not 1,200.
    pools = [pool(setup_s=600.0, capacity=((0.0, 1), (100.0, 0)))]
    run = play(world(pools, [task(1_000.0, interactive=True)], downtime_weight=1.0), [SPOT, ON_DEMAND])
    assert run.totals["downtime_s"] == pytest.approx(700.0)
    assert run.penalty == pytest.approx(0.7)


def test_a_penalty_is_charged_once_in_the_step_in_which_it_arises():
    # Task 0 is late at 1,000, before task 1 is asked at 2,000 and 2,100: 2 x half of the work, and $1 of $2.
    tasks = [task(1_000.0, deadline_s=900.0), task(1_000.0, arrival_s=2_000.0)]
    run = play(world([pool()], tasks), [ON_DEMAND, WAIT, ON_DEMAND])
    assert run.rewards == pytest.approx([-1.0 - 0.5, 0.0, -0.5])


def test_a_return_is_minus_the_share_of_the_on_demand_cost():
    run = play(world([pool(), pool(on_demand_price=7.2)], [task(1_000.0), task(3_000.0)]), [1, 4])
    # 0.5 on spot and 3,000 s at $7.20/h, against 4,000 s at $3.60/h.
    assert run.episode_return == pytest.approx(-(0.5 + 6.0) / 4.0)

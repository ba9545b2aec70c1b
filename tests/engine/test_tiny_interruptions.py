"""Tiny worlds worked out by hand: notices, grace periods, checkpoints, migrations, lifetimes.

On-demand costs $0.001 a second, spot $0.0005, state moves at 1,000 MB/s unless a test says otherwise. Capacity steps
are what can be launched: a loss stands where it is announced. Log lines are (time_s, kind, task, launch, value, other).
"""

import pytest

from tests.engine.play import (
    ASK_ARRIVAL,
    ASK_INTERRUPTION,
    ASK_RECONSIDER,
    ASK_RETRY,
    ON_DEMAND,
    SPOT,
    WAIT,
    play,
    unit_lifetime,
)
from tests.reference.world import NONE
from tests.reference.worlds import pool, task, world

FULL, PARTIAL, RESTART = 0.0, 1.0, 2.0


def losing(at_s: float, before: int = 1, after: int = 0, **fields):
    """A pool that loses capacity."""
    return pool(capacity=((0.0, before), (at_s, after)), **fields)


# --- notice and end --------------------------------------------------------------------------------------------------


def test_an_interruption_with_notice():
    run = play(world([losing(500.0)], [task(1_000.0)], notice_s=120.0), [SPOT, ON_DEMAND])
    # No state to save: all is kept. On-demand at once; the noticed instance is billed until its end at 620.
    assert run.from_(500.0) == [
        (500.0, "CAPACITY", NONE, NONE, 0.0, 0.0),
        (500.0, "NOTICE", 0, 0, 620.0, 0.0),
        (500.0, "CHECKPOINT", 0, 0, FULL, 500.0),
        (500.0, "STOP", 0, 0, 500.0, 0.0),
        (500.0, "DECISION", 0, NONE, ON_DEMAND, ASK_INTERRUPTION),
        (500.0, "LAUNCH", NONE, 1, 500.0, 500.0),
        (500.0, "PLACE", 0, 1, 500.0, 0.0),
        (620.0, "END", NONE, 0, pytest.approx(0.31), 620.0),
        (1_000.0, "STOP", 0, 1, 1_000.0, 0.0),
        (1_000.0, "COMPLETION", 0, 1, 0.0, 0.0),
        (1_000.0, "END", NONE, 1, pytest.approx(0.5), 1_000.0),
    ]
    assert run.totals["interruptions"] == run.totals["checkpoints_full"] == run.totals["migrations"] == 1
    assert run.totals["work_saved_s"] == 500.0


def test_an_interruption_without_notice_ends_at_once_and_loses_the_work():
    run = play(world([losing(500.0)], [task(1_000.0, state_mb=2_000.0)]), [SPOT, ON_DEMAND])
    assert run.of("CHECKPOINT") == [(500.0, "CHECKPOINT", 0, 0, RESTART, 0.0)]
    assert run.of("STOP")[0] == (500.0, "STOP", 0, 0, 0.0, 498.0)  # loading 2,000 MB took 2 s
    assert run.of("END")[0] == (500.0, "END", NONE, 0, pytest.approx(0.25), 500.0)
    assert run.totals["work_lost_s"] == 498.0
    assert run.of("COMPLETION")[0][0] == 1_502.0


def test_the_surplus_goes_together_newest_first():
    # Three held, one stays: launches 2 and 1 get notice, in that order; task 0 goes on.
    tasks = [task(1_000.0) for _ in range(3)]
    run = play(world([losing(500.0, 3, 1)], tasks, notice_s=60.0), [SPOT] * 3 + [ON_DEMAND] * 2)
    assert run.of("NOTICE") == [(500.0, "NOTICE", 2, 2, 560.0, 0.0), (500.0, "NOTICE", 1, 1, 560.0, 0.0)]
    assert run.decisions[3:] == [(500.0, ASK_INTERRUPTION, 1), (500.0, ASK_INTERRUPTION, 2)]
    assert run.of("COMPLETION")[0] == (1_000.0, "COMPLETION", 0, 0, 0.0, 0.0)


def test_capacity_that_is_not_held_can_go_unnoticed():
    run = play(world([losing(500.0, 3, 1)], [task(1_000.0)]), [SPOT])
    assert run.of("NOTICE") == []


def test_a_noticed_instance_does_not_count_against_the_capacity_that_is_left():
    # Announced losses are out of the capacity already: of 2 places 1 is lost, which launch 1 holds until 620; the
    # other one is launch 0's. At 550 the capacity rises to 2: one can be launched though three are alive.
    pools = [pool(capacity=((0.0, 2), (500.0, 1), (550.0, 2)))]
    run = play(world(pools, [task(1_000.0), task(1_000.0)], notice_s=120.0), [SPOT, SPOT, WAIT, SPOT])
    assert run.of("LAUNCH")[2][0] == 550.0
    assert run.of("END")[0][:4] == (620.0, "END", NONE, 1)


def test_work_that_ends_at_the_instant_of_the_notice_is_done():
    run = play(world([losing(1_000.0)], [task(1_000.0)], notice_s=60.0), [SPOT])
    assert run.totals["tasks_done"] == 1
    assert run.totals["interruptions"] == 0


def test_a_completion_does_not_survive_an_interruption():
    # Without the interruption it would be done at 1,000. It waits until the horizon instead.
    run = play(world([losing(999.0)], [task(1_000.0)], notice_s=60.0, horizon_s=2_000.0), [SPOT] + [WAIT] * 30)
    assert run.of("COMPLETION") == []
    assert run.totals["tasks_done"] == 0


def test_an_idle_instance_can_be_lost_too():
    tasks = [task(100.0), task(10.0, arrival_s=900.0)]
    run = play(world([losing(500.0)], tasks, idle_timeout_s=600.0, notice_s=60.0), [SPOT, ON_DEMAND])
    assert run.of("NOTICE") == [(500.0, "NOTICE", NONE, 0, 560.0, 0.0)]
    assert run.of("END")[0] == (560.0, "END", NONE, 0, pytest.approx(0.28), 560.0)  # the 700 s time-out is stale
    assert run.totals["interruptions"] == 1


def test_an_instance_lost_before_its_billing_starts_costs_nothing():
    # Provisioning until 700, notice at 500, gone at 560.
    pools = [losing(500.0, provisioning_s=700.0)]
    run = play(world(pools, [task(100.0)], notice_s=60.0), [SPOT, ON_DEMAND])
    assert run.of("END")[0] == (560.0, "END", NONE, 0, 0.0, 560.0)
    assert run.of("CHECKPOINT") == []  # nothing was done that could be lost
    assert run.totals["spot_s"] == 0.0


def test_a_task_in_set_up_loses_nothing_but_time():
    run = play(world([losing(500.0, setup_s=600.0)], [task(100.0)], notice_s=60.0), [SPOT, ON_DEMAND])
    assert run.of("STOP")[0] == (500.0, "STOP", 0, 0, 0.0, 0.0)
    assert run.totals["checkpoints_full"] == run.totals["checkpoints_restart"] == 0
    assert run.of("END")[0][4] == pytest.approx(0.28)


def test_a_displaced_task_that_waits_is_asked_again_after_the_interval():
    run = play(world([losing(450.0)], [task(1_000.0)]), [SPOT, WAIT, ON_DEMAND])
    assert run.decisions[1:] == [(450.0, ASK_INTERRUPTION, 0), (550.0, ASK_RETRY, 0)]


def test_interruption_is_the_weightiest_reason():
    # At 500 the running task is due to be asked again, its instance gets notice and the capacity changes.
    pools = [losing(500.0), pool()]
    run = play(world(pools, [task(1_000.0)], reconsider_running=True), [1] * 5 + [2] + [2] * 10)
    assert [decision for decision in run.decisions if decision[0] == 500.0] == [(500.0, ASK_INTERRUPTION, 0)]
    assert run.decisions[6] == (600.0, ASK_RECONSIDER, 0)


def test_displaced_tasks_are_asked_before_arrivals():
    tasks = [task(1_000.0), task(1_000.0, arrival_s=500.0)]
    run = play(world([losing(500.0)], tasks), [SPOT, ON_DEMAND, ON_DEMAND])
    assert run.decisions[1:] == [(500.0, ASK_INTERRUPTION, 0), (500.0, ASK_ARRIVAL, 1)]


# --- what the grace period saves -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state_mb", "plan", "kept_s"),
    [
        (0.0, FULL, 400.0),
        (100_000.0, FULL, 400.0),  # 120 s at 1,000 MB/s move 120,000 MB
        (150_000.0, FULL, 400.0),  # 0.8 exactly
        (150_001.0, PARTIAL, 400.0 * 120_000 / 150_001),
        (300_000.0, PARTIAL, 160.0),  # 0.4 of 400 s
        (400_000.0, PARTIAL, 120.0),  # 0.3 exactly
        (400_001.0, RESTART, 0.0),
    ],
)
def test_the_checkpoint_plan_follows_the_share_that_can_be_saved(state_mb, plan, kept_s):
    # The state is loaded at the start: the task runs from state / 1,000 s on, 400 s until the notice.
    load_s = state_mb / 1_000.0
    run = play(world([losing(load_s + 400.0)], [task(1_000.0, state_mb=state_mb)], notice_s=120.0), [SPOT, ON_DEMAND])
    assert run.of("CHECKPOINT")[0][4:] == (plan, pytest.approx(kept_s))
    assert run.of("STOP")[0][4:] == (pytest.approx(kept_s), pytest.approx(400.0 - kept_s))
    assert run.totals["work_lost_s"] == pytest.approx(400.0 - kept_s)
    assert run.totals["work_saved_s"] == pytest.approx(kept_s)
    names = ["checkpoints_full", "checkpoints_partial", "checkpoints_restart"]
    assert [run.totals[name] for name in names] == [plan == kind for kind in (FULL, PARTIAL, RESTART)]
    # On on-demand it loads the state again and does the rest.
    assert run.of("COMPLETION")[0][0] == pytest.approx(2 * load_s + 400.0 + 1_000.0 - kept_s)


def test_megabytes_and_gigabits():
    # 1 Gbit/s for 120 s = 15,000 MB: 0.75 of 20,000 MB. In units of 1,000 or 1,024 bits it would be FULL.
    run = play(
        world([losing(560.0, bandwidth_gbps=1.0)], [task(1_000.0, state_mb=20_000.0)], notice_s=120.0),
        [SPOT, ON_DEMAND],
    )
    assert run.of("PLACE")[0][4] == 160.0  # 20,000 MB at 125 MB/s
    assert run.of("CHECKPOINT")[0][4:] == (PARTIAL, pytest.approx(300.0))


def test_a_slow_store_limits_saving_and_loading():
    rules = {"notice_s": 120.0, "store_bandwidth_gbps": 1.0}
    run = play(world([losing(560.0)], [task(1_000.0, state_mb=20_000.0)], **rules), [SPOT, ON_DEMAND])
    assert run.of("PLACE")[0][4] == 160.0
    assert run.of("CHECKPOINT")[0][4:] == (PARTIAL, pytest.approx(300.0))


def test_the_state_grows_with_the_work_done():
    # 400 MB a second from 10,000 MB on, at most 200,000 MB: at 410 s 400 s of work, 170,000 MB; 120 / 170 of it.
    tasks = [task(1_000.0, state_base_mb=10_000.0, state_growth_mb_per_s=400.0, state_cap_mb=200_000.0)]
    run = play(world([losing(410.0)], tasks, notice_s=120.0), [SPOT, ON_DEMAND])
    assert run.of("PLACE")[0][4] == 10.0
    kept_s = 400.0 * 120 / 170
    assert run.of("CHECKPOINT")[0][4:] == (PARTIAL, pytest.approx(kept_s))
    assert run.of("PLACE")[1][4] == pytest.approx(410.0 + 10.0 + 0.4 * kept_s)  # loads what was kept


def test_the_state_stops_growing_at_its_cap():
    tasks = [task(1_000.0, state_base_mb=0.0, state_growth_mb_per_s=1_000.0, state_cap_mb=50_000.0)]
    run = play(world([losing(900.0)], tasks, notice_s=40.0), [SPOT, ON_DEMAND])
    assert run.of("CHECKPOINT")[0][4] == FULL  # 40,000 of 50,000 MB
    assert run.of("PLACE")[1][4] == 950.0


def test_a_second_interruption_loses_only_what_came_after_the_first():
    # Pool 0 moves 1,000,000 MB/s: loads in 1 s, saves all within 10 s. Pool 1 loads in 1,000 s and saves 1 %.
    pools = [losing(300.0, bandwidth_gbps=8_000.0), losing(1_500.0)]
    run = play(world(pools, [task(1_000.0, state_mb=1_000_000.0)], notice_s=10.0), [1, 2, 3])
    assert [line[4:] for line in run.of("STOP")] == [(299.0, 0.0), (299.0, 200.0), (1_000.0, 0.0)]
    assert run.of("COMPLETION")[0][0] == 1_501.0 + 701.0


# --- periodic checkpoints --------------------------------------------------------------------------------------------


PERIODIC = {"checkpoint_interval_s": 100.0, "checkpoint_cost_s": 10.0}


@pytest.mark.parametrize(
    ("work_s", "run_s"),
    [(50.0, 50.0), (100.0, 100.0), (101.0, 111.0), (1_000.0, 1_090.0)],  # none after the last segment
)
def test_periodic_checkpoints_take_run_time(work_s, run_s):
    run = play(world([pool()], [task(work_s)], **PERIODIC), [SPOT])
    assert run.of("COMPLETION")[0][0] == run_s


@pytest.mark.parametrize(
    ("lost_at_s", "done_s", "saved_s"),
    [
        (345.0, 315.0, 300.0),  # three segments and checkpoints (330 s), then 15 s
        (105.0, 100.0, 0.0),  # half of the first checkpoint: nothing is saved yet
        (110.0, 100.0, 100.0),
        (435.0, 400.0, 300.0),
    ],
)
def test_periodic_checkpoints_save_whole_segments(lost_at_s, done_s, saved_s):
    tasks = [task(1_000.0, state_growth_mb_per_s=1.0, state_cap_mb=1_000.0)]  # loads 1 ms for each second of work
    run = play(world([losing(lost_at_s)], tasks, **PERIODIC), [SPOT, ON_DEMAND])
    assert run.of("STOP")[0][4:] == (saved_s, done_s - saved_s)
    left_s = 1_000.0 - saved_s
    assert run.of("COMPLETION")[0][0] == pytest.approx(lost_at_s + saved_s / 1_000.0 + left_s + 10 * (left_s / 100 - 1))


def test_the_grace_period_saves_what_came_after_the_last_periodic_checkpoint():
    run = play(world([losing(345.0)], [task(1_000.0)], notice_s=60.0, **PERIODIC), [SPOT, ON_DEMAND])
    assert run.of("CHECKPOINT")[0][4:] == (FULL, 15.0)
    assert run.of("STOP")[0][4:] == (315.0, 0.0)


# --- migration -------------------------------------------------------------------------------------------------------


def test_the_assignment_is_cheapest_in_total_not_first_come():
    # Task 0 (100,000 MB) asks for slow pool 2, task 1 (1,000 MB) for fast pool 1. As asked: 1,000 s + 1 s until they
    # run; crossed: 100 s + 10 s. Both were displaced at 500; the notice saves all.
    pools = [losing(500.0, 2), pool(), pool(bandwidth_gbps=0.8)]
    tasks = [task(1_000.0, state_mb=100_000.0), task(1_000.0, state_mb=1_000.0)]
    run = play(world(pools, tasks, notice_s=120.0), [1, 1, 3, 2])
    # Task 0's request is launched first, in pool 2: launch 2; task 1's in pool 1: launch 3.
    assert run.of("PLACE")[2:] == [(500.0, "PLACE", 0, 3, 600.0, 0.0), (500.0, "PLACE", 1, 2, 510.0, 0.0)]
    assert run.totals["migrations"] == 2
    assert run.totals["cancelled_launches"] == 0


def test_no_task_is_put_where_it_does_not_fit():
    # The same, but pool 1's memory is too small for task 0: the costlier assignment is the only one.
    pools = [losing(500.0, 2), pool(gpu_memory_mb=8_000.0), pool(bandwidth_gbps=0.8)]
    tasks = [task(1_000.0, state_mb=100_000.0, memory_mb=12_000.0), task(1_000.0, state_mb=1_000.0)]
    run = play(world(pools, tasks, notice_s=120.0), [1, 1, 3, 2])
    assert run.of("PLACE")[2:] == [(500.0, "PLACE", 0, 2, 1_500.0, 0.0), (500.0, "PLACE", 1, 3, 501.0, 0.0)]


def test_a_launch_that_an_idle_instance_makes_superfluous_is_cancelled_unbilled():
    # Pool 1 holds an idle instance; the displaced task asks for pool 2, whose set-up takes 300 s.
    pools = [losing(500.0), pool(setup_s=40.0), pool(setup_s=300.0)]
    tasks = [task(1_000.0), task(300.0)]
    run = play(world(pools, tasks, idle_timeout_s=600.0, billing_minimum_s=60.0), [1, 2, 3])
    assert run.of("PLACE")[2] == (500.0, "PLACE", 0, 1, 500.0, 0.0)
    assert run.of("CANCEL") == [(500.0, "CANCEL", NONE, 2, 0.0, 0.0)]
    assert (500.0, "END", NONE, 2, 0.0, 500.0) in run.log
    assert run.totals["cancelled_launches"] == 1
    assert run.dollars[2] == 0.0
    assert run.totals["launches"] == 3


def test_displaced_tasks_count_on_different_idle_instances():
    # One idle instance in pool 1 and two displaced tasks that ask for pool 1: one launch.
    pools = [losing(500.0, 2), pool(setup_s=50.0)]
    tasks = [task(1_000.0), task(1_000.0), task(300.0)]
    run = play(world(pools, tasks, idle_timeout_s=600.0), [1, 1, 2, 2, 2])
    assert run.totals["launches"] == 4
    assert run.totals["cancelled_launches"] == 0
    assert sorted(line[3] for line in run.of("PLACE")[3:]) == [2, 3]


def test_a_second_migration_counts_on_idle_instances_anew():
    # Launch 2 is idle from 100 on, launch 3 from 800 on: the task displaced at 500 gets the one, at 1,000 the other.
    pools = [pool(capacity=((0.0, 2), (500.0, 1), (1_000.0, 0))), pool(setup_s=50.0)]
    tasks = [task(1_500.0), task(1_500.0), task(50.0), task(750.0)]
    run = play(world(pools, tasks, idle_timeout_s=5_000.0), [1, 1, 2, 2, 2, 2])
    assert [line[2:4] for line in run.of("PLACE")[4:]] == [(1, 2), (0, 3)]
    assert run.totals["launches"] == 4


def test_a_displaced_task_without_room_waits():
    pools = [losing(500.0, 2), pool(capacity=((0.0, 1),))]
    tasks = [task(1_000.0), task(1_000.0, state_mb=1.0)]  # task 0 would run at once, task 1 after 1 ms
    run = play(world(pools, tasks), [1, 1, 2, 2, 4])
    assert run.of("LAUNCH_FAILED") == [(500.0, "LAUNCH_FAILED", 1, NONE, 0.0, 0.0)]
    assert run.decisions[-1] == (600.0, ASK_RETRY, 1)
    assert run.totals["failed_launches"] == 1
    assert run.totals["migrations"] == 1


def test_a_task_gets_an_instance_of_the_purchase_that_it_asked_for():
    # An idle on-demand instance is no target for a task that asked for spot.
    pools = [losing(500.0), pool(setup_s=200.0)]
    run = play(world(pools, [task(1_000.0), task(200.0)], idle_timeout_s=600.0), [1, 4, 2])
    assert run.of("PLACE")[2] == (500.0, "PLACE", 0, 2, 700.0, 0.0)


def test_spot_and_on_demand_requests_at_one_instant():
    pools = [losing(500.0, 2), pool()]
    run = play(world(pools, [task(1_000.0), task(1_000.0)]), [1, 1, 4, 2])
    assert sorted(line[2:4] for line in run.of("PLACE")[2:]) == [(0, 2), (1, 3)]
    assert run.totals["on_demand_usd"] == pytest.approx(0.5)


# --- lifetimes -------------------------------------------------------------------------------------------------------


def test_a_lifetime_runs_from_the_start_of_billing():
    # The hazard is such that the first draw is used up 1,000 s after billing starts at 50; set-up is inside.
    hazard = unit_lifetime(0, 0) / 1_000.0
    pools = [pool(hazards=((0.0, hazard),), provisioning_s=50.0, setup_s=100.0)]
    run = play(world(pools, [task(5_000.0)], notice_s=120.0), [SPOT, ON_DEMAND])
    assert run.of("NOTICE") == [(pytest.approx(930.0), "NOTICE", 0, 0, pytest.approx(1_050.0), 0.0)]
    assert run.of("STOP")[0][4] == pytest.approx(780.0)
    assert run.of("END")[0][4:] == (pytest.approx(0.5), pytest.approx(1_050.0))


def test_each_launch_of_a_pool_has_the_next_draw():
    hazard = unit_lifetime(0, 0) / 1_000.0
    second_s = unit_lifetime(0, 1) / hazard
    pools = [pool(hazards=((0.0, hazard),))]
    run = play(world(pools, [task(50_000.0)], horizon_s=1_100.0 + second_s), [SPOT, SPOT, ON_DEMAND])
    assert [line[0] for line in run.of("NOTICE")] == pytest.approx([1_000.0, 1_000.0 + second_s])


def test_each_pool_has_its_own_draws():
    hazards = ((0.0, unit_lifetime(1, 0) / 1_000.0),)
    run = play(world([pool(), pool(hazards=hazards)], [task(500.0), task(5_000.0)]), [1, 2, 3])
    assert [line[0] for line in run.of("NOTICE")] == pytest.approx([1_000.0])


def test_a_life_shorter_than_the_notice_is_announced_at_launch():
    # 60 s of life, 120 s of notice: noticed as it is launched, gone at 60.
    pools = [pool(hazards=((0.0, unit_lifetime(0, 0) / 60.0),))]
    run = play(world(pools, [task(1_000.0)], notice_s=120.0), [SPOT, ON_DEMAND])
    assert run.of("NOTICE") == [(0.0, "NOTICE", 0, 0, pytest.approx(60.0), 0.0)]
    assert run.of("END")[0][4:] == (pytest.approx(0.03), pytest.approx(60.0))


def test_an_instance_whose_life_ends_soon_still_takes_its_place():
    # One place; noticed at 880, gone at 1,000. The displaced task finds no room before.
    hazard = unit_lifetime(0, 0) / 1_000.0
    pools = [pool(capacity=((0.0, 1),), hazards=((0.0, hazard), (1_050.0, 0.0)))]
    run = play(world(pools, [task(2_000.0)], notice_s=120.0), [SPOT] * 4)
    assert run.totals["failed_launches"] == 2  # at 880 and 980
    assert run.of("LAUNCH")[1][0] == pytest.approx(1_080.0)


def test_no_notice_for_a_life_beyond_the_horizon():
    hazard = unit_lifetime(0, 0) / 1_000.0
    rules = {"notice_s": 120.0, "horizon_s": 950.0}
    run = play(world([pool(hazards=((0.0, hazard),))], [task(5_000.0)], **rules), [SPOT])
    assert run.of("NOTICE") == []


def test_capacity_comes_first_if_it_comes_first():
    hazard = unit_lifetime(0, 0) / 1_000.0
    pools = [losing(700.0, hazards=((0.0, hazard),))]
    run = play(world(pools, [task(5_000.0)], notice_s=120.0), [SPOT, ON_DEMAND])
    assert run.of("NOTICE") == [(700.0, "NOTICE", 0, 0, 820.0, 0.0)]
    assert run.of("END")[0][4:] == (pytest.approx(0.41), 820.0)

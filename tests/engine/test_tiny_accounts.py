"""Tiny worlds worked out by hand: what each task pays, to the second and the cent.

On-demand costs $0.001 a second, spot $0.0005, state moves at 1,000 MB/s. Each world is played by the reference, too.
"""

import pytest

from tests.engine.agreement import agreed
from tests.engine.play import ON_DEMAND, SPOT, WAIT, unit_lifetime
from tests.reference.worlds import pool, task, world


def account(run, i: int = 0, **expected: float) -> None:
    """The task's account is this, and 0 where nothing is said."""
    said = vars(run.accounts[i])
    assert said == pytest.approx({name: expected.get(name, 0.0) for name in said}, abs=1e-9)


def losing(at_s: float, **fields):
    """A pool of one place that is lost."""
    return pool(capacity=((0.0, 1), (at_s, 0)), **fields)


def test_one_task_on_one_instance():
    # Provisioning 50 s, unbilled; set-up 100 s, loading 2 s; 1,000 s of work.
    run = agreed(world([pool(provisioning_s=50.0, setup_s=100.0)], [task(1_000.0, state_mb=2_000.0)]), [ON_DEMAND])
    account(run, setup_usd=0.102, running_usd=1.0, on_demand_s=1_102.0)


def test_a_task_over_two_instances():
    # Spot from 0, set up at 50, lost at 200 with its work; on-demand from 200, set up at 250.
    run = agreed(world([losing(200.0, setup_s=50.0)], [task(400.0, state_mb=1.0)]), [SPOT, ON_DEMAND])
    account(
        run,
        setup_usd=50.001 * 0.0005 + 50.001 * 0.001,
        running_usd=149.999 * 0.0005 + 0.4,
        spot_s=200.0,
        on_demand_s=450.001,
        lost_s=149.999,
    )


def test_a_notice_is_paid_by_who_had_to_leave():
    run = agreed(world([losing(200.0)], [task(400.0)], notice_s=120.0), [SPOT, ON_DEMAND])
    account(run, running_usd=0.1 + 0.2, idle_usd=0.06, spot_s=320.0, on_demand_s=200.0)


def test_a_grace_period_that_is_used_is_paid_for_work():
    # 60,000 MB: loaded at 60, saved from 272 on; then again on on-demand.
    rules = {"notice_s": 120.0, "just_in_time": True}
    run = agreed(world([losing(200.0)], [task(400.0, state_mb=60_000.0)], **rules), [SPOT, WAIT, ON_DEMAND])
    account(
        run,
        setup_usd=0.03 + 0.06,
        running_usd=212 * 0.0005 + 188 * 0.001,
        idle_usd=48 * 0.0005,
        spot_s=320.0,
        on_demand_s=248.0,
    )


def test_a_pause_in_set_up_pays_no_work():
    rules = {"reconsider_running": True, "decision_interval_s": 100.0}
    run = agreed(
        world([pool(setup_s=150.0)], [task(50.0)], **rules), [ON_DEMAND, WAIT, ON_DEMAND, ON_DEMAND, ON_DEMAND]
    )
    account(run, setup_usd=0.25, running_usd=0.05, on_demand_s=300.0)


# --- idle time -------------------------------------------------------------------------------------------------------


def test_an_idle_instance_is_paid_by_who_left_it_until_another_task_comes():
    # Task 0: set-up until 50, work until 150. Idle until 200. Task 1: loading until 203, work until 503, then the end.
    tasks = [task(100.0), task(300.0, arrival_s=200.0, state_mb=3_000.0), task(1.0, arrival_s=700.0)]
    run = agreed(world([pool(setup_s=50.0)], tasks, idle_timeout_s=120.0), [ON_DEMAND, ON_DEMAND, SPOT])
    account(run, 0, setup_usd=0.05, running_usd=0.1, idle_usd=0.05, on_demand_s=200.0)
    account(run, 1, setup_usd=0.003, running_usd=0.3, idle_usd=0.12, on_demand_s=423.0)


def test_the_rest_of_the_minimum_is_idle_time():
    run = agreed(world([pool()], [task(10.0)], billing_minimum_s=60.0), [SPOT])
    account(run, running_usd=0.005, idle_usd=0.025, spot_s=60.0)


def test_the_rest_of_an_increment_is_paid_by_who_was_there_last():
    # 150 s of task 0, 20 s of task 1, 180 s in all.
    tasks = [task(150.0), task(20.0, arrival_s=150.0)]
    rules = {"billing_increment_s": 60.0, "idle_timeout_s": 1.0}
    run = agreed(world([pool()], tasks, **rules), [ON_DEMAND, ON_DEMAND])
    account(run, 0, running_usd=0.15, on_demand_s=150.0)
    account(run, 1, running_usd=0.02, idle_usd=0.01, on_demand_s=30.0)


def test_a_free_first_hour_gives_back_what_was_charged():
    # 1,000 s of spot, lost: nothing is due, though the hours were used.
    run = agreed(world([losing(1_000.0)], [task(1_200.0)], free_first_hour=True), [SPOT, ON_DEMAND])
    assert run.dollars == pytest.approx([0.0, 0.2])
    account(run, running_usd=0.5 + 0.2, idle_usd=-0.5, spot_s=1_000.0, on_demand_s=200.0)


def test_what_is_noticed_as_it_is_launched_is_paid_by_who_asked_for_it():
    # Task 0 is displaced at 500 and asks for spot of pool 1, which is given notice at once: billed for 60 s.
    pools = [losing(500.0), pool(hazards=((0.0, unit_lifetime(1, 0) / 60.0),))]
    run = agreed(world(pools, [task(1_000.0), task(600.0)], notice_s=100.0), [1, 3, 2, 3])
    assert [line[:4] for line in run.of("NOTICE")][1] == (500.0, "NOTICE", -1, 2)
    account(run, 0, running_usd=0.25 + 0.5, idle_usd=0.05 + 0.03, spot_s=660.0, on_demand_s=500.0)


def test_a_cancelled_launch_costs_nobody_anything():
    pools = [losing(500.0), pool(setup_s=40.0), pool(setup_s=300.0)]
    tasks = [task(1_000.0), task(300.0)]
    run = agreed(world(pools, tasks, idle_timeout_s=600.0, billing_minimum_s=60.0), [1, 2, 3])
    assert run.totals["cancelled_launches"] == 1
    assert sum(part.setup_usd for part in run.accounts) == pytest.approx(0.02)


def test_a_move_that_is_being_prepared_at_the_horizon_is_set_up():
    rules = {"make_before_break": True, "reconsider_running": True, "horizon_s": 130.0, "missed_weight": 0.0}
    run = agreed(world([pool(setup_s=50.0)], [task(500.0)], **rules), [ON_DEMAND, SPOT])
    account(run, setup_usd=0.05 + 0.015, running_usd=0.08, on_demand_s=130.0, spot_s=30.0)


# --- penalties -------------------------------------------------------------------------------------------------------


def test_a_missed_deadline_costs_twice_the_share_of_all_work():
    # All work is 4,000 s, $4 on on-demand; the late task is a quarter of it.
    run = agreed(world([pool()], [task(1_000.0, deadline_s=900.0), task(3_000.0)]), [SPOT, SPOT])
    account(run, 0, running_usd=0.5, penalty_usd=2.0, spot_s=1_000.0)
    account(run, 1, running_usd=1.5, spot_s=3_000.0)


def test_work_that_is_left_at_the_end_costs_twice_as_much_as_it_would():
    run = agreed(world([pool()], [task(1_000.0), task(1_000.0)], horizon_s=400.0), [ON_DEMAND, WAIT])
    account(run, 0, running_usd=0.4, penalty_usd=1.2, on_demand_s=400.0)
    account(run, 1, penalty_usd=2.0)


def test_downtime_costs_the_on_demand_price():
    # Down from 10 to 110 (waits) and until 140 (set-up).
    tasks = [task(1_000.0, arrival_s=10.0, interactive=True)]
    run = agreed(world([pool(setup_s=30.0)], tasks, downtime_weight=3.0), [WAIT, SPOT])
    account(run, setup_usd=0.015, running_usd=0.5, penalty_usd=0.39, spot_s=1_030.0)

"""The order of events at one instant, by kind and then by number, each pair where it matters worked out by hand."""

import pytest

from tessera_env.engine.kinds import EventKind
from tests.engine.play import ASK_ARRIVAL, ASK_RECONSIDER, ASK_RETRY, ON_DEMAND, SPOT, WAIT, play, unit_lifetime
from tests.reference.world import NONE, Kind
from tests.reference.worlds import pool, task, world


def test_the_kinds_are_in_the_documented_order():
    assert [(kind.name, int(kind)) for kind in EventKind] == [(kind.name, int(kind)) for kind in Kind]


def test_work_that_ends_when_capacity_falls_is_done():
    run = play(world([pool(capacity=((0.0, 1), (500.0, 0)))], [task(500.0)]), [SPOT])
    assert run.totals["tasks_done"] == 1
    assert run.totals["interruptions"] == 0


def test_an_idle_time_out_comes_before_a_loss_of_capacity():
    # Idle from 100 to 500, when the capacity falls: it was given back, not taken.
    tasks = [task(100.0), task(10.0, arrival_s=900.0)]
    pools = [pool(capacity=((0.0, 1), (500.0, 0)))]
    run = play(world(pools, tasks, idle_timeout_s=400.0, free_first_hour=True), [SPOT, ON_DEMAND])
    assert run.totals["interruptions"] == 0
    assert run.dollars[0] == pytest.approx(0.25)


def test_a_loss_of_capacity_comes_before_a_lifetimes_notice():
    # Both come at once for one instance. It counts as the capacity's loss, whose place is gone already, so that the
    # task gets the one that is there a second later. A lifetime's loss would hold its place until its end.
    hazards = ((0.0, unit_lifetime(0, 0) / 1_000.0),)
    alone = play(world([pool(hazards=hazards)], [task(3_000.0)], notice_s=120.0), [SPOT, ON_DEMAND])
    at_s = alone.of("NOTICE")[0][0]
    capacity = ((0.0, 1), (at_s, 0), (at_s + 1.0, 1))
    pools = [pool(capacity=capacity, hazards=hazards)]
    run = play(world(pools, [task(3_000.0)], notice_s=120.0), [SPOT, WAIT, SPOT] + [ON_DEMAND] * 9)
    assert run.of("NOTICE")[0] == (at_s, "NOTICE", 0, 0, at_s + 120.0, 0.0)
    assert run.of("LAUNCH")[1][0] == at_s + 1.0
    assert run.totals["failed_launches"] == 0


def test_billing_that_starts_at_the_horizon_costs_the_minimum():
    rules = {"horizon_s": 100.0, "billing_minimum_s": 60.0}
    run = play(world([pool(provisioning_s=100.0)], [task(500.0)], **rules), [ON_DEMAND])
    assert run.of("END") == [(100.0, "END", NONE, 0, pytest.approx(0.06), 160.0)]


def test_an_instance_that_the_cloud_takes_as_its_billing_would_start_costs_nothing():
    pools = [pool(provisioning_s=620.0, capacity=((0.0, 1), (500.0, 0)))]
    run = play(world(pools, [task(100.0)], notice_s=120.0, billing_minimum_s=60.0), [SPOT, ON_DEMAND])
    assert run.of("END")[0] == (620.0, "END", NONE, 0, 0.0, 620.0)


def test_a_task_that_arrives_at_the_horizon_is_not_asked():
    tasks = [task(500.0), task(500.0, arrival_s=100.0)]
    run = play(world([pool()], tasks, horizon_s=100.0), [SPOT])
    assert run.decisions == [(0.0, ASK_ARRIVAL, 0)]
    assert run.of("ARRIVAL")[1][0] == 100.0


def test_displaced_tasks_are_moved_before_arrivals_are_asked():
    # Instance 1 is idle. At 500 task 0 is displaced and task 2 arrives; both ask for pool 1.
    tasks = [task(1_000.0), task(100.0), task(1_000.0, arrival_s=500.0)]
    pools = [pool(capacity=((0.0, 1), (500.0, 0))), pool(setup_s=50.0)]
    run = play(world(pools, tasks, idle_timeout_s=1_000.0), [1, 2, 2, 2])
    assert [line[2:4] for line in run.of("PLACE")[2:]] == [(0, 1), (2, 2)]


def test_waiting_tasks_are_asked_before_running_ones():
    # Both arrive at 0; task 0 runs, task 1 waits. At 100 task 1 is asked first, and takes the last place.
    run = play(world([pool()], [task(250.0), task(250.0)], reconsider_running=True), [SPOT, WAIT, SPOT, SPOT])
    assert run.decisions[2:4] == [(100.0, ASK_RETRY, 1), (100.0, ASK_RECONSIDER, 0)]


def test_losses_of_two_pools_at_one_instant_are_told_before_anyone_is_asked():
    # Task 0 is displaced from pool 0 and asks for pool 1, which loses its capacity at the same instant.
    lost = ((0.0, 1), (500.0, 0))
    run = play(world([pool(capacity=lost), pool(capacity=lost)], [task(1_000.0), task(1_000.0)]), [1, 2, 2, 1, 3, 3])
    assert [line[2] for line in run.of("NOTICE")] == [0, 1]
    assert [line[2] for line in run.of("LAUNCH_FAILED")] == [0, 1]
    assert [decision[2] for decision in run.decisions[2:4]] == [0, 1]

"""Tiny worlds worked out by hand: replicas that come, serve, are lost and stop; each is played by the reference, too.

On-demand costs $0.001 a second, spot $0.0005; a look every 100 s, after the market and at no events unless a test says
otherwise; replicas are lost at the notice. The seats of the only service are tasks 0, 1, …
"""

import pytest

from tests.engine.agreement import agreed
from tests.engine.play import ON_DEMAND, SPOT, WAIT
from tests.reference.service_worlds import service, service_world
from tests.reference.worlds import pool

FIRST, SECOND = 1, 2  # spot, where there are two pools


def times(run, kind: str, seat: int = 0) -> list[float]:
    """When the log has such a line of the seat."""
    return [line[0] for line in run.of(kind) if line[2] == seat]


def looks(run) -> list[float]:
    """When a round was played."""
    return sorted({decision[0] for decision in run.decisions})


def until(time_s: float, action: int, then: int = WAIT):
    """The same answer for every seat before a time, and another from it on."""
    return lambda decision: action if decision.time_s < time_s else then


# --- the outage law --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ticks", [1, 3])
@pytest.mark.parametrize("is_early", [False, True])
def test_a_loss_costs_the_cold_start_and_a_tick_more_where_the_look_comes_before_the_market(ticks, is_early):
    # Pool 0 is lost at 1,000. A look after that sees it at once, one before it only at 1,100.
    cold_s = 100.0 * ticks
    one = service(1, pools=2, setup_s=cold_s, decides_before_market=is_early, score_from_s=cold_s)
    pools = [pool(capacity=((0.0, 1), (1_000.0, 0))), pool()]
    sees_s = 1_100.0 if is_early else 1_000.0
    run = agreed(service_world(pools, [one], horizon_s=5_000.0), until(sees_s, FIRST, SECOND))
    assert times(run, "READY") == [cold_s, sees_s + cold_s]
    assert times(run, "UNREADY") == [1_000.0]
    assert run.figures[0]["outages"] == 1
    assert run.figures[0]["longest_outage_s"] == (ticks + is_early) * 100.0
    assert run.metrics["availability"] == pytest.approx(1.0 - (ticks + is_early) * 100.0 / (5_000.0 - cold_s))


def test_a_look_at_the_loss_itself_waits_for_no_tick():
    # The early look of 1,000 saw nothing; the loss brings a second one at that instant.
    one = service(1, decides_before_market=True, looks_at_events=True)
    run = agreed(service_world([pool(capacity=((0.0, 1), (1_000.0, 0)))], [one], horizon_s=1_050.0), until(1_000.0, SPOT))
    assert [decision[0] for decision in run.decisions].count(1_000.0) == 2


def test_an_early_look_launches_after_the_market():
    # The pool is empty until 100. A look before that is answered by a launch after it, which finds room.
    pools = [pool(capacity=((0.0, 0), (100.0, 1)))]
    run = agreed(service_world(pools, [service(1, decides_before_market=True)], horizon_s=150.0), lambda _: SPOT)
    assert times(run, "LAUNCH_FAILED") == [0.0]
    assert times(run, "PLACE") == [100.0]


# --- notice and drain ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("serves", [False, True])
def test_a_noticed_replica_is_lost_at_once_or_serves_to_the_end(serves):
    # The notice comes at 1,000 for 1,120; the instance is billed until then either way.
    pools = [pool(capacity=((0.0, 1), (1_000.0, 0)))]
    world = service_world(pools, [service(1, serves_at_notice=serves)], horizon_s=2_000.0, notice_s=120.0)
    run = agreed(world, until(1_000.0, SPOT))
    end_s = 1_120.0 if serves else 1_000.0
    assert times(run, "UNREADY") == times(run, "STOP") == [end_s]
    assert run.figures[0]["below_s"] == 2_000.0 - end_s
    assert run.figures[0]["preemptions"] == 1
    assert run.dollars == pytest.approx([0.56])
    assert run.seats[0][0].running_usd == pytest.approx(0.0005 * end_s)
    assert run.seats[0][0].idle_usd == pytest.approx(0.56 - 0.0005 * end_s)


def test_a_replica_that_is_not_ready_yet_serves_nobody_to_the_end():
    pools = [pool(capacity=((0.0, 1), (1_000.0, 0)))]
    one = service(1, serves_at_notice=True, setup_s=1_050.0)
    run = agreed(service_world(pools, [one], horizon_s=2_000.0, notice_s=120.0), until(1_000.0, SPOT))
    assert times(run, "STOP") == [1_000.0]
    assert run.of("READY") == []


def test_a_seat_whose_replica_serves_to_the_end_is_not_asked_and_does_not_count():
    # Seat 0 serves on from 1,000 to 1,120; seat 1 is asked instead, and is ready from 1,000 on.
    one = service(2, pools=2, serves_at_notice=True)
    pools = [pool(capacity=((0.0, 1), (1_000.0, 0))), pool(capacity=((0.0, 0), (900.0, 1)))]

    def choose(decision):
        if decision.time_s < 1_000.0:
            return FIRST if decision.task == 0 else WAIT
        return SECOND if decision.task == 1 else WAIT

    run = agreed(service_world(pools, [one], horizon_s=1_300.0, notice_s=120.0), choose)
    at_loss = [k for k, decision in enumerate(run.decisions) if decision[0] == 1_000.0]
    assert [run.decisions[k][2] for k in at_loss] == [1]
    assert run.services[at_loss[0]][0][1:5] == (1, 0, 0, 0), "one is ready, none is held"
    assert run.figures[0]["below_s"] == 0.0
    assert run.figures[0]["ready_s"] == 1_300.0 + 120.0


def test_a_stopped_replica_drains_and_is_billed_meanwhile():
    run = agreed(service_world([pool()], [service(1, drain_s=50.0)], horizon_s=1_000.0), until(500.0, SPOT))
    assert times(run, "UNREADY") == [500.0]
    assert times(run, "STOP") == [550.0]
    assert run.dollars == pytest.approx([0.275])
    assert run.figures[0]["stops"] == 1


def test_a_replica_that_is_not_ready_does_not_drain():
    one = service(1, drain_s=50.0, setup_s=700.0)
    run = agreed(service_world([pool()], [one], horizon_s=1_000.0), until(500.0, SPOT))
    assert times(run, "STOP") == [500.0]


def test_a_draining_replica_that_is_taken_is_no_preemption():
    # It drains from 500; the notice of 520 empties the seat, and the instance is billed until 640.
    pools = [pool(capacity=((0.0, 1), (520.0, 0)))]
    world = service_world(pools, [service(1, drain_s=50.0)], horizon_s=1_000.0, notice_s=120.0)
    run = agreed(world, until(500.0, SPOT))
    assert times(run, "STOP") == [520.0]
    assert run.dollars == pytest.approx([0.32])
    assert run.figures[0]["preemptions"] == 0


# --- launches --------------------------------------------------------------------------------------------------------


def test_a_launch_is_seen_to_fail_later():
    # Tried at 0 and seen to fail at 30; asked at that instant, it is tried again at 30, and so on.
    one = service(1, launch_failure_s=30.0, looks_at_events=True)
    run = agreed(service_world([pool(capacity=((0.0, 0),))], [one], horizon_s=100.0), lambda _: SPOT)
    assert times(run, "LAUNCH_FAILED") == [30.0, 60.0, 90.0]
    assert looks(run) == [0.0, 30.0, 60.0, 90.0]


def test_a_launch_that_is_being_tried_counts_as_held_and_can_be_given_up():
    one = service(1, launch_failure_s=150.0)
    run = agreed(service_world([pool(capacity=((0.0, 0),))], [one], horizon_s=250.0), until(100.0, SPOT))
    assert run.services[1][0][3] == 1, "held at 100"
    assert run.services[2][0][3] == 0, "and not at 200"
    assert run.of("LAUNCH_FAILED") == []


def test_a_service_takes_an_idle_instance_of_its_own():
    # Stopped at 100, it idles; at 200 the seat has it back, without set-up, and pays for all.
    one = service(1)
    answers = {0.0: SPOT, 100.0: WAIT}
    world = service_world([pool(setup_s=50.0)], [one], horizon_s=300.0, idle_timeout_s=500.0)
    run = agreed(world, lambda decision: answers.get(decision.time_s, SPOT))
    assert times(run, "READY") == [50.0, 200.0]
    assert run.dollars == pytest.approx([0.15])
    account = run.seats[0][0]
    assert (account.setup_usd, account.running_usd, account.idle_usd) == pytest.approx((0.025, 0.075, 0.05))


def test_ready_comes_after_loading_and_set_up():
    # 30 s of provisioning, 20 s of the pool's set-up, 10,000 MB at 1,000 MB/s, 40 s of its own.
    one = service(1, model_mb=10_000.0, setup_s=40.0)
    run = agreed(service_world([pool(provisioning_s=30.0, setup_s=20.0)], [one], horizon_s=150.0), lambda _: ON_DEMAND)
    assert times(run, "READY") == [100.0]
    assert run.dollars == pytest.approx([0.12])


# --- targets and looks -----------------------------------------------------------------------------------------------


def wanted(decision) -> int:
    """Spot for as many as the target, the first of the seats."""
    return SPOT if decision.task < decision.services[0][0] else WAIT


@pytest.mark.parametrize("at_events", [False, True])
def test_a_target_of_none_wakes(at_events):
    # From 450 on one is wanted: at the next look, or at once, where there is no time below the target at all.
    one = service(1, looks_at_events=at_events, demand=[(0.0, 0, 0.0), (450.0, 1, 0.0)])
    run = agreed(service_world([pool()], [one], horizon_s=1_000.0), wanted)
    assert times(run, "READY") == [450.0 if at_events else 500.0]
    assert run.figures[0]["below_s"] == (0.0 if at_events else 50.0)
    assert run.figures[0]["outages"] == (0 if at_events else 1)
    assert run.scale_usd == pytest.approx(0.55)


def test_an_episode_lasts_to_the_horizon():
    run = agreed(service_world([pool()], [service(1)], horizon_s=1_000.0), lambda _: WAIT)
    assert looks(run) == [100.0 * k for k in range(10)]
    assert run.figures[0]["below_s"] == 1_000.0
    assert run.episode_return == pytest.approx(-2.0)


def test_looks_are_left_out_where_nothing_changes():
    # The rounds of 0 and 100 began with a change: the start, and a launch. Those of 200 and 300 were quiet. The replica
    # is ready at 620: the next regular look sees it, and two more find nothing.
    one = service(1, setup_s=620.0, when_changed=True)
    run = agreed(service_world([pool()], [one], horizon_s=1_500.0), lambda _: SPOT)
    assert looks(run) == [0.0, 100.0, 200.0, 300.0, 700.0, 800.0, 900.0]


def test_a_replica_on_its_way_to_another_pool_changes_nothing_until_it_is_ready():
    # Seat 0 moves at 200, seat 1 is ready at 1,000. The two pools hold what was asked for there, and one more.
    one = service(2, pools=2, setup_s=0.0, make_before_break=True, when_changed=True)
    pools = [pool(), pool(setup_s=800.0)]

    def choose(decision):
        if decision.time_s < 200.0:
            return FIRST if decision.task == 0 else WAIT
        return SECOND if decision.task == (0 if decision.time_s == 200.0 else 1) else WAIT

    run = agreed(service_world(pools, [one], horizon_s=1_500.0), choose)
    assert looks(run) == [0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 1_000.0, 1_100.0, 1_200.0, 1_300.0]


# --- marks -----------------------------------------------------------------------------------------------------------


def test_a_pool_that_failed_is_left_out_until_it_holds_what_is_asked_for():
    # Asked at 0, 100 and 200: pool 0 in vain, pool 1, and pool 0 again, which has room by then.
    pools = [pool(capacity=((0.0, 0), (150.0, 1))), pool()]
    answers = {0.0: FIRST, 100.0: SECOND, 200.0: FIRST}
    one = service(1, pools=2)
    run = agreed(service_world(pools, [one], horizon_s=400.0), lambda decision: answers.get(decision.time_s, FIRST))
    assert [shown[0][-1] for shown in run.services] == [[True, True], [False, True], [False, True], [True, True]]


def test_where_every_pool_failed_all_are_in_use_again():
    none = ((0.0, 0),)
    answers = {0.0: FIRST, 100.0: SECOND}
    world = service_world([pool(capacity=none), pool(capacity=none)], [service(1, pools=2)], horizon_s=300.0)
    run = agreed(world, lambda decision: answers.get(decision.time_s, WAIT))
    assert [shown[0][-1] for shown in run.services] == [[True, True], [False, True], [True, True]]


# --- figures ---------------------------------------------------------------------------------------------------------


def test_what_was_billed_before_the_score_does_not_count_where_the_instance_idles():
    # Stopped at 200, idle to 400. From 300 on its 100 s of idling count, the 300 s before do not.
    one = service(1, score_from_s=300.0)
    world = service_world([pool()], [one], horizon_s=1_000.0, idle_timeout_s=200.0)
    run = agreed(world, until(200.0, SPOT))
    assert run.metrics["service_usd"] == pytest.approx(0.05)
    assert run.metrics["service_spot_h"] == pytest.approx(100.0 / 3_600.0)


def test_what_was_billed_before_the_score_does_not_count_where_the_replica_is_lost():
    # Lost at 200, billed to 400.
    one = service(1, score_from_s=300.0)
    pools = [pool(capacity=((0.0, 1), (200.0, 0)))]
    run = agreed(service_world(pools, [one], horizon_s=1_000.0, notice_s=200.0), until(200.0, SPOT))
    assert run.metrics["service_usd"] == pytest.approx(0.05)


def test_requests_wait_for_their_patience_and_are_dropped_beyond():
    # 3 come, 1 is served: 2/s pile up to 300 at 150 s, and are dropped from there on; the demand ends at 400.
    demand = [(0.0, 1, 3.0), (400.0, 1, 0.0)]
    one = service(1, demand=demand, requests_per_replica=1.0, patience_s=100.0)
    run = agreed(service_world([pool()], [one], horizon_s=1_000.0), lambda _: SPOT)
    figures = run.figures[0]
    assert (figures["arrived"], figures["served"], figures["backlog"]) == (1_200.0, 400.0, 0.0)
    assert figures["dropped"] == 2.0 * 250.0 + 300.0
    assert figures["backlog_s"] == 0.5 * 300.0 * 150.0 + 300.0 * 250.0


def test_requests_of_endless_patience_are_served_when_the_demand_is_gone():
    # 2/s pile up to 800 at 400 s, and are gone at 1,200.
    demand = [(0.0, 1, 3.0), (400.0, 1, 0.0)]
    one = service(1, demand=demand, requests_per_replica=1.0)
    run = agreed(service_world([pool()], [one], horizon_s=2_000.0), lambda _: SPOT)
    figures = run.figures[0]
    assert (figures["arrived"], figures["served"], figures["dropped"]) == (1_200.0, 1_200.0, 0.0)
    assert figures["backlog_s"] == 0.5 * 800.0 * 1_200.0

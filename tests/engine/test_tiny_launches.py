"""Tiny worlds worked out by hand: on-demand launches that fail, drawn cold starts, lives by age, no use of a notice.

On-demand costs $0.001 a second, spot $0.0005, state moves at 1,000 MB/s. Log lines are (time_s, kind, task, launch,
value, other). Seeds are chosen for their luck.
"""

import itertools

import numpy as np
import pytest

from tessera_env.simulation.planners import KuhnMunkres
from tessera_env.world.random_stream import Purpose
from tests.engine.play import (
    ASK_ARRIVAL,
    ASK_INTERRUPTION,
    ASK_RECONSIDER,
    ASK_RETRY,
    ON_DEMAND,
    SPOT,
    WAIT,
    drawn_uniform,
    play,
    unit_lifetime,
)
from tests.reference.world import NONE
from tests.reference.worlds import pool, task, world

RESTART = 2.0
HOUR_S = 3_600.0


def losing(at_s: float, before: int = 1, **fields):
    """A pool that loses all its capacity."""
    return pool(capacity=((0.0, before), (at_s, 0)), **fields)


# --- on-demand launches that fail ------------------------------------------------------------------------------------

FAILING = {"on_demand_failure_share": 0.5}


def seed_with(*fails: bool, pool_id: int = 0) -> int:
    """A seed in whose world 0 the pool's first on-demand tries fail, or not, as said."""
    wanted = list(fails)
    return next(
        seed
        for seed in itertools.count()
        if [drawn_uniform(Purpose.ON_DEMAND, pool_id, k, seed) < 0.5 for k in range(len(wanted))] == wanted
    )


def test_a_waiting_task_whose_on_demand_launch_fails_waits_on():
    run = play(world([pool(**FAILING)], [task(1_000.0)]), [ON_DEMAND] * 3, seed=seed_with(True, True, False))
    assert run.decisions == [(0.0, ASK_ARRIVAL, 0), (100.0, ASK_RETRY, 0), (200.0, ASK_RETRY, 0)]
    assert run.of("LAUNCH_FAILED") == [(t, "LAUNCH_FAILED", 0, NONE, 0.0, 0.0) for t in (0.0, 100.0)]
    assert run.of("LAUNCH") == [(200.0, "LAUNCH", NONE, 0, 200.0, 200.0)]
    assert run.totals["failed_launches"] == 2
    assert run.totals["waiting_s"] == 200.0
    assert run.totals["launches"] == 1
    assert run.of("COMPLETION")[0][0] == 1_200.0
    assert run.dollars == pytest.approx([1.0])


def test_a_placed_task_whose_on_demand_launch_fails_stays():
    rules = {"reconsider_running": True}
    answers = [SPOT] + [ON_DEMAND] * 20
    run = play(world([pool(**FAILING)], [task(1_000.0)], **rules), answers, seed=seed_with(True, False))
    # Fails at 100 and goes on there; moves at 200 with all its progress, and then stays.
    assert run.decisions[:3] == [(0.0, ASK_ARRIVAL, 0), (100.0, ASK_RECONSIDER, 0), (200.0, ASK_RECONSIDER, 0)]
    assert run.from_(100.0)[:2] == [
        (100.0, "DECISION", 0, NONE, ON_DEMAND, ASK_RECONSIDER),
        (100.0, "LAUNCH_FAILED", 0, NONE, 0.0, 0.0),
    ]
    assert run.of("STOP")[0] == (200.0, "STOP", 0, 0, 200.0, 0.0)
    assert run.of("COMPLETION") == [(1_000.0, "COMPLETION", 0, 1, 0.0, 0.0)]
    assert (run.totals["moves"], run.totals["failed_launches"], run.totals["waiting_s"]) == (1, 1, 0.0)
    assert run.dollars == pytest.approx([0.1, 0.8])


def test_a_displaced_task_whose_on_demand_launch_fails_waits():
    pools, rules = [losing(450.0, **FAILING)], {"notice_s": 60.0}
    run = play(world(pools, [task(1_000.0)], **rules), [SPOT, ON_DEMAND, ON_DEMAND], seed=seed_with(True, False))
    assert run.decisions[1:] == [(450.0, ASK_INTERRUPTION, 0), (550.0, ASK_RETRY, 0)]
    assert (run.totals["failed_launches"], run.totals["migrations"], run.totals["cancelled_launches"]) == (1, 0, 0)
    assert run.totals["waiting_s"] == 100.0
    assert run.of("COMPLETION")[0][0] == 550.0 + 550.0


def test_of_two_displaced_tasks_the_quicker_gets_the_launch_that_succeeds():
    # Task 0's try fails and task 1's succeeds; but task 0 loads 1,000 MB and task 1 2,000 MB, so task 0 goes.
    pools, tasks = [losing(500.0, 2, **FAILING)], [task(1_000.0, state_mb=1_000.0), task(1_000.0, state_mb=2_000.0)]
    answers = [SPOT, SPOT, ON_DEMAND, ON_DEMAND]
    run = play(world(pools, tasks, notice_s=60.0), answers, seed=seed_with(True, False))
    assert run.of("LAUNCH_FAILED") == [(500.0, "LAUNCH_FAILED", 0, NONE, 0.0, 0.0)]
    assert run.of("PLACE")[2:] == [(500.0, "PLACE", 0, 2, 501.0, 0.0)]
    assert run.decisions[4] == (600.0, ASK_RETRY, 1)


def test_an_idle_instance_needs_no_try():
    # Task 1 takes the instance that task 0 left; the second try is task 2's, and fails.
    tasks = [task(100.0), task(300.0, arrival_s=150.0), task(100.0, arrival_s=200.0)]
    rules = {"idle_timeout_s": 100.0}
    run = play(world([pool(**FAILING)], tasks, **rules), [ON_DEMAND] * 4, seed=seed_with(False, True, False))
    assert run.of("LAUNCH_FAILED") == [(200.0, "LAUNCH_FAILED", 2, NONE, 0.0, 0.0)]
    assert [line[2:4] for line in run.of("PLACE")] == [(0, 0), (1, 0), (2, 1)]
    assert run.of("LAUNCH")[1][0] == 300.0


def test_spot_launches_are_no_tries():
    tasks = [task(100.0), task(100.0, arrival_s=10.0), task(100.0, arrival_s=20.0)]
    run = play(world([pool(**FAILING)], tasks), [SPOT, SPOT, ON_DEMAND], seed=seed_with(True))
    assert run.of("LAUNCH_FAILED") == [(20.0, "LAUNCH_FAILED", 2, NONE, 0.0, 0.0)]


def test_each_pool_has_its_own_luck():
    seed = next(seed for seed in itertools.count() if seed_with_both(seed))
    run = play(world([pool(**FAILING), pool(**FAILING)], [task(100.0)]), [3, 4], seed=seed)
    assert [line[0] for line in run.of("LAUNCH_FAILED")] == [0.0]
    assert [line[0] for line in run.of("LAUNCH")] == [100.0]


def seed_with_both(seed: int) -> bool:
    """Whether pool 0's first try fails and pool 1's does not, but its second would."""
    lucks = [drawn_uniform(Purpose.ON_DEMAND, *draw, seed) for draw in ((0, 0), (1, 0), (1, 1))]
    return [luck < 0.5 for luck in lucks] == [True, False, True]


def test_where_launches_do_not_fail_the_luck_does_not_matter():
    run = play(world([pool()], [task(100.0)]), [ON_DEMAND], seed=seed_with(True))
    assert run.totals["failed_launches"] == 0


# --- drawn cold starts -----------------------------------------------------------------------------------------------

COLD = {"provisioning_s": 100.0, "provisioning_high_s": 300.0}


def boot_s(pool_id: int, on_demand: int, ordinal: int) -> float:
    """The engine's draw for COLD in world 0 of seed 0."""
    return 100.0 + 200.0 * drawn_uniform(Purpose.PROVISIONING, 2 * pool_id + on_demand, ordinal)


def test_each_launch_boots_as_long_as_drawn_for_it():
    # Two spot launches and one of on-demand, 50 s of set-up each.
    tasks = [task(1_000.0), task(1_000.0, arrival_s=10.0), task(1_000.0, arrival_s=20.0)]
    run = play(world([pool(setup_s=50.0, **COLD)], tasks), [SPOT, ON_DEMAND, SPOT])
    starts_s = [boot_s(0, 0, 0), 10.0 + boot_s(0, 1, 0), 20.0 + boot_s(0, 0, 1)]
    assert len({start_s - at_s for start_s, at_s in zip(starts_s, (0.0, 10.0, 20.0), strict=True)}) == 3
    assert [line[4] for line in run.of("LAUNCH")] == pytest.approx(starts_s)
    assert [line[5] for line in run.of("LAUNCH")] == pytest.approx([start_s + 50.0 for start_s in starts_s])
    assert [line[0] for line in sorted(run.of("COMPLETION"), key=lambda line: line[2])] == pytest.approx(
        [start_s + 1_050.0 for start_s in starts_s]
    )
    assert run.totals["spot_s"] == pytest.approx(2_100.0)  # booting is not billed


def test_a_failed_try_takes_its_draw_with_it():
    seed = seed_with(True, False)
    run = play(world([pool(**FAILING, **COLD)], [task(1_000.0)]), [ON_DEMAND, ON_DEMAND], seed=seed)
    second = 100.0 + 200.0 * drawn_uniform(Purpose.PROVISIONING, 1, 1, seed)
    assert run.of("LAUNCH")[0][4] == pytest.approx(100.0 + second)


class Noting(KuhnMunkres):
    """The assignment, with its matrices noted."""

    def __init__(self):
        self.costs: list[list[list[float]]] = []

    def __call__(self, costs: np.ndarray) -> np.ndarray:
        self.costs.append(costs.tolist())
        return super().__call__(costs)


def test_the_assignment_knows_how_long_each_launch_boots():
    # Two tasks of 0 and 4,000 MB ask for pool 1, 20 s of set-up: whoever goes where, all columns cost what was drawn.
    pools, planner = [losing(500.0, 2), pool(setup_s=20.0, **COLD)], Noting()
    tasks = [task(1_000.0), task(1_000.0, state_mb=4_000.0)]
    run = play(world(pools, tasks, notice_s=120.0), [1, 1, 2, 2], planner)
    boots_s = [boot_s(1, 0, 0), boot_s(1, 0, 1)]
    expected = [[boot + 20.0 for boot in boots_s], [boot + 24.0 for boot in boots_s]]
    (costs,) = planner.costs
    assert np.array(costs) == pytest.approx(np.array(expected))
    assert sorted(line[4] - 500.0 for line in run.of("PLACE")[2:]) in (
        pytest.approx(sorted([expected[0][0], expected[1][1]])),
        pytest.approx(sorted([expected[0][1], expected[1][0]])),
    )


def test_the_guard_counts_on_the_longest_cold_start():
    # 1,000 s of work and at most 300 s of booting, asked again after 100 s.
    rules = {"reconsider_running": True, "deadline_guard": True}
    for deadline_s, mask in (
        (1_400.0, [True, True, True]),
        (1_399.0, [False, False, True]),  # on spot it might boot for the whole interval
        (1_300.0, [False, False, True]),
        (1_299.0, [False, False, True]),  # too late already: the quickest
    ):
        run = play(world([pool(**COLD)], [task(1_000.0, deadline_s=deadline_s)], **rules), [ON_DEMAND] * 20)
        assert run.masks[0] == mask


# --- lives by age ----------------------------------------------------------------------------------------------------


def age_of(life_s: float, ordinal: int = 0, cap_h: float = 1_000.0):
    """A bathtub without a far end, F(t) = 1 - e^(-t / tau1): launch `ordinal` lives tau1 x its draw."""
    return (1.0, life_s / unit_lifetime(0, ordinal) / HOUR_S, 1.0, 10_000.0, cap_h)


def test_a_life_by_age_runs_from_the_start_of_billing_and_is_announced_ahead():
    # Billing starts at 50, set-up ends at 150; 1,000 s of life end at 1,050, which is known 120 s before.
    pools = [pool(bathtub=age_of(1_000.0), provisioning_s=50.0, setup_s=100.0)]
    run = play(world(pools, [task(5_000.0)], notice_s=120.0), [SPOT, ON_DEMAND])
    assert run.of("NOTICE") == [(pytest.approx(930.0), "NOTICE", 0, 0, pytest.approx(1_050.0), 0.0)]
    assert run.of("STOP")[0][4] == pytest.approx(780.0)
    assert run.of("END")[0][4:] == (pytest.approx(0.5), pytest.approx(1_050.0))


def test_a_life_by_age_counts_the_drawn_cold_start():
    run = play(world([pool(bathtub=age_of(1_000.0), **COLD)], [task(5_000.0)]), [SPOT, ON_DEMAND])
    assert run.of("NOTICE")[0][0] == pytest.approx(1_000.0 + boot_s(0, 0, 0))


def test_none_lives_longer_than_the_cap():
    pools = [pool(bathtub=age_of(1_000.0, cap_h=0.25), provisioning_s=50.0)]
    run = play(world(pools, [task(5_000.0)], notice_s=120.0), [SPOT, ON_DEMAND])
    assert run.of("NOTICE") == [(50.0 + 900.0 - 120.0, "NOTICE", 0, 0, 950.0, 0.0)]


def test_the_next_instance_is_as_good_as_new():
    bathtub = age_of(1_000.0)
    second_s = 1_000.0 / unit_lifetime(0, 0) * unit_lifetime(0, 1)
    run = play(world([pool(bathtub=bathtub)], [task(50_000.0)]), [SPOT, SPOT, ON_DEMAND])
    assert [line[0] for line in run.of("NOTICE")] == pytest.approx([1_000.0, 1_000.0 + second_s])


def test_a_life_by_age_shorter_than_the_notice_is_announced_at_launch():
    run = play(world([pool(bathtub=age_of(60.0))], [task(1_000.0)], notice_s=120.0), [SPOT, ON_DEMAND])
    assert run.of("NOTICE") == [(0.0, "NOTICE", 0, 0, pytest.approx(60.0), 0.0)]


def test_on_demand_instances_do_not_age():
    run = play(world([pool(bathtub=age_of(10.0))], [task(5_000.0)]), [ON_DEMAND])
    assert run.of("NOTICE") == []
    assert run.of("COMPLETION")[0][0] == 5_000.0


# --- a grace period that is not used ---------------------------------------------------------------------------------


@pytest.mark.parametrize("state_mb", [0.0, 1_000.0])
def test_all_progress_is_lost_though_there_was_time_to_save_it(state_mb):
    pools, tasks, load_s = [losing(500.0)], [task(1_000.0, state_mb=state_mb)], state_mb / 1_000.0
    run = play(world(pools, tasks, notice_s=120.0, saves_at_notice=False), [SPOT, ON_DEMAND])
    assert run.of("CHECKPOINT") == [(500.0, "CHECKPOINT", 0, 0, RESTART, 0.0)]
    assert run.of("STOP")[0] == (500.0, "STOP", 0, 0, 0.0, 500.0 - load_s)
    assert (run.totals["checkpoints_restart"], run.totals["checkpoints_full"]) == (1, 0)
    assert (run.totals["work_lost_s"], run.totals["work_saved_s"]) == (500.0 - load_s, 0.0)
    assert run.of("COMPLETION")[0][0] == 1_500.0 + load_s


@pytest.mark.parametrize(("lost_at_s", "saved_s", "lost_s"), [(345.0, 300.0, 15.0), (105.0, 0.0, 100.0)])
def test_all_since_the_last_periodic_checkpoint_is_lost(lost_at_s, saved_s, lost_s):
    rules = {"checkpoint_interval_s": 100.0, "checkpoint_cost_s": 10.0, "notice_s": 60.0, "saves_at_notice": False}
    run = play(world([losing(lost_at_s)], [task(1_000.0)], **rules), [SPOT, ON_DEMAND])
    assert run.of("STOP")[0] == (lost_at_s, "STOP", 0, 0, saved_s, lost_s)
    assert run.totals["checkpoints_restart"] == 1
    assert run.totals["work_saved_s"] == 0.0


@pytest.mark.parametrize("lost_at_s", [110.0, 40.0])
def test_where_nothing_is_unsaved_nothing_is_counted(lost_at_s):
    # At 110 the first checkpoint is just done; at 40 the task is in set-up.
    pools = [losing(lost_at_s, setup_s=50.0 if lost_at_s < 50.0 else 0.0)]
    rules = {"checkpoint_interval_s": 100.0, "checkpoint_cost_s": 10.0, "notice_s": 60.0, "saves_at_notice": False}
    run = play(world(pools, [task(1_000.0)], **rules), [SPOT, ON_DEMAND])
    assert run.of("CHECKPOINT") == []
    assert run.totals["checkpoints_restart"] == run.totals["work_lost_s"] == 0


def test_a_pause_and_a_move_save_all_the_same():
    rules = {"reconsider_running": True, "saves_at_notice": False}
    run = play(world([pool()], [task(1_000.0)], **rules), [SPOT, WAIT] + [ON_DEMAND] * 20)
    assert run.of("STOP")[0] == (100.0, "STOP", 0, 0, 100.0, 0.0)
    assert run.of("COMPLETION")[0][0] == 1_100.0


def test_the_guard_does_not_count_on_a_save_that_is_not_made():
    # Lossless spot may be asked at 50 s of slack; without the save the next 100 s may be lost.
    tasks, rules = [task(1_000.0, deadline_s=1_050.0)], {"reconsider_running": True, "deadline_guard": True}
    rules |= {"notice_s": 120.0}
    saving = play(world([pool()], tasks, **rules), [ON_DEMAND] * 20)
    lossy = play(world([pool()], tasks, **rules, saves_at_notice=False), [ON_DEMAND] * 20)
    assert saving.masks[0] == [False, True, True]
    assert lossy.masks[0] == [False, False, True]

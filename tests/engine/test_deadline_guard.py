"""The deadline guard worked out by hand: a changeover of 100 s (or 10 s), 1,000 s of work, a question every 100 s."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config as numba_config

from tests.engine.play import ON_DEMAND, SPOT, WAIT, play, play_on, unit_lifetime
from tests.engine.scenarios import mappings, started
from tests.reference.world import INF
from tests.reference.worlds import pool, random_world, task, world

GUARD = {"deadline_guard": True, "reconsider_running": True, "horizon_s": 2_000.0}
COUNT = 40 if numba_config.DISABLE_JIT else 300


def first_mask(deadline_s: float, setup_s: float = 100.0, capacity: int = 10, margin_s: float = 0.0, **fields) -> list:
    """What a task may do on arrival: [WAIT, SPOT, ON_DEMAND]."""
    pools = [pool(setup_s=setup_s, capacity=((0.0, capacity),))]
    tasks = [task(1_000.0, deadline_s=deadline_s, **fields)]
    return play(world(pools, tasks, guard_margin_s=margin_s, **GUARD), []).masks[0]


@pytest.mark.parametrize(
    ("deadline_s", "mask"),
    [
        (1_200.0, [True, True, True]),  # wait 100 s, change over in 100 s, work 1,000 s
        (1_199.9, [False, False, True]),  # spot may be lost within its changeover of 100 s, and then it needs 1,100 s
        (1_100.0, [False, False, True]),
        (1_000.0, [False, False, True]),  # too late anyway: what is done first
    ],
)
def test_a_task_may_risk_one_interval(deadline_s, mask):
    assert first_mask(deadline_s) == mask


def test_the_margin_counts():
    assert first_mask(1_200.0, margin_s=1.0) == [False, False, True]
    assert first_mask(1_201.0, margin_s=1.0) == [True, True, True]


def test_spot_that_saves_all_costs_only_its_changeover():
    # Lost at any moment after 10 s it has done what time has passed, and on-demand needs 10 s more.
    assert first_mask(1_050.0, setup_s=10.0) == [False, True, True]
    assert first_mask(1_019.0, setup_s=10.0) == [False, False, True]


def test_spot_that_loses_its_work_costs_an_interval():
    # 1 MB of state and no notice: all since the last save may be lost.
    assert first_mask(1_050.0, setup_s=10.0, state_mb=1.0) == [False, False, True]
    assert first_mask(1_110.1, setup_s=10.0, state_mb=1.0) == [True, True, True]


def test_a_launch_without_room_is_waiting():
    assert first_mask(1_050.0, setup_s=10.0, capacity=0) == [False, False, True]


def test_the_guard_is_for_deadlines():
    assert first_mask(INF) == [True, True, True]
    assert first_mask(INF, interactive=True) == [True, True, True]


def test_who_is_on_on_demand_may_stay_and_may_leave_only_in_time():
    # At 100 it has done 90 s: spot would cost 10 s of changeover now and 10 s for coming back: 100 + 20 + 910 = 1,030.
    pools, tasks = [pool(setup_s=10.0)], [task(1_000.0, deadline_s=1_029.0)]
    masks = play(world(pools, tasks, **GUARD), [ON_DEMAND] * 20).masks
    assert masks[1] == [False, False, True]
    tasks = [task(1_000.0, deadline_s=1_030.0)]
    assert play(world(pools, tasks, **GUARD), [ON_DEMAND] * 20).masks[1] == [False, True, True]


def test_for_who_runs_a_spot_pool_without_room_means_staying():
    pools, tasks = [pool(setup_s=10.0, capacity=((0.0, 0),))], [task(1_000.0, deadline_s=1_029.0)]
    assert play(world(pools, tasks, **GUARD), [ON_DEMAND] * 20).masks[1] == [False, True, True]


def test_who_runs_on_spot_may_stay_as_long_as_on_demand_can_take_over():
    # Running from 10 on: at any time t, t + 10 + (1,010 - t) = 1,020.
    pools = [pool(setup_s=10.0)]
    run = play(world(pools, [task(1_000.0, deadline_s=1_020.0)], **GUARD), [SPOT] * 20)
    assert all(mask[SPOT] for mask in run.masks)
    assert run.totals["invalid_actions"] == 0


def test_when_nothing_can_make_it_the_quickest_on_demand_is_left():
    pools = [pool(setup_s=50.0), pool(setup_s=20.0), pool(setup_s=10.0, gpu_memory_mb=1.0)]
    run = play(world(pools, [task(1_000.0, deadline_s=900.0, memory_mb=2.0)], **GUARD), [])
    assert run.masks[0] == [False] * 5 + [True, False]


def test_of_several_displaced_tasks_each_may_be_the_one_that_gets_nothing():
    # Two are displaced at 500 with 510 s of work left (10 s of set-up): alone, spot needs 10 + 10 + 510 from there.
    lost = ((0.0, 2), (500.0, 0))
    for count, spot_is_valid in ((1, True), (2, False)):
        pools = [pool(setup_s=10.0, capacity=lost), pool(setup_s=10.0)]
        tasks = [task(1_000.0, deadline_s=1_040.0) for _ in range(count)]
        run = play(world(pools, tasks, decision_interval_s=450.0, **GUARD), [1] * (2 * count))
        first = next(k for k, decision in enumerate(run.decisions) if decision[0] == 500.0)
        assert run.masks[first] == [False, False, spot_is_valid, True, True]


def test_a_displaced_task_is_not_late_for_an_idle_instance_where_it_loses_its_work():
    """Pool 2 would be safe, but the planner sends the task to the idle instance of pool 1, where it runs sooner.

    At 490 it has 611 s of work left and asks for pool 2: done at 490 + 101 + 651 = 1,242 at worst, were it to get that.
    Pool 1 moves 25 MB/s: nothing of 1,000 MB is saved in 10 s, and on-demand at 789 would be done at 1,440.
    """
    pools = [
        pool(setup_s=100.0, capacity=((0.0, 1), (490.0, 0))),
        pool(bandwidth_gbps=0.2, capacity=((0.0, 1), (789.0, 0))),
        pool(setup_s=100.0),
    ]
    tasks = [task(1_000.0, state_mb=1_000.0, deadline_s=1_300.0), task(100.0, state_mb=1_000.0)]
    rules = {**GUARD, "decision_interval_s": 300.0, "notice_s": 10.0, "idle_timeout_s": 10_000.0}

    def choose(decision):
        wanted = 1 + decision.task if decision.time_s < 490.0 else 3
        return wanted if decision.mask[wanted] else 4 + int(np.argmax(decision.mask[4:]))

    assert play(world(pools, tasks, **rules), choose).totals["deadlines_missed"] == 0


def test_a_displaced_task_is_not_late_for_an_instance_that_is_lost_at_launch():
    """A life shorter than the notice: what was launched for the displaced task is gone before it can have it."""
    hazard = unit_lifetime(0, 0) / 500.0
    pools = [pool(setup_s=10.0, hazards=((0.0, hazard), (495.0, 1.0)))]
    tasks = [task(1_000.0, deadline_s=1_050.0)]
    rules = {**GUARD, "decision_interval_s": 450.0, "notice_s": 20.0}
    run = play(world(pools, tasks, **rules), lambda decision: SPOT if decision.mask[SPOT] else ON_DEMAND)
    assert run.totals["interruptions"] >= 1
    assert run.totals["deadlines_missed"] == 0


@pytest.mark.parametrize("block", range(5))
def test_who_obeys_the_mask_is_never_late(block):
    """Random worlds, tasks that can just be done on on-demand, random valid answers."""
    asked = guarded = 0
    for seed in range(block * COUNT // 5, (block + 1) * COUNT // 5):
        run = play(feasible_world(seed), obedient(seed), seed=seed)
        assert run.totals["deadlines_missed"] == 0, seed
        assert run.totals["invalid_actions"] == 0
        asked += len(run.masks)
        guarded += sum(not mask[WAIT] for mask in run.masks)
    assert 0.02 * asked < guarded < asked


@pytest.mark.parametrize("block", range(5))
def test_who_looks_at_no_mask_is_never_late_either(block):
    """The same worlds, any answer at all: in the place of an invalid one comes a valid one."""
    invalid = 0
    for seed in range(block * COUNT // 5, (block + 1) * COUNT // 5):
        rng = np.random.default_rng(seed)
        run = play(
            feasible_world(seed), lambda decision, rng=rng: int(rng.integers(-1, len(decision.mask) + 1)), seed=seed
        )
        assert run.totals["deadlines_missed"] == 0, seed
        invalid += run.totals["invalid_actions"]
    assert invalid > COUNT


@given(mappings(), st.integers(0, 2**64 - 1), st.integers(0, 1_000))
def test_who_obeys_the_mask_is_never_late_in_drawn_worlds(values, seed, choices):
    """From scenarios on, with every option alone and together; each task has time for a changeover at the least."""
    values |= {"deadline_guard": True, "reconsider_running": True}
    values["task"] |= {"interactive_share": 0.0, "slack": values["task"]["slack"] or 1.0}
    for drawn in values["pools"]:
        drawn["on_demand_failure_share"] = 0.0
    run = play_on(started(values, seed, log_events=True), obedient(choices))
    assert run.totals["deadlines_missed"] == run.totals["invalid_actions"] == 0


@pytest.mark.parametrize("options", [(False, True), (True, False), (True, True)])
def test_who_obeys_the_mask_is_never_late_where_tasks_work_on(options):
    """The two options by which a task may not be asked for longer than an interval, alone and together."""
    prepared = 0
    for seed in range(100_030, 100_030 + COUNT // 4):
        made = feasible_world(seed)
        made.rules.make_before_break, made.rules.just_in_time = options
        run = play(made, obedient(seed), seed=seed)
        assert run.totals["deadlines_missed"] == 0, seed
        prepared += len(run.of("PREPARE"))
    assert prepared > 0


def feasible_world(seed: int):
    """A random world with the guard on, whose tasks have deadlines that on-demand makes, barely or easily."""
    rng = Random(seed)
    made = random_world(rng)
    made.rules.deadline_guard = made.rules.reconsider_running = True
    tau, cost = made.rules.checkpoint_interval_s, made.rules.checkpoint_cost_s
    for place in made.pools:
        place.on_demand_failure_share = 0.0
    for job in made.tasks:
        job.interactive = False
        rates = [min(p.bandwidth_gbps, made.rules.store_bandwidth_gbps) * 125.0 for p in made.pools]
        quickest_s = min(
            p.longest_start_s + job.state_cap_mb / rate
            for p, rate in zip(made.pools, rates, strict=True)
            if p.gpu_memory_mb >= job.memory_mb
        )
        run_s = job.work_s * (1.0 + cost / tau) + quickest_s + made.rules.guard_margin_s
        job.deadline_s = job.arrival_s + run_s * rng.choice([1.0, 1.05, 1.5, 3.0])
    made.rules.horizon_s = max(job.deadline_s for job in made.tasks) + 1.0
    return made


def obedient(seed: int):
    """Any valid answer."""
    rng = Random(seed)
    return lambda decision: rng.choice([action for action, allowed in enumerate(decision.mask) if allowed])

"""The reward: dollars as a share of on-demand, and three penalties, each worked out by hand.

In the worlds made by hand spot costs $0.0005 a second and on-demand $0.001, so that 1,000 s of work are worth $1.
"""

import math
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import entries_of
from tessera_env.simulation.rows import Simulation
from tests.engine.play import ON_DEMAND, SPOT, WAIT, Played, play
from tests.engine.scenarios import answer, mappings, started, step, without_unread
from tests.presets import TASK_PRESETS
from tests.reference.worlds import pool, task, world

INF = math.inf
# Not compiled, a world of a fleet takes half a minute.
PRESETS = [name for name in TASK_PRESETS if not numba.config.DISABLE_JIT or not name.startswith("fleet")]


def rewards_of(*answers: int, tasks: list, pools: list | None = None, **fields: Any) -> list[float]:
    """The rewards of a world made by hand, which must add up to its return."""
    run = play_it(*answers, tasks=tasks, pools=pools, **fields)
    assert run.episode_return == pytest.approx(sum(run.rewards), abs=1e-12)
    return run.rewards


def play_it(*answers: int, tasks: list, pools: list | None = None, **fields: Any) -> Played:
    return play(world(pools or [pool()], tasks, **fields), answers)


# --- dollars ---------------------------------------------------------------------------------------------------------


def test_a_step_s_reward_is_its_dollars_over_the_on_demand_cost_of_all_work():
    """Work of 4,000 s: $4 on on-demand. Waiting costs nothing, 1,000 s of spot $0.5, 3,000 s of on-demand $3."""
    tasks = [task(1_000.0), task(3_000.0, arrival_s=2_000.0)]
    # Task 0 is done at 1,100; the next question is at 2,000.
    assert rewards_of(WAIT, SPOT, ON_DEMAND, tasks=tasks) == pytest.approx([0.0, -0.5 / 4.0, -3.0 / 4.0])


def test_the_unit_is_the_cheapest_on_demand_price_that_fits_each_task():
    """The small task could run at $1.80/h, the large one only at $3.60/h: 1,000 s cost $0.5 + $1."""
    pools = [pool(), pool(on_demand_price=1.8, gpu_memory_mb=8_000.0)]
    run = play_it(3, 3, tasks=[task(1_000.0), task(1_000.0, memory_mb=9_000.0)], pools=pools)
    assert run.scale_usd == pytest.approx(1.5)
    assert run.episode_return == pytest.approx(-2.0 / 1.5)


def test_what_runs_is_charged_step_by_step_at_the_price_of_the_moment():
    """The price doubles at 150 s; the running task is asked every 100 s: $0.05, then $0.025 + $0.05, then $0.1."""
    pools = [pool(prices=((0.0, 1.8), (150.0, 3.6)))]
    rewards = rewards_of(SPOT, SPOT, SPOT, tasks=[task(300.0)], pools=pools, reconsider_running=True)
    assert rewards == pytest.approx([-0.05 / 0.3, -0.075 / 0.3, -0.1 / 0.3])


def test_what_the_bill_adds_at_the_end_belongs_to_the_step_in_which_it_ends():
    """Whole minutes: 300 s of work are billed as such, then a task of 10 s as 60 s."""
    rewards = rewards_of(SPOT, ON_DEMAND, tasks=[task(300.0), task(10.0, arrival_s=400.0)], billing_increment_s=60.0)
    assert rewards == pytest.approx([-0.15 / 0.31, -0.06 / 0.31])
    rewards = rewards_of(SPOT, WAIT, WAIT, SPOT, tasks=[task(170.0)], reconsider_running=True, billing_increment_s=60.0)
    # 100 s accrue, then it is paused and billed for 120 s; 70 s are left, which are billed as 120 s again.
    assert rewards == pytest.approx([-0.05 / 0.17, -0.01 / 0.17, 0.0, -0.06 / 0.17])


def test_a_first_hour_that_turns_out_to_be_free_is_given_back():
    """100 s accrue, at 150 s there is notice, and at 200 s the cloud takes the instance: nothing is due."""
    pools = [pool(capacity=((0.0, 1), (150.0, 0)))]
    run = play_it(
        *(SPOT, SPOT, WAIT, WAIT),
        tasks=[task(100_000.0)],
        pools=pools,
        reconsider_running=True,
        free_first_hour=True,
        notice_s=50.0,
        horizon_s=1_000.0,
        missed_weight=0.0,
    )
    # Questions at 0, 100, 150 (the interruption), 250, …
    assert run.rewards[:3] == pytest.approx([-0.05 / 100.0, -0.025 / 100.0, 0.075 / 100.0])
    assert run.episode_return == pytest.approx(0.0, abs=1e-15)


# --- a missed deadline -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("deadline_s", "penalty"), [(1_199.0, 2.0), (1_200.0, 0.0), (1_201.0, 0.0), (INF, 0.0)])
def test_a_late_task_costs_twice_its_share(deadline_s, penalty):
    """Started at 200 s, done at 1,200 s. In time is what is done at the deadline."""
    rewards = rewards_of(WAIT, WAIT, SPOT, tasks=[task(1_000.0, deadline_s=deadline_s)])
    assert rewards == pytest.approx([0.0, 0.0, -0.5 - penalty])


@pytest.mark.parametrize("weight", [0.0, 0.5, 2.0])
def test_the_share_of_a_task_is_by_work(weight):
    """1,000 s of 4,000 s; the other task is in time."""
    tasks = [task(1_000.0, deadline_s=500.0), task(3_000.0, deadline_s=3_000.0)]
    run = play_it(SPOT, SPOT, tasks=tasks, missed_weight=weight)
    assert run.penalty == pytest.approx(weight * 0.25)
    assert run.totals["deadlines_missed"] == 1


def test_the_penalty_comes_when_the_task_is_done():
    """Not when the deadline passes: it is counted once."""
    rewards = rewards_of(*[SPOT] * 11, tasks=[task(1_000.0, deadline_s=450.0)], reconsider_running=True)
    assert rewards == pytest.approx([-0.05] * 9 + [-2.05])


@pytest.mark.parametrize("interactive", [False, True])
def test_a_deadline_that_comes_before_the_end_is_missed_by_what_is_unfinished(interactive):
    """At the end, with the whole share, however much of it was done."""
    late = task(1_000.0, deadline_s=600.0, interactive=interactive)
    rewards = rewards_of(SPOT, tasks=[late], horizon_s=600.0)
    assert rewards == pytest.approx([-0.3 - 2.0])


# --- work left undone ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deadline_s", [INF, 601.0])
def test_unfinished_batch_work_costs_twice_what_is_left_of_it(deadline_s):
    """600 of 1,000 s are done at the end, before any deadline: 2 × 0.4 of the task, which is half of all work."""
    tasks = [task(1_000.0, deadline_s=deadline_s), task(500.0), task(500.0)]
    rewards = rewards_of(SPOT, SPOT, SPOT, tasks=tasks, horizon_s=600.0)
    assert sum(rewards) == pytest.approx(-(0.3 + 0.25 + 0.25) / 2.0 - 2.0 * 0.2)


def test_waiting_for_ever_is_not_free():
    """It costs twice on-demand, and on-demand once; tasks that have not come by then count too."""
    tasks = [task(1_000.0), task(1_000.0, arrival_s=5_000.0)]
    assert sum(rewards_of(tasks=tasks, horizon_s=4_000.0)) == pytest.approx(-2.0)
    assert sum(rewards_of(ON_DEMAND, tasks=tasks[:1], horizon_s=4_000.0)) == pytest.approx(-1.0)


def test_unfinished_interactive_work_costs_its_downtime_alone():
    """Nothing without a weight."""
    tasks = [task(1_000.0, interactive=True)]
    assert sum(rewards_of(tasks=tasks, horizon_s=4_000.0)) == 0.0


# --- downtime --------------------------------------------------------------------------------------------------------


def downtime_of(*answers: int, tasks: list, pools: list | None = None, **fields: Any) -> float:
    """Seconds of downtime, by the total and by the penalty, which must agree."""
    run = play_it(*answers, tasks=tasks, pools=pools, downtime_weight=0.5, missed_weight=0.0, **fields)
    assert run.penalty == pytest.approx(0.5 * run.totals["downtime_s"] * 0.001 / run.scale_usd)
    return run.totals["downtime_s"]


def interactive(work_s: float = 1_000.0, **fields: Any):
    return task(work_s, interactive=True, **fields)


def test_downtime_is_all_time_from_arrival_to_completion_without_running():
    """200 s of waiting, 30 s of provisioning, 60 s of set-up, 4 s of loading 4,000 MB."""
    pools = [pool(provisioning_s=30.0, setup_s=60.0)]
    tasks = [interactive(arrival_s=50.0, state_mb=4_000.0), task(5_000.0)]
    assert downtime_of(SPOT, WAIT, WAIT, SPOT, tasks=tasks, pools=pools) == pytest.approx(294.0)


def test_batch_tasks_have_no_downtime():
    assert downtime_of(WAIT, WAIT, SPOT, tasks=[task(1_000.0)]) == 0.0


def test_downtime_goes_on_after_an_interruption():
    """Taken at 500 s, waits 100 s, then 60 s of set-up; 60 s of set-up at the start."""
    pools = [pool(capacity=((0.0, 1), (500.0, 0)), setup_s=60.0)]
    assert downtime_of(SPOT, WAIT, ON_DEMAND, tasks=[interactive()], pools=pools, notice_s=30.0) == 220.0


def test_downtime_in_a_changeover_that_is_cut_short_ends_there_and_goes_on():
    """Taken at 40 s, 20 s before it would have run; on-demand is there 60 s later: down for 100 s, not 120 s."""
    pools = [pool(capacity=((0.0, 1), (40.0, 0)), setup_s=60.0)]
    assert downtime_of(SPOT, ON_DEMAND, tasks=[interactive()], pools=pools) == 100.0


def test_downtime_ends_with_the_episode():
    """Waiting to the end; in a changeover at the end; running at the end."""
    assert downtime_of(tasks=[interactive()], horizon_s=350.0) == 350.0
    slow = [pool(setup_s=600.0)]
    assert downtime_of(SPOT, tasks=[interactive()], pools=slow, horizon_s=350.0) == 350.0
    quick = [pool(setup_s=60.0)]
    assert downtime_of(SPOT, tasks=[interactive()], pools=quick, horizon_s=350.0) == 60.0
    assert downtime_of(SPOT, tasks=[interactive(), interactive(arrival_s=400.0)], pools=quick, horizon_s=350.0) == 60.0


def test_a_pause_is_downtime():
    """Paused from 100 s to 200 s."""
    assert downtime_of(SPOT, WAIT, *[SPOT] * 10, tasks=[interactive()], reconsider_running=True) == 100.0


def test_an_hour_of_downtime_costs_the_cheapest_fitting_on_demand_hour():
    """$3.60 for the large task, $1.80 for the small one, times the weight."""
    pools = [pool(), pool(on_demand_price=1.8, gpu_memory_mb=8_000.0)]
    for memory_mb, usd_per_h in ((9_000.0, 3.6), (8_000.0, 1.8)):
        run = play_it(tasks=[interactive(memory_mb=memory_mb)], pools=pools, horizon_s=7_200.0, downtime_weight=0.5)
        assert run.penalty * run.scale_usd == pytest.approx(0.5 * 2.0 * usd_per_h)


# --- all together ----------------------------------------------------------------------------------------------------


def penalties_by_the_books(simulation: Simulation) -> float:
    """All penalties of a finished episode, from its tasks and its event log."""
    config, now_s = simulation.params.config[0], float(simulation.state.episodes[0].now_s)
    tasks, pools = simulation.state.tasks[0], simulation.params.pools
    running_s = running_by_the_log(simulation)
    prices = [min(p.on_demand_price for p in pools if p.gpu_memory_mb >= t.gpu_memory_mb) for t in tasks]
    scale_usd = sum(t.work_s * price / 3_600.0 for t, price in zip(tasks, prices, strict=True))
    all_work_s, penalty = sum(t.work_s for t in tasks), 0.0
    for k, t in enumerate(tasks):
        end_s = min(t.completion_s, now_s)
        if t.completion_s > t.deadline_s + 1e-6 and t.deadline_s <= now_s:
            penalty += config.missed_weight * t.work_s / all_work_s
        elif t.completion_s == INF and not t.interactive:
            penalty += config.missed_weight * (t.work_s - t.progress_s) / all_work_s
        if t.interactive and t.arrival_s < now_s:
            down_h = (end_s - t.arrival_s - running_s[k]) / 3_600.0
            penalty += config.downtime_weight * down_h * prices[k] / scale_usd
    return float(penalty)


def running_by_the_log(simulation: Simulation) -> list[float]:
    """Seconds that each task was on a ready instance."""
    ready_s: dict[int, float] = {}
    running_s = [0.0] * simulation.state.tasks.shape[1]
    for time_s, kind, task_id, *_, figures in entries_of(simulation.state.log[0][: simulation.log_count[0]]):
        if kind == LogKind.PLACE:
            ready_s[task_id] = figures["works_from_s"]
        elif kind == LogKind.STOP:
            running_s[task_id] += max(0.0, time_s - ready_s[task_id])
    return running_s


def check_return(simulation: Simulation, choices: int) -> float:
    """Play to the end: rewards times scale are minus the cost, but for the penalties, which are returned."""
    rng, rewards = np.random.default_rng(choices), []
    while not simulation.views.terminated[0]:
        step(simulation, answer(simulation, rng))
        rewards.append(float(simulation.views.rewards[0]))
    metrics = {name: values[0] for name, values in simulation.metrics(np.array([0])).items()}
    penalty = penalties_by_the_books(simulation)
    assert math.fsum(rewards) == pytest.approx(metrics["episode_return"], rel=1e-9, abs=1e-9)
    expected = -metrics["cost_usd"] / metrics["scale_usd"] - penalty
    assert metrics["episode_return"] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert metrics["penalty_usd"] == pytest.approx(penalty * metrics["scale_usd"], rel=1e-9, abs=1e-9)
    assert metrics["objective_usd"] == metrics["cost_usd"] + metrics["penalty_usd"]
    return penalty


@pytest.mark.parametrize("preset", PRESETS)
def test_rewards_are_minus_the_cost_less_penalties(preset):
    for seed in range(2):
        check_return(started(preset, seed, log_events=True), seed)


@settings(max_examples=60)
@given(mappings(), st.integers(0, 10_000), st.integers(0, 10_000))
def test_rewards_are_minus_the_cost_less_penalties_in_any_scenario(values, seed, choices):
    values["penalty"] = {"missed_weight": 2.0, "downtime_weight": 1.5}
    check_return(started(without_unread(values), seed, log_events=True), choices)

"""The shaped reward: work is worth its on-demand price when it is done, losses and misses are felt at once.

In the worlds made by hand spot costs $0.0005 a second and on-demand $0.001, so that 1,000 s of work are worth $1.
"""

import math
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_env.env import TesseraEnv
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rewards import SHAPED, Rewards
from tessera_env.simulation.rows import Simulation
from tests.engine.play import ON_DEMAND, PLANNER, SPOT, WAIT, laid, listed, play_on
from tests.engine.scenarios import answer, mappings, started, step, without_unread
from tests.presets import TASK_PRESETS
from tests.reference.worlds import pool, task, world


def rewards_of(*answers: int, tasks: list, pools: list | None = None, **fields: Any) -> list[float]:
    """The shaped rewards of a world made by hand."""
    simulation = laid(world(pools or [pool()], tasks, **fields), PLANNER, 0)
    Rewards(SHAPED).write(simulation.params)
    simulation.run(np.array([int(Command.RESUME)]))
    return play_on(simulation, listed(answers)).rewards


def test_work_is_worth_its_on_demand_price_when_it_is_done():
    """Steps of 100 s of 400 s: a wait, spot at half the price, on-demand at all of it, spot again."""
    answers = (WAIT, SPOT, ON_DEMAND, SPOT, SPOT)
    rewards = rewards_of(*answers, tasks=[task(400.0)], reconsider_running=True)
    assert rewards == pytest.approx([0.0, 0.125, 0.0, 0.125, 0.125])


def test_what_an_interruption_loses_is_taken_back_when_it_is_lost():
    """All capacity goes at 150 s, without notice: of 100 + 50 s of work nothing is left; then on-demand does it all."""
    pools = [pool(capacity=((0.0, 1), (150.0, 0)))]
    answers, rules = (SPOT, SPOT, *[ON_DEMAND] * 4), {"reconsider_running": True, "saves_at_notice": False}
    rewards = rewards_of(*answers, tasks=[task(400.0)], pools=pools, **rules)
    assert rewards[:2] == pytest.approx([0.125, -0.25 - 0.0625])
    assert sum(rewards) == pytest.approx(1.0 - 0.1875 - 1.0)


def test_a_miss_is_felt_when_it_becomes_certain():
    """The deadline of 450 s cannot be made from 200 s on, at 300 s that is seen; it is counted at 600 s."""
    late = task(300.0, deadline_s=450.0)
    rewards = rewards_of(WAIT, WAIT, *[SPOT] * 3, tasks=[late], reconsider_running=True, deadline_guard=False)
    assert rewards == pytest.approx([0.0, -2.0, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0])


def test_a_deadline_that_is_just_made_is_no_miss():
    rewards = rewards_of(WAIT, *[SPOT] * 3, tasks=[task(300.0, deadline_s=400.0)], reconsider_running=True)
    assert rewards == pytest.approx([0.0, *[1.0 / 6.0] * 3])


def check_both(values: Any, seed: int, choices: int) -> None:
    """The same answers: the shaped return is larger by 1, and the episode's own figures are the same bits."""
    plain, shaped = started(values, seed), started(values, seed, rewards=Rewards(SHAPED))
    rng, sums = np.random.default_rng(choices), ([], [])
    while not plain.views.terminated[0]:
        action = answer(plain, rng)
        for simulation, rewards in zip((plain, shaped), sums, strict=True):
            step(simulation, action)
            rewards.append(float(simulation.views.rewards[0]))
    assert shaped.views.terminated[0]
    assert math.fsum(sums[1]) - math.fsum(sums[0]) == pytest.approx(1.0, abs=1e-9)
    for name, value in plain.metrics(np.array([0])).items():
        assert value.tobytes() == shaped.metrics(np.array([0]))[name].tobytes(), name


@pytest.mark.parametrize("preset", ["deadline"] if numba.config.DISABLE_JIT else TASK_PRESETS)
def test_no_policy_comes_before_another_that_did_not(preset):
    check_both(preset, 3, 4)


@settings(max_examples=5 if numba.config.DISABLE_JIT else 40)
@given(mappings(), st.integers(0, 10_000), st.integers(0, 10_000))
def test_no_policy_comes_before_another_that_did_not_in_any_scenario(values, seed, choices):
    values["penalty"] = {"missed_weight": 2.0, "downtime_weight": 1.5}
    check_both(without_unread(values), seed, choices)


def slow_potential(simulation: Simulation) -> float:
    """What the work left costs on on-demand, out of the single tasks as the observation's clock finds them."""
    episode = simulation.state.episodes[0]
    if simulation.views.terminated[0]:
        return 0.0
    left_usd, missed_s = 0.0, 0.0
    for k in range(int(episode.task_count)):
        record = simulation.state.tasks[0, k]
        if math.isfinite(record.completion_s):
            continue
        done_s = float(record.progress_s)
        if record.instance >= 0:
            done_s = min(done_s + max(float(episode.now_s - record.ready_s), 0.0), float(record.work_s))
        left_usd += (record.work_s - done_s) * record.on_demand_price / 3600.0
        if record.arrival_s <= episode.now_s and episode.now_s + record.work_s - done_s > record.deadline_s + 1e-6:
            missed_s += record.work_s
    config = simulation.params.config[0]
    return float(-left_usd / episode.scale_usd - config.missed_weight * missed_s / episode.total_work_s)


@pytest.mark.parametrize("preset", ["deadline"] if numba.config.DISABLE_JIT else ["fleet", "deadline", "classic"])
def test_each_step_adds_what_it_changed_of_the_potential(preset):
    """Many tasks that are done in another order than they came."""
    plain, shaped = started(preset, 5), started(preset, 5, rewards=Rewards(SHAPED, 10.0))
    rng, before = np.random.default_rng(6), -1.0
    while not plain.views.terminated[0]:
        action = answer(plain, rng)
        step(plain, action)
        step(shaped, action)
        now = slow_potential(shaped)
        expected = 10.0 * (plain.views.rewards[0] + now - before)
        assert shaped.views.rewards[0] == pytest.approx(expected, abs=1e-9)
        before = now


def test_the_environment_is_shaped_unless_it_is_told_otherwise():
    """And says what may be chosen."""

    def first_return(**options: Any) -> float:
        env, total, over = TesseraEnv("deadline", **options), 0.0, False
        env.reset(seed=0)
        while not over:
            _, reward, over, _, _ = env.step(2)
            total += reward
        return total

    plain = first_return(reward="plain")
    assert plain < 0.0
    assert first_return() == pytest.approx(1.0 + plain, abs=1e-9)
    assert first_return(reward_scale=10.0) == pytest.approx(10.0 * (1.0 + plain), abs=1e-9)
    with pytest.raises(ValueError, match=r"^reward: 'dense' \(allowed: 'plain', 'shaped'\)$"):
        TesseraEnv("deadline", reward="dense")
    for scale in (0.0, -1.0, math.inf, math.nan, "1", True):
        with pytest.raises(ValueError, match=r"^reward_scale: .* \(allowed: a number above 0\)$"):
            TesseraEnv("deadline", reward_scale=scale)  # type: ignore[arg-type]

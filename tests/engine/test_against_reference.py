"""The engine equals the slow, obvious reference bit for bit, on random worlds with random answers, valid or not."""

import copy
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config as numba_config

from tessera_env.simulation.planners import KuhnMunkres, NearestFirst
from tests.engine.play import Played, drawn_world, play, play_on, reference
from tests.engine.scenarios import mappings, started
from tests.reference.simulator import Simulator
from tests.reference.worlds import random_policy, random_world

COUNT, MANY = (60, 100) if numba_config.DISABLE_JIT else (400, 1_000)

# Equal to the last bit. Downtime and rewards are sums over small pieces that the two add up in unlike order.
COUNTED = (
    "spot_usd on_demand_usd spot_s on_demand_s setup_s work_lost_s work_saved_s waiting_s interruptions "
    "checkpoints_full checkpoints_partial checkpoints_restart migrations moves launches failed_launches "
    "cancelled_launches deadlines_missed tasks_done invalid_actions decisions"
)


def agree(seed: int) -> dict[str, float]:
    """Play a random hand-made world twice and compare everything; returns the totals."""
    rng = Random(seed)
    world, planner = random_world(rng), rng.choice([KuhnMunkres(), NearestFirst()])
    played = play(copy.deepcopy(world), random_policy(seed), planner, seed)
    expected = reference(world, random_policy(seed), planner, seed)
    compare(played, expected)
    return played.totals


def compare(played: Played, expected: Simulator) -> None:
    """Decisions, masks, log, dollars, work and totals."""
    asked = [(decision.time_s, int(decision.reason), decision.task) for decision in expected.decisions]
    assert played.decisions == asked
    assert played.masks == [decision.mask for decision in expected.decisions]
    assert sorted(played.log) == sorted(expected.log)
    for name in COUNTED.split():
        assert played.totals[name] == expected.totals[name], name
    assert played.dollars == [instance.dollars for instance in expected.instances]
    assert played.progress_s == [task.progress_s for task in expected.tasks]
    assert played.completion_s == [task.done_s for task in expected.tasks]
    assert played.interruptions == [task.interruptions for task in expected.tasks]
    compare_accounts(played, expected)
    assert played.totals["downtime_s"] == pytest.approx(expected.totals["downtime_s"], rel=1e-9, abs=1e-6)
    compare_rewards(played, expected)


def compare_accounts(played: Played, expected: Simulator) -> None:
    """Each task's part of the bill, and their sums."""
    for i, (account, task) in enumerate(zip(played.accounts, expected.tasks, strict=True)):
        assert vars(account) == pytest.approx(vars(task.account), rel=1e-9, abs=1e-6), i
    for name in ("spot_s", "on_demand_s"):
        assert sum(vars(account)[name] for account in played.accounts) == pytest.approx(played.totals[name], rel=1e-9)


def compare_rewards(played, expected) -> None:
    """Each step's reward is what was billed and penalised since the step before.

    Downtime until a placed task runs is charged at once, and given back if it leaves earlier, so only sums can agree.
    """
    dollars = [0.0, *(decision.dollars for decision in expected.decisions), expected.dollars()]
    penalties = [0.0, *(decision.penalty for decision in expected.decisions), expected.penalty]
    steps = -np.diff(dollars) / expected.scale_usd() - np.diff(penalties)
    assert played.episode_return == pytest.approx(sum(steps), rel=1e-9, abs=1e-9)
    if not any(task.interactive for task in expected.tasks):
        assert played.rewards == pytest.approx(steps[1:].tolist(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("block", range(10))
def test_the_engine_equals_the_reference(block):
    for seed in range(block * COUNT // 10, (block + 1) * COUNT // 10):
        agree(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_the_engine_equals_the_reference_on_many_worlds(block):
    """1,000 worlds; 100 where the engine is not compiled."""
    for seed in range(10_000 + block * MANY // 20, 10_000 + (block + 1) * MANY // 20):
        agree(seed)


@given(mappings(), st.integers(0, 2**64 - 1), st.integers(0, 1_000))
def test_the_engine_equals_the_reference_on_drawn_worlds(values, seed, choices):
    """From a scenario's hours and shares on: what is drawn is taken out of the tables, the rules from the scenario."""
    simulation = started(values, seed, log_events=True)
    world = drawn_world(simulation)
    compare(play_on(simulation, random_policy(choices)), reference(world, random_policy(choices), seed=seed))


def test_the_random_worlds_reach_every_rule():
    """A comparison says nothing about what never happens."""
    sums: dict[str, float] = {}
    for seed in range(200):
        world = random_world(Random(seed))
        for name, value in reference(world, random_policy(seed), seed=seed).totals.items():
            sums[name] = sums.get(name, 0.0) + value
    assert [name for name in COUNTED.split() if sums.get(name, 0.0) == 0.0] == []

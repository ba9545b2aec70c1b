"""The engine equals the slow, obvious reference bit for bit, on random worlds with random answers, valid or not."""

import copy
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config as numba_config

from tessera_env.simulation.planners import KuhnMunkres, NearestFirst
from tests.engine.agreement import COUNTED, compare
from tests.engine.play import drawn_world, play, play_on, reference
from tests.engine.scenarios import mappings, started
from tests.reference.worlds import random_policy, random_world

COUNT, MANY = (60, 100) if numba_config.DISABLE_JIT else (400, 1_000)


def agree(seed: int) -> dict[str, float]:
    """Play a random hand-made world twice and compare everything; returns the totals."""
    rng = Random(seed)
    world, planner = random_world(rng), rng.choice([KuhnMunkres(), NearestFirst()])
    played = play(copy.deepcopy(world), random_policy(seed), planner, seed)
    expected = reference(world, random_policy(seed), planner, seed)
    compare(played, expected)
    return played.totals


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
    sums, lines = Counter(), Counter()
    for seed in range(200):
        world = random_world(Random(seed))
        played = reference(world, random_policy(seed), seed=seed)
        sums.update(played.totals)
        lines.update(line[1] for line in played.log)
        lines["WORKED_ON"] += sum(line[1] == "CHECKPOINT" and not is_noticed(played.log, line) for line in played.log)
    assert [name for name in COUNTED.split() if sums[name] == 0.0] == []
    assert lines["PREPARE"] > 100
    assert lines["WORKED_ON"] > 10


def is_noticed(log: list[tuple], checkpoint: tuple) -> bool:
    """Whether the instance was given notice at the instant of the checkpoint."""
    time_s, _, _, launch, *_ = checkpoint
    return any(line[:2] == (time_s, "NOTICE") and line[3] == launch for line in log)

"""The engine equals the slow, obvious reference on services, with and without jobs beside them, bit for bit."""

import copy
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config as numba_config

from tessera_env.simulation.planners import KuhnMunkres, NearestFirst
from tests.engine.agreement import compare
from tests.engine.play import drawn_world, play, play_on, reference
from tests.engine.scenarios import service_mappings, started
from tests.reference.service_worlds import random_service_world
from tests.reference.worlds import sticky_policy

COUNT, MANY = (40, 100) if numba_config.DISABLE_JIT else (200, 1_000)


def agree(seed: int) -> None:
    """Play a random hand-made world twice and compare everything."""
    rng = Random(seed)
    world, planner = random_service_world(rng), rng.choice([KuhnMunkres(), NearestFirst()])
    played = play(copy.deepcopy(world), sticky_policy(seed), planner, seed)
    compare(played, reference(world, sticky_policy(seed), planner, seed))


@pytest.mark.parametrize("block", range(10))
def test_the_engine_equals_the_reference_on_services(block):
    for seed in range(block * COUNT // 10, (block + 1) * COUNT // 10):
        agree(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_the_engine_equals_the_reference_on_many_services(block):
    """1,000 worlds; 100 where the engine is not compiled."""
    for seed in range(10_000 + block * MANY // 20, 10_000 + (block + 1) * MANY // 20):
        agree(seed)


@settings(max_examples=10 if numba_config.DISABLE_JIT else 40)
@given(service_mappings(), st.integers(0, 2**64 - 1), st.integers(0, 1_000))
def test_the_engine_equals_the_reference_on_services_of_scenarios(values, seed, choices):
    """From a scenario's names and hours on: the options are taken from the scenario, not from the engine's tables."""
    simulation = started(values, seed, log_events=True)
    world = drawn_world(simulation)
    compare(play_on(simulation, sticky_policy(choices)), reference(world, sticky_policy(choices), seed=seed))


def test_the_random_services_reach_every_rule():
    """A comparison says nothing about what never happens."""
    sums, lines = Counter(), Counter()
    for seed in range(100):
        world = random_service_world(Random(seed))
        played = reference(world, sticky_policy(seed), seed=seed)
        lines.update(line[1] for line in played.log)
        for service in world.services:
            sums.update(service.counts)
            sums.update({name: value for name, value in vars(service.figures).items() if name != "before"})
            sums["left_out"] += service.looks - service.rounds > 0
            sums["unmarked"] += not all(service.in_use)
            sums["billed_before"] += service.figures.before[0] > 0.0
    assert [name for name, value in sums.items() if value <= 0.0] == []
    assert min(lines[name] for name in ("DEMAND", "READY", "UNREADY", "NOTICE", "IDLE", "LAUNCH_FAILED")) > 100

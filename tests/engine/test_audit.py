"""Dollars, hours and work recomputed from the event log after every step, on random worlds and on every preset."""

from random import Random

import numpy as np
import pytest
from numba import config as numba_config

from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.planners import KuhnMunkres
from tessera_env.simulation.rows import Simulation
from tests.engine.audit import Auditor
from tests.engine.play import play
from tests.presets import TASK_PRESETS
from tests.reference.worlds import pool, random_policy, random_world, task, world

COUNT = 20 if numba_config.DISABLE_JIT else 150
STEPS = 100 if numba_config.DISABLE_JIT else 1_000


@pytest.mark.parametrize("block", range(5))
def test_the_books_of_random_worlds_agree(block):
    for seed in range(block * COUNT // 5, (block + 1) * COUNT // 5):
        seed += 50_000
        auditor = Auditor()
        played = play(random_world(Random(seed)), random_policy(seed), seed=seed, look=auditor.look)
        assert auditor.counts["DECISION"] == len(played.decisions)


@pytest.mark.parametrize("preset", TASK_PRESETS)
def test_the_books_of_a_preset_agree(preset):
    simulation = Simulation(load_scenario(preset), 1, KuhnMunkres(), log_events=True)
    simulation.address(0, 11, 0)
    rng, auditor = np.random.default_rng(3), Auditor()
    simulation.run(np.array([int(Command.START)]))
    for _ in range(STEPS):
        if simulation.views.terminated[0]:
            break
        allowed = np.flatnonzero(simulation.state.masks[0])
        action = rng.choice(allowed) if rng.random() < 0.95 else rng.integers(len(simulation.state.masks[0]))
        simulation.run(np.array([int(Command.STEP)]), np.array([action]))
        auditor.look(simulation)
    assert auditor.counts["DECISION"] > 10


def test_an_auditor_finds_a_wrong_bill():
    """Two tasks billed for one instance's hour, or an hour not billed, would show: the books are not the engine's."""

    def tampered(simulation):
        simulation.state.episodes[0].spot_usd *= 1.0 + 1e-6
        simulation.state.episodes[0].on_demand_usd *= 1.0 + 1e-6
        auditor.look(simulation)

    auditor = Auditor()
    with pytest.raises(AssertionError, match="usd"):
        play(random_world(Random(50_001)), random_policy(50_001), seed=50_001, look=tampered)


@pytest.mark.parametrize("name", ["setup_usd", "running_usd", "idle_usd", "penalty_usd", "spot_s", "on_demand_s"])
def test_an_auditor_finds_a_wrong_account(name):
    """Charged to the wrong task, or twice."""

    def tampered(simulation):
        simulation.state.tasks[name] *= 1.0 + 1e-6
        auditor.look(simulation)

    auditor = Auditor()
    with pytest.raises(AssertionError):
        play(busy_world(), random_policy(1), look=tampered)


def busy_world():
    """Two tasks, one of which interactive, that come and go."""
    rules = {"reconsider_running": True, "idle_timeout_s": 50.0, "downtime_weight": 1.0}
    return world([pool(setup_s=50.0)], [task(900.0), task(900.0, interactive=True)], **rules)

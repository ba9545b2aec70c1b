"""Compiled and plain Python give the same bits: observations, rewards, masks, logs and totals of every preset."""

import os
import subprocess
import sys

import pytest

from tessera_env.scenario.loading import preset_names

STEPS = 150

# Prints a digest of an episode's first steps under answers that depend on nothing but their number.
RUN = """
import hashlib
import sys
import numpy as np
from tessera_env.simulation.kernels import Command
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.rows import Simulation

preset, steps = sys.argv[1], int(sys.argv[2])
simulation = Simulation(load_scenario(preset), 3, log_events=True)
for row in range(3):
    simulation.address(row, 17, row)
simulation.run(np.full(3, int(Command.START)))
digest, rng = hashlib.sha256(), np.random.default_rng(2)
for step in range(steps):
    state, views = simulation.state, simulation.views
    for table in (*views, state.masks, state.episodes):
        digest.update(np.ascontiguousarray(table).tobytes())
    draws = rng.random((3, 2))
    actions = np.zeros(3, np.int64)
    for row in range(3):
        allowed = np.flatnonzero(state.masks[row])
        if draws[row, 0] < 0.1:
            allowed = np.arange(state.masks.shape[1])
        actions[row] = allowed[int(draws[row, 1] * len(allowed))]
    over = views.terminated.copy()
    simulation.run(np.where(over, int(Command.SKIP), int(Command.STEP)), actions)
for row in range(3):
    log = simulation.state.log[row][: simulation.state.episodes[row].log_count]
    digest.update(np.ascontiguousarray(log).tobytes())
    count = simulation.state.pools[row].point_count
    for pool_id in range(len(count)):
        points = simulation.state.market[row, pool_id][: count[pool_id]]
        digest.update(np.ascontiguousarray(points).tobytes())
print(digest.hexdigest())
"""


def digest(preset: str, **environment: str) -> str:
    """What a run in its own process prints."""
    command = [sys.executable, "-c", RUN, preset, str(STEPS)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


QUICK = ("classic", "deadline-aws")
PRESETS = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in preset_names()]


@pytest.mark.parametrize("preset", PRESETS)
def test_compiled_and_plain_give_the_same_bits(preset):
    assert digest(preset, NUMBA_DISABLE_JIT="0") == digest(preset, NUMBA_DISABLE_JIT="1")

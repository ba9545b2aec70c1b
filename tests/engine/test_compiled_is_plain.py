"""Compiled and plain Python give the same bits: observations, rewards, masks, logs and totals of every preset."""

import json
import os
import subprocess
import sys
from functools import cache

import pytest

from tests.presets import TASK_PRESETS

STEPS = 150

# Prints, for each preset, a digest of an episode's first steps under answers that depend on nothing but their number.
RUN = """
import hashlib
import json
import sys
import numpy as np
from tessera_env.simulation.kernels import Command
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.rows import Simulation
from tests.presets import TASK_PRESETS

steps = int(sys.argv[1])
for preset in sys.argv[2:]:
    values = json.loads(preset) if preset.startswith("{") else preset
    simulation = Simulation(load_scenario(values), 3, log_events=True)
    for row in range(3):
        simulation.address(row, 17, row)
    simulation.run(np.full(3, int(Command.START)))
    digest, rng = hashlib.sha256(), np.random.default_rng(2)
    for step in range(steps):
        state, views = simulation.state, simulation.views
        for table in (*views, state.masks, state.episodes, state.services, state.service_pools):
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


# Two services beside jobs, one with every option that the other does without.
SERVICES = {
    "horizon_h": 12.0,
    "decision_interval_s": 600.0,
    "notice_s": 120.0,
    "task": {"count": 3, "work_h": 4.0, "arrivals": "uniform"},
    "pools": [
        {
            "name": f"p{k}",
            "zone": "z",
            "instance_type": "t",
            "gpu_memory_mb": 16_000.0,
            "on_demand_usd_per_h": 3.0 + k,
            "provisioning_s": {"uniform": [30.0, 200.0]},
            "on_demand_failure_share": 0.2,
            "price": {"source": "steps", "mean_share": 0.3, "changes_per_day": 40.0, "highest_share": 0.4},
            "capacity": {
                "source": "semi_markov",
                "instances": 2,
                "up_median_h": [0.3, 1.0],
                "up_sigma": [0.0, 1.0],
                "down_median_h": [0.2, 0.5],
                "down_sigma": [0.0, 1.0],
                "regime_mean_h": 6.0,
                "regime_factor_high": 2.0,
                "shocks_per_day": 6.0,
            },
            "hazard": {"model": "constant", "per_h": 0.5},
        }
        for k in range(3)
    ],
    "service": [
        {"name": "plain", "target": 2, "at_notice": "lost", "looks_at_events": False},
        {
            "name": "all",
            "target": 2,
            "extra": 1,
            "control_interval_s": 250.0,
            "setup_s": 60.0,
            "model_mb": 20_000.0,
            "looks": "when_changed",
            "decides_before_market": True,
            "drain_s": 90.0,
            "make_before_break": True,
            "launch_failure_s": 60.0,
            "score_from_s": 3_000.0,
        },
    ],
}

QUICK = ("classic", "deadline-aws")
PRESETS = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in TASK_PRESETS]


@cache
def digests(presets: tuple[str, ...], not_compiled: str) -> dict[str, str]:
    """What a run of these in its own process prints, by preset."""
    command = [sys.executable, "-c", RUN, str(STEPS), *presets]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": not_compiled}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(presets, done.stdout.split(), strict=True))


@pytest.mark.parametrize("preset", PRESETS)
def test_compiled_and_plain_give_the_same_bits(preset):
    together = QUICK if preset in QUICK else (preset,)
    assert digests(together, "0")[preset] == digests(together, "1")[preset]


def test_compiled_and_plain_give_the_same_bits_on_services():
    both = [digests((json.dumps(SERVICES),), not_compiled) for not_compiled in "01"]
    assert both[0] == both[1]

"""Mistakes that simulators of this kind have made; each test also shows that it would catch its mistake."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from tests.engine.play import ON_DEMAND, SPOT, WAIT, play, unit_lifetime
from tests.reference.worlds import pool, task, world


def losing(at_s: float, before: int = 1, **fields):
    """A pool that loses all its capacity."""
    return pool(capacity=((0.0, before), (at_s, 0)), **fields)


# --- matching --------------------------------------------------------------------------------------------------------


def dearest(costs: np.ndarray) -> np.ndarray:
    """The mistake: the matching maximises what it should minimise."""
    rows, columns = linear_sum_assignment(costs, maximize=True)
    return columns[np.argsort(rows)]


def restart_times(planner=None) -> list[float]:
    """When two displaced tasks, of 100,000 and 1,000 MB, run again in pools of 1,000 and 100 MB/s."""
    pools = [losing(500.0, 2), pool(), pool(bandwidth_gbps=0.8)]
    tasks = [task(1_000.0, state_mb=100_000.0), task(1_000.0, state_mb=1_000.0)]
    more = {} if planner is None else {"planner": planner}
    run = play(world(pools, tasks, notice_s=120.0), [1, 1, 2, 3], **more)
    return sorted(line[4] for line in run.of("PLACE")[2:])


def test_a_matching_minimises():
    assert restart_times() == [510.0, 600.0]
    assert restart_times(dearest) == [501.0, 1_500.0]


def test_an_idle_instance_that_does_not_fit_is_no_target():
    """A displaced task asks for pool 2 while a ready instance is idle in pool 1, whose memory is too small for it."""
    pools = [losing(500.0), pool(gpu_memory_mb=8_000.0), pool(setup_s=300.0)]
    tasks = [task(1_000.0, memory_mb=12_000.0), task(200.0)]
    run = play(world(pools, tasks, idle_timeout_s=600.0), [1, 2, 3])
    assert run.of("PLACE")[2] == (500.0, "PLACE", 0, 2, 800.0, 0.0)


# --- progress --------------------------------------------------------------------------------------------------------


def test_progress_advances_while_a_task_runs():
    """Interrupted after 400 s with time to save all: 400 s are kept, and it is done 600 s after it runs again."""
    run = play(world([losing(400.0)], [task(1_000.0)], notice_s=60.0), [SPOT, ON_DEMAND])
    assert run.totals["work_saved_s"] == 400.0
    assert run.of("COMPLETION")[0][0] == 1_000.0


def test_a_completion_does_not_survive_an_interruption():
    """Interrupted at 400 without a save: not done at 1,000 but at 1,400, once."""
    tasks = [task(1_000.0, state_growth_mb_per_s=1.0, state_cap_mb=1_000.0)]
    run = play(world([losing(400.0)], tasks), [SPOT, ON_DEMAND])
    assert [line[0] for line in run.of("COMPLETION")] == [1_400.0]


def test_a_completion_does_not_survive_a_pause_or_a_move():
    tasks = [task(150.0), task(150.0)]
    run = play(world([pool(), pool(setup_s=40.0)], tasks, reconsider_running=True), [1, 1, WAIT, 2, WAIT, 2, 2, 1, 1])
    # Both have done 100 s at 100. Task 0 waits until 300; task 1 moves, and runs from 140 on.
    done = {line[2]: line[0] for line in run.of("COMPLETION")}
    assert done[1] == 190.0
    assert len(run.of("COMPLETION")) == 2
    assert done[0] > 190.0


# --- bills -----------------------------------------------------------------------------------------------------------


def test_the_hours_before_an_interruption_are_billed():
    run = play(world([losing(7_200.0)], [task(9_000.0)], notice_s=120.0, horizon_s=8_000.0), [SPOT])
    assert run.totals["spot_usd"] == pytest.approx(7_320.0 * 0.0005)


def test_the_hours_of_unfinished_tasks_are_billed():
    run = play(world([pool()], [task(9_000.0)], horizon_s=5_000.0), [ON_DEMAND])
    assert run.totals["tasks_done"] == 0
    assert run.totals["on_demand_usd"] == pytest.approx(5.0)


def test_an_instances_hour_is_billed_once_however_many_tasks_use_it():
    """Three tasks of 600 s one after the other on one instance that is kept between them: 1,900 s in all."""
    tasks = [task(600.0, arrival_s=t) for t in (0.0, 650.0, 1_300.0)]
    run = play(world([pool()], tasks, idle_timeout_s=100.0), [ON_DEMAND] * 3)
    assert run.totals["launches"] == 1
    assert run.dollars == pytest.approx([1.9])  # the last task ends the episode at 1,900


def test_two_tasks_on_two_instances_are_billed_twice():
    run = play(world([pool()], [task(600.0), task(600.0)]), [ON_DEMAND] * 2)
    assert run.dollars == pytest.approx([0.6, 0.6])


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.5, 1.0, 4.0])
def test_the_interruption_rate_follows_its_setting(factor):
    """The same draw at `factor` times the hazard: the life is `factor` times shorter."""
    hazard = factor * unit_lifetime(0, 0) / 1_000.0
    run = play(world([pool(hazards=((0.0, hazard),))], [task(9_000.0)]), [SPOT, ON_DEMAND])
    assert run.of("NOTICE")[0][0] == pytest.approx(1_000.0 / factor)


def test_no_hazard_no_interruption():
    run = play(world([pool()], [task(15_000.0)]), [SPOT])
    assert run.totals["interruptions"] == 0


@pytest.mark.parametrize(("gbps", "load_s"), [(1.0, 64.0), (8.0, 8.0), (10.0, 6.4)])
def test_one_megabyte_is_one_megabyte(gbps, load_s):
    """8,000 MB at 1 Gbit/s = 125 MB/s; 1,024s or 1,048,576s would give 65.5 s or 67.1 s, bits for bytes 8 s."""
    run = play(world([pool(bandwidth_gbps=gbps)], [task(100.0, state_mb=8_000.0)]), [SPOT])
    assert run.of("PLACE")[0][4] == load_s


def test_memory_of_tasks_and_of_gpus_is_in_one_unit():
    run = play(world([pool(gpu_memory_mb=24_000.0)], [task(100.0, memory_mb=24_000.0)]), [SPOT])
    assert run.masks[0][SPOT]
    run = play(world([pool(gpu_memory_mb=24_000.0), pool(gpu_memory_mb=1e6)], [task(100.0, memory_mb=24_001.0)]), [2])
    assert not run.masks[0][SPOT]


# --- the same again --------------------------------------------------------------------------------------------------

RUN = """
import hashlib
import numpy as np
from tessera_env.vector_env import TesseraVectorEnv

env = TesseraVectorEnv(2, "classic")
observations, infos = env.reset(seed=5)
digest = hashlib.sha256(observations.tobytes())
for step in range(60):
    masks = env.action_masks()
    actions = np.array([np.flatnonzero(mask)[step % mask.sum()] for mask in masks])
    observations, rewards, *_ = env.step(actions)
    digest.update(observations.tobytes() + rewards.tobytes())
print(digest.hexdigest())
"""


def test_a_result_does_not_change_from_run_to_run():
    """Two processes that order their sets and dictionaries differently."""
    digests = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True)
        digests.add(done.stdout.strip())
    assert len(digests) == 1
    assert len(digests.pop()) == hashlib.sha256().digest_size * 2

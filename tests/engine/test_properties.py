"""What holds in every scenario, whatever is answered."""

import copy
import pickle

import numpy as np
import pytest
from gymnasium.spaces import Box
from hypothesis import given
from hypothesis import strategies as st

from tessera_env.engine.kinds import LogKind, TaskStatus
from tests.engine.audit import Auditor
from tests.engine.scenarios import (
    answer,
    assert_mask_is_what_is_accepted,
    digest,
    finish,
    mappings,
    started,
    step,
    world_of,
)

SEEDS = st.integers(0, 2**64 - 1)
CHOICES = st.integers(0, 1_000)


@given(mappings(), SEEDS, CHOICES)
def test_the_books_agree_after_every_step(values, seed, choices):
    """Work, hours and dollars by the event log; time and instances in order; see the auditor."""
    simulation, rng, auditor = started(values, seed, log_events=True), np.random.default_rng(choices), Auditor()
    auditor.look(simulation)
    while not simulation.views.terminated[0]:
        step(simulation, answer(simulation, rng))
        auditor.look(simulation)
    totals = simulation.state.episodes[0]
    billed_s = totals.spot_s + totals.on_demand_s
    busy_s = sum(machine.busy_s for machine in auditor.machines.values())
    tasks = simulation.state.tasks[0][: simulation.state.episodes[0].task_count]
    useful_s = sum(tasks.progress_s.tolist())
    assert billed_s >= busy_s - 1e-6
    assert busy_s >= useful_s + totals.work_lost_s - 1e-6
    assert useful_s <= sum(tasks.work_s.tolist()) + 1e-6


@given(mappings(), SEEDS, CHOICES)
def test_observations_lie_in_their_space(values, seed, choices):
    simulation, rng = started(values, seed), np.random.default_rng(choices)
    layout = simulation.layout
    space = Box(layout.low, layout.high, dtype=np.float32)
    while True:
        observation = simulation.views.observations[0]
        if observation not in space:
            outside = (observation < layout.low) | (observation > layout.high) | ~np.isfinite(observation)
            pytest.fail(f"indices {np.flatnonzero(outside)}: {observation[outside]}")
        if simulation.views.terminated[0]:
            break
        step(simulation, answer(simulation, rng))
    assert np.isfinite(simulation.state.episodes[0].episode_return)


@given(mappings(), SEEDS, CHOICES)
def test_the_mask_is_what_is_accepted(values, seed, choices):
    """Every action tried on a copy; no action at all out of range is accepted."""
    simulation, rng = started(values, seed), np.random.default_rng(choices)
    for _ in range(6):
        if simulation.views.terminated[0]:
            break
        assert_mask_is_what_is_accepted(simulation)
        step(simulation, answer(simulation, rng))


@given(mappings(), SEEDS, CHOICES, st.booleans())
def test_an_invalid_action_means_a_valid_one(values, seed, choices, invalid_waits):
    """Where it is, else nowhere, else on some instance; or always nowhere, if that was asked for."""
    simulation, rng = started(values, seed), np.random.default_rng(choices)
    simulation.params.config[0].invalid_waits = invalid_waits
    for _ in range(10):
        if simulation.views.terminated[0]:
            return
        mask = simulation.state.masks[0]
        if not mask.all():
            task = simulation.state.tasks[0, simulation.state.episodes[0].focal]
            stay = int(task.placement) if task.status == TaskStatus.PLACED else 0
            valid = 0 if invalid_waits else next(k for k in (stay, 0, *range(1, len(mask))) if mask[k])
            invalid, twin = copy.deepcopy(simulation), copy.deepcopy(simulation)
            step(invalid, int(np.flatnonzero(~mask)[0]))
            step(twin, valid)
            assert invalid.state.episodes[0].invalid_actions == twin.state.episodes[0].invalid_actions + mask[valid]
            invalid.state.episodes[0].invalid_actions = twin.state.episodes[0].invalid_actions
            if mask[stay] or mask[0] or invalid_waits:
                assert digest(invalid) == digest(twin)
        step(simulation, answer(simulation, rng))


@given(mappings(), SEEDS, CHOICES)
def test_totals_are_sums_of_steps(values, seed, choices):
    simulation, rng = started(values, seed), np.random.default_rng(choices)
    rewards, hours, decisions = [], [simulation.views.elapsed_h[0]], 0
    while not simulation.views.terminated[0]:
        step(simulation, answer(simulation, rng))
        rewards.append(simulation.views.rewards[0])
        hours.append(simulation.views.elapsed_h[0])
        decisions += 1
    metrics = simulation.metrics(np.array([0]))
    assert metrics["episode_return"][0] == pytest.approx(sum(rewards), rel=1e-9, abs=1e-9)
    assert metrics["elapsed_h"][0] == pytest.approx(sum(hours))
    assert metrics["decisions"][0] == decisions
    assert metrics["cost_usd"][0] == metrics["spot_usd"][0] + metrics["on_demand_usd"][0]
    assert -metrics["episode_return"][0] * metrics["scale_usd"][0] >= metrics["cost_usd"][0] - 1e-9
    assert metrics["tasks_done"][0] <= metrics["tasks"][0]


@given(mappings(), SEEDS, CHOICES)
def test_littles_law(values, seed, choices):
    """The area under the number of tasks in the system is the sum of their stays, exactly, in every run."""
    simulation = started(values, seed, log_events=True)
    finish(simulation, choices)
    row = simulation.state.episodes[0]
    tasks = simulation.state.tasks[0][: row.task_count]
    area_s, present, since_s = 0.0, 0, 0.0
    for line in simulation.state.log[0][: row.log_count]:
        if line.kind in (LogKind.ARRIVAL, LogKind.COMPLETION):
            area_s += present * (line.time_s - since_s)
            present, since_s = present + (1 if line.kind == LogKind.ARRIVAL else -1), line.time_s
    area_s += present * (row.now_s - since_s)
    stays_s = np.minimum(tasks.completion_s, row.now_s) - np.minimum(tasks.arrival_s, row.now_s)
    assert area_s == pytest.approx(stays_s.sum(), rel=1e-12)
    assert present == tasks.shape[0] - row.done - np.count_nonzero(tasks.arrival_s >= row.now_s)


@given(mappings(), SEEDS)
def test_no_action_changes_the_world(values, seed):
    before = world_of(started(values, seed))
    for choices in range(3):
        simulation = started(values, seed)
        finish(simulation, choices)
        assert world_of(simulation) == before


@given(mappings(), SEEDS, CHOICES)
def test_a_snapshot_goes_on_as_the_original_does(values, seed, choices):
    simulation, rng = started(values, seed, log_events=True), np.random.default_rng(choices)
    for _ in range(8):
        if not simulation.views.terminated[0]:
            step(simulation, answer(simulation, rng))
    restored = pickle.loads(pickle.dumps(simulation))
    assert finish(simulation, choices) == finish(restored, choices)
    assert digest(simulation) == digest(restored)
    count = simulation.state.episodes[0].log_count
    assert simulation.state.log[0][:count].tolist() == restored.state.log[0][:count].tolist()


@given(mappings(), SEEDS, CHOICES, st.sampled_from([1, 2, 3]))
def test_a_row_does_not_depend_on_the_others(values, seed, choices, threads):
    """Row k of many, on any number of threads, is the single row of seed + k."""
    seed %= 2**63
    many = started(values, seed, rows=4, threads=threads)
    single = [started(values, seed + row) for row in range(4)]
    rng = np.random.default_rng(choices)
    for _ in range(25):
        actions = rng.integers(0, many.state.masks.shape[1], 4)
        for row in range(4):
            assert digest(many, row) == digest(single[row])
            step(single[row], actions[row])
        step(many, *actions)
    for row in range(4):  # nothing that was done before changes it, see test_no_action_changes_the_world
        assert world_of(many, row) == world_of(single[row])


@given(mappings(), SEEDS, CHOICES)
def test_who_obeys_the_mask_makes_no_invalid_action(values, seed, choices):
    simulation = started(values, seed)
    finish(simulation, choices, invalid=0.0)
    assert simulation.state.episodes[0].invalid_actions == 0

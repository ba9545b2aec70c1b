"""A world's own number of tasks: what lies behind it in the tables is never seen."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tessera_env.engine.episode import clear_episode, draw_world, open_episode
from tessera_env.engine.state import BLANK_TASK, TASK
from tessera_env.env import TesseraEnv
from tessera_env.evaluation.episodes import play_episode
from tessera_env.jit.compiled import INTERPRETER
from tessera_env.policies import make_policy
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation
from tessera_env.vector_env import TesseraVectorEnv
from tests.engine.scenarios import digest, finish, started, step

# Two tasks arrive on average, twelve at the most; most are done long before the horizon.
VALUES = {
    "horizon_h": 10.0,
    "decision_interval_s": 600.0,
    "notice_s": 60.0,
    "task": {
        "count": 12,
        "arrivals": "poisson",
        "arrivals_per_h": 0.25,
        "work_h": {"uniform": [0.5, 1.5]},
        "slack": {"uniform": [1.0, 3.0]},
        "interactive_share": 0.3,
    },
    "pools": [
        {
            "name": "p",
            "zone": "z",
            "instance_type": "t",
            "gpu_memory_mb": 1.0,
            "on_demand_usd_per_h": 3.0,
            "price": {"source": "constant", "usd_per_h": 1.0},
            "hazard": {"model": "constant", "per_h": 0.5},
        }
    ],
}
SPOT = 1


MANY, FEW = 81, 1  # seeds whose world 0 has many tasks, and one


def metrics_of(simulation: Simulation) -> dict[str, float]:
    """The first row's."""
    return {name: value[0] for name, value in simulation.metrics(np.array([0])).items()}


@pytest.fixture(scope="module")
def counts() -> dict[int, int]:
    """How many tasks the two worlds have."""
    return {seed: int(started(VALUES, seed).state.episodes[0].task_count) for seed in (MANY, FEW)}


def test_the_worlds_differ_as_the_tests_need_it(counts):
    assert 5 <= counts[MANY] < 12
    assert counts[FEW] == 1


@pytest.mark.parametrize("seed", [MANY, FEW])
def test_an_episode_is_over_when_its_own_tasks_are_done(counts, seed):
    simulation = started(VALUES, seed, log_events=True)
    finish(simulation, 0)
    metrics = metrics_of(simulation)
    assert metrics["tasks"] == counts[seed] == metrics["tasks_done"]
    assert metrics["elapsed_h"] < 10.0
    tasks = simulation.state.tasks[0][: counts[seed]]
    assert metrics["work_done_h"] == pytest.approx(tasks.work_s.sum() / 3_600.0)
    assert metrics["scale_usd"] == pytest.approx(3.0 * metrics["work_done_h"])
    stays_h = (tasks.completion_s - tasks.arrival_s) / 3_600.0
    for percent in (50, 95, 99):
        assert metrics[f"completion_p{percent}_h"] == pytest.approx(np.percentile(stays_h, percent))


def test_a_row_shows_nothing_of_an_earlier_world_with_more_tasks():
    """The same row plays a world of many tasks to the end, then one of a single task, as a fresh row does."""
    used, fresh = started(VALUES, MANY), started(VALUES, FEW)
    finish(used, 0)
    used.address(0, FEW, 0)
    used.run(np.array([int(Command.START)]))
    assert used.state.tasks[0][1] == BLANK_TASK[0]  # of the earlier world's second task nothing is left
    while not fresh.views.terminated[0]:
        assert digest(used) == digest(fresh)
        step(used, SPOT)
        step(fresh, SPOT)
    assert digest(used) == digest(fresh)
    assert metrics_of(used) == metrics_of(fresh)


def test_stopped_at_the_horizon_only_its_own_tasks_count_as_unfinished():
    """Nobody is ever placed: each task of the world is missed or left, and no other."""
    used, fresh = started(VALUES, MANY), started(VALUES, FEW)
    finish(used, 0)
    used.address(0, FEW, 0)
    used.run(np.array([int(Command.START)]))
    for simulation in (used, fresh):
        while not simulation.views.terminated[0]:
            step(simulation, 0)
    metrics = metrics_of(used)
    assert metrics == metrics_of(fresh)
    assert (metrics["tasks"], metrics["tasks_done"], metrics["work_done_h"]) == (1, 0, 0.0)
    assert metrics["deadlines_missed"] <= 1
    assert metrics["completion_p50_h"] == 0.0


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_each_of_a_vectors_episodes_has_its_own_number(mode):
    """Row after row, reset by itself: the metrics are those of that world in an environment of its own."""
    env = TesseraVectorEnv(2, VALUES, autoreset_mode=mode)
    env.reset(seed=[MANY, FEW])
    seen: list[list[dict]] = [[], []]
    while min(map(len, seen)) < 3:
        _observations, _rewards, terminated, _truncated, infos = env.step(np.full(2, SPOT))
        for row in np.flatnonzero(terminated):
            metrics = infos.get("final_info", infos)["metrics"]
            seen[row].append({name: value[row] for name, value in metrics.items() if name[0] != "_"})
    for row, seed in enumerate((MANY, FEW)):
        for episode, metrics in enumerate(seen[row][:3]):
            single = TesseraEnv(VALUES)
            single.reset(seed=seed, options={"world": episode})
            over, info = False, {}
            while not over:
                _observation, _reward, over, _truncated, info = single.step(SPOT)
            assert {name: float(value) for name, value in metrics.items()} == info["metrics"]


def test_the_number_to_come_cannot_be_read_from_the_observation(counts):
    """The same world without its last task looks the same until that task arrives."""
    whole, shorter = started(VALUES, MANY), started(VALUES, MANY)
    last_s = float(whole.state.tasks[0][counts[MANY] - 1].arrival_s)
    # As plain Python, which gives the same bits: to compile them for Python takes seconds.
    INTERPRETER.run(clear_episode, (shorter.state, 0))
    INTERPRETER.run(draw_world, (shorter.params, shorter.state, 0))
    shorter.state.episodes[0].task_count -= 1
    INTERPRETER.run(open_episode, (shorter.params, shorter.state, 0))
    shorter.run(np.array([int(Command.RESUME)]))
    seen = 0
    while whole.now_s[0] < last_s and not shorter.views.terminated[0]:
        assert whole.views.observations[0].tolist() == shorter.views.observations[0].tolist()
        assert whole.state.masks[0].tolist() == shorter.state.masks[0].tolist()
        step(whole, SPOT)
        step(shorter, SPOT)
        seen += 1
    assert seen >= 4


def test_an_episodes_record_holds_its_own_tasks(counts):
    scenario = load_scenario(VALUES)
    for seed in (MANY, FEW):
        policy = make_policy("greedy", TesseraEnv(scenario).layout)
        episode = play_episode(scenario, policy, seed, 0)
        assert len(episode.tasks) == episode.metrics["tasks"] == counts[seed]
        assert (episode.tasks["work_s"] > 0.0).all()


def test_a_picture_shows_its_own_tasks(monkeypatch):
    shown = []
    monkeypatch.setattr("tessera_env.env.gantt_image", lambda *arguments: shown.append(arguments))
    env = TesseraEnv(VALUES, render_mode="rgb_array")
    env.reset(seed=FEW, options={"world": 0})
    env.render()
    (arguments,) = shown
    assert [len(table) for table in arguments if isinstance(table, np.ndarray) and table.dtype == TASK] == [1]

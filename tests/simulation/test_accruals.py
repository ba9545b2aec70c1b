"""Metrics in mid-episode are up to now: by hand, against the event log, and in every form that cuts an episode."""

from random import Random

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numba import config as numba_config

from tessera_env.env import MetricsAtEnd, TesseraEnv
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.accruals import accruals_of
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation
from tessera_env.vector_env import TesseraVectorEnv
from tests.engine.play import ON_DEMAND, PLANNER, SPOT, laid, play
from tests.presets import TASK_PRESETS
from tests.reference.worlds import pool, random_policy, random_world, task, world
from tests.simulation.metrics_audit import ROW, MetricsAuditor

STEPS = 60 if numba_config.DISABLE_JIT else 600
FEW = {"task.count": 6}
CUT = 9  # steps, after which something runs


def test_worked_out_by_hand():
    """At 400 s task 0 has been on spot ($0.0005/s) since 0, set up until 36 s, task 1 on on-demand ($0.001/s)."""
    tasks = [task(1_000.0), task(2_000.0), task(100.0, arrival_s=300.0), task(100.0, arrival_s=400.0)]
    simulation = laid(world([pool(setup_s=36.0)], tasks, decision_interval_s=1e5), PLANNER, 0)
    simulation.run(np.array([int(Command.RESUME)]))
    for answer in (SPOT, ON_DEMAND, 0):
        simulation.run(np.array([int(Command.STEP)]), np.array([answer]))
    metrics = {name: value[0].item() for name, value in simulation.metrics(ROW).items()}
    assert simulation.now_s[0] == 400.0
    assert (metrics["spot_usd"], metrics["on_demand_usd"]) == pytest.approx((0.2, 0.4))
    assert metrics["cost_usd"] == metrics["objective_usd"] == pytest.approx(0.6)
    hours = ("spot_h", "on_demand_h", "setup_h", "work_done_h", "waiting_h")
    assert [3_600.0 * metrics[name] for name in hours] == pytest.approx([400.0, 400.0, 72.0, 728.0, 100.0])


@pytest.mark.parametrize("block", range(3))
def test_metrics_of_random_worlds_are_those_of_the_books(block):
    for seed in range(60_000 + 20 * block, 60_020 + 20 * block):
        auditor = MetricsAuditor()
        play(random_world(Random(seed)), random_policy(seed), seed=seed, look=auditor.look)
        assert auditor.least["elapsed_h"] > 0.0


@pytest.mark.parametrize("preset", TASK_PRESETS)
def test_metrics_of_a_preset_are_those_of_the_books(preset):
    simulation = Simulation(load_scenario(preset), 1, log_events=True)
    simulation.address(0, 12, 0)
    rng, auditor, running = np.random.default_rng(4), MetricsAuditor(), 0
    simulation.run(np.array([int(Command.START)]))
    for _ in range(STEPS):
        if simulation.views.terminated[0]:
            break
        allowed = np.flatnonzero(simulation.state.masks[0])
        simulation.run(np.array([int(Command.STEP)]), np.array([rng.choice(allowed)]))
        auditor.look(simulation)
        running += bool(auditor.alive)
    assert running > 10


def test_nothing_runs_up_where_all_is_over():
    """Their metrics are the engine's totals, to the bit."""
    seen: list[Simulation] = []
    play(random_world(Random(7)), random_policy(7), seed=7, look=seen.append)
    simulation = seen[-1]
    assert accruals_of(simulation.params, simulation.state, ROW) == {}
    for name in ("spot_usd", "on_demand_usd"):
        assert simulation.metrics(ROW)[name][0] == simulation.state.episodes[name][0]


def test_an_episode_that_is_over_beside_one_that_is_not():
    """Both rows' metrics are what each has alone; nothing is left of an episode that was cut."""
    simulation = Simulation(load_scenario("fleet", **FEW), 2)
    simulation.start(np.ones(2, dtype=bool), [3, 4], [0, 0])
    simulation.run(np.full(2, int(Command.STEP)), np.array([1, 1]))  # row 0 is cut while an instance runs
    assert simulation.metrics(ROW)["cost_usd"][0] >= 0.0
    simulation.start(np.array([True, False]), [5, 4], [0, 0])
    assert simulation.metrics(ROW)["cost_usd"][0] == simulation.metrics(ROW)["spot_h"][0] == 0.0
    while not simulation.views.terminated[1]:
        simulation.run(np.array([int(Command.SKIP), int(Command.STEP)]), np.array([0, 1]))
    alone = simulation.metrics(np.array([1]))
    simulation.run(np.array([int(Command.STEP), int(Command.SKIP)]), np.array([1, 0]))
    together = simulation.metrics(np.array([0, 1]))
    assert {name: value[1] for name, value in together.items()} == {name: value[0] for name, value in alone.items()}


def cut_single(make) -> dict[str, float]:
    """The metrics of an episode that a step limit cuts, on spot wherever that is valid, with its rewards' sum."""
    env, total = make(), 0.0
    _, info = env.reset(seed=3)
    truncated = False
    while not truncated:
        _, reward, terminated, truncated, info = env.step(int(info["action_mask"][1]))
        total += reward
        assert not terminated
    return {**info["metrics"], "rewards": total}


def limited(**settings):
    return gym.wrappers.TimeLimit(TesseraEnv("fleet", reward="plain", overrides=FEW, **settings), CUT)


MAKERS = [lambda: MetricsAtEnd(limited()), lambda: limited(metrics_every_step=True)]


@pytest.mark.parametrize("make", MAKERS, ids=["at_end", "every_step"])
def test_a_cut_episode_s_cost_is_what_its_rewards_say(make):
    metrics = cut_single(make)
    assert metrics["spot_usd"] > 0.0, "an instance runs"
    assert metrics["objective_usd"] == pytest.approx(-metrics["rewards"] * metrics["scale_usd"], rel=1e-9)
    assert metrics["cost_usd"] == pytest.approx(metrics["objective_usd"] - metrics["penalty_usd"], rel=1e-9)


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_cut_row_s_metrics_are_those_of_the_single_environment(mode, every_step):
    """In every autoreset mode, to the bit; its next episode starts from nothing."""
    settings = {"autoreset_mode": mode, "max_episode_steps": CUT, "metrics_every_step": every_step}
    envs = TesseraVectorEnv(2, "fleet", overrides=FEW, **settings)
    _, infos = envs.reset(seed=3)
    for _ in range(CUT):
        _, _, _, truncated, infos = envs.step(infos["action_mask"][:, 1].astype(np.int64))
    assert truncated.all()
    metrics = infos.get("final_info", infos)["metrics"]
    single = cut_single(MAKERS[0])
    single.pop("rewards")
    assert {name: metrics[name][0].item() for name in single} == single
    if mode == AutoresetMode.DISABLED:
        envs.reset(options={"reset_mask": np.ones(2, dtype=bool)})
    elif mode == AutoresetMode.NEXT_STEP:
        envs.step(np.zeros(2, dtype=np.int64))
    assert envs.episode_metrics([0, 1])["cost_usd"].tolist() == [0.0, 0.0]

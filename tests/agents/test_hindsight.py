"""What the critic is told about the future is true, and its rewards add up to the same choice of policies."""

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from torch import nn

from agents.balance import BalancedVecEnv
from agents.hindsight import HINDSIGHT_SIZE, WINDOWS_H, HindsightVecEnv
from agents.networks import HindsightMlp
from agents.vec_env import TesseraVecEnv
from tessera_env.evaluation.optimum.clairvoyant import optimum_of
from tessera_env.policies import make_policy
from tessera_env.vector_env import TesseraVectorEnv

ROWS = 8
SHORT = {"task.work_h": 8.0, "task.deadline_h": {"uniform": [9.0, 14.0]}, "horizon_h": 16.0}


def vec_env() -> TesseraVecEnv:
    env = TesseraVecEnv(
        TesseraVectorEnv(ROWS, "deadline", autoreset_mode=AutoresetMode.SAME_STEP, reward="plain", overrides=SHORT)
    )
    env.seed(3)
    return env


def spells(env: TesseraVecEnv, row: int) -> list[tuple[bool, float]]:
    """(up, hours) from the row's start to its deadline, read from the market's table."""
    state = env.env.simulation.state
    points = state.market[row, 0][: state.pools[row, 0].point_count]
    deadline_s = state.tasks[row, 0].deadline_s
    edges = [*np.minimum(points["time_s"], deadline_s), deadline_s]
    found: list[tuple[bool, float]] = []
    for capacity, start_s, end_s in zip(points["capacity"], edges[:-1], edges[1:], strict=True):
        hours = (end_s - start_s) / 3600.0
        if found and found[-1][0] == (capacity > 0):
            hours += found.pop()[1]
        found.append((bool(capacity > 0), hours))
    return [spell for spell in found if spell[1] > 0.0]


def test_the_future_at_the_start() -> None:
    env = vec_env()
    inner = env.observation_space.shape[0]
    observations = HindsightVecEnv(env).reset()
    assert observations.shape == (ROWS, inner + HINDSIGHT_SIZE)
    for row in range(ROWS):
        future, known = observations[row, inner:], spells(env, row)
        up_h = sum(hours for up, hours in known if up)
        assert future[0] == pytest.approx(min(up_h / 8.0, 1.0), rel=1e-5)
        count = sum(up for up, _ in known)
        assert future[2] == pytest.approx(count / (count + 16), rel=1e-5)
        assert future[-3] == pytest.approx(known[0][1] / (known[0][1] + 1.0), rel=1e-4)
        start_h, inside_h = 0.0, 0.0
        for up, hours in known:
            inside_h += up * max(0.0, min(start_h + hours, WINDOWS_H[2]) - start_h)
            start_h += hours
        assert future[6 + 2] == pytest.approx(inside_h / WINDOWS_H[2], rel=1e-4, abs=1e-5)


def test_regrets_add_up_to_the_cost_above_a_bound_on_the_optimum() -> None:
    """So they rank policies in a world as its dollars do; the bound is close to the optimum, and never above it."""
    plain, shaped = vec_env(), HindsightVecEnv(vec_env())
    observations, inner = shaped.reset(), plain.observation_space.shape[0]
    np.testing.assert_array_equal(observations[:, :inner], plain.reset())
    simulation = plain.env.simulation
    scale = simulation.state.episodes["scale_usd"].copy()
    optimum = np.array([optimum_of(simulation, row).lower_usd for row in range(ROWS)]) / scale
    bound = shaped._least.copy()
    assert (bound <= optimum + 1e-9).all() and (bound > 0.9 * optimum).all()
    policy = make_policy("slack_threshold", simulation.layout)
    regrets, running = np.zeros(ROWS), np.ones(ROWS, dtype=bool)
    while running.any():
        actions, _ = policy.predict(observations[:, :inner], action_masks=shaped.venv.env.action_masks())
        observations, rewards, dones, infos = shaped.step(actions)
        regrets[running] += rewards[running]
        for row in np.flatnonzero(dones & running):
            assert regrets[row] == pytest.approx(infos[row]["episode"]["r"] + bound[row], abs=1e-4)
            assert len(infos[row]["terminal_observation"]) == inner + HINDSIGHT_SIZE
        running &= ~dones
    assert (regrets < 1e-5).all() and (regrets < -1e-3).any()


def test_the_actor_does_not_see_the_future() -> None:
    torch.manual_seed(0)
    net, seen = HindsightMlp(20 + HINDSIGHT_SIZE, [8], nn.Tanh), torch.randn(4, 20 + HINDSIGHT_SIZE)
    other = seen.clone()
    other[:, 20:] += 1.0
    assert torch.equal(net.forward_actor(seen), net.forward_actor(other))
    assert torch.equal(net.forward_actor(seen), net.forward_actor(seen[:, :20]))
    assert not torch.equal(net.forward_critic(seen), net.forward_critic(other))


def test_balanced_rewards_are_the_same_in_the_unit_of_their_own_world() -> None:
    plain, balanced = vec_env(), BalancedVecEnv(vec_env())
    observations = plain.reset()
    balanced.reset()
    policy = make_policy("greedy", plain.env.simulation.layout)
    ended = 0
    for _ in range(200):
        changeover_h = plain.env.simulation.state.pools["setup_s"][:, 0] / 3600.0
        actions, _ = policy.predict(observations, action_masks=plain.env.action_masks())
        observations, rewards, dones, _ = plain.step(actions)
        _, weighed, _, _ = balanced.step(actions)
        np.testing.assert_allclose(weighed, rewards * 0.1 / (0.025 + 0.245 * changeover_h), rtol=1e-5)
        ended += int(dones.sum())
    assert ended > ROWS

"""The ledger's figures add up to the episode's objective, and the environment stays as it is."""

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stable_baselines3.common.vec_env import VecCheckNan, unwrap_vec_wrapper

from agents.credit.ledger import LedgerVecEnv
from agents.vec_env import TesseraVecEnv
from tessera_env.policies import make_policy
from tessera_env.vector_env import TesseraVectorEnv
from tests.agents.credit.played import SMALL, ledger_env, masked_choice

WORLDS: dict[str, dict[str, Any]] = {
    "fleet": {"task.count": 12},
    "fleet-mixed": {"task.count": 12, "horizon_h": 24.0},
    "classic": {"task.count": 12},
}


def sum_of_rewards(env: LedgerVecEnv, policy: str, seed: int) -> tuple[float, float]:
    """What all tasks' decisions are paid in the first episode that ends, and the environment's return in it."""
    generator, rule = np.random.default_rng(seed), make_policy(policy, env.venv.env.layout)  # type: ignore[attr-defined]
    env.seed(seed)
    observations = env.reset()
    owed: list[dict[int, float]] = [{} for _ in range(env.num_envs)]  # by each task at its latest decision
    paid = np.zeros(env.num_envs)
    while True:
        masks = env.venv.env.action_masks()  # type: ignore[attr-defined]
        actions, _ = rule.predict(observations, action_masks=masks)
        random = generator.random(env.num_envs) < 0.3
        observations, _, _, infos = env.step(np.where(random, masked_choice(masks, generator), actions))
        for row, asked in enumerate(env.answered):
            paid[row] += asked.owed - owed[row].get(int(asked.task), 0.0)
            owed[row][int(asked.task)] = float(asked.owed)
        for row in np.flatnonzero(env.ended):
            for task in range(env.task_count):
                paid[row] += env.settled[row, task] - owed[row].get(task, 0.0)
            return -paid[row], infos[row]["metrics"]["episode_return"]


@pytest.mark.parametrize("scenario", WORLDS)
def test_all_tasks_rewards_add_up_to_the_return(scenario: str) -> None:
    env = ledger_env(2, scenario, **WORLDS[scenario])

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(seed=st.integers(0, 2**30), policy=st.sampled_from(["greedy", "yielding", "random"]))
    def check(seed: int, policy: str) -> None:
        rewards, episode_return = sum_of_rewards(env, policy, seed)
        assert rewards == pytest.approx(episode_return, abs=1e-9)

    check()


@pytest.mark.parametrize("scenario", ["fleet", "fleet-mixed", "classic"])
def test_they_do_in_the_presets_as_they_are(scenario: str) -> None:
    rewards, episode_return = sum_of_rewards(ledger_env(2, scenario), "yielding", 7)
    assert rewards == pytest.approx(episode_return, abs=1e-9)


def test_who_is_asked_owes_as_much_as_in_the_list_of_all() -> None:
    env = ledger_env(**SMALL)
    env.reset()
    generator = np.random.default_rng(1)
    for _ in range(100):
        env.step(masked_choice(env.venv.env.action_masks(), generator))  # type: ignore[attr-defined]
        rows = np.arange(env.num_envs)
        np.testing.assert_array_equal(env.owed()[rows, env.asked.task], env.asked.owed)
        assert not env.done()[rows, env.asked.task].any()


def test_the_environment_is_not_changed() -> None:
    plain = TesseraVecEnv(
        TesseraVectorEnv(5, scenario="fleet", autoreset_mode=AutoresetMode.SAME_STEP, overrides=SMALL)
    )
    env = VecCheckNan(ledger_env(**SMALL), raise_exception=True)
    plain.seed(3)
    env.seed(3)
    np.testing.assert_array_equal(env.reset(), plain.reset())
    generator = np.random.default_rng(1)
    for _ in range(200):
        actions = masked_choice(plain.env.action_masks(), generator)
        for ours, theirs in zip(env.step(actions)[:3], plain.step(actions)[:3], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert isinstance(unwrap_vec_wrapper(env, LedgerVecEnv), LedgerVecEnv)


def test_episodes_that_are_cut_short_are_refused() -> None:
    env = TesseraVectorEnv(2, scenario="fleet", autoreset_mode=AutoresetMode.SAME_STEP, max_episode_steps=5)
    with pytest.raises(ValueError, match=r"max_episode_steps 5 \(allowed: None"):
        LedgerVecEnv(TesseraVecEnv(env))

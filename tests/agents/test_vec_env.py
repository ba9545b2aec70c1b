"""TesseraVecEnv keeps Stable-Baselines3's contract and changes nothing that the environment says."""

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3.common.vec_env import VecCheckNan

from agents.vec_env import TesseraVecEnv
from tessera_env.vector_env import TesseraVectorEnv

ROWS = 6
SHORT = {"task.work_h": 1.0, "task.deadline_h": 2.0}  # an episode of some 6 to 12 decisions


def vector_env(mode: AutoresetMode = AutoresetMode.SAME_STEP, **settings: Any) -> TesseraVectorEnv:
    return TesseraVectorEnv(ROWS, "deadline", autoreset_mode=mode, reward="plain", overrides=SHORT, **settings)


def masked_choice(masks: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.where(masks, generator.random(masks.shape), -1.0).argmax(axis=1)


def test_step_by_step_equal_to_the_vector_environment() -> None:
    plain, adapted = vector_env(), TesseraVecEnv(vector_env())
    adapted.seed(5)
    observations, _ = plain.reset(seed=5)
    np.testing.assert_array_equal(adapted.reset(), observations)
    generator = np.random.default_rng(0)
    returns, lengths, ended = np.zeros(ROWS), np.zeros(ROWS, int), 0
    for _ in range(60):
        np.testing.assert_array_equal(get_action_masks(adapted), plain.action_masks())
        actions = masked_choice(plain.action_masks(), generator)
        observations, rewards, terminated, truncated, vector_infos = plain.step(actions)
        given, given_rewards, dones, infos = adapted.step(actions)
        returns += rewards
        lengths += 1
        np.testing.assert_array_equal(given, observations)
        np.testing.assert_array_equal(given_rewards, rewards.astype(np.float32))
        np.testing.assert_array_equal(dones, terminated | truncated)
        assert given_rewards.dtype == np.float32 and dones.dtype == bool and isinstance(infos, list)
        for row in range(ROWS):
            if not dones[row]:
                assert infos[row] == {}
                continue
            ended += 1
            np.testing.assert_array_equal(infos[row]["terminal_observation"], vector_infos["final_obs"][row])
            assert infos[row]["TimeLimit.truncated"] is False
            assert infos[row]["episode"] == {"r": returns[row], "l": lengths[row]}
            assert infos[row]["metrics"]["episode_return"] == pytest.approx(returns[row], abs=1e-9)
            assert infos[row]["metrics"]["tasks_done"] == 1.0
            assert infos[row]["metrics"].keys() == plain.episode_metrics([row]).keys()
            returns[row], lengths[row] = 0.0, 0
    assert ended > 2 * ROWS


def test_truncation_is_told_apart_from_the_end() -> None:
    env = TesseraVecEnv(vector_env(max_episode_steps=3))
    env.seed(0)
    env.reset()
    for step in range(1, 4):
        _, _, dones, infos = env.step(np.zeros(ROWS, np.int64))
        assert dones.all() == (step == 3) and dones.any() == (step == 3)
    assert all(info["TimeLimit.truncated"] is True for info in infos)
    assert all(info["episode"]["l"] == 3 for info in infos)


def test_terminal_observation_is_of_the_ended_episode_and_the_returned_one_of_the_next() -> None:
    env = TesseraVecEnv(vector_env(max_episode_steps=3))
    env.seed(0)
    env.reset()
    for _ in range(3):
        observations, _, _, infos = env.step(np.zeros(ROWS, np.int64))
    time = env.env.layout.slice_of("time")
    assert (observations[:, time] == 0.0).all()
    assert all(info["terminal_observation"][time] > 0.0 for info in infos)


def test_nothing_returned_is_changed_by_later_steps() -> None:
    env = TesseraVecEnv(vector_env())
    env.seed(0)
    first = env.reset()
    copy = first.copy()
    masks = get_action_masks(env)
    masks_copy = masks.copy()
    second, rewards, dones, infos = env.step(np.ones(ROWS, np.int64))
    kept = (second.copy(), rewards.copy(), dones.copy())
    infos[0]["mine"] = 1
    _, _, _, later_infos = env.step(np.ones(ROWS, np.int64))
    np.testing.assert_array_equal(first, copy)
    np.testing.assert_array_equal(masks, masks_copy)
    for value, before in zip((second, rewards, dones), kept, strict=True):
        np.testing.assert_array_equal(value, before)
    assert "mine" not in later_infos[0] and "mine" not in infos[1]


def test_seeds_are_used_once_and_worlds_can_be_chosen() -> None:
    env = TesseraVecEnv(vector_env())
    env.seed(3)
    first, next_worlds = env.reset(), env.reset()
    assert not np.array_equal(first, next_worlds)
    env.seed(3)
    np.testing.assert_array_equal(env.reset(), first)
    env.seed(3)
    env.set_options({"world": 1})
    np.testing.assert_array_equal(env.reset(), next_worlds)


def test_masks_reach_the_algorithm_through_wrappers() -> None:
    env = VecCheckNan(TesseraVecEnv(vector_env()), raise_exception=True)
    env.seed(0)
    env.reset()
    assert is_masking_supported(env)
    assert get_action_masks(env).shape == (ROWS, 3)
    assert len(env.env_method("action_masks", indices=[1, 4])) == 2


def test_attributes_are_shared_by_all_rows() -> None:
    env = TesseraVecEnv(vector_env())
    assert env.get_attr("num_envs") == [ROWS] * ROWS
    assert env.get_attr("num_envs", indices=2) == [ROWS]
    assert not env.has_attr("nonsense")
    env.set_attr("remark", "mine")
    assert env.env.remark == "mine"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="indices"):
        env.set_attr("remark", "other", indices=[0])
    assert env.env_is_wrapped(object, indices=[0, 1]) == [False, False]  # type: ignore[arg-type]


def test_other_autoreset_modes_are_refused() -> None:
    with pytest.raises(ValueError, match="SAME_STEP"):
        TesseraVecEnv(vector_env(AutoresetMode.NEXT_STEP))

"""TesseraVectorEnv as a Stable-Baselines3 vector environment: one kernel call a step for all rows."""

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecEnv

from tessera_env.vector_env import TesseraVectorEnv


class TesseraVecEnv(VecEnv):
    """The rows of a TesseraVectorEnv in SAME_STEP mode, as Stable-Baselines3 wants to see them.

    A row whose episode ends is reset within the same step; its info then has
    `terminal_observation` (K,), `TimeLimit.truncated`, `episode` {"r": return, "l": decisions} and `metrics`
    (name -> float, the episode's totals). Other rows' infos are empty.
    `env_method("action_masks")` gives one bool row (A,) an environment, as MaskablePPO asks for them.

    Raises:
        ValueError: the environment does not reset within the step.
    """

    def __init__(self, env: TesseraVectorEnv) -> None:
        if env.metadata["autoreset_mode"] is not AutoresetMode.SAME_STEP:
            raise ValueError(
                f"env: autoreset_mode {env.metadata['autoreset_mode']} (allowed: AutoresetMode.SAME_STEP, "
                "because Stable-Baselines3 expects the next episode's observation at once)"
            )
        self.env = env
        self._returns = np.zeros(env.num_envs)
        self._lengths = np.zeros(env.num_envs, np.int64)
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> np.ndarray:
        """Reset every row and give the observations (n, K).

        Seeds given by `seed()` and worlds given by `set_options({"world": k})` since the last reset are used once.
        """
        seeds = None if self._seeds[0] is None else list(self._seeds)
        options = {"world": np.array([options["world"] for options in self._options])} if self._options[0] else None
        observations, _ = self.env.reset(seed=seeds, options=options)
        self._returns[:] = 0.0
        self._lengths[:] = 0
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions (n,) until `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Observations (n, K), rewards (n,) float32, dones (n,) and infos of the actions given to `step_async`."""
        observations, rewards, terminated, truncated, vector_infos = self.env.step(self._actions)
        self._returns += rewards
        self._lengths += 1
        dones = terminated | truncated
        # A fresh dict a row: Stable-Baselines3 lets callbacks write into them.
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(dones).tolist():
            infos[row] = self._end_of_episode(row, bool(truncated[row] and not terminated[row]), vector_infos)
        self._returns[dones] = 0.0
        self._lengths[dones] = 0
        return observations, rewards.astype(np.float32), dones, infos

    def _end_of_episode(self, row: int, was_truncated: bool, vector_infos: dict[str, Any]) -> dict[str, Any]:
        metrics = vector_infos["final_info"]["metrics"]
        return {
            "terminal_observation": np.array(vector_infos["final_obs"][row], np.float32),
            "TimeLimit.truncated": was_truncated,
            "episode": {"r": float(self._returns[row]), "l": int(self._lengths[row])},
            "metrics": {name: float(values[row]) for name, values in metrics.items() if not name.startswith("_")},
        }

    def action_masks(self) -> np.ndarray:
        """Which actions each row may take now, (n, A) bool."""
        return self.env.action_masks()

    def has_attr(self, attr_name: str) -> bool:
        """Whether the environment has the attribute."""
        return hasattr(self.env, attr_name)

    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        """The attribute once for each row asked for; all rows share the environment's attributes."""
        return [getattr(self.env, attr_name)] * self._count(indices)

    def set_attr(self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None) -> None:
        """Set an attribute of the environment, for all rows at once.

        Raises:
            ValueError: only some rows are named; they share their attributes.
        """
        if self._count(indices) != self.num_envs:
            raise ValueError(f"indices: {indices} (allowed: None, because the rows share their attributes)")
        setattr(self.env, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: int | Iterable[int] | None = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the vector environment once; an array with a row an environment is given out by rows."""
        result = getattr(self.env, method_name)(*method_args, **method_kwargs)
        if isinstance(result, np.ndarray) and result.shape[:1] == (self.num_envs,):
            return list(result) if indices is None else [result[row] for row in self._get_indices(indices)]
        return [result] * self._count(indices)

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper], indices: int | Iterable[int] | None = None
    ) -> list[bool]:
        """False for each row: no Gymnasium wrapper stands around a row of the table."""
        return [False] * self._count(indices)

    def get_images(self) -> Sequence[np.ndarray | None]:
        """No row draws pictures; TesseraEnv does."""
        return [None] * self.num_envs

    def close(self) -> None:
        """Release the environment's tables."""
        self.env.close()

    def _count(self, indices: int | Iterable[int] | None) -> int:
        return sum(1 for _ in self._get_indices(indices))

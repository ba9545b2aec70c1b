"""Many environments of one scenario, stepped together by the compiled engine."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from tessera_env.observation.queue import Queue
from tessera_env.scenario.loading import load_scenario, refuse_unknown_keywords
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.invalid_actions import NEAREST, RAISE, WAIT, check_invalid_action
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.planners import Planner
from tessera_env.simulation.rewards import SHAPED, Rewards
from tessera_env.simulation.rows import Simulation
from tessera_env.simulation.worlds import Worlds, checked_seeds, checked_worlds


class TesseraVectorEnv(VectorEnv):
    """N independent environments; row k behaves exactly like the single environment with row k's seed.

    Args:
        num_envs: how many environments, N.
        scenario: a preset's name, the path of a TOML file, a mapping, or a Scenario.
        autoreset_mode: when a finished row starts its next episode: NEXT_STEP (its next action is ignored), SAME_STEP
            (the last observation and info are in `final_obs` and `final_info`), or DISABLED (`reset` with
            `options={"reset_mask": …}` does).
        threads: threads that run the rows; the results do not depend on it.
        planner: assigns displaced tasks to instances; Kuhn-Munkres if None.
        invalid_action: what an action that the mask forbids means, besides that it is counted. "nearest": the task
            stays where it is, or waits, or goes where it runs soonest, whichever of these is valid first; "wait": it
            waits, valid or not; "raise" raises.
        reward: "shaped" or "plain", see `tessera_env.env.TesseraEnv`.
        reward_scale: rewards are multiplied by it.
        max_episode_steps: truncate after this many steps, like `gymnasium.wrappers.TimeLimit`; never if None.
        log_events: keep every row's event log, in `simulation.state.log`.
        metrics_every_step: whether the infos hold `metrics` of every row, not only where an episode ends.
        overrides: single values of the scenario by dotted name.
        **sections: the same as nested mappings or dotted names; a name that a scenario lacks is a TypeError.

    Actions, observations and rewards are those of `tessera_env.env.TesseraEnv`, with a leading axis of length N.

    So are the infos, as Gymnasium's own vector environments add them up: beside each `key` a `_key` (N,) bool says
    which rows have it, and the others' values are zero. Rows that a reset leaves out have none. `metrics` stands where
    an episode ends, by termination or truncation: a mapping of (N,) arrays, with masks of their own.

    Attributes:
        on_finished: told the rows (n,) that have finished, before they start anew in SAME_STEP mode; None: nobody is.
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Path | dict[str, Any] | Scenario = "classic",
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        threads: int = 1,
        planner: Planner | None = None,
        invalid_action: str = NEAREST,
        reward: str = SHAPED,
        reward_scale: float = 1.0,
        max_episode_steps: int | None = None,
        log_events: bool = False,
        metrics_every_step: bool = False,
        render_mode: None = None,
        overrides: dict[str, Any] | None = None,
        **sections: Any,
    ):
        refuse_unknown_keywords(TesseraVectorEnv.__init__, sections)
        for name, value in (("num_envs", num_envs), ("threads", threads), ("max_episode_steps", max_episode_steps)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name}: {value!r} (allowed: a whole number from 1)")
        check_invalid_action(invalid_action)
        if render_mode is not None:
            raise ValueError(f"render_mode: {render_mode!r} (allowed: None; the single environment renders)")
        self.num_envs = num_envs
        self.autoreset_mode = _autoreset_mode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.invalid_action = invalid_action
        self.max_episode_steps = max_episode_steps
        self.metrics_every_step = metrics_every_step
        self.render_mode = None
        self.scenario = load_scenario(scenario, **{**(overrides or {}), **sections})
        waits, rewards = invalid_action == WAIT, Rewards(reward, reward_scale)
        self.simulation = Simulation(self.scenario, num_envs, planner, threads, log_events, waits, rewards)
        self.layout = self.simulation.layout
        self.single_observation_space = Box(self.layout.low, self.layout.high, dtype=np.float32)
        self.single_action_space = Discrete(1 + 2 * self.layout.pool_count)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.on_finished: Callable[[np.ndarray], None] | None = None
        self._worlds = Worlds(num_envs)
        self._steps = np.zeros(num_envs, dtype=np.int64)
        self._finished = np.zeros(num_envs, dtype=np.bool_)
        self._commands = np.zeros(num_envs, dtype=np.int64)
        self._everybody, self._nobody = np.ones(num_envs, dtype=np.bool_), np.zeros(num_envs, dtype=np.bool_)

    def action_masks(self) -> np.ndarray:
        """Which actions are valid now, (N, A) bool."""
        return self.simulation.state.masks.copy()

    def queues(self, rows: np.ndarray | Sequence[int] | None = None) -> list[Queue]:
        """The queue of each of these rows, all if None, for policies that plan: `policy.see(envs.queues())`.

        Raises:
            RuntimeError: `reset` has not been called.
            ValueError: there is no such row.
        """
        if not self._worlds.seeds:
            raise RuntimeError("call reset before queues")
        chosen = np.arange(self.num_envs) if rows is None else np.asarray(rows, dtype=np.int64)
        if chosen.ndim != 1 or not ((chosen >= 0) & (chosen < self.num_envs)).all():
            raise ValueError(f"rows: {rows!r} (allowed: some of 0 to {self.num_envs - 1})")
        return self.simulation.queues(chosen)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode in every row, or in those that `options["reset_mask"]` names.

        Args:
            seed: row k gets seed + k, or element k of a list; its first episode is world 0 of that seed. Without a
                seed each row goes on to its seed's next world.
            options: `reset_mask` (N,) bool; `world`: which world of each row's seed, one number or (N,).

        Raises:
            ValueError: a seed, world or mask is not of the allowed form, or the first reset leaves out a row.
        """
        options = options or {}
        chosen = _mask_option(options, self.num_envs)
        if not self._worlds.seeds and not chosen.all():
            raise ValueError(f"reset_mask: {int(chosen.sum())} rows (allowed: all {self.num_envs} at the first reset)")
        self._choose_worlds(chosen, seed, options.get("world"))
        self._start(chosen)
        return self.simulation.views.observations.copy(), self._infos(chosen, ended=self._nobody)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Carry out one action a row and go on to each row's next decision.

        Returns:
            observations (N, K) float32, rewards (N,) float64, terminated (N,) bool, truncated (N,) bool, infos.

        Raises:
            RuntimeError: `reset` has not been called.
            ValueError: `actions` is not (N,) integers, or one is invalid and `invalid_action` is "raise".
        """
        actions = self._checked(actions)
        restarting = self._finished & (self.autoreset_mode == AutoresetMode.NEXT_STEP)
        stepping = ~self._finished
        some_restart = restarting.any()
        if some_restart:
            self._choose_worlds(restarting, None, None)
            self._restart(restarting)
        self._commands[:] = np.where(stepping, Command.STEP, np.where(restarting, Command.START, Command.SKIP))
        self.simulation.run(self._commands, actions)
        views = self.simulation.views
        if some_restart:
            views.rewards[restarting] = 0.0
        self._steps += stepping
        terminated = views.terminated.copy()
        truncated = self._truncated()
        self._finished = terminated | truncated
        if self.autoreset_mode == AutoresetMode.DISABLED:  # nothing happens in rows that have finished
            views.rewards[~stepping] = 0.0
            views.elapsed_h[~stepping] = 0.0
        rewards = views.rewards.copy()
        if self.autoreset_mode == AutoresetMode.SAME_STEP and self._finished.any():
            infos = self._restart_in_same_step()
        else:
            infos = self._infos(self._everybody, ended=self._finished & stepping)
        return views.observations.copy(), rewards, terminated, truncated, infos

    def episode_metrics(self, rows: np.ndarray | Sequence[int]) -> dict[str, np.ndarray]:
        """What the rows' episodes add up to, those that are running up to now. See `Simulation.metrics`."""
        return self.simulation.metrics(np.asarray(rows, dtype=np.int64))

    def _checked(self, actions: np.ndarray) -> np.ndarray:
        if not self._worlds.seeds:
            raise RuntimeError("call reset before step")
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,) or not np.issubdtype(actions.dtype, np.integer):
            raise ValueError(
                f"actions: {actions.dtype} of shape {actions.shape} (allowed: integers of shape ({self.num_envs},))"
            )
        actions = np.ascontiguousarray(actions, dtype=np.int64)
        if self.invalid_action == RAISE:
            self._refuse_invalid(actions)
        return actions

    def _refuse_invalid(self, actions: np.ndarray) -> None:
        for row in np.flatnonzero(~self._finished):
            allowed = np.flatnonzero(self.simulation.state.masks[row])
            if actions[row] not in allowed:
                raise ValueError(f"action: {actions[row]} in row {row} (allowed now: {allowed.tolist()})")

    def _choose_worlds(self, chosen: np.ndarray, seed: int | Sequence[int | None] | None, world: Any) -> None:
        """Address the next episode of the chosen rows."""
        worlds, seeds = checked_worlds(world, self.num_envs), checked_seeds(seed, self.num_envs)
        self._worlds.choose(chosen, seeds, worlds, None)
        for row in np.flatnonzero(chosen).tolist():
            self.simulation.address(row, self._worlds.seeds[row], int(self._worlds.episodes[row]))

    def _restart(self, chosen: np.ndarray) -> None:
        """The chosen rows begin anew."""
        self._steps[chosen] = 0
        self._finished = self._finished & ~chosen

    def _start(self, chosen: np.ndarray) -> None:
        """Run the chosen rows to the first decision of the world that was chosen for them."""
        self._restart(chosen)
        self._commands[:] = np.where(chosen, Command.START, Command.SKIP)
        self.simulation.run(self._commands)

    def _truncated(self) -> np.ndarray:
        if self.max_episode_steps is None:
            return np.zeros(self.num_envs, dtype=np.bool_)
        return self._steps >= self.max_episode_steps

    def _restart_in_same_step(self) -> dict[str, Any]:
        """Start the finished rows' next episodes; their last observations and infos go into the infos."""
        finished = self._finished.copy()
        observations = self.simulation.views.observations
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(finished):
            final_obs[row] = observations[row].copy()
        final_info = self._infos(finished, ended=finished)
        if self.on_finished is not None:
            self.on_finished(np.flatnonzero(finished))
        self._choose_worlds(finished, None, None)
        self._start(finished)
        return {
            **self._infos(self._everybody, ended=self._nobody),
            "final_obs": final_obs,
            "_final_obs": finished,
            "final_info": final_info,
            "_final_info": finished.copy(),
        }

    def _infos(self, rows: np.ndarray, ended: np.ndarray) -> dict[str, Any]:
        """What the single environments of these rows say; those of them whose episode has ended have metrics, too."""
        simulation = self.simulation
        values = {
            "action_mask": simulation.state.masks.astype(np.int8),
            "elapsed_h": simulation.views.elapsed_h.copy(),
            "time_h": simulation.now_s / 3600.0,
            "invalid_actions": simulation.invalid_actions.copy(),
        }
        if rows is not self._everybody:
            for array in values.values():
                array[~rows] = 0
        infos = _with_masks(values, rows)
        measured = rows if self.metrics_every_step else ended
        if np.count_nonzero(measured):  # a third of the time of `any`
            infos["metrics"] = _with_masks(self._spread_metrics(measured), measured)
            infos["_metrics"] = measured.copy()
        return infos

    def _spread_metrics(self, chosen: np.ndarray) -> dict[str, np.ndarray]:
        """The chosen rows' metrics, as arrays over all rows."""
        rows = np.flatnonzero(chosen)
        spread = {}
        for name, values in self.simulation.metrics(rows).items():
            spread[name] = np.zeros(self.num_envs, dtype=values.dtype)
            spread[name][rows] = values
        return spread


def _with_masks(values: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, Any]:
    """Beside each array, as `_name`, which rows have it: an array of its own, as nothing that is returned is shared."""
    infos = {}
    for name, array in values.items():
        infos[name], infos[f"_{name}"] = array, rows.copy()
    return infos


def _autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError:
        allowed = ", ".join(repr(one.value) for one in AutoresetMode)
        raise ValueError(f"autoreset_mode: {mode!r} (allowed: {allowed})") from None


def _mask_option(options: dict[str, Any], count: int) -> np.ndarray:
    """Which rows to reset: all, or those of the mask."""
    mask = np.asarray(options.get("reset_mask", np.ones(count, dtype=np.bool_)))
    if mask.shape != (count,) or mask.dtype != np.bool_ or not mask.any():
        raise ValueError(
            f"reset_mask: {mask.dtype} of shape {mask.shape} (allowed: bool ({count},), one true at least)"
        )
    return mask

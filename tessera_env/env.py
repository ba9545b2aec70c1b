"""The single environment: the vector environment's kernel with one row."""

import operator
from pathlib import Path
from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.utils import RecordConstructorArgs

from tessera_env.observation.layout import Layout
from tessera_env.observation.queue import Queue
from tessera_env.rendering.ansi import ansi_lines
from tessera_env.rendering.gantt import gantt_image
from tessera_env.scenario.loading import load_scenario, refuse_unknown_keywords
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.invalid_actions import NEAREST, RAISE, WAIT, check_invalid_action
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.planners import Planner
from tessera_env.simulation.rewards import SHAPED, Rewards
from tessera_env.simulation.rows import Simulation
from tessera_env.simulation.worlds import Worlds, checked_seeds, checked_world

_RENDER_MODES = ("ansi", "rgb_array")
_ONLY = np.ones(1, dtype=bool)
_ONLY_ROW = np.zeros(1, dtype=np.int64)
_STEP = np.array([int(Command.STEP)])


class TesseraEnv(gym.Env[np.ndarray, np.int64]):
    """Scheduling GPU work on spot instances.

    ## Description

    Spot instances are cheap and can be taken back by the cloud at short notice; on-demand instances are dear and stay.
    Tasks arrive, wait, run, save their state and move. At each decision event the environment asks where one task, the
    focal task, should be; a step goes on to the next decision event. Everything in between - prices, capacity,
    interruptions, checkpoints within the grace period, the optimal assignment of displaced tasks - is simulated.

    A service wants a number of replicas ready at every moment, and has a seat for each. At a look at it, every so often
    and when something happens, its seats are asked in turn, each as the focal one: those that hold a replica, the
    oldest first, then empty ones; the first empty seat that is to stay empty ends the round. `CountActions`
    (`tessera_env.count_actions`) asks for a round's counts instead.

    ## Action Space

    `Discrete(1 + 2P)` for P pools: the placement that the focal task should have until it is next asked. 0 is WAIT (on
    no instance; a running task is paused with its state saved), 1 + p is SPOT in pool p, 1 + P + p is ON_DEMAND in pool
    p. Naming the placement that it has means stay. `action_masks()` and `info["action_mask"]` say which are valid; an
    invalid action is counted in `info["invalid_actions"]`, and means the valid one that changes least: stay, else WAIT,
    else the placement with the shortest changeover.

    For a service's seat WAIT means no replica: one that is held stops, an empty seat stays empty. Its own placement
    means stay, another one move, and for an empty seat any placement means launch. An invalid action changes nothing.

    ## Observation Space

    `Box(float32)` of shape (43 + 25 P,), read by name through `env.unwrapped.layout`. Every field with its meaning and
    range stands in docs/reference/observation.md, and in `env.unwrapped.layout.table()`.

    Where there are services alone it is of shape (30 + 21 P,): the service, the seat that is asked, and what the
    service knows of each pool by its own tries, never spot capacity that it has not tried. Where there are tasks and
    services it has both groups, those of services behind.

    ## Rewards

    What the work done since the last step would have cost on on-demand, minus the dollars billed for it, both divided
    by what all the work costs on on-demand, minus penalties: a missed deadline, an INTERACTIVE task's hours without
    running, BATCH work left undone at the end. A return of 0.6 with nothing missed saves 60 % against on-demand. Work
    that an interruption loses is taken back when it is lost, and a miss counts when the deadline can no longer be made.

    A service's replicas count alike: what its target would have cost on on-demand in this time, minus the dollars; the
    penalty is `shortfall_weight` times that cost of the time in which fewer were ready than the target.

    With `reward="plain"` it is the dollars and the penalties alone, when they are due: each return is less by 1, so
    that policies keep their order. What a wait costs comes much later then, and is harder to learn from.

    ## Starting State

    The world that (seed, episode) addresses, at its first arrival, or at the first look at a service, whose seats are
    empty. `reset(seed=s)` starts world 0 of seed s, later resets go on to worlds 1, 2, ...;
    `reset(options={"world": k})` picks world k. No action changes a world.

    ## Episode End

    `terminated` when all tasks are done, or at the horizon, which the observation shows; where there are services, at
    the horizon alone. Never truncated by itself.

    ## Arguments

    - `scenario`: a preset's name, the path of a TOML file, or a mapping; the id's own preset by default.
    - `overrides` and any other keyword: single values of the scenario, `{"task.deadline_h": 70}` or
      `task={"deadline_h": 70}`; a keyword that a scenario lacks is a TypeError, as in any call.
    - `planner`: assigns displaced tasks to instances (`tessera_env.simulation.planners`); Kuhn-Munkres if None.
    - `invalid_action`: what an action that the mask forbids means. "nearest" (default): the task stays where it is, or
      waits, or goes where it runs soonest, whichever of these is valid first; "wait": it waits, valid or not; "raise".
    - `reward`: "shaped" (default) or "plain", see above; `reward_scale`: a number that it is multiplied by.
    - `render_mode`: None, "ansi" (the last decision and what followed, one line an event) or "rgb_array" (Gantt chart
      of pools, tasks and notices up to now).
    - `log_events`: keep the event log for `event_log()`; rendering turns it on.
    - `metrics_every_step`: `info` holds `metrics` from the reset on, not only at the end; see below.

    `info` holds `action_mask` (int8), `elapsed_h` (the semi-Markov time step), `time_h`, `invalid_actions`, and, at the
    end, `metrics` (dollars, hours and counts of the episode).

    A `TimeLimit` around the environment, which `gym.make(id, max_episode_steps=n)` puts there, ends episodes unknown to
    it: `MetricsAtEnd` around that adds their `metrics`. With `metrics_every_step=True` nothing need be added, and all
    infos have the same keys, as recorders such as Minari's with `record_infos=True` ask for; a step then takes some
    thirty times as long, 0.2 ms. Metrics of an episode that is not over are up to now, as its return is: dollars,
    billed hours and work of what still runs are in them. The least that a bill comes to counts when the instance ends,
    downtime and penalties when the reward counts them.

    ## Version History

    - v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": list(_RENDER_MODES), "render_fps": 4}  # noqa: RUF012

    def __init__(
        self,
        scenario: str | Path | dict[str, Any] | Scenario = "classic",
        *,
        render_mode: str | None = None,
        planner: Planner | None = None,
        invalid_action: str = NEAREST,
        reward: str = SHAPED,
        reward_scale: float = 1.0,
        log_events: bool = False,
        metrics_every_step: bool = False,
        overrides: dict[str, Any] | None = None,
        **sections: Any,
    ):
        refuse_unknown_keywords(TesseraEnv.__init__, sections)
        if render_mode is not None and render_mode not in _RENDER_MODES:
            raise ValueError(f"render_mode: {render_mode!r} (allowed: None, {', '.join(map(repr, _RENDER_MODES))})")
        check_invalid_action(invalid_action)
        self.render_mode = render_mode
        self.invalid_action = invalid_action
        self.metrics_every_step = metrics_every_step
        self.scenario = load_scenario(scenario, **{**(overrides or {}), **sections})
        logging = log_events or render_mode is not None
        waits, rewards = invalid_action == WAIT, Rewards(reward, reward_scale)
        self.simulation = Simulation(self.scenario, 1, planner, 1, logging, waits, rewards)
        self.layout: Layout = self.simulation.layout
        self.observation_space = Box(self.layout.low, self.layout.high, dtype=np.float32)
        self.action_space = Discrete(1 + 2 * self.layout.pool_count)
        self._worlds = Worlds(1)
        self._started = False
        self._action = np.zeros(1, dtype=np.int64)
        self._log_shown = 0

    def action_masks(self) -> np.ndarray:
        """Which actions are valid now, (A,) bool."""
        return self.simulation.state.masks[0].copy()

    def queue(self) -> Queue:
        """The tasks that have arrived and are not done, for policies that plan: `policy.see([env.queue()])`.

        Raises:
            RuntimeError: `reset` has not been called.
        """
        if not self._worlds.seeds:
            raise RuntimeError("call reset before queue")
        return self.simulation.queues([0])[0]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: 0 to 2**64 - 1; its first episode is world 0. Without one, the present seed's next world, or at first
                a random seed.
            options: `world`: which world of the seed, 0 to 2**32 - 1.

        Returns:
            The observation (K,) of the first decision, and the info.

        Raises:
            ValueError: the seed or the world is out of range.
        """
        worlds = checked_world((options or {}).get("world"))
        seeds = checked_seeds(None if seed is None else operator.index(seed), 1)
        super().reset(seed=seed)
        self._worlds.choose(_ONLY, seeds, worlds, self.np_random)
        self.simulation.start(_ONLY, self._worlds.seeds, self._worlds.episodes)
        self._started = True
        self._log_shown = 0
        return self._observation(), self._info(over=False)

    def step(self, action: int | np.integer[Any]) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Carry out the focal task's placement and go on to the next decision.

        Raises:
            RuntimeError: there is no episode to step.
            TypeError: the action is no integer.
            ValueError: the action is invalid now and `invalid_action` is "raise".
        """
        if not self._started:
            raise RuntimeError("call reset before step")
        action = operator.index(action)
        if self.invalid_action == RAISE and not self._is_valid(action):
            allowed = np.flatnonzero(self.simulation.state.masks[0]).tolist()
            raise ValueError(f"action: {action!r} (allowed now: {allowed})")
        simulation = self.simulation
        self._log_shown = int(simulation.log_count[0])
        self._action[0] = action
        simulation.run(_STEP, self._action)
        terminated = bool(simulation.views.terminated[0])
        if terminated:
            self._started = False
        info = self._info(over=terminated)
        return self._observation(), float(simulation.views.rewards[0]), terminated, False, info

    def episode_metrics(self) -> dict[str, float]:
        """What the episode adds up to, as in `info["metrics"]`; while it is running, up to now.

        Raises:
            RuntimeError: `reset` has not been called.
        """
        if not self._worlds.seeds:
            raise RuntimeError("call reset before episode_metrics")
        return {name: value[0].item() for name, value in self.simulation.metrics(_ONLY_ROW).items()}

    def event_log(self) -> np.ndarray:
        """The episode's events so far, a structured array of `tessera_env.engine.state.LOG` records.

        Raises:
            RuntimeError: the environment does not log.
        """
        if self.simulation.state.log.shape[1] == 0:
            raise RuntimeError("log_events: False (allowed: True, or a render_mode, to read the event log)")
        return self.simulation.episode(0).log

    def render(self) -> str | np.ndarray | None:
        """The last step's events as text, or the Gantt chart (H, W, 3) uint8, by `render_mode`."""
        if self.render_mode is None:
            gym.logger.warn("render() needs a render_mode: 'ansi' or 'rgb_array'")
            return None
        if self.render_mode == "ansi":
            return "\n".join(ansi_lines(self.scenario, self.event_log()[self._log_shown :]))
        episode = self.simulation.episode(0)
        first_capacity = [int(points["capacity"][0]) if len(points) else 0 for points in episode.market]
        return gantt_image(self.scenario, episode.log, episode.now_s, first_capacity, episode.tasks, episode.usd)

    def _is_valid(self, action: int) -> bool:
        masks = self.simulation.state.masks[0]
        return bool(0 <= action < len(masks) and masks[action])

    def _observation(self) -> np.ndarray:
        return self.simulation.views.observations[0].copy()

    def _info(self, over: bool) -> dict[str, Any]:
        simulation = self.simulation
        info = {
            "action_mask": simulation.state.masks[0].astype(np.int8),
            "elapsed_h": simulation.views.elapsed_h.item(0),
            "time_h": simulation.now_s.item(0) / 3600.0,
            "invalid_actions": simulation.invalid_actions.item(0),
        }
        if over or self.metrics_every_step:
            info["metrics"] = self.episode_metrics()
        return info


class MetricsAtEnd(gym.Wrapper[np.ndarray, np.int64, np.ndarray, np.int64], RecordConstructorArgs):
    """Adds `metrics` to the info of a step that `TimeLimit` truncates.

    Put it around: `MetricsAtEnd(gym.make(id, max_episode_steps=n))`. The ids are registered without it, since
    `gym.make_vec` refuses an id that has both a wrapper and a vector environment of its own. `TesseraVectorEnv` keeps
    its step limit itself, and needs none.
    """

    def __init__(self, env: gym.Env[np.ndarray, np.int64]):
        RecordConstructorArgs.__init__(self)
        gym.Wrapper.__init__(self, env)

    def step(self, action: np.int64) -> tuple[np.ndarray, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the environment within."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if truncated and "metrics" not in info:
            info["metrics"] = self.get_wrapper_attr("episode_metrics")()
        return observation, reward, terminated, truncated, info

"""Counts as actions: how many replicas a service should have of each offer, one round of its seats a step."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import MultiDiscrete
from gymnasium.utils import RecordConstructorArgs

from tessera_env.env import TesseraEnv
from tessera_env.observation.fields import COUNT_HALF
from tessera_env.scenario.scenario import Scenario


class CountActions(gym.Wrapper[np.ndarray, Any, np.ndarray, Any], RecordConstructorArgs):
    """Asks for counts instead of seats: how many replicas the service should have of each offer.

    A step is a whole round. Counts stand in the order of placements: spot in pool 0 to P - 1, then on-demand in pool 0
    to P - 1; offers that the service cannot use take 0 alone. Held replicas stay up to the count of their offer, the
    oldest first; those that are too many stop, or, with `make_before_break`, go to where one is missing and serve until
    the new one is ready. What is still missing is asked for in the order of the counts, as long as there are seats that
    were empty when the round began. A launch that finds no capacity may be asked for again in the next round.

    The observation is that of the round's first seat, the reward the sum of the round's. `info` holds what the
    environment's own does, but `elapsed_h` since the last step, `seats_asked`, how many seats were answered, and no
    `action_mask`: all counts of the action space are valid.

    Args:
        env: the single environment, with one service and no tasks.

    Raises:
        TypeError: it is no `TesseraEnv`, or a wrapper has changed its actions.
        ValueError: there is no service, or several, or there are tasks.
    """

    def __init__(self, env: gym.Env[np.ndarray, np.int64]):
        RecordConstructorArgs.__init__(self)
        gym.Wrapper.__init__(self, env)
        self._inner = _tessera_env_of(env)
        self._layout = self._inner.layout
        self._most = _most_counts(self._inner.scenario)
        self.action_space = MultiDiscrete(self._most + 1)
        self._moves = self._inner.scenario.service[0].make_before_break
        self._observation = np.zeros(self._layout.size, dtype=np.float32)

    def action_masks(self) -> np.ndarray:
        """Which counts are valid, offer after offer: all."""
        return np.ones(int((self._most + 1).sum()), dtype=bool)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode, up to its first round."""
        self._observation, info = self.env.reset(seed=seed, options=options)
        return self._observation.copy(), _info(info, info["elapsed_h"], 0)

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Answer the round's seats and go on to the next round.

        Raises:
            TypeError: the counts are no integers.
            ValueError: there is not one count for each offer, or one is not allowed.
        """
        wanted = self._checked(action)
        claimed = np.zeros_like(wanted)
        undecided = self._held()
        number, total, elapsed_h, asked, over = self._round(), 0.0, 0.0, 0, False
        while not over and self._round() == number:
            answer = self._answer(wanted, claimed, undecided)
            self._observation, reward, terminated, truncated, info = self.env.step(answer)
            total, elapsed_h, asked = total + float(reward), elapsed_h + info["elapsed_h"], asked + 1
            over = terminated or truncated
        return self._observation.copy(), total, terminated, truncated, _info(info, elapsed_h, asked)

    def _checked(self, action: np.ndarray) -> np.ndarray:
        wanted, most = np.asarray(action), self._most
        if not np.issubdtype(wanted.dtype, np.integer):
            raise TypeError(f"action: {wanted.dtype} (allowed: integers)")
        if wanted.shape != most.shape:
            raise ValueError(f"action: shape {wanted.shape} (allowed: {most.shape}, a count for each offer)")
        for offer in np.flatnonzero((wanted < 0) | (wanted > most)):
            raise ValueError(f"action: {wanted[offer]} at {offer} (allowed: {_allowed(int(most[offer]))})")
        return wanted.astype(np.int64)

    def _answer(self, wanted: np.ndarray, claimed: np.ndarray, undecided: np.ndarray) -> int:
        """Where the seat that is asked should be; `claimed` and `undecided`, (2P,) each, are brought up to date."""
        placement = self._placement()
        if placement:
            undecided[placement - 1] -= 1
            if claimed[placement - 1] < wanted[placement - 1]:
                claimed[placement - 1] += 1
                return placement
        lacking = claimed + undecided < wanted
        if not lacking.any() or (placement and not self._moves):
            return 0
        offer = int(lacking.argmax())
        claimed[offer] += 1
        return 1 + offer

    def _round(self) -> int:
        """The number of rounds so far."""
        return self._inner.simulation.state.services[0, 0].rounds

    def _held(self) -> np.ndarray:
        """Replicas held of each offer."""
        fields = ("spot_here", "on_demand_here")
        shares = np.concatenate([self._layout.read(self._observation, field) for field in fields]).astype(np.float64)
        return np.rint(COUNT_HALF * shares / (1.0 - shares)).astype(np.int64)

    def _placement(self) -> int:
        """Where the seat is that is asked."""
        here = [self._layout.read(self._observation, field) for field in ("seat_here_spot", "seat_here_on_demand")]
        return 1 + int(np.concatenate(here).argmax()) if np.any(here) else 0


def _tessera_env_of(env: gym.Env[np.ndarray, np.int64]) -> TesseraEnv:
    """What is wrapped.

    Raises:
        TypeError: it is no `TesseraEnv`, or a wrapper has changed its actions.
        ValueError: there is no service, or several, or there are tasks.
    """
    inner = env.unwrapped
    if not isinstance(inner, TesseraEnv) or env.action_space != inner.action_space:
        raise TypeError(f"env: {env} (allowed: the single environment, TesseraEnv, with its own actions)")
    services, tasks = len(inner.scenario.service), inner.scenario.task.count
    if services != 1:
        raise ValueError(f"service: {services} services (allowed: 1 for CountActions)")
    if tasks > 0:
        raise ValueError(f"task.count: {tasks} (allowed: 0 for CountActions)")
    return inner


def _most_counts(scenario: Scenario) -> np.ndarray:
    """The most replicas of each offer, (2P,)."""
    (service,) = scenario.service
    return np.where(2 * [service.fits(pool) for pool in scenario.pools], service.seats, 0)


def _allowed(most: int) -> str:
    return f"0 to {most}" if most else "0: the service cannot use it"


def _info(info: dict[str, Any], elapsed_h: float, seats_asked: int) -> dict[str, Any]:
    """A round's info, from that of its last step."""
    kept = {name: value for name, value in info.items() if name != "action_mask"}
    return {**kept, "elapsed_h": elapsed_h, "seats_asked": seats_asked}

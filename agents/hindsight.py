"""What a critic may know and an actor may not: the rest of each world's spot capacity.

No action changes a world, so its future tells the critic how much of an episode's cost is the world's doing, which
leaves the policy's part as the advantage: an asymmetric actor-critic (Pinto et al., "Asymmetric Actor Critic for
Image-Based Robot Learning", RSS'18) whose hidden input is exogenous (Mao et al., "Variance Reduction for Reinforcement
Learning in Input-Driven Environments", ICLR'19). The exported actor never sees it.
"""

import math

import numba
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from agents.vec_env import TesseraVecEnv
from tessera_env.engine.state import State
from tessera_env.observation.fields import Field
from tessera_env.world.parameters import NONE

# Columns: hours of spot left and those worth a round trip, the spells that they come in, both as shares or saturating;
# worthwhile hours beyond the work left; the least cost; then
WINDOWS_H = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # the share of so many hours that has spot
SPELLS_SHOWN = 3  # and the length of the present spell's rest and of those after it
_FIRST_WINDOW = 6
_FIRST_SPELL = _FIRST_WINDOW + len(WINDOWS_H)
HINDSIGHT_SIZE = _FIRST_SPELL + SPELLS_SHOWN
_MULTIPLIERS = 6


class HindsightVecEnv(VecEnvWrapper):
    """Observations (n, K) with the future of pool 0 and the first task appended: (n, K + HINDSIGHT_SIZE)."""

    def __init__(self, venv: TesseraVecEnv) -> None:
        low = np.concatenate([venv.observation_space.low, np.full(HINDSIGHT_SIZE, -1.0, np.float32)])
        high = np.concatenate([venv.observation_space.high, np.ones(HINDSIGHT_SIZE, np.float32)])
        super().__init__(venv, observation_space=spaces.Box(low, high, dtype=np.float32))
        self._simulation = venv.env.simulation
        self._least = np.zeros(venv.num_envs)  # of each row's on-demand cost, what its world makes it spend yet

    def reset(self) -> np.ndarray:
        """Reset every row."""
        return self._with_future(self.venv.reset())

    def step_wait(self) -> VecEnvStepReturn:
        """As the wrapped environment; a terminal observation has zeros for the future, which is over."""
        observations, rewards, dones, infos = self.venv.step_wait()
        before = self._least.copy()
        seen = self._with_future(observations)
        rewards = (rewards + before - np.where(dones, 0.0, self._least)).astype(np.float32)
        for row in np.flatnonzero(dones):
            last = infos[row]["terminal_observation"]
            infos[row]["terminal_observation"] = np.concatenate([last, np.zeros(HINDSIGHT_SIZE, np.float32)])
        return seen, rewards, dones, infos

    def _with_future(self, observations: np.ndarray) -> np.ndarray:
        known = observations.shape[1]
        seen = np.zeros((len(observations), known + HINDSIGHT_SIZE), np.float32)
        seen[:, :known] = observations
        price = self._simulation.params.pools[0].on_demand_price
        write_futures(self._simulation.state, price, seen, known, self._least)
        return seen


@numba.njit
def write_futures(state: State, on_demand_price: float, out: np.ndarray, first: int, least: np.ndarray) -> None:
    """Write each row's future from column `first` of `out` on, and the least that it will cost into `least`."""
    for env in range(out.shape[0]):
        least[env] = write_future(state, env, on_demand_price, out, first)


@numba.njit
def write_future(state, env: int, on_demand_price: float, out, first: int) -> float:
    """Write the future of a row, whose columns are still zero; returns the least cost."""
    row, pool, task = state.episodes[env], state.pools[env, 0], state.tasks[env, 0]
    spot_price = state.market[env, 0, pool.cursor].spot_price
    worthwhile_s = 2.0 * pool.setup_s * on_demand_price / max(on_demand_price - spot_price, 0.01)
    up_s, worth_s, up_spells, long_spells = 0.0, 0.0, 0.0, 0.0
    k, number, start_s = pool.capacity_point, 0, row.now_s
    while start_s < task.deadline_s:
        up = state.market[env, 0, k].capacity > 0
        k = next_spell(state, env, k)
        end_s = task.deadline_s if k == NONE else min(task.deadline_s, state.market[env, 0, k].time_s)
        length_s = end_s - start_s
        if number < SPELLS_SHOWN:
            out[env, first + _FIRST_SPELL + number] = length_s / (length_s + 3600.0)
            number += 1
        if up:
            up_s += length_s
            up_spells += 1.0
            if length_s > worthwhile_s:
                worth_s += length_s - worthwhile_s
                long_spells += 1.0
            fill_windows(out, env, first, start_s - row.now_s, end_s - row.now_s)
        start_s = end_s
    left_s = out[env, Field.WORK_LEFT] * task.work_s
    least = least_cost(state, env, on_demand_price, spot_price, left_s) / (on_demand_price * task.work_s)
    out[env, first] = min(up_s / task.work_s, 1.0)
    out[env, first + 1] = min(worth_s / task.work_s, 1.0)
    out[env, first + 2] = up_spells / (up_spells + 16.0)
    out[env, first + 3] = long_spells / (long_spells + 16.0)
    out[env, first + 4] = math.tanh(2.0 * (worth_s - left_s) / task.work_s)
    out[env, first + 5] = min(least, 1.0)
    return least


@numba.njit
def next_spell(state, env: int, k: int) -> int:
    """The point after k at which capacity comes or goes; NONE: it never does."""
    up = state.market[env, 0, k].capacity > 0
    for later in range(k + 1, state.pools[env, 0].point_count):
        if (state.market[env, 0, later].capacity > 0) != up:
            return later
    return NONE


@numba.njit
def fill_windows(out, env: int, first: int, from_s: float, until_s: float) -> None:
    """Add a time with spot, seconds from now, to the windows that it lies in."""
    for window in range(len(WINDOWS_H)):
        window_s = WINDOWS_H[window] * 3600.0
        out[env, first + _FIRST_WINDOW + window] += (min(until_s, window_s) - min(from_s, window_s)) / window_s


@numba.njit
def least_cost(state, env: int, on_demand_price: float, spot_price: float, left_s: float) -> float:
    """About the least that the work left can cost in this world, in $ x 3600: a Lagrangian lower bound.

    The work left is priced at a few multipliers between the two prices; at each of them the best schedule over the
    spells to come is found backwards, and the best bound is taken.
    """
    best = 0.0
    for step in range(_MULTIPLIERS):
        multiplier = spot_price + (on_demand_price - spot_price) * step / (_MULTIPLIERS - 1)
        best = max(best, priced(state, env, on_demand_price, spot_price, multiplier) + multiplier * left_s)
    return best


@numba.njit
def priced(state, env: int, on_demand_price: float, spot_price: float, multiplier: float) -> float:
    """The least cost less work done times the multiplier, from now to the deadline, holding what the task holds now."""
    row, pool, task = state.episodes[env], state.pools[env, 0], state.tasks[env, 0]
    start_cost = multiplier * pool.setup_s
    none, spot, on_demand = 0.0, 0.0, 0.0  # from the end of the stretch on, by what is held
    end_s = task.deadline_s
    for k in range(pool.point_count - 1, pool.capacity_point - 1, -1):
        start_s = max(state.market[env, 0, k].time_s, row.now_s)
        if start_s >= end_s:
            continue
        length_s = end_s - start_s
        on_demand += (on_demand_price - multiplier) * length_s
        if state.market[env, 0, k].capacity > 0:
            spot += (spot_price - multiplier) * length_s
        else:
            spot = math.inf
        started = min(spot, on_demand) + start_cost
        spot, on_demand = min(spot, started, none), min(on_demand, started, none)
        none = min(none, started)
        end_s = start_s
    if task.placement == 0:
        return none
    return (spot if task.placement == 1 else on_demand) + multiplier * max(0.0, task.ready_s - row.now_s)

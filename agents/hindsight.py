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
from tessera_env.engine.tables import State
from tessera_env.observation_layout import Field

WINDOWS_H = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_MULTIPLIERS = 6
SPELLS_SHOWN = 3  # lengths of the present spell's rest and of those after it
HINDSIGHT_SIZE = 6 + len(WINDOWS_H) + SPELLS_SHOWN


class HindsightVecEnv(VecEnvWrapper):
    """Observations (n, K) with the future of pool 0 and the first task appended: (n, K + HINDSIGHT_SIZE)."""

    def __init__(self, venv: TesseraVecEnv) -> None:
        low = np.concatenate([venv.observation_space.low, np.full(HINDSIGHT_SIZE, -1.0, np.float32)])
        high = np.concatenate([venv.observation_space.high, np.ones(HINDSIGHT_SIZE, np.float32)])
        super().__init__(venv, observation_space=spaces.Box(low, high, dtype=np.float32))
        self._simulation = venv.env.simulation
        self._seen = np.zeros((venv.num_envs, len(low)), np.float32)
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
        self._seen[:, : observations.shape[1]] = observations
        prices = self._simulation.params.pools[0]
        write_futures(self._simulation.state, prices.on_demand_price, self._seen, observations.shape[1], self._least)
        return self._seen.copy()


@numba.njit
def write_futures(state: State, on_demand_price: float, out: np.ndarray, first: int, least: np.ndarray) -> None:
    """Write each row's future from column `first` of `out` on, and the least that it will cost into `least`."""
    for env in range(out.shape[0]):
        least[env] = write_future(state, env, on_demand_price, out, first)


@numba.njit
def write_future(state, env: int, on_demand_price: float, out, first: int) -> float:
    """Hours of capacity left, in all and in the next hours, and how they come in spells; returns the least cost."""
    row, pool, task = state.rows[env], state.pools[env, 0], state.tasks[env, 0]
    now_s, until_s = row.now_s, task.deadline_s
    out[env, first:] = 0.0
    point = state.market[env, 0, pool.cursor]
    worthwhile_s = 2.0 * pool.setup_s * on_demand_price / max(on_demand_price - point.spot_price, 0.01)
    up_s, worth_s, spells, long_spells, shown = 0.0, 0.0, 0.0, 0.0, 0
    k = pool.capacity_point
    start_s = now_s
    while start_s < until_s:
        up = state.market[env, 0, k].capacity > 0
        end_s = until_s
        while k + 1 < pool.point_count:
            k += 1
            if (state.market[env, 0, k].capacity > 0) != up:
                end_s = min(until_s, state.market[env, 0, k].time_s)
                break
        length_s = end_s - start_s
        if shown < SPELLS_SHOWN:
            out[env, first + 6 + len(WINDOWS_H) + shown] = length_s / (length_s + 3600.0)
            shown += 1
        if up:
            up_s += length_s
            spells += 1.0
            if length_s > worthwhile_s:
                worth_s += length_s - worthwhile_s
                long_spells += 1.0
            for window in range(len(WINDOWS_H)):
                window_s = WINDOWS_H[window] * 3600.0
                inside_s = min(end_s - now_s, window_s) - min(start_s - now_s, window_s)
                out[env, first + 6 + window] += inside_s / window_s
        start_s = end_s
    left_s = out[env, Field.WORK_LEFT] * task.work_s
    out[env, first] = min(up_s / task.work_s, 1.0)
    out[env, first + 1] = min(worth_s / task.work_s, 1.0)
    out[env, first + 2] = spells / (spells + 16.0)
    out[env, first + 3] = long_spells / (long_spells + 16.0)
    out[env, first + 4] = math.tanh(2.0 * (worth_s - left_s) / task.work_s)
    least = least_cost(state, env, on_demand_price, point.spot_price, left_s) / (on_demand_price * task.work_s)
    out[env, first + 5] = min(least, 1.0)
    return least


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
    row, pool, task = state.rows[env], state.pools[env, 0], state.tasks[env, 0]
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
    if task.placement == 1:
        return spot + multiplier * max(0.0, task.ready_s - row.now_s)
    return on_demand + multiplier * max(0.0, task.ready_s - row.now_s) if task.placement == 2 else none

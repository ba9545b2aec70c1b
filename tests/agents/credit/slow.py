"""Credit by task once more: slowly, from the engine's tables, one decision after the other."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from tessera_env.engine.kinds import TaskStatus
from tessera_env.vector_env import TesseraVectorEnv
from tessera_env.world.parameters import NONE


@dataclass
class LoggedEpisode:
    """What was decided in a row's episode, and what its tasks paid in the end, once it has ended."""

    decisions: list[dict[str, Any]] = field(default_factory=list)  # step, task, owed ($), hour
    rewards: list[float] = field(default_factory=list)  # of the row, a decision each
    settled: dict[int, float] = field(default_factory=dict)  # task -> $
    scale_usd: float = math.nan
    episode_return: float = math.nan

    @property
    def has_ended(self) -> bool:
        return bool(self.settled)


class Log:
    """A vector environment that is reset by hand, so that an episode's accounts can be read at its end."""

    def __init__(self, rows: int, scenario: str, seed: int, **overrides: Any) -> None:
        self.env = TesseraVectorEnv(rows, scenario=scenario, autoreset_mode=AutoresetMode.DISABLED, overrides=overrides)
        self.observations, _ = self.env.reset(seed=seed)
        self.rows: list[list[LoggedEpisode]] = [[LoggedEpisode()] for _ in range(rows)]
        self.steps = 0

    def step(self, actions: np.ndarray) -> None:
        simulation = self.env.simulation
        for row, episodes in enumerate(self.rows):
            episode = simulation.state.episodes[row]
            episodes[-1].scale_usd = episode.scale_usd
            asked = {"step": self.steps, "task": int(episode.focal), "hour": episode.now_s / 3600.0}
            episodes[-1].decisions.append({**asked, "owed": owed_usd(simulation, row, int(episode.focal))})
        self.observations, rewards, terminated, _, _ = self.env.step(actions)
        for row, episodes in enumerate(self.rows):
            episodes[-1].rewards.append(float(rewards[row]))
            if terminated[row]:
                accounts = simulation.accounts(row)
                paid = accounts["usd"] + accounts["penalty_usd"]
                episodes[-1].settled = dict(enumerate(paid.tolist()))
                episodes[-1].episode_return = float(simulation.metrics(np.array([row]))["episode_return"][0])
                episodes.append(LoggedEpisode())
        if terminated.any():
            self.observations, _ = self.env.reset(options={"reset_mask": terminated})
        self.steps += 1

    def now(self, row: int) -> dict[str, Any]:
        """What the row asks now, and what its tasks owe."""
        simulation = self.env.simulation
        episode, tasks = simulation.state.episodes[row], simulation.state.tasks[row]
        return {
            "task": int(episode.focal),
            "hour": episode.now_s / 3600.0,
            "owed": [owed_usd(simulation, row, task) for task in range(len(tasks))],
            "done": [int(task.status) == TaskStatus.DONE for task in tasks],
        }


def owed_usd(simulation: Any, row: int, task_id: int) -> float:
    """Charged so far, what the task's instances have cost since, and the downtime that runs."""
    state, params = simulation.state, simulation.params
    task, now_s = state.tasks[row, task_id], state.episodes[row].now_s
    owed = float(task.setup_usd + task.running_usd + task.idle_usd + task.penalty_usd)
    for instance_id in {int(task.instance), int(task.next_instance)} - {NONE}:
        instance = state.instances[row, instance_id]
        if instance.billing and instance.payer == task_id:
            owed += held_usd(simulation, row, instance, instance.charged_s, now_s)
    waits = task.status in (TaskStatus.WAITING, TaskStatus.DISPLACED, TaskStatus.REQUESTED)
    if task.interactive and waits and task.instance == NONE:
        owed += params.config[0].downtime_weight * (now_s - task.down_since_s) / 3600.0 * task.on_demand_price
    return owed


def held_usd(simulation: Any, row: int, instance: Any, from_s: float, until_s: float) -> float:
    """Dollars for the instance between two times, from the prices of the market's table."""
    if instance.on_demand:
        return float((until_s - from_s) / 3600.0 * simulation.params.pools[instance.pool].on_demand_price)
    count = simulation.state.pools[row, instance.pool].point_count
    points = simulation.state.market[row, instance.pool, :count]
    edges = np.clip([*points.time_s, math.inf], from_s, until_s)
    return float((np.diff(edges) * points.spot_price).sum() / 3600.0)


def slow_task_advantages(
    log: Log,
    values: np.ndarray,
    last_values: np.ndarray,
    first: int,
    gamma: float,
    gae_lambda: float,
    hours: float = math.inf,
) -> np.ndarray:
    """Advantages (steps, N) of the decisions from step `first` on, each as the sum of all that follows on it."""
    out = np.full(values.shape, np.nan)
    unit = log.env.simulation.state.tasks.shape[1]
    for row, episodes in enumerate(log.rows):
        for episode in episodes:
            own: dict[int, list[dict[str, Any]]] = {}
            for decision in episode.decisions:
                if decision["step"] >= first:
                    own.setdefault(decision["task"], []).append(decision)
            for task, decisions in own.items():
                value = [values[decision["step"] - first, row] for decision in decisions]
                owed = [decision["owed"] for decision in decisions]
                hour = [decision["hour"] for decision in decisions]
                end, last = _ending(log, row, episode, task, last_values)
                if end is not None:
                    owed, value, hour = [*owed, end], [*value, last], [*hour, log.now(row)["hour"]]
                later = [gamma * math.exp((hour[k] - hour[k + 1]) / hours) for k in range(len(owed) - 1)]
                deltas = [
                    -(owed[k + 1] - owed[k]) / episode.scale_usd * unit + later[k] * value[k + 1] - value[k]
                    for k in range(len(owed) - 1)
                ]
                for k, decision in enumerate(decisions):
                    terms = [gae_lambda ** (j - k) * math.prod(later[k:j]) * deltas[j] for j in range(k, len(deltas))]
                    out[decision["step"] - first, row] = sum(terms)
    return out


def _ending(log: Log, row: int, episode: LoggedEpisode, task: int, last_values: np.ndarray) -> tuple[Any, float]:
    """What the task owes after its last decision, None: unknown yet, and what is then to come."""
    if episode.has_ended:
        return episode.settled[task], 0.0
    now = log.now(row)
    if now["done"][task]:
        return now["owed"][task], 0.0
    return (now["owed"][task], last_values[row]) if now["task"] == task else (None, 0.0)


def slow_fleet_advantages(
    log: Log, values: np.ndarray, last_values: np.ndarray, first: int, hours: float, gae_lambda: float
) -> np.ndarray:
    """The fleet's advantages (steps, N), each as the sum of all that follows in its row's episode."""
    out = np.full(values.shape, np.nan)
    unit = log.env.simulation.state.tasks.shape[1]
    for row, episodes in enumerate(log.rows):
        for episode in episodes:
            steps = [(d, r) for d, r in zip(episode.decisions, episode.rewards, strict=True) if d["step"] >= first]
            value = [values[decision["step"] - first, row] for decision, _ in steps]
            hour = [decision["hour"] for decision, _ in steps]
            value, hour = [*value, last_values[row]], [*hour, log.now(row)["hour"]]
            deltas = []
            for k, (_, reward) in enumerate(steps):
                is_last = episode.has_ended and k == len(steps) - 1
                after = 0.0 if is_last else math.exp((hour[k] - hour[k + 1]) / hours) * value[k + 1]
                deltas.append(unit * reward + after - value[k])
            for k, (decision, _) in enumerate(steps):
                out[decision["step"] - first, row] = sum(
                    gae_lambda ** (j - k) * math.exp((hour[k] - hour[j]) / hours) * deltas[j]
                    for j in range(k, len(steps))
                )
    return out

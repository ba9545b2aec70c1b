"""One whole episode with its event log: what reports, pictures and audits look at."""

from dataclasses import dataclass

import numpy as np

from tessera_env.env import TesseraEnv
from tessera_env.policies.protocol import Policy
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.planners import Planner


@dataclass(frozen=True)
class Episode:
    """A finished episode."""

    log: np.ndarray  # (entries,) records of tessera_env.engine.state.LOG
    tasks: np.ndarray  # (tasks of the world,) records of tessera_env.engine.state.TASK, as they ended
    market: list[np.ndarray]  # of each pool its (points,) records of tessera_env.world.market.timeline.MARKET_POINT
    metrics: dict[str, float]  # as in info["metrics"]


def play_episode(scenario: Scenario, policy: Policy, seed: int, world: int, planner: Planner | None = None) -> Episode:
    """Play one world with one policy; the figures are those of `tessera_env.evaluation.evaluate` in that world."""
    env = TesseraEnv(scenario, planner=planner, log_events=True)
    observation, _ = env.reset(seed=seed, options={"world": world})
    start, state, terminated = np.ones(1, dtype=bool), None, False
    info: dict = {}
    while not terminated:
        actions, state = policy.predict(
            observation[None], state, episode_start=start, deterministic=True, action_masks=env.action_masks()[None]
        )
        observation, _, terminated, _, info = env.step(int(actions[0]))
        start = np.zeros(1, dtype=bool)
    tables = env.simulation.state
    counts = tables.pools["point_count"][0]
    market = [np.array(tables.market[0, pool_id, :count]) for pool_id, count in enumerate(counts)]
    tasks = np.array(tables.tasks[0, : tables.episodes[0].task_count])
    return Episode(env.event_log(), tasks, market, info["metrics"])

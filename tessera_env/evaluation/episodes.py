"""One whole episode with its event log: what reports, pictures and audits look at."""

import numpy as np

from tessera_env.env import TesseraEnv
from tessera_env.evaluation.failures import noting
from tessera_env.policies.protocol import Policy, QueuePolicy
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.episode import Episode
from tessera_env.simulation.planners import Planner
from tessera_env.simulation.rewards import PLAIN


def play_episode(scenario: Scenario, policy: Policy, seed: int, world: int, planner: Planner | None = None) -> Episode:
    """Play one world with one policy; the figures are those of `tessera_env.evaluation.evaluate` in that world.

    What the policy raises has a note of which one it was, and when.
    """
    env = TesseraEnv(scenario, planner=planner, log_events=True, reward=PLAIN)
    with noting(policy.name, lambda: f"world {world}, at hour {env.simulation.now_s[0] / 3600.0:.2f}"):
        _play(env, policy, seed, world)
    return env.simulation.episode(0)


def _play(env: TesseraEnv, policy: Policy, seed: int, world: int) -> None:
    observation, _ = env.reset(seed=seed, options={"world": world})
    start, state, terminated = np.ones(1, dtype=bool), None, False
    onlooker = policy if isinstance(policy, QueuePolicy) else None
    while not terminated:
        if onlooker is not None:
            onlooker.see([env.queue()])
        actions, state = policy.predict(
            observation[None], state, episode_start=start, deterministic=True, action_masks=env.action_masks()[None]
        )
        observation, _, terminated, _, _ = env.step(int(actions[0]))
        start = np.zeros(1, dtype=bool)

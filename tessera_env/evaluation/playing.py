"""One policy in many worlds: rows of environments play side by side, and take the next world as they finish."""

from collections.abc import Callable, Mapping

import numpy as np

from tessera_env.evaluation.failures import noting
from tessera_env.policies.protocol import Policy, QueuePolicy
from tessera_env.policies.rules.choice import rule_of
from tessera_env.simulation.rows import Simulation
from tessera_env.vector_env import TesseraVectorEnv

# Decisions of a rule between two looks at progress and signals: few at first, and while the engine is not compiled.
FIRST_SLICE, SLICE = 64, 32_768  # compiled, the latter take less than 100 ms
_MOST_NAMED = 8  # worlds, in an error

OnDone = Callable[[float], None]  # told how many worlds more are done, parts of a world included
OnEpisode = Callable[[int, int], None]  # told the world and the row that has played it, which goes on to another
Table = dict[str, np.ndarray]


def play(
    env: TesseraVectorEnv,
    policy: Policy,
    episodes: int,
    seed: int,
    on_done: OnDone,
    on_episode: OnEpisode | None = None,
) -> Table:
    """One policy in worlds 0 ... episodes - 1 of the seed: each metric as (episodes,), in the worlds' order.

    Rules are played by the compiled engine itself, other policies by their `predict`; the results are the same. What a
    policy raises has a note of which one it was, and what it played.
    """
    rule, rota = rule_of(policy), _Rota(env.num_envs, episodes, on_episode)
    if rule is not None:
        return _play_rule(env.simulation, rule, rota, seed, on_done)
    with noting(policy.name, rota.now_played):
        return _play_policy(env, policy, rota, seed, on_done)


class _Rota:
    """Which row plays which world; a row that finishes takes the next world that nobody plays yet, or rests."""

    def __init__(self, rows: int, episodes: int, on_episode: OnEpisode | None):
        self.episodes = episodes
        self.on_episode = on_episode
        self.worlds = np.arange(rows)  # (rows,)
        self.playing = np.ones(rows, dtype=bool)  # (rows,)
        self.upcoming = rows
        self.left = episodes
        self.calls = 0  # of `predict`, so far
        self.table: Table = {}

    def now_played(self) -> str:
        """Which worlds are played, and how often their rows have been asked."""
        worlds = np.sort(self.worlds[self.playing]).tolist()
        named = ", ".join(map(str, worlds[:_MOST_NAMED])) + (", ..." if len(worlds) > _MOST_NAMED else "")
        return f"{'world' if len(worlds) == 1 else 'worlds'} {named} of {self.episodes}, in call {self.calls + 1}"

    def record(self, finished: np.ndarray, metrics: Mapping[str, np.ndarray]) -> np.ndarray:
        """Keep the finished rows' metrics; returns (rows,) bool, which of them have a new world to play."""
        for key, values in metrics.items():
            if key not in self.table:
                self.table[key] = np.zeros(self.episodes, dtype=values.dtype)
            self.table[key][self.worlds[finished]] = values
        if (told := self.on_episode) is not None:
            for row in finished.tolist():
                told(int(self.worlds[row]), row)
        self.left -= len(finished)
        fresh = finished[: max(self.episodes - self.upcoming, 0)]
        starting = np.zeros(len(self.worlds), dtype=bool)
        self.playing[finished], self.playing[fresh], starting[fresh] = False, True, True
        self.worlds[fresh] = self.upcoming + np.arange(len(fresh))
        self.upcoming += len(fresh)
        return starting


def _play_policy(env: TesseraVectorEnv, policy: Policy, rota: _Rota, seed: int, on_done: OnDone) -> Table:
    rows, state = env.num_envs, None
    onlooker = policy if isinstance(policy, QueuePolicy) else None
    starting = np.ones(rows, dtype=bool)
    observation, _ = env.reset(seed=[seed] * rows, options={"world": rota.worlds})
    while True:
        if onlooker is not None:
            onlooker.see(env.queues())
        actions, state = policy.predict(
            observation, state, episode_start=starting, deterministic=True, action_masks=env.action_masks()
        )
        observation, _, terminated, truncated, _ = env.step(actions)
        rota.calls += 1
        starting = np.zeros(rows, dtype=bool)
        finished = np.flatnonzero((terminated | truncated) & rota.playing)
        if not len(finished):
            continue
        starting = rota.record(finished, env.episode_metrics(finished))
        on_done(len(finished))
        if not rota.left:
            return rota.table
        if starting.any():
            observation, _ = env.reset(seed=[seed] * rows, options={"world": rota.worlds, "reset_mask": starting})


def _play_rule(simulation: Simulation, rule: np.recarray, rota: _Rota, seed: int, on_done: OnDone) -> Table:
    reported, starting, decisions = 0.0, rota.playing.copy(), FIRST_SLICE
    while rota.left:
        if starting.any():
            simulation.start(starting, [seed] * len(starting), rota.worlds)
        simulation.play(rota.playing, rule, max(1, decisions // int(rota.playing.sum())))
        decisions = FIRST_SLICE if simulation.is_interpreted else min(2 * decisions, SLICE)
        finished = np.flatnonzero(simulation.views.terminated & rota.playing)
        starting = rota.record(finished, simulation.metrics(finished)) if len(finished) else np.zeros_like(starting)
        done = rota.episodes - rota.left + _parts_done(simulation, rota.playing & ~starting)
        on_done(done - reported)
        reported = done
    return rota.table


def _parts_done(simulation: Simulation, playing: np.ndarray) -> float:
    """How far the playing rows' episodes are, by their tasks done."""
    rows = simulation.state.episodes.view(np.ndarray)[playing]
    return float((rows["done"] / np.maximum(rows["task_count"], 1)).sum())

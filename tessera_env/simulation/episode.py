"""An episode in plain arrays: what reports, pictures and audits look at, instead of the engine's tables."""

from dataclasses import dataclass

import numpy as np

from tessera_env.engine.state import LOG, State
from tessera_env.simulation.metrics import metrics_of
from tessera_env.world.parameters import Parameters


@dataclass(frozen=True)
class Episode:
    """An episode up to some moment."""

    log: np.ndarray  # (entries,) records of tessera_env.engine.state.LOG; none where nothing is logged
    tasks: np.ndarray  # (tasks of the world,) records of tessera_env.engine.state.TASK
    market: list[np.ndarray]  # of each pool its (points,) records of tessera_env.world.market.timeline.MARKET_POINT
    now_s: float
    usd: float  # dollars so far, those that run up on living instances too
    metrics: dict[str, float]  # as in info["metrics"]; while it is running, up to now


def episode_of(params: Parameters, state: State, row: int) -> Episode:
    """The episode of a row, copied."""
    episode, counts = state.episodes[row], state.pools["point_count"][row]
    return Episode(
        log=np.array(state.log[row, : episode.log_count], dtype=LOG),
        tasks=np.array(state.tasks[row, : episode.task_count]),
        market=[np.array(state.market[row, pool_id, :count]) for pool_id, count in enumerate(counts)],
        now_s=float(episode.now_s),
        usd=float(episode.reported_usd),
        metrics={name: value[0].item() for name, value in metrics_of(params, state, np.array([row])).items()},
    )

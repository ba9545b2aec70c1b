"""The queues of rows, copied out of the engine's tables for policies that plan."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tessera_env.engine.state import State
from tessera_env.engine.work import transferable_mb
from tessera_env.jit.compiled import INTERPRETER
from tessera_env.observation.queue import KNOWN_POOL, KNOWN_TASK, Queue
from tessera_env.simulation.kernels import write_queues
from tessera_env.world.parameters import Parameters, new_table


def queues_of(params: Parameters, state: State, rows: Sequence[int] | np.ndarray, pools: np.recarray) -> list[Queue]:
    """The queue of each of these rows.

    Args:
        params: of the scenario.
        state: of the environments.
        rows: which of them.
        pools: (P,) KNOWN_POOL, see `known_pools`.
    """
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    arrived = int(state.episodes["next_arrival"][rows].max(initial=0))
    known, counts = new_table((len(rows), max(arrived, 1)), KNOWN_TASK), np.zeros(len(rows), dtype=np.int64)
    write_queues(params, state, rows, known, counts)
    config = params.config[0]
    empty = Queue(
        now_h=0.0,
        focal=-1,
        tasks=new_table(0, KNOWN_TASK),
        horizon_h=float(config.horizon_s) / 3600.0,
        pools=pools.copy(),
        downtime_weight=float(config.downtime_weight),
        missed_weight=float(config.missed_weight),
        full_fraction=float(config.full_fraction),
        partial_fraction=float(config.partial_fraction),
    )
    now_h, focal = state.episodes["now_s"][rows] / 3600.0, state.episodes["focal"][rows]
    each = zip(now_h.tolist(), focal.tolist(), known, counts.tolist(), strict=True)
    return [
        replace(empty, now_h=now, focal=_place_of(number, tasks[:count]), tasks=tasks[:count])
        for now, number, tasks, count in each
    ]


def known_pools(params: Parameters) -> np.recarray:
    """What is known of the pools from the start, (P,) KNOWN_POOL."""
    table, config = new_table(len(params.pools), KNOWN_POOL), params.config[0]
    for pool_id, pool in enumerate(params.pools):
        table.gpu_memory_mb[pool_id] = pool.gpu_memory_mb
        table.on_demand_usd_per_h[pool_id] = pool.on_demand_price
        if config.saves_at_notice:  # a call or two as plain Python are done sooner than compiled
            table.savable_mb[pool_id] = INTERPRETER.run(transferable_mb, (config, pool))
    return table


def _place_of(number: int, tasks: np.recarray) -> int:
    """Where the task of this number stands; -1: nowhere."""
    found = np.flatnonzero(tasks.number == number)
    return int(found[0]) if len(found) else -1

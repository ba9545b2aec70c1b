"""Queues and demands made by hand."""

import numpy as np

from tessera_env.observation.queue import KNOWN_POOL, KNOWN_TASK, Queue
from tessera_env.policies.planning.programme import Demand, Plan, Supply, solve
from tessera_env.world.parameters import new_table


def queue(*tasks: dict[str, float], focal: int = 0, now_h: float = 0.0, pools: int = 2, **terms: float) -> Queue:
    """A queue of these tasks, BATCH with 4 h of work and 6 h of slack that are on nothing unless told otherwise."""
    usual = {"work_h": 4.0, "work_left_h": 4.0, "deadline_h": 10.0, "slack_h": 6.0, "gpu_memory_mb": 8000.0}
    known, prices = new_table(len(tasks), KNOWN_TASK), new_table(pools, KNOWN_POOL)
    for k, task in enumerate(tasks):
        for name, value in {"number": k, "on_demand_usd_per_h": 3.0, "state_mb": 1.0, **usual, **task}.items():
            known[name][k] = value
    prices.gpu_memory_mb, prices.on_demand_usd_per_h, prices.savable_mb = 16000.0, 3.0, 15000.0
    usual_terms = {"downtime_weight": 2.0, "missed_weight": 2.0, "full_fraction": 0.8, "partial_fraction": 0.3}
    return Queue(now_h, focal, known, terms.pop("horizon_h", 48.0), prices, **{**usual_terms, **terms})


def plan(tasks: list[dict[str, float]], edges_h: list[float], capacity: list[float]) -> Plan:
    """The plan for tasks, BATCH with 2 h of work until hour 4 unless told otherwise, where spot is 1 $/h of 3 $/h."""
    usual = {
        "count": 1.0,
        "work_h": 2.0,
        "from_h": 0.0,
        "until_h": 4.0,
        "interactive": False,
        "undone_usd_per_h": 30.0,
        "on_demand_usd_per_h": 3.0,
        "fits": True,
        "gain": 1.0,
        "stay_spot_usd": 0.0,
        "stay_on_demand_usd": 0.0,
    }
    columns = {name: np.array([{**usual, **task}[name] for task in tasks]) for name in usual}
    columns |= {name: columns[name][:, None] for name in ("fits", "gain")}
    spot = np.array([capacity])
    return solve(Demand(**columns), Supply(np.array(edges_h), spot, np.ones_like(spot)))

"""`fleet-train`: fleets without end to train on, no two alike, none of them recorded.

2 to 12 pools of unlike types in one to four zones, from idle to overloaded, with and without deadlines; spells of
capacity by the semi-Markov family that `fleet-mixed` has, or no limit and fast prices, as in `classic`.
"""

from typing import Any

import numpy as np

from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

FAMILY = "fleet-train"
TYPES = {  # that rent by themselves what jobs of one to four GPUs ask for; figures come from the catalogue
    "g4dn.xlarge": 16_000,
    "g6.xlarge": 24_000,
    "g5.2xlarge": 24_000,
    "g6e.xlarge": 48_000,
    "p3.2xlarge": 16_000,
    "g6.12xlarge": 96_000,
    "g5.12xlarge": 96_000,
}
LEAST_POOLS, MOST_POOLS = 2, 12
MOST_ZONES, MOST_INSTANCES, MOST_TASKS = 4, 6, 240
LOADS = (0.3, 2.0)  # work that tasks bring, as a share of what spot holds while they arrive
HORIZON_H, ARRIVAL_SHARE = 48.0, 0.5
_MEAN_WORK_H = 5.0  # of the log-normal below, clipped
_UNLIMITED_SHARE, _FREE_SHARE = 0.2, 0.15  # of fleets: spot without limit; no deadlines


def drawn_fleet(seed: int, number: int) -> Scenario:
    """Fleet `number` of a seed: the same whenever it is asked for."""
    draw = np.random.default_rng([seed, number])
    is_unlimited, is_free = draw.random(2) < (_UNLIMITED_SHARE, _FREE_SHARE)
    pools = _pools(draw, bool(is_unlimited))
    held = 0.55 * sum(4 if is_unlimited else pool["capacity"]["instances"] for pool in pools)  # about half is up
    count = np.exp(draw.uniform(*np.log(LOADS))) * held * HORIZON_H * ARRIVAL_SHARE / _MEAN_WORK_H
    return load_scenario(
        {
            "name": f"{FAMILY}-{number}",
            "horizon_h": HORIZON_H,
            "decision_interval_s": float(draw.choice([600.0, 900.0, 1800.0])),
            "reconsider_running": True,
            "ask_order": "urgency",
            "ask_at_freed_room": not is_unlimited,
            "make_before_break": bool(draw.random() < 0.8),
            "just_in_time": bool(draw.random() < 0.8),
            "guard_counts_saves": not is_free,
            "deadline_guard": not is_free,
            "notice_s": float(draw.choice([30.0, 120.0])),
            "checkpoint": {"partial_fraction": 0.3, "store_bandwidth_gbps": float(draw.choice([1.0, 10.0, 50.0]))},
            "task": _tasks(draw, int(np.clip(count, 10, MOST_TASKS)), pools, bool(is_free)),
            "pools": pools,
        }
    )


def _pools(draw: np.random.Generator, is_unlimited: bool) -> list[dict[str, Any]]:
    """As a scenario's TOML has them."""
    zones = int(draw.integers(1, MOST_ZONES + 1))
    types = draw.choice(list(TYPES), int(draw.integers(1, 5)), replace=False).tolist()
    count = int(draw.integers(LEAST_POOLS, MOST_POOLS + 1))
    return [_pool(draw, f"p{k}", f"z{k % zones}", types[k // zones % len(types)], is_unlimited) for k in range(count)]


def _pool(draw: np.random.Generator, name: str, zone: str, instance_type: str, is_unlimited: bool) -> dict[str, Any]:
    mean = float(draw.uniform(0.3, 0.55))
    pool = {
        "name": name,
        "zone": zone,
        "instance_type": instance_type,
        "provisioning_s": {"lognormal": {"median": float(draw.uniform(30, 180)), "sigma": 0.5, "low": 30, "high": 600}},
        "on_demand_failure_share": float(draw.choice([0.0, 0.03])),
        "setup_h": {"uniform": [0.03, 0.1]},
    }
    if is_unlimited:
        price = {"source": "ornstein_uhlenbeck", "mean_share": mean, "deviation_share": float(draw.uniform(0.05, 0.2))}
        price |= {"reversion_per_h": float(draw.uniform(0.1, 0.6)), "step_s": 300.0}
        hazard = {"model": "discount", "per_h": float(draw.uniform(0.02, 0.1))}
        return pool | {"price": price, "hazard": hazard, "capacity": {"source": "constant"}}
    price = {"source": "steps", "mean_share": mean, "changes_per_day": 3.0}
    return pool | {"price": price | {"lowest_share": 0.2, "highest_share": 0.8}, "capacity": _capacity(draw)}


def _capacity(draw: np.random.Generator) -> dict[str, Any]:
    up, down = float(np.exp(draw.uniform(*np.log((0.4, 3.0))))), float(draw.uniform(0.3, 1.0))
    return {
        "source": "semi_markov",
        "instances": int(draw.integers(1, MOST_INSTANCES + 1)),
        "up_median_h": [0.6 * up, 1.8 * up],
        "up_sigma": [1.2, 1.8],
        "down_median_h": [0.8 * down, 1.5 * down],
        "down_sigma": [1.0, 1.5],
        "regime_mean_h": 24.0,
        "regime_factor_high": 2.0,
        "shocks_per_day": float(draw.uniform(0.0, 1.0)),
    }


def _tasks(draw: np.random.Generator, count: int, pools: list[dict[str, Any]], is_free: bool) -> dict[str, Any]:
    """Memory up to what the pools have, slack that covers the slowest start on on-demand."""
    largest = max(TYPES[pool["instance_type"]] for pool in pools)
    slack = {"lognormal": {"median": float(draw.uniform(0.6, 1.5)), "sigma": 0.6, "low": 0.45, "high": 3.0}}
    return {
        "count": count,
        "arrivals": "uniform",
        "arrival_share": ARRIVAL_SHARE,
        "interactive_share": float(draw.uniform(0.0, 0.3)),
        "work_h": {"lognormal": {"median": 3.0, "sigma": 1.1, "low": 1.0, "high": 20.0}},
        **({} if is_free else {"slack": slack}),
        "gpu_memory_mb": {"choice": [0.25 * largest, 0.25 * largest, 0.5 * largest, 0.9 * largest]},
        "state_base_mb": 2000.0,
        "state_mb_per_work_h": float(draw.choice([500.0, 4000.0, 12000.0])),
        "state_cap_mb": 60000.0,
    }

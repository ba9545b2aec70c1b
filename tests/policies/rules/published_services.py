"""The simulator published with SkyServe as scenarios of ours, and its reference runs, which lie beside the project."""

import csv
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.traces import SHARED

GOLDEN = SHARED.parent / "golden"
TRACES = SHARED / "spothedge"
TICK_S = 30
POLICIES = {
    "on_demand_only": "on_demand_only",
    "even_spread": "even_spread",
    "round_robin": "round_robin",
    "spothedge": "spot_hedge",
    "spothedge_safety_net": "spot_hedge:safety_net=1",
}


def runs(name: str) -> list[dict[str, str]]:
    """The rows of a file of reference runs; the test is skipped where it, or a trace, is missing."""
    if not (GOLDEN / name).is_file() or not TRACES.is_dir():
        pytest.skip(f"needs {name} in {GOLDEN} and {TRACES} (TESSERA_TRACES)")
    with (GOLDEN / name).open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def capacities(trace: str) -> list[np.ndarray]:
    """Spot replicas that each zone can hold, tick by tick, in the order of names; as long as the shortest."""
    zones = []
    for path in sorted((TRACES / trace).glob("*.json")):
        file = json.loads(path.read_text())
        per_sample = int(file["metadata"]["gap_seconds"] / TICK_S)
        zones.append(np.repeat(np.array(file["data"]).astype(int), per_sample))
    return [zone[: min(map(len, zones))] for zone in zones]


def scenario_of(run: dict[str, str], folder: Path, looks: str = "always") -> dict[str, Any]:
    """The run's scenario; its window of the trace is written into the folder, once for each."""
    zones = capacities(run["trace"])
    ticks, start = int(run["ticks"]), int(run["start_tick"])
    order = [int(place) for place in run.get("zone_order", "").split("-") if place] or range(len(zones))
    names, paths = [], []
    for place in order:
        names.append(f"{run['trace']}-{start}-{ticks}-{place}")
        paths.append(folder / f"{names[-1]}.json")
        if not paths[-1].exists():
            window = zones[place][(start + np.arange(ticks)) % len(zones[place])].tolist()
            data = {"metadata": {"gap_seconds": TICK_S}, "data": [*window, window[-1]]}
            paths[-1].write_text(json.dumps(data))
    horizon_h = ticks * TICK_S / 3600
    if horizon_h * 3600 > ticks * TICK_S:  # else a tick more would begin before the end
        horizon_h = math.nextafter(horizon_h, 0.0)
    cold_start_s = float(run["cold_start_s"])
    return {
        "horizon_h": horizon_h,
        "decision_interval_s": TICK_S,
        "notice_s": 0,
        "billing": {"minimum_s": 0},
        "service": {
            "target": int(run["n_target"]),
            "extra": int(run["n_extra"]),
            "setup_s": cold_start_s,
            "score_from_s": cold_start_s,
            "decides_before_market": True,
            "looks_at_events": False,
            "looks": looks,
        },
        "market": {"trace": [str(path) for path in paths], "polarity": "available", "until_h": horizon_h},
        "pools": [_pool(k, name) for k, name in enumerate(names)],
    }


def _pool(k: int, name: str) -> dict[str, Any]:
    return {
        "name": f"zone-{k}",
        "zone": f"zone-{k}",
        "instance_type": "any",
        "gpu_memory_mb": 1000,
        "bandwidth_gbps": 1,
        "on_demand_usd_per_h": 3,
        "price": {"source": "constant", "usd_per_h": 1},
        "trace_zone": name,
        "capacity": {"source": "trace", "instances": 1},
    }

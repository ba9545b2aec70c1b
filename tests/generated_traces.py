"""Trace files made by a seed: heavy-tailed spells, a price that moves in steps, samples every 195 s; a pool for one."""

import numpy as np

SAMPLE_S = 195.0


def heavy_tailed_csv(zones: int = 2, hours: float = 1_000.0, seed: int = 5) -> str:
    """A CSV trace whose up-spells have a median of 0.6 h and a mean of 3 h."""
    rng = np.random.default_rng(seed)
    return "zone,time_s,spot_available,spot_price\n" + "".join(
        line for zone in range(zones) for line in _zone(rng, f"zone-{zone}", round(hours * 3600.0 / SAMPLE_S))
    )


def _zone(rng: np.random.Generator, name: str, samples: int) -> list[str]:
    up, price = 0, 0.92
    lines, sample = [], 0
    while sample < samples:
        median_h = 0.6 if up else 0.4
        end = sample + max(int(median_h * np.exp(1.8 * rng.standard_normal()) * 3600.0 / SAMPLE_S), 3)
        while sample < min(end, samples):
            lines.append(f"{name},{sample * SAMPLE_S:g},{up},{price:.4f}\n")
            price *= 1.0 + rng.uniform(0.005, 0.04) * rng.choice([-1.0, 1.0])
            sample += int(rng.exponential(110)) + 1
        sample, up = end, 1 - up
    return lines


# The only pool of a scenario that replays zone "east" of its trace.
REPLAYING_POOL = """
[[pools]]
name = "own"
zone = "east"
instance_type = "own"
gpu_memory_mb = 16000
on_demand_usd_per_h = 1.0
trace_zone = "east"
price = { source = "trace" }
capacity = { source = "trace", instances = 2 }
"""

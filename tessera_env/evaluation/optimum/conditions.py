"""What each optimum asks of a scenario, and the words in which it refuses another."""

from collections.abc import Iterator

import numpy as np

from tessera_env.files.numbers import exact
from tessera_env.scenario.market import Pool

GRID_S = 1e-6  # what lies this near a tick lies on it


def line(field: str, got: object, allowed: str) -> str:
    """What a problem is told in."""
    return f"{field}: {got} (allowed: {allowed})"


def number(value: float | None) -> str:
    """A field's value as text."""
    return "none" if value is None else exact(value)


def off_ticks(times_s: np.ndarray | float, tick_s: float) -> bool:
    """Whether any time is no multiple of the tick."""
    return bool(np.any(np.abs(times_s - np.round(times_s / tick_s) * tick_s) > GRID_S))


def chance_problems(field: str, pool: Pool) -> Iterator[str]:
    """What leaves it to chance whether and when the pool has an instance."""
    if pool.hazard.model != "none":
        yield line(f"{field}.hazard.model", pool.hazard.model, "none")
    if pool.provisioning_s.highest > 0.0:
        yield line(f"{field}.provisioning_s", f"up to {exact(pool.provisioning_s.highest)}", "0")
    if pool.on_demand_failure_share > 0.0:
        yield line(f"{field}.on_demand_failure_share", number(pool.on_demand_failure_share), "0")

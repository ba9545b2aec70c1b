"""Hand-made observations: all fields 0 but those named, for two pools unless told otherwise."""

import numpy as np

from tessera_env.observation.layout import Layout

LAYOUT = Layout(2)
WAIT, SPOT_0, SPOT_1, ON_DEMAND_0, ON_DEMAND_1 = range(5)

# A BATCH task that waits with time to spare; both pools fit it and have spot, pool 1 is cheaper on both.
WAITING = {
    "wait_slack": 0.5,
    "on_nothing": 1.0,
    "fits": [1, 1],
    "available": [1, 1],
    "spot_price": [0.4, 0.3],
    "on_demand_price": [1.0, 0.9],
}


def observation(layout: Layout = LAYOUT, **fields: object) -> np.ndarray:
    """One row, (1, K) float32."""
    row = np.zeros((1, layout.size), dtype=np.float32)
    for name, value in fields.items():
        row[0, layout.slice_of(name)] = value
    return row


def waiting(**changes: object) -> np.ndarray:
    """WAITING with changes."""
    return observation(**{**WAITING, **changes})


def on_spot(pool: int, **changes: object) -> np.ndarray:
    """The task of WAITING, but on spot in the pool."""
    return waiting(on_nothing=0.0, on_spot=1.0, here_spot=np.arange(2) == pool, **changes)


def on_on_demand(pool: int, **changes: object) -> np.ndarray:
    """The task of WAITING, but on on-demand in the pool."""
    return waiting(on_nothing=0.0, on_on_demand=1.0, here_on_demand=np.arange(2) == pool, **changes)


def all_but(*actions: int) -> np.ndarray:
    """A mask that forbids these."""
    mask = np.ones((1, 5), dtype=bool)
    mask[0, list(actions)] = False
    return mask


def only(*actions: int) -> np.ndarray:
    """A mask that allows these."""
    return ~all_but(*actions)


def random_rows(count: int, layout: Layout = LAYOUT, seed: int = 0) -> np.ndarray:
    """(n, K) with every field within its bounds, flags being flags."""
    generator = np.random.default_rng(seed)
    rows = generator.uniform(-1, 1, (count, layout.size)).astype(np.float32)
    for name in ("fits", "available", "here_spot", "here_on_demand", "interactive"):
        part = layout.slice_of(name)
        rows[:, part] = rows[:, part] > 0
    part = layout.slice_of("interruptions")
    rows[:, part] = generator.integers(0, 17, (count, 1)) / 16
    return rows

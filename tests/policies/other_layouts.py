"""Observations with fields added, left out, in another order or of another meaning."""

from collections.abc import Callable

import numpy as np

from tessera_env.observation.fields import Field, ObservationField, PoolField
from tessera_env.observation.layout import Layout

Group = dict[str, tuple[str, float]]  # meaning and lower bound by name, in order
TASK: Group = {field.name: (field.meaning, field.low) for field in Field}
POOL: Group = {field.name: (field.meaning, field.low) for field in PoolField}


def layout_of(pool_count: int, task: Group = TASK, pool: Group = POOL) -> Layout:
    """A layout of these fields."""
    groups: list[type[ObservationField]] = [
        ObservationField("OtherField", {name: (k, *said) for k, (name, said) in enumerate(group.items())})
        for group in (task, pool)
    ]
    return Layout(pool_count, *groups)


def larger(pool_count: int) -> Layout:
    """One field more of the task and one more of each pool, neither of them last."""
    more = ("what nobody knew before", -1.0)
    return layout_of(pool_count, {"NEWS": more, **TASK}, {"POOL_NEWS": more, **POOL})


def turned(pool_count: int) -> Layout:
    """The same fields from the last to the first."""
    return layout_of(pool_count, dict(reversed(TASK.items())), dict(reversed(POOL.items())))


OTHERS: dict[str, Callable[[int], Layout]] = {"larger": larger, "turned": turned}


def moved(rows: np.ndarray, layout: Layout, other: Layout) -> np.ndarray:
    """The same observations in the other layout; what only that one has is noise."""
    generator = np.random.default_rng(7)
    made = generator.uniform(-1, 1, (len(rows), other.size)).astype(np.float32)
    for name in set(layout.names) & set(other.names):
        other.read(made, name)[...] = layout.read(rows, name)
    return made

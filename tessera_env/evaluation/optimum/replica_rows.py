"""Replicas in a linear programme: how many of each group are ready in each cell of time, and how many become ready.

A group is a pool's spot instances, or on-demand. A replica costs something for each cell in which it is ready, and
something when it becomes ready: what its cold start cost.
"""

from typing import NamedTuple

import numpy as np

from tessera_env.evaluation.optimum.programme import Programme


class Cells(NamedTuple):
    """Stretches of time, one after the other, in each of which nothing changes; g groups, n cells."""

    room: np.ndarray  # (g, n) replicas that can be ready at most
    use_usd: np.ndarray  # (g, n) of a replica that is ready throughout
    start_usd: np.ndarray  # (g, n) of a replica that becomes ready at the cell's start


class Replicas(NamedTuple):
    """The programme's columns."""

    ready: np.ndarray  # (g, n)
    starts: np.ndarray  # (g, n)


def add_replicas(programme: Programme, cells: Cells) -> Replicas:
    """Columns of the cells' replicas; what is ready beyond the cell before has become ready, at first all of it."""
    shape = cells.room.shape
    ready = programme.columns(cells.use_usd.ravel(), cells.room.ravel()).reshape(shape)
    starts = programme.columns(cells.start_usd.ravel(), cells.room.ravel()).reshape(shape)
    rises = programme.rows(np.zeros(cells.room.size)).reshape(shape)
    programme.enter(rises, ready, 1.0)
    programme.enter(rises[:, 1:], ready[:, :-1], -1.0)
    programme.enter(rises, starts, -1.0)
    return Replicas(ready, starts)

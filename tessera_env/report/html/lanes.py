"""Instances of one episode as rows of a chart: pool by pool, each row as many instances as follow one another."""

from collections.abc import Sequence
from typing import NamedTuple

from tessera_env.rendering.lives import Life, packed


class Placed(NamedTuple):
    """An instance and its row."""

    row: int
    life: Life


class Lanes(NamedTuple):
    """The rows of one episode's chart."""

    placed: list[Placed]
    middles: list[float]  # of each pool, in rows, where its name stands
    tops: list[float]  # of each pool, in rows, where a line sets it apart from the one above
    rows: int


def lanes_of(lives: Sequence[Life], pool_count: int) -> Lanes:
    """Rows for all instances, spot above on-demand within a pool; every pool has room for its name."""
    held: dict[tuple[int, int], list[Life]] = {}
    for life in lives:
        held.setdefault((life.pool, life.on_demand), []).append(life)
    placed, middles, tops, row = [], [], [], 0
    for pool in range(pool_count):
        top = row
        for on_demand in (0, 1):
            for lane in packed(held.get((pool, on_demand), [])):
                placed += [Placed(row, life) for life in lane]
                row += 1
        row = max(row, top + 2)
        tops.append(top - 0.5)
        middles.append((top + row - 1) / 2.0)
    return Lanes(placed, middles, tops, row)

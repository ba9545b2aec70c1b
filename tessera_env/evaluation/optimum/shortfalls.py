"""A lower bound of what a service costs, dollars and penalties for time below its target in one figure.

The programme is that of `tessera_env.evaluation.optimum.replica_seconds`, with the share of a cell that goes without
the target at its price. Twice as many cells take more than twice as long to solve, so there are two steps that can only
lower the figure:

- *Windows.* Cells in a row are solved alone, and what is ready at a window's start was had for nothing.
- *Merging.* Of cells too many, some in a row in which the same is wanted become one, with their highest room, their
  least price, and at each edge the least cost of a start in the two cells beside it: less than what anyone pays within.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from tessera_env.evaluation.optimum.programme import Programme
from tessera_env.evaluation.optimum.replica_rows import Cells, add_replicas
from tessera_env.evaluation.optimum.replica_seconds import add_shares
from tessera_env.evaluation.optimum.timeline import Demand, Offer, Timeline, timeline_of
from tessera_env.recordings.traces.series import HOUR_S

_WINDOW = 4_000  # cells times offers that are solved together
_MOST = 100_000  # of a world; more are merged


def shortfall_bound_usd(
    offers: Sequence[Offer], target: Demand, from_s: float, until_s: float, short_usd_per_h: float
) -> float:
    """No policy pays less from 0 to `until_s`, penalties included.

    Args:
        offers: all that there is to be had, on-demand too.
        target: how many have to be ready.
        from_s: when it starts to count.
        until_s: when it ends.
        short_usd_per_h: penalty of an hour below the target, for each replica of the target.

    Raises:
        ValueError: a figure that makes no sense; one line that names it.
        RuntimeError: the solver gave up.
    """
    timeline = timeline_of(offers, target, from_s, until_s)
    timeline = merged(timeline, int(np.ceil(timeline.cells.room.size / _MOST)))
    return sum(_least_usd(window, short_usd_per_h) for window in _windows(timeline))


def merged(timeline: Timeline, together: int) -> Timeline:
    """So many cells as one, fewer where what is wanted changes."""
    if together == 1:
        return timeline
    wanted = timeline.wanted
    runs = np.concatenate(([0], 1 + np.flatnonzero(np.diff(wanted)), [len(wanted)]))
    starts = np.concatenate([np.arange(a, b, together) for a, b in pairwise(runs.tolist())])
    room, use_usd, start_usd = timeline.cells
    lengths_s = np.add.reduceat(timeline.lengths_s, starts)
    price = np.minimum.reduceat(use_usd / timeline.lengths_s, starts, axis=1)
    cells = Cells(np.maximum.reduceat(room, starts, axis=1), price * lengths_s, _least_at_edges(start_usd, starts))
    return Timeline(cells, wanted[starts], lengths_s, np.add.reduceat(timeline.scored_s, starts))


def _least_at_edges(start_usd: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The least cost of a start in the cells before and after each cell's first edge."""
    within = np.minimum.reduceat(start_usd, starts, axis=1)
    within[:, :-1] = np.minimum(within[:, :-1], start_usd[:, starts[1:]])
    within[:, 1:] = np.minimum(within[:, 1:], within[:, :-1].copy())
    return within


def _windows(timeline: Timeline) -> Iterator[Timeline]:
    (room, use_usd, start_usd), wanted, lengths_s, scored_s = timeline
    length = max(1, _WINDOW // len(room))
    for first in range(0, len(wanted), length):
        part = slice(first, first + length)
        starts = start_usd[:, part].copy()
        if first:
            starts[:, 0] = 0.0
        yield Timeline(Cells(room[:, part], use_usd[:, part], starts), wanted[part], lengths_s[part], scored_s[part])


def _least_usd(window: Timeline, short_usd_per_h: float) -> float:
    cells, wanted, _, scored_s = window
    missed_usd = short_usd_per_h * wanted * scored_s / HOUR_S
    scale_usd = float(max(cells.use_usd.max(), missed_usd.max())) or 1.0  # the solver takes below 1e-7 for nothing
    scaled = cells._replace(use_usd=cells.use_usd / scale_usd, start_usd=cells.start_usd / scale_usd)
    programme = Programme()
    replicas = add_replicas(programme, scaled)
    add_shares(programme, cells, replicas, wanted, missed_usd / scale_usd)
    return max(programme.least_usd(), 0.0) * scale_usd

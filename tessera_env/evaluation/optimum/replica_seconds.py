"""A lower bound of what a service costs where nothing keeps to ticks: replicas in continuous time.

Time is cut where a price or capacity changes, once more a set-up and a cold start later, and where the target changes.
The programme has the mean number r of ready replicas of each offer in each cell, and for each edge between cells the
number w that become ready about there. What any policy does satisfies it, at no more than what it pays:

- *Room.* Who is ready was held for the whole cold start before: r is no more than the least capacity of that time,
  which is the same throughout a cell. More than the largest target, of one offer, can be left out: it only costs.
- *Starts.* A replica that becomes ready with a share f of a cell behind it counts 1 - f at the cell's first edge and f
  at its last. The mean of a cell exceeds what is ready at its first edge by the sum of its 1 - f or less, and what is
  ready at its last edge exceeds the mean by the sum of its f or less. So from cell to cell r grows by w or less.
- *Price.* Who is ready pays the price of the moment, which is the same throughout a cell. Who becomes ready has paid
  for the set-up: the price's integral over the time before, which is linear in the moment within a cell, so that
  counting 1 - f and f at what it is at the edges gives just that.
- *Target.* Let m be the share of a cell in which fewer are ready than the target says. On the rest, s <= r of each
  offer, its room times 1 - m at most, make up the target times 1 - m. The time without is a share of the scored time of
  `1 - availability` at most.

Launches that fail, lost lifetimes, minimum bills, whole billed seconds and idle replicas only cost a policy more. Where
a lost replica may be had for nothing (a free first hour), the price must be 0.
"""

from collections.abc import Sequence

import numpy as np

from tessera_env.evaluation.optimum.programme import Programme
from tessera_env.evaluation.optimum.replica_rows import Cells, Replicas, add_replicas
from tessera_env.evaluation.optimum.timeline import Demand, Offer, timeline_of
from tessera_env.files.numbers import exact


def service_bound_usd(
    offers: Sequence[Offer], target: Demand, from_s: float, until_s: float, availability: float = 1.0
) -> float:
    """No policy that has the target ready for this share of the time from `from_s` on pays less, from 0 to `until_s`.

    Args:
        offers: all that there is to be had, on-demand too.
        target: how many have to be ready.
        from_s: when it starts to count; the first cold start's end, or later.
        until_s: when it ends.
        availability: the least share of that time in which the target is met.

    Raises:
        ValueError: a figure that makes no sense; one line that names it.
        RuntimeError: the solver gave up, or no policy could do it.
    """
    if not 0.0 <= availability <= 1.0:
        raise ValueError(f"availability: {exact(availability)} (allowed: 0 to 1)")
    cells, wanted, _, scored_s = timeline_of(offers, target, from_s, until_s)
    programme = Programme()
    scale_usd = cells.use_usd.max() or 1.0  # the solver takes what is below 1e-7 for nothing
    scaled = cells._replace(use_usd=cells.use_usd / scale_usd, start_usd=cells.start_usd / scale_usd)
    replicas = add_replicas(programme, scaled)
    if availability == 1.0:
        programme.enter(programme.rows(-wanted), replicas.ready, -1.0)
    else:
        missed = add_shares(programme, cells, replicas, wanted, np.zeros(len(wanted)))
        programme.at_most((1.0 - availability) * scored_s.sum(), (missed, scored_s))
    return max(programme.least_usd(), 0.0) * float(scale_usd)


def add_shares(
    programme: Programme, cells: Cells, replicas: Replicas, wanted: np.ndarray, missed_usd: np.ndarray
) -> np.ndarray:
    """Columns of the share of each cell without the target, by what all of it costs, (n,), and of who meets it else."""
    missed = programme.columns(missed_usd, 1.0)
    serving = programme.columns(np.zeros(cells.room.size), cells.room.ravel()).reshape(cells.room.shape)
    rows = programme.rows(np.zeros(cells.room.size)).reshape(cells.room.shape)
    programme.enter(rows, serving, 1.0)
    programme.enter(rows, replicas.ready, -1.0)
    rows = programme.rows(cells.room.ravel()).reshape(cells.room.shape)
    programme.enter(rows, serving, 1.0)
    programme.enter(rows, missed, cells.room)
    rows = programme.rows(-wanted)
    programme.enter(rows, missed, -wanted)
    programme.enter(rows, serving, -1.0)
    return missed

"""From a plan's first bin to the answer for one task: the valid placement that is nearest to it."""

from enum import IntEnum

import numpy as np

from tessera_env.observation.queue import Queue
from tessera_env.policies.planning.outlook import Outlook

_STAY, _FIRST, _SECOND, _THIRD, _NOT_TO_BE_HAD = 0.0, 1e3, 2e3, 3e3, 8e3  # far apart against any price
_LEAST_SHARE = 0.2  # of the time that it could work, for which a task is sent somewhere


class Wish(IntEnum):
    """What the plan has for a task next."""

    WAIT = 0
    SPOT = 1  # or else nothing
    SPOT_AT_ONCE = 2  # or else on-demand
    ON_DEMAND = 3


def wish_for(spot_h: float, on_demand_h: float, needed_h: float, cannot_wait: bool) -> Wish:
    """The wish for a task.

    Args:
        spot_h: planned for it in the first bin.
        on_demand_h: likewise.
        needed_h: that it could work there at most.
        cannot_wait: it is INTERACTIVE, or on on-demand.
    """
    least_h = _LEAST_SHARE * needed_h
    if spot_h >= max(on_demand_h, least_h):
        return Wish.SPOT_AT_ONCE if cannot_wait else Wish.SPOT
    return Wish.ON_DEMAND if on_demand_h > least_h else Wish.WAIT


def answer(
    wish: Wish, queue: Queue, outlook: Outlook, usd_per_h: np.ndarray, stay_usd_per_h: float, mask: np.ndarray
) -> int:
    """The valid action that comes first under the wish.

    Args:
        wish: of the focal task.
        queue: of the row.
        outlook: on its pools.
        usd_per_h: (P,) what an hour of spot costs the task, interruptions included.
        stay_usd_per_h: what staying where it is on spot is cheaper by, against a move; below 0: a move saves more.
        mask: (1 + 2P,) bool, which actions are valid.
    """
    pool_count, here = len(queue.pools), int(queue.tasks.placement[queue.focal])
    waits, spot, on_demand = {
        Wish.WAIT: (_FIRST, _SECOND, _THIRD),
        Wish.SPOT: (_SECOND, _FIRST, _THIRD),
        Wish.SPOT_AT_ONCE: (_THIRD, _FIRST, _SECOND),
        Wish.ON_DEMAND: (_THIRD, _SECOND, _FIRST),
    }[wish]
    ranks = np.empty(1 + 2 * pool_count)
    ranks[0] = waits
    ranks[1 : 1 + pool_count] = np.where(outlook.free, spot, _NOT_TO_BE_HAD) + usd_per_h
    ranks[1 + pool_count :] = on_demand + queue.pools.on_demand_usd_per_h
    if 0 < here <= pool_count:
        ranks[here] = spot + usd_per_h[here - 1] - stay_usd_per_h
    elif here > 0:
        ranks[here] = on_demand  # staying comes before all that is like it
    ranks[~mask] = np.inf
    return int(np.argmin(ranks)) if mask.any() else 0

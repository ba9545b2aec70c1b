"""Pools that are alike for a plan, whose capacity it counts together: of one memory and one on-demand price."""

from dataclasses import dataclass

import numpy as np

from tessera_env.observation.queue import Queue
from tessera_env.policies.planning.outlook import Outlook
from tessera_env.policies.planning.programme import Supply

_NO_ROOM = 1e-9
_TRUST = 0.9  # in the capacity that is expected: full pools refuse more than idle ones can make up for


@dataclass(frozen=True)
class Groups:
    """G groups of P pools."""

    of_pool: np.ndarray  # (P,) each pool's group
    gpu_memory_mb: np.ndarray  # (G,)
    savable_mb: np.ndarray  # (G,) that the grace period saves, in the worst of its pools

    def fits(self, gpu_memory_mb: np.ndarray) -> np.ndarray:
        """(n, G) which tasks fit which group; `gpu_memory_mb` (n,) of the tasks."""
        return gpu_memory_mb[:, None] <= self.gpu_memory_mb

    def means(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(G, ...) the weighted means of values of pools, (P, ...) like their weights."""
        weights = np.maximum(weights, _NO_ROOM)
        return self.sums(values * weights) / self.sums(weights)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """(G, ...) the sums of values of pools, (P, ...)."""
        sums = np.zeros((len(self.gpu_memory_mb), *values.shape[1:]))
        np.add.at(sums, self.of_pool, values)
        return sums


def groups_of(queue: Queue) -> Groups:
    """The groups of a queue's pools."""
    pools = queue.pools
    kinds = np.column_stack((pools.gpu_memory_mb, pools.on_demand_usd_per_h))
    found, of_pool = np.unique(kinds, axis=0, return_inverse=True)
    of_pool = of_pool.ravel()
    savable_mb = np.array([pools.savable_mb[of_pool == group].min() for group in range(len(found))])
    return Groups(of_pool, found[:, 0], savable_mb)


def supply_of(groups: Groups, outlook: Outlook, edges_h: np.ndarray) -> Supply:
    """What the groups are expected to have in each bin; `edges_h` (bins + 1,) from now on."""
    capacity, usd_per_h = outlook.expected(edges_h)
    capacity[:, 1:] *= _TRUST
    return Supply(edges_h, groups.sums(capacity), groups.means(usd_per_h, capacity))

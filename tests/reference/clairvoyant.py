"""The least cost of a world of ticks, twice over, slowly: as a dynamic programme and as a mixed-integer one.

They share no code with the package. A world is, tick for tick, whether spot is up and what it costs; the last tick may
be cut short by the deadline, and is billed in full.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

NOTHING, SPOT, ON_DEMAND = 0, 1, 2


@dataclass(frozen=True)
class Ticks:
    """A job and its world; prices in $ a tick."""

    work_s: float
    changeover_s: float
    deadline_s: float
    tick_s: float
    on_demand_usd: float
    spot_usd: tuple[float, ...]
    up: tuple[bool, ...]

    def length_s(self, tick: int) -> float:
        """How much of a tick lies before the deadline."""
        return min(self.tick_s, self.deadline_s - tick * self.tick_s)


def least_usd(world: Ticks) -> float:
    """By dynamic programming over tick, work left, what is held and changeover left; infinity: it cannot be done."""
    ticks = len(world.up)

    @cache
    def rest_usd(tick: int, work_left_s: float, held: int, changeover_left_s: float) -> float:
        if work_left_s <= 1e-9:
            return 0.0
        if tick == ticks:
            return float("inf")
        best = rest_usd(tick + 1, work_left_s, NOTHING, 0.0)
        for purchase in (SPOT, ON_DEMAND):
            if purchase == SPOT and not world.up[tick]:
                continue
            changeover_s = changeover_left_s if held == purchase else world.changeover_s
            worked_s = max(world.length_s(tick) - changeover_s, 0.0)
            usd = world.spot_usd[tick] if purchase == SPOT else world.on_demand_usd
            left_s = max(changeover_s - world.length_s(tick), 0.0)
            held_on = purchase if purchase == ON_DEMAND or (tick + 1 < ticks and world.up[tick + 1]) else NOTHING
            best = min(best, usd + rest_usd(tick + 1, round(work_left_s - worked_s, 6), held_on, round(left_s, 6)))
        return best

    return rest_usd(0, world.work_s, NOTHING, 0.0)


def least_usd_by_milp(world: Ticks) -> float:
    """Min spot s + on-demand v; s + v <= 1; s <= up; run time of both >= changeover x starts + work."""
    n = len(world.up)
    lengths = np.array([world.length_s(tick) for tick in range(n)])
    # columns: s, v, starts of spot, starts of on-demand
    cost = np.concatenate((world.spot_usd, np.full(n, world.on_demand_usd), np.zeros(2 * n)))
    eye, zero = np.eye(n), np.zeros((n, n))
    rises = eye - np.eye(n, k=-1)
    rows = [
        LinearConstraint(np.hstack((eye, eye, zero, zero)), -np.inf, 1),
        LinearConstraint(np.hstack((rises, zero, -eye, zero)), -np.inf, 0),
        LinearConstraint(np.hstack((zero, rises, zero, -eye)), -np.inf, 0),
        LinearConstraint(
            np.concatenate((lengths, lengths, np.full(2 * n, -world.changeover_s)))[None, :],
            world.work_s - 1e-7,
            np.inf,
        ),
    ]
    upper = np.concatenate((np.array(world.up, dtype=float), np.ones(3 * n)))
    found = milp(
        cost, constraints=rows, bounds=Bounds(0, upper), integrality=np.ones(4 * n), options={"mip_rel_gap": 0.0}
    )
    return float(found.fun) if found.status == 0 else float("inf")

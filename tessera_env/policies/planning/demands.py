"""What a plan has to find hours for: the tasks of the queue, and those that are expected to arrive."""

from dataclasses import dataclass, fields

import numpy as np

from tessera_env.observation.queue import Queue
from tessera_env.policies.planning.groups import Groups
from tessera_env.policies.planning.losses import gain_of, lost_share
from tessera_env.policies.planning.outlook import Outlook
from tessera_env.policies.planning.programme import Demand

_LATE = 5.0  # a missed deadline costs all of a task's work, so the plan counts the rest of it so many times
_SOON_H = 0.5  # added to the time since the start, for the rate of arrivals
_FEW = 0.01  # tasks expected that are too few to plan for


@dataclass(frozen=True)
class Shape:
    """What was seen of a task when it arrived."""

    fits: tuple[bool, ...]  # (G,)
    interactive: bool
    work_h: float
    slack_h: float
    on_demand_usd_per_h: float


def demand_of(queue: Queue, groups: Groups, outlook: Outlook, theta: float) -> Demand:
    """The tasks of the queue.

    Args:
        queue: of a row.
        groups: of its pools.
        outlook: on them.
        theta: slack that is kept back, as a share of the work left.
    """
    tasks, left_h = queue.tasks, queue.tasks.work_left_h
    horizon_h = queue.horizon_h - queue.now_h
    pool_count = len(queue.pools)
    on_spot = (tasks.placement > 0) & (tasks.placement <= pool_count)
    on_demand = tasks.placement > pool_count
    interactive = tasks.interactive > 0
    changeover_h = float(outlook.changeover_h.min())
    from_h = np.where(tasks.placement > 0, tasks.changeover_left_h, changeover_h)
    slack_h = np.maximum(tasks.slack_h - theta * left_h, 0.0)
    until_h = np.where(interactive, np.inf, from_h + left_h + slack_h)
    weight = np.where(np.isfinite(tasks.deadline_h), _LATE * queue.missed_weight, queue.missed_weight)
    moving_usd = changeover_h * float(outlook.spot_usd_per_h.mean())
    return Demand(
        count=np.ones(len(tasks)),
        work_h=left_h.copy(),
        from_h=from_h,
        until_h=np.minimum(until_h, horizon_h),
        interactive=interactive,
        undone_usd_per_h=tasks.on_demand_usd_per_h * np.where(interactive, queue.downtime_weight, weight),
        on_demand_usd_per_h=tasks.on_demand_usd_per_h.copy(),
        fits=groups.fits(tasks.gpu_memory_mb),
        gain=_gain(queue, groups, outlook),
        stay_spot_usd=moving_usd * on_spot,
        stay_on_demand_usd=moving_usd * on_demand,
    )


def _gain(queue: Queue, groups: Groups, outlook: Outlook) -> np.ndarray:
    """(n, G) work done in an hour of spot, less what interruptions cost on average."""
    weights = outlook.average_capacity
    ends_per_h, changeover_h = (groups.means(one, weights) for one in (outlook.ends_per_h, outlook.changeover_h))
    return gain_of(ends_per_h, changeover_h, lost_share(queue, queue.tasks.state_mb[:, None], groups.savable_mb))


def with_new(shapes: dict[int, Shape], queue: Queue, groups: Groups) -> dict[int, Shape]:
    """The shapes by number, with those of the tasks that are new."""
    new = queue.tasks[queue.tasks.number > max(shapes, default=-1)]
    if not len(new):
        return shapes
    fits = groups.fits(new.gpu_memory_mb).tolist()
    return shapes | {int(task.number): _shape(task, tuple(its)) for task, its in zip(new, fits, strict=True)}


def _shape(task: np.record, fits: tuple[bool, ...]) -> Shape:
    return Shape(
        fits=fits,
        interactive=bool(task.interactive),
        work_h=float(task.work_h),
        slack_h=max(float(task.deadline_h - task.arrival_h - task.work_h), 0.0),
        on_demand_usd_per_h=float(task.on_demand_usd_per_h),
    )


def expected_demands(
    shapes: dict[int, Shape], queue: Queue, known: Demand, arrivals_left: float, edges_h: np.ndarray
) -> Demand | None:
    """Lots of tasks that are expected to arrive in each bin, as those that were seen; None: no more.

    Args:
        shapes: of those that were seen.
        queue: of the row.
        known: its tasks.
        arrivals_left: the share of the world's tasks that may yet arrive.
        edges_h: (bins + 1,) of the bins, hours from now.
    """
    seen = len(shapes)
    left = seen * arrivals_left / max(1.0 - arrivals_left, 1e-6)
    rate = seen / (queue.now_h + _SOON_H)
    over_h = min(left / rate, edges_h[-1])
    starts_h, ends_h = np.minimum(edges_h[:-1], over_h), np.minimum(edges_h[1:], over_h)
    lots = []
    for fits, interactive in sorted({(one.fits, one.interactive) for one in shapes.values()}):
        alike = [one for one in shapes.values() if (one.fits, one.interactive) == (fits, interactive)]
        for start_h, end_h in zip(starts_h, ends_h, strict=True):
            count = rate * (end_h - start_h) * len(alike) / seen
            if count > _FEW:
                lots.append(_lot(alike, count, (start_h + end_h) / 2.0, edges_h[-1], queue, known))
    return joined(lots) if lots else None


def _lot(alike: list[Shape], count: float, from_h: float, horizon_h: float, queue: Queue, known: Demand) -> Demand:
    """So many tasks like these, from `from_h` on."""
    work_h = float(np.mean([one.work_h for one in alike]))
    slack_h = float(np.mean([one.slack_h for one in alike]))
    usd_per_h = float(np.mean([one.on_demand_usd_per_h for one in alike]))
    weight = queue.downtime_weight if alike[0].interactive else queue.missed_weight
    until_h = horizon_h if alike[0].interactive else min(from_h + work_h + slack_h, horizon_h)
    return Demand(
        count=np.array([count]),
        work_h=np.array([count * work_h]),
        from_h=np.array([from_h]),
        until_h=np.array([until_h]),
        interactive=np.array([alike[0].interactive]),
        undone_usd_per_h=np.array([weight * usd_per_h]),
        on_demand_usd_per_h=np.array([usd_per_h]),
        fits=np.array([alike[0].fits]),
        gain=known.gain.max(axis=0, keepdims=True),
        stay_spot_usd=np.zeros(1),
        stay_on_demand_usd=np.zeros(1),
    )


def joined(demands: list[Demand]) -> Demand:
    """Several one below the other."""
    return Demand(**{one.name: np.concatenate([getattr(part, one.name) for part in demands]) for one in fields(Demand)})

"""A plan for all tasks, made anew every half hour, that each answer follows.

Receding-horizon control, as of chemical plants (Richalet et al., "Model predictive heuristic control", 1978): a linear
programme lays out the hours of every known task, and of those that are expected to arrive, on spot and on on-demand
from now to the horizon, in bins that grow longer. Only its first bin is carried out; then it is made again, from what
there is by then. Spot capacity, prices and interruptions are expected to go from what they are now to what they have
been on average. The programme pauses loose tasks where tighter ones need their spot, and goes to on-demand for what
spot will not have room for; which of two tasks gets spot follows from deadlines, states to save and changeovers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tessera_env.observation.checked import checked_question
from tessera_env.observation.layout import Layout
from tessera_env.observation.queue import Queue
from tessera_env.policies.planning.answers import answer, wish_for
from tessera_env.policies.planning.demands import Shape, demand_of, expected_demands, joined, with_new
from tessera_env.policies.planning.groups import Groups, groups_of, supply_of
from tessera_env.policies.planning.losses import gain_of, is_worth_a_move, lost_share
from tessera_env.policies.planning.outlook import Outlook, capacity_of, outlook_of
from tessera_env.policies.planning.programme import Plan, solve

_EDGES_H = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 7.0, 11.0, 16.0, 24.0, 36.0])
_SAME_H = 1e-6
_MOVE = 1.5  # changeovers that a move is worth: for some of it two instances are billed
_OVER_H = 2.0  # in which a move to a cheaper pool must pay
_FAR_USD = 100.0  # beyond any price


@dataclass
class _Memory:
    """What is kept of a row from one decision to the next."""

    groups: Groups
    most: np.ndarray  # (P,) most spot instances seen at once
    shapes: dict[int, Shape] = field(default_factory=dict)  # of all tasks seen, by number
    made_h: float = np.inf  # when the plan was made
    capacity: np.ndarray | None = None  # (P,) then
    places: dict[int, int] = field(default_factory=dict)  # each task's place in the plan
    plan: Plan | None = None


class RollingPlan:
    """Every half hour the cheapest plan for all tasks known and expected; answers follow its first bin.

    It has to be shown the queues of the rows before each `predict`: `policy.see(envs.queues())`.

    Raises:
        ValueError: an option is out of its range.
    """

    name = "rolling_plan"

    def __init__(self, layout: Layout, replan_h: float = 0.5, theta: float = 0.3) -> None:
        layout.refuse_services(self.name)
        for name, value, low, high in (("replan_h", replan_h, 0.0, 24.0), ("theta", theta, 0.0, 10.0)):
            if not low <= value <= high:
                raise ValueError(f"{self.name}: {name}: {value:g} (allowed: {low:g} to {high:g})")
        self._layout = layout
        self._replan_h, self._theta = replan_h, theta
        self._queues: Sequence[Queue] | None = None

    def see(self, queues: Sequence[Queue]) -> None:
        """See `tessera_env.policies.protocol.QueuePolicy`."""
        self._queues = list(queues)

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """See `tessera_env.policies.protocol.Policy`; the state holds the rows' plans.

        Raises:
            RuntimeError: `see` was not called for these rows.
        """
        observation, masks = checked_question(self._layout, observation, action_masks)
        queues, self._queues = self._queues, None
        if queues is None or len(queues) != len(observation):
            shown = "none" if queues is None else str(len(queues))
            raise RuntimeError(
                f"{self.name}: queues: {shown} (allowed: {len(observation)}, one a row, by see(envs.queues()) or "
                "see([env.queue()]) before each predict)"
            )
        memories = [None] * len(observation) if state is None else list(state)
        if episode_start is not None:
            memories = [None if start else kept for start, kept in zip(episode_start, memories, strict=True)]
        answers = [self._answer(*row) for row in zip(observation, queues, masks, memories, strict=True)]
        return np.array([action for action, _ in answers], dtype=np.int64), [memory for _, memory in answers]

    def _answer(
        self, observation: np.ndarray, queue: Queue, mask: np.ndarray, memory: _Memory | None
    ) -> tuple[int, _Memory | None]:
        """One row's action and what is kept of it."""
        if queue.focal < 0:
            return 0, None
        memory = _Memory(groups_of(queue), np.zeros(self._layout.pool_count)) if memory is None else replace(memory)
        capacity = capacity_of(self._layout, observation)
        memory.most = np.maximum(memory.most, capacity)
        memory.shapes = with_new(memory.shapes, queue, memory.groups)
        outlook = outlook_of(self._layout, observation, queue, memory.most)
        if self._is_stale(memory, queue, capacity):
            left = float(self._layout.read(observation, "arrivals_left"))
            self._plan(memory, queue, outlook, left)
            memory.made_h, memory.capacity = queue.now_h, capacity
        return self._choice(memory, queue, outlook, mask), memory

    def _is_stale(self, memory: _Memory, queue: Queue, capacity: np.ndarray) -> bool:
        """Whether the plan is old, knows nothing of the focal task, or rests on another capacity."""
        if not 0.0 <= queue.now_h - memory.made_h < self._replan_h - _SAME_H:
            return True
        known = int(queue.tasks.number[queue.focal]) in memory.places
        return not known or bool((capacity != memory.capacity).any())

    def _plan(self, memory: _Memory, queue: Queue, outlook: Outlook, arrivals_left: float) -> None:
        """Make the row's plan anew."""
        end_h = max(queue.horizon_h - queue.now_h, _SAME_H)
        edges_h = np.append(_EDGES_H[end_h - _EDGES_H > _SAME_H], end_h)
        known = demand_of(queue, memory.groups, outlook, self._theta)
        expected = expected_demands(memory.shapes, queue, known, arrivals_left, edges_h)
        demand = known if expected is None else joined([known, expected])
        memory.plan = solve(demand, supply_of(memory.groups, outlook, edges_h))
        memory.places = {number: k for k, number in enumerate(queue.tasks.number.tolist())}

    def _choice(self, memory: _Memory, queue: Queue, outlook: Outlook, mask: np.ndarray) -> int:
        """The valid action that is nearest to the plan."""
        task, plan = queue.tasks[queue.focal], memory.plan
        assert plan is not None
        k = memory.places[int(task.number)]
        needed_h = min(float(plan.open_h[k, 0]), float(task.work_left_h))
        cannot_wait = bool(task.interactive) or task.placement > self._layout.pool_count
        wish = wish_for(float(plan.spot_h[k, 0]), float(plan.on_demand_h[k, 0]), needed_h, cannot_wait)
        lost = lost_share(queue, task.state_mb, queue.pools.savable_mb)
        usd_per_h = outlook.spot_usd_per_h / gain_of(outlook.ends_per_h, outlook.changeover_h, lost)
        return answer(wish, queue, outlook, usd_per_h, self._stay_usd_per_h(queue, outlook), mask)

    def _stay_usd_per_h(self, queue: Queue, outlook: Outlook) -> float:
        """What staying is cheaper by, an hour, for a task on spot."""
        task, pool_count = queue.tasks[queue.focal], self._layout.pool_count
        if not 0 < task.placement <= pool_count:
            return 0.0
        pool_id = int(task.placement) - 1
        move_h = _MOVE * float(outlook.changeover_h[pool_id])
        lost = float(lost_share(queue, task.state_mb, queue.pools.savable_mb[pool_id]))
        if is_worth_a_move(float(task.unsaved_h), lost, float(outlook.ends_per_h[pool_id]), move_h):
            return -_FAR_USD
        return move_h * float(outlook.spot_usd_per_h[pool_id]) / max(min(float(task.work_left_h), _OVER_H), _SAME_H)

"""Where the engine stops for a migration: what it would cost, the planner's answer, and the assignment for the engine.

A notice displaces tasks; each is asked, and has said what purchase it wants (`tessera_env.engine.decisions.request`).
For each purchase the compiled `describe_migration` writes the matrix of seconds until a task would run on an instance,
the planner assigns, and the engine carries it out (`tessera_env.engine.migration.assign_all`).
"""

import numpy as np

from tessera_env.engine.state import State
from tessera_env.simulation.kernels import describe_migration
from tessera_env.simulation.planners import UNASSIGNED, Planner, checked_columns
from tessera_env.world.parameters import NONE, Parameters


class Migration:
    """A planner, and the room that describing a migration to it needs."""

    def __init__(self, planner: Planner):
        self.planner = planner
        self._task_ids, self._instance_ids = np.empty(64, dtype=np.int64), np.empty(64, dtype=np.int64)
        self._costs, self._counts = np.empty(1024), np.zeros(2, dtype=np.int64)

    def assignment(self, params: Parameters, state: State, row: int) -> tuple[np.ndarray, np.ndarray]:
        """The row's displaced tasks that asked for an instance, and the instance of each, or NONE; two times (n,)."""
        spot, on_demand = (self._of_purchase(params, state, row, on_demand) for on_demand in (0, 1))
        return np.concatenate((spot[0], on_demand[0])), np.concatenate((spot[1], on_demand[1]))

    def _of_purchase(self, params: Parameters, state: State, row: int, on_demand: int) -> tuple[np.ndarray, np.ndarray]:
        """The same of those that asked for one purchase, by id."""
        task_ids, instance_ids, costs = self._described(params, state, row, on_demand)
        if costs.size == 0:
            return task_ids, np.full(len(task_ids), NONE)
        columns = checked_columns(self.planner(costs.copy()), costs)
        return task_ids, np.where(columns == UNASSIGNED, NONE, instance_ids[columns])

    def _described(
        self, params: Parameters, state: State, row: int, on_demand: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Task ids (n,), instance ids (m,), and the seconds of each pair (n, m)."""
        self._make_room(state, row)
        description = (self._task_ids, self._instance_ids, self._costs, self._counts)
        describe_migration(params, state, row, on_demand, *description)
        tasks, instances = self._counts.tolist()
        if tasks * instances > len(self._costs):
            self._costs = np.empty(2 * tasks * instances)
            return self._described(params, state, row, on_demand)
        costs = self._costs[: tasks * instances].reshape(tasks, instances)
        return self._task_ids[:tasks].copy(), self._instance_ids[:instances], costs

    def _make_room(self, state: State, row: int) -> None:
        episode = state.episodes[row]
        room = max(int(episode.requested), int(episode.alive))
        if room > len(self._task_ids):
            self._task_ids, self._instance_ids = np.empty(2 * room, dtype=np.int64), np.empty(2 * room, dtype=np.int64)

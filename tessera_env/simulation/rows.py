"""Rows of environments of one scenario in Python's hands: start, step, play, and make room where tables are full."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tessera_env.engine.kinds import Stop
from tessera_env.engine.state import State, grown, new_state
from tessera_env.observation.layout import Layout
from tessera_env.observation.layouts import layout_of
from tessera_env.observation.queue import Queue
from tessera_env.policies.rules.choice import RULE
from tessera_env.scenario.conversion import parameters_of
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.accounts import Accounts, accounts_of
from tessera_env.simulation.episode import Episode, episode_of
from tessera_env.simulation.kernels import Command, Orders, Views, run_rows
from tessera_env.simulation.metrics import metrics_of
from tessera_env.simulation.migration import Migration
from tessera_env.simulation.planners import KuhnMunkres, Planner
from tessera_env.simulation.queues import known_pools, queues_of
from tessera_env.simulation.rewards import Rewards
from tessera_env.world.parameters import new_table
from tessera_env.world.random_stream import seed_words

_FEW_TASKS = 1_000  # of all rows; more take longer as plain Python than the compiler does
_NOBODY = np.empty(0, dtype=np.int64)


class Simulation:
    """N rows, each an independent episode of the scenario.

    Rows share nothing, so any number of threads may run them: each takes one block of rows.

    Args:
        scenario: what is simulated.
        row_count: how many rows, N.
        planner: assigns displaced tasks to instances; Kuhn-Munkres if None.
        threads: how many threads run the rows.
        log_events: whether events are logged.
        invalid_waits: whether an invalid action means WAIT; else the valid one that changes least.
        rewards: what `views.rewards` holds; dollars and penalties if None.
    """

    def __init__(
        self,
        scenario: Scenario,
        row_count: int,
        planner: Planner | None = None,
        threads: int = 1,
        log_events: bool = False,
        invalid_waits: bool = False,
        rewards: Rewards | None = None,
    ):
        self.scenario = scenario
        self.params = parameters_of(scenario)
        self.params.config[0].invalid_waits = invalid_waits
        (rewards or Rewards()).write(self.params)
        self.layout: Layout = layout_of(scenario)
        self.row_count = row_count
        self._migration = Migration(planner or KuhnMunkres())
        self.threads = min(threads, row_count)
        self.state: State = new_state(self.params, row_count, log_events)
        self.views = Views(
            observations=np.zeros((row_count, self.layout.size), dtype=np.float32),
            rewards=np.zeros(row_count),
            elapsed_h=np.zeros(row_count),
            terminated=np.zeros(row_count, dtype=np.bool_),
        )
        self._orders = Orders(
            commands=np.zeros(row_count, dtype=np.int64),
            actions=np.zeros(row_count, dtype=np.int64),
            task_ids=_NOBODY,
            instance_ids=_NOBODY,
            rule=new_table(1, RULE),
            budget=np.ones(1, dtype=np.int64),
        )
        self._known_pools = known_pools(self.params)
        self._one_command = np.zeros(row_count, dtype=np.int64)
        self._name_fields()
        self._executor: ThreadPoolExecutor | None = None
        self._process = 0  # whose threads these are
        if row_count * scenario.task.count > _FEW_TASKS:
            run_rows.waits = True

    def _name_fields(self) -> None:
        """Plain views of fields that are read at each step; their tables are never replaced."""
        rows = self.state.episodes.view(np.ndarray)
        self._status = rows["status"]
        self.now_s = rows["now_s"]  # (N,)
        self.log_count = rows["log_count"]  # (N,)
        self.invalid_actions = rows["invalid_actions"]  # (N,)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the threads and the views, which are made again."""
        made_again = ("_executor", "_status", "now_s", "log_count", "invalid_actions")
        return {name: value for name, value in self.__dict__.items() if name not in made_again}

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        self.__dict__.update(attributes)
        self._known_pools = self._known_pools.view(np.recarray)
        self.state = State._make(t.view(np.recarray) if t.dtype.names else t for t in self.state)
        self._name_fields()
        self._executor = None

    @property
    def planner(self) -> Planner:
        """What assigns displaced tasks to instances."""
        return self._migration.planner

    @property
    def is_interpreted(self) -> bool:
        """Whether the engine runs as plain Python for now, since it is not compiled yet."""
        return run_rows.is_interpreted

    def start(self, chosen: np.ndarray, seeds: Sequence[int], episodes: Sequence[int] | np.ndarray) -> None:
        """Start an episode in the chosen rows, up to its first decision.

        Args:
            chosen: (N,) bool; the other rows stay where they are.
            seeds: (N,) of each row's world.
            episodes: (N,) which world of its seed each row plays.
        """
        for row in np.flatnonzero(chosen).tolist():
            self.address(row, seeds[row], int(episodes[row]))
        self.run(np.where(chosen, int(Command.START), int(Command.SKIP)))

    def address(self, row: int, seed: int, episode: int) -> None:
        """Choose the world of the row's next start."""
        world = self.state.worlds[row]
        world.seed_low, world.seed_high = seed_words(seed)
        world.episode = episode

    def run(self, commands: np.ndarray, actions: np.ndarray | None = None) -> None:
        """Carry out a command a row, until each commanded row is at a decision or at its end.

        Args:
            commands: (N,) int64, Command.
            actions: (N,) int64; read where the command is STEP.
        """
        orders = self._orders
        # Whoever steps passes the same arrays each time: making the orders anew would be a tenth of a step.
        if orders.commands is not commands or (actions is not None and orders.actions is not actions):
            actions = orders.actions if actions is None else actions
            orders = self._orders = orders._replace(commands=commands, actions=actions)
        stopped = self._run_rows(orders)
        if stopped:
            self._resume(commands, stopped)

    def play(self, playing: np.ndarray, rule: np.recarray, budget: int) -> None:
        """Let a rule decide, until each playing row has decided `budget` times, migrated, or come to its end.

        Args:
            playing: (N,) bool; these rows are at a decision.
            rule: (1,) RULE.
            budget: the most decisions of a row in this call.
        """
        commands = np.where(playing, int(Command.PLAY), int(Command.SKIP))
        stopped = self._run_rows(self._orders._replace(commands=commands, rule=rule, budget=np.array([budget])))
        self._resume(commands, stopped)

    def _resume(self, commands: np.ndarray, stopped: int) -> None:
        """Make room, have displaced tasks assigned, and go on, until no commanded row is stopped."""
        while stopped:
            commanded = commands != int(Command.SKIP)
            full = commanded & (self._status == Stop.GROW)
            lacking = int(np.bitwise_or.reduce(self.state.episodes["lacking"][full], initial=0))
            self.state = grown(self.params, self.state, lacking)
            stopped = 0
            for row in np.flatnonzero(full):
                stopped += self._run_row(int(row), Command.RESUME)
            for row in np.flatnonzero(commanded & (self._status == Stop.MIGRATION)):
                stopped += self._migrate(int(row))

    def _run_rows(self, orders: Orders) -> int:
        if self.threads == 1:
            return run_rows(self.params, self.state, self.views, orders, 0, self.row_count)
        common = (self.params, self.state, self.views, orders)
        if self._executor is None or self._process != os.getpid():  # a fork's child has none of the parent's threads
            run_rows(*common, 0, 0)  # compile once, not once a thread
            self._executor, self._process = ThreadPoolExecutor(self.threads), os.getpid()
        edges = [self.row_count * k // self.threads for k in range(self.threads + 1)]
        blocks = [self._executor.submit(run_rows, *common, edges[k], edges[k + 1]) for k in range(1, self.threads)]
        return run_rows(*common, edges[0], edges[1]) + sum(block.result() for block in blocks)

    def _run_row(
        self, row: int, command: Command, task_ids: np.ndarray = _NOBODY, instance_ids: np.ndarray = _NOBODY
    ) -> int:
        self._one_command[row] = command
        orders = self._orders._replace(commands=self._one_command, task_ids=task_ids, instance_ids=instance_ids)
        return run_rows(self.params, self.state, self.views, orders, row, row + 1)

    def _migrate(self, row: int) -> int:
        """Have the row's displaced tasks assigned, and go on."""
        return self._run_row(row, Command.ASSIGN, *self._migration.assignment(self.params, self.state, row))

    def episode(self, row: int) -> Episode:
        """The row's episode up to now, as copies that the next step does not change."""
        return episode_of(self.params, self.state, row)

    def accounts(self, row: int) -> Accounts:
        """What each task of the row's finished episode cost; see `tessera_env.simulation.accounts`."""
        episode = self.state.episodes[row]
        return accounts_of(self.state.tasks.view(np.ndarray)[row, : episode.task_count], float(episode.now_s))

    def queues(self, rows: Sequence[int] | np.ndarray) -> list[Queue]:
        """What the scheduler of each row knows of its tasks now; see `tessera_env.observation.queue.Queue`."""
        return queues_of(self.params, self.state, rows, self._known_pools)

    def metrics(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """What the rows' episodes add up to; see `tessera_env.simulation.metrics`."""
        return metrics_of(self.params, self.state, rows)

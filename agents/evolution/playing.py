"""Whole worlds under sets of weights, a set a world: the objective of each."""

import numpy as np

from tessera_env.policies.learned_rules import Chooser, RuleWeights
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation

_IDLE = -1
_SLICE = 64  # decisions of a row between two looks at who is done


class Player:
    """Rows of one scenario that play one world after another.

    Args:
        scenario: whose worlds.
        rows: how many are played side by side; the results do not depend on it.

    Attributes:
        decisions: made so far.
    """

    def __init__(self, scenario: Scenario, rows: int) -> None:
        self.scenario = scenario
        self.decisions = 0
        self._simulation = Simulation(scenario, rows)
        self._commands = np.zeros(rows, dtype=np.int64)
        self._actions = np.zeros(rows, dtype=np.int64)
        self._games = np.full(rows, _IDLE)  # which game each row plays

    def objectives(
        self, weights: RuleWeights, worlds: np.ndarray, seed: int, sums: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """What game k comes to, world `worlds[k]` of the seed under set k of the weights: dollars and penalties, and
        dollars that all its work would cost on on-demand, (games,) each.

        Args:
            weights: as many sets as games.
            worlds: (games,) int64.
            seed: of the worlds.
            sums: to which the figures that are seen are added, and their squares, (2, figures).
        """
        chooser, upcoming, (objectives, scales) = weights.chooser(), 0, np.zeros((2, len(worlds)))
        self._games[:] = _IDLE
        while upcoming < len(worlds) or (self._games != _IDLE).any():
            upcoming = self._start(worlds, seed, upcoming)
            self._play(chooser, sums)
            done = np.flatnonzero((self._games != _IDLE) & self._simulation.views.terminated)
            episodes = self._simulation.state.episodes[done]
            objectives[self._games[done]] = -episodes.episode_return * episodes.scale_usd
            scales[self._games[done]] = episodes.scale_usd
            self._games[done] = _IDLE
        return objectives, scales

    def _start(self, worlds: np.ndarray, seed: int, upcoming: int) -> int:
        """Idle rows take the next games; returns the first game that nobody plays yet."""
        idle = np.flatnonzero(self._games == _IDLE)[: len(worlds) - upcoming]
        if len(idle):
            self._games[idle] = upcoming + np.arange(len(idle))
            chosen = np.zeros(len(self._games), dtype=bool)
            chosen[idle] = True
            self._simulation.start(chosen, [seed] * len(chosen), worlds[np.maximum(self._games, 0)])
        return upcoming + len(idle)

    def _play(self, chooser: Chooser, sums: np.ndarray | None) -> None:
        """Some decisions of every row that plays."""
        simulation = self._simulation
        sets = np.maximum(self._games, 0)
        for _ in range(_SLICE):
            rows = np.flatnonzero((self._games != _IDLE) & ~simulation.views.terminated)
            if not len(rows):
                return
            self.decisions += len(rows)
            observations = simulation.views.observations
            chooser.choose(observations, simulation.state.masks, rows, sets, self._actions)
            if sums is not None:
                chooser.add_figures(observations, simulation.state.masks, rows, sums)
            self._commands[:] = int(Command.SKIP)
            self._commands[rows] = int(Command.STEP)
            simulation.run(self._commands, self._actions)

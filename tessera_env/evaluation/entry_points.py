"""Every compiled entry point called once, so that all of them are compiled and kept."""

from collections.abc import Iterator

import numpy as np

from tessera_env.evaluation.optimum.clairvoyant import optimum_of
from tessera_env.policies.rules.choice import RULES
from tessera_env.policies.shifting.figures import SINGLE_COUNT
from tessera_env.policies.shifting.policy import UNSCALED, WEIGHT_COUNT, Shifted, Shifts
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.migration import Migration
from tessera_env.simulation.planners import KuhnMunkres
from tessera_env.simulation.rows import Simulation

_ALL = np.ones(1, dtype=bool)


def call_all() -> Iterator[str]:
    """Call them, what is needed most first; says after each part what it was."""
    simulation = Simulation(load_scenario("deadline"), 1)
    simulation.start(_ALL, [0], [0])
    yield "the engine"
    Migration(KuhnMunkres()).assignment(simulation.params, simulation.state, 0)
    yield "migrations"
    _call_rules(simulation)
    yield "rules"
    _call_shifted(simulation)
    yield "rules with shifted turns"
    simulation.queues([0])
    yield "queues"
    optimum_of(simulation, 0)
    yield "the clairvoyant optimum"


def _call_rules(simulation: Simulation) -> None:
    for rule in RULES:
        rule(simulation.layout).predict(simulation.views.observations, action_masks=simulation.state.masks)


def _call_shifted(simulation: Simulation) -> None:
    shifted = Shifted(Shifts.of(UNSCALED, np.zeros((1, WEIGHT_COUNT))))
    row, observations, masks = np.zeros(1, dtype=np.int64), simulation.views.observations, simulation.state.masks
    shifted.choose(observations, masks, row, row.copy(), row.copy())
    shifted.add_figures(observations, masks, row, np.zeros((2, SINGLE_COUNT)))

"""Every compiled entry point called once, so that all of them are compiled and kept."""

from collections.abc import Iterator

import numpy as np

from tessera_env.evaluation.optimum.clairvoyant import optimum_of
from tessera_env.observation.layout import Layout
from tessera_env.policies.learned_rules import LEARNED_RULES
from tessera_env.policies.rules.choice import RULES
from tessera_env.requests.arrivals import arrivals_of
from tessera_env.requests.draws import world_of
from tessera_env.requests.making import replicas_of, requests_of
from tessera_env.requests.playing import play_requests
from tessera_env.requests.published import published_results
from tessera_env.requests.service_times import Exponential, Tokens, service_times_of
from tessera_env.requests.tables import Fate
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
    _call_learned_rules(simulation)
    yield "rules with learned weights"
    simulation.queues([0])
    yield "queues"
    optimum_of(simulation, 0)
    yield "the clairvoyant optimum"
    _call_requests()
    yield "requests"


def _call_rules(simulation: Simulation) -> None:
    for rule in RULES:
        layout = _layout_for(simulation, not rule.for_tasks_alone)
        rule(layout).predict(np.zeros((1, layout.size), dtype=np.float32), action_masks=simulation.state.masks)


def _call_learned_rules(simulation: Simulation) -> None:
    row, masks = np.zeros(1, dtype=np.int64), simulation.state.masks
    for rule in LEARNED_RULES.values():
        observations = np.zeros((1, _layout_for(simulation, rule.for_services).size), dtype=np.float32)
        chooser = rule.of(rule.unscaled, np.zeros((1, rule.count))).chooser()
        chooser.choose(observations, masks, row, row.copy(), row.copy())
        chooser.add_figures(observations, masks, row, np.zeros_like(rule.unscaled))


def _layout_for(simulation: Simulation, for_services: bool) -> Layout:
    return Layout.of(simulation.layout.pool_count, has_tasks=not for_services, has_services=for_services)


def _call_requests() -> None:
    world = world_of(0, 0)
    arrivals_s = arrivals_of([(0.0, 1.0)], 10.0, world)
    services_s = service_times_of(Exponential(1.0), len(arrivals_s), world)
    service_times_of(Tokens([(1, 1)], 0.0, 0.0, 0.0), 1, world)
    play_requests(replicas_of([0.0], 10.0, Fate.STOPPED), requests_of(arrivals_s, services_s))
    published_results([1])

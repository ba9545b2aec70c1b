"""Which layout a scenario's observations have."""

from tessera_env.observation.layout import Layout
from tessera_env.scenario.scenario import Scenario


def layout_of(scenario: Scenario) -> Layout:
    """The layout of worlds with the scenario's tasks, services, or both."""
    return Layout.of(len(scenario.pools), scenario.task.count > 0, bool(scenario.service))

"""What defines a world but its seed: the model, its checks, its presets, and its way to the compiled parameters."""

from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.loading import load_scenario, preset_names
from tessera_env.scenario.scenario import Scenario

__all__ = ["Scenario", "ScenarioError", "load_scenario", "preset_names"]

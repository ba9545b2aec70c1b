"""The presets by what their worlds have: most tests of tasks, and of what they cost, are of those with tasks."""

from tessera_env.scenario.loading import load_scenario, preset_names

TASK_PRESETS = [name for name in preset_names() if not load_scenario(name).service]
SERVICE_PRESETS = [name for name in preset_names() if name not in TASK_PRESETS]

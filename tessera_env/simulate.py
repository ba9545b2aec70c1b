"""What would each policy cost? The command `tessera simulate` as a function, with the same names and the same JSON."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tessera_env.evaluation.experiment import AUTO, ROWS, Plan, PolicyLike, plan, run
from tessera_env.evaluation.results import ON_DEMAND, Results
from tessera_env.report.outputs import Outputs, ScenarioLike
from tessera_env.scenario.distributions import MAX_HOURS
from tessera_env.scenario.loading import load_scenario

DEFAULT_POLICIES = ("greedy", "on_demand_fallback", "on_demand_only")
MOST_TASKS = 10_000_000
_MOST_TASKS_AT_ONCE = 2_000_000  # in all rows together, which bounds memory to about a GB


def simulate(
    duration: float | None = None,
    tasks: int | None = None,
    policies: Sequence[PolicyLike] = DEFAULT_POLICIES,
    scenario: ScenarioLike = "classic",
    seed: int = 0,
    episodes: int = 1,
    *,
    output: str | Path | None = None,
    html: str | Path | None = None,
    log: str | Path | None = None,
    threads: int = 1,
    overrides: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Results:
    """Play every policy in the same worlds; `tessera_env.report.simulation_text.simulation_text` makes the table of it.

    Args:
        duration: the horizon, h; None: the scenario's own.
        tasks: how many an episode has (at most, where arrivals are drawn); None: the scenario's own.
        policies: names with options ("on_demand_fallback:count=3"), folders of exported policies, or policies.
        scenario: a preset's name, a TOML file, a mapping or a Scenario.
        seed: of the worlds.
        episodes: worlds; world k is episode k of the seed.
        output: write the results here as JSON.
        html: write the report here.
        log: write the events of the first world here, for every policy; one line of JSON each.
        threads: of the environments; changes the speed, never the results.
        overrides: single values of the scenario, such as {"task.work_h": 5}.
        progress: show a bar on standard error, if that is a terminal.

    Raises:
        ValueError: an argument cannot be used; nothing has been played then.
        OSError: a file cannot be written; its old content, if any, is untouched.
    """
    planned = plan_simulation(duration, tasks, policies, scenario, seed, episodes, threads=threads, overrides=overrides)
    outputs = Outputs(output, html, log)
    outputs.check(scenario, planned.scenario)
    results = run(planned, progress)
    for write in outputs.writers(planned, results, "tessera_env.simulate.simulate(...)").values():
        write()
    return results


def plan_simulation(
    duration: float | None,
    tasks: int | None,
    policies: Sequence[PolicyLike],
    scenario: ScenarioLike,
    seed: int,
    episodes: int,
    *,
    threads: int = 1,
    overrides: Mapping[str, Any] | None = None,
) -> Plan:
    """Check all inputs of `simulate` but its files, before any work.

    Raises:
        ValueError: an argument cannot be used; one line a problem.
    """
    changes = dict(overrides or {})
    if duration is not None:
        _set_once(changes, "horizon_h", "duration", _checked_duration(duration))
    if tasks is not None:
        _set_once(changes, "task.count", "tasks", _checked_tasks(tasks))
    loaded = load_scenario(scenario, **changes)
    baseline = ON_DEMAND if ON_DEMAND in policies else AUTO
    rows = max(1, min(ROWS, _MOST_TASKS_AT_ONCE // loaded.task.count))
    return plan(loaded, policies, episodes, seed, baseline, rows=rows, threads=threads)


def _set_once(changes: dict[str, Any], key: str, option: str, value: float) -> None:
    if key in changes:
        raise ValueError(f"{option}: {value:g} (allowed: either this or {key} among the scenario's values, not both)")
    changes[key] = value


def _checked_duration(duration: float) -> float:
    is_number = isinstance(duration, int | float) and not isinstance(duration, bool)
    if not is_number or not math.isfinite(duration) or not 0 < duration <= MAX_HOURS:
        raise ValueError(f"duration: {duration!r} (allowed: more than 0, up to {MAX_HOURS:,.0f} h)")
    return float(duration)


def _checked_tasks(tasks: int) -> int:
    if not isinstance(tasks, int) or isinstance(tasks, bool) or not 1 <= tasks <= MOST_TASKS:
        raise ValueError(f"tasks: {tasks!r} (allowed: 1 to {MOST_TASKS:,})")
    return tasks

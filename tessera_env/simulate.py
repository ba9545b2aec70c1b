"""What would each policy cost? The command `tessera simulate` as a function, with the same names and the same JSON."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tessera_env.evaluation.experiment import AUTO, Experiment, PolicyLike, ScenarioLike
from tessera_env.evaluation.results import ON_DEMAND, Results
from tessera_env.report.outputs import Outputs
from tessera_env.scenario.distributions import MAX_HOURS

DEFAULT_POLICIES = ("greedy", "on_demand_fallback", "on_demand_only")
MOST_TASKS = 10_000_000


def simulate(
    duration: float | None = None,
    tasks: int | None = None,
    policies: Sequence[PolicyLike] | None = None,
    scenario: ScenarioLike = "classic",
    seed: int = 0,
    episodes: int = 1,
    *,
    output: str | Path | None = None,
    html: str | Path | None = None,
    log: str | Path | None = None,
    tasks_output: str | Path | None = None,
    accounts: bool = False,
    threads: int = 1,
    overrides: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Results:
    """Play every policy in the same worlds; `tessera_env.report.simulation_text.simulation_text` makes the table of it.

    Args:
        duration: the horizon, h; None: the scenario's own.
        tasks: how many an episode has (at most, where arrivals are drawn); None: the scenario's own.
        policies: as in `tessera_env.evaluation.experiment.Experiment`, as are those not named here; None:
            DEFAULT_POLICIES, or where there are services the policies for those.
        output: write the results here as JSON.
        html: write the report here.
        log: write the events of the first world here, for every policy; one line of JSON each.
        tasks_output: write what each task cost here as CSV, for every policy and world; the results hold it, too, but
            not their JSON.

    Raises:
        ValueError: an argument cannot be used; nothing has been played then.
        OSError: a file cannot be written; its old content, if any, is untouched.
    """
    asked = Experiment(
        scenario,
        policies,
        episodes,
        seed,
        overrides=overrides,
        accounts=accounts or tasks_output is not None,
        threads=threads,
        progress=progress,
    )
    prepared = as_simulation(asked, duration, tasks).prepare()
    outputs = Outputs(output, html, log, tasks_output)
    outputs.check(prepared)
    results = prepared.run()
    outputs.write(prepared, results, "tessera_env.simulate.simulate(...)")
    return results


def as_simulation(experiment: Experiment, duration: float | None, tasks: int | None) -> Experiment:
    """The experiment with this horizon (h) and so many tasks, against on-demand alone where that takes part.

    Raises:
        ValueError: a number is out of range, or the experiment sets the same value of the scenario.
    """
    changes = dict(experiment.overrides or {})
    if duration is not None:
        _set_once(changes, "horizon_h", "duration", _checked_duration(duration))
    if tasks is not None:
        _set_once(changes, "task.count", "tasks", _checked_tasks(tasks))
    policies = experiment.policies
    baseline = ON_DEMAND if policies is None or ON_DEMAND in policies else AUTO
    return replace(experiment, defaults=DEFAULT_POLICIES, overrides=changes, baseline=baseline)


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

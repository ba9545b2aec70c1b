"""Policies compared on the same worlds: every episode's figures, means, intervals and paired differences.

World k is episode k of the seed, whichever policy plays it and in whichever row of the vector environment, so results
depend neither on the number of rows nor on threads, and differences between policies are differences of decisions.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tessera_env.evaluation.optimum.clairvoyant import optimal
from tessera_env.evaluation.optimum.problem import check_simulation
from tessera_env.evaluation.playing import play
from tessera_env.evaluation.results import OPTIMUM, REFERENCE, Results, Table
from tessera_env.observation.layout import Layout
from tessera_env.policies.learned import LearnedPolicy
from tessera_env.policies.making import make_policy
from tessera_env.policies.protocol import Policy
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.planners import Planner
from tessera_env.vector_env import TesseraVectorEnv

MOST_EPISODES = 100_000
ROWS = 256  # played side by side unless told otherwise; more brings little
AUTO = "auto"  # the baseline: greedy where it is evaluated, else the first policy
DEFAULT_POLICIES = ("on_demand_only", "on_demand_fallback", "greedy")

PolicyLike = str | Path | Policy


@dataclass(frozen=True)
class Plan:
    """An evaluation whose inputs have all been checked; `run` plays it."""

    scenario: Scenario
    policies: dict[str, Policy]  # by label, in the order given
    episodes: int
    seed: int
    baseline: str | None
    env: TesseraVectorEnv
    optimum: bool = False  # whether the clairvoyant optimum is worked out, too


def evaluate(
    scenario: str | Path | Mapping[str, Any] | Scenario = "deadline-aws",
    policies: Sequence[PolicyLike] = DEFAULT_POLICIES,
    episodes: int = 200,
    seed: int = 1,
    baseline: str | None = AUTO,
    *,
    rows: int | None = None,
    threads: int = 1,
    planner: Planner | None = None,
    overrides: Mapping[str, Any] | None = None,
    optimum: bool = False,
    progress: bool = False,
) -> Results:
    """Play every policy in the same worlds and compare them.

    Args:
        scenario: a preset's name, a TOML file, a mapping or a Scenario.
        policies: names with options ("on_demand_fallback:count=3"), folders of exported policies, or policies.
        episodes: worlds; world k is episode k of the seed.
        seed: of the worlds, the bootstrap and policies that draw.
        baseline: which policy the paired differences are taken against; "auto": greedy if it is among the policies,
            else the first; None: no differences.
        rows: environments side by side; changes the speed, never the results.
        threads: of the environments; changes the speed, never the results.
        planner: assigns displaced tasks to instances; Kuhn-Munkres if None.
        overrides: single values of the scenario, such as {"task.deadline_h": 70}.
        optimum: add the least cost that anyone could have paid who knew the world ("clairvoyant"), and how much of
            the gap from uniform_progress to it each policy closes; for one job with a deadline on one pool.
        progress: show a bar on standard error, if that is a terminal.

    Raises:
        ValueError: an argument cannot be used; nothing has been played then.
    """
    planned = plan(
        scenario,
        policies,
        episodes,
        seed,
        baseline,
        rows=rows,
        threads=threads,
        planner=planner,
        overrides=overrides,
        optimum=optimum,
    )
    return run(planned, progress)


def plan(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    policies: Sequence[PolicyLike],
    episodes: int,
    seed: int,
    baseline: str | None = AUTO,
    *,
    rows: int | None = None,
    threads: int = 1,
    planner: Planner | None = None,
    overrides: Mapping[str, Any] | None = None,
    optimum: bool = False,
) -> Plan:
    """Check all inputs of `evaluate` before any work.

    Raises:
        ValueError: an argument cannot be used; one line a problem.
    """
    _check_range("episodes", episodes, 1, MOST_EPISODES)
    _check_range("seed", seed, 0, 2**64 - 1)
    rows = min(episodes, ROWS) if rows is None else rows
    _check_range("rows", rows, 1, MOST_EPISODES)
    _check_range("threads", threads, 1, 1024)
    loaded = load_scenario(scenario, **(overrides or {}))
    players = _players(policies, Layout(len(loaded.pools)), seed)
    named_baseline = _baseline(baseline, list(players))
    env = TesseraVectorEnv(
        min(rows, episodes), scenario=loaded, autoreset_mode=AutoresetMode.DISABLED, threads=threads, planner=planner
    )
    if optimum:
        if OPTIMUM in players:
            raise ValueError(f"policies: {OPTIMUM!r} (allowed with the optimum: other names, since that is its own)")
        check_simulation(env.simulation)
    return Plan(loaded, players, episodes, seed, named_baseline, env, optimum)


def run(planned: Plan, progress: bool = False) -> Results:
    """Play all that is planned."""
    policies, reference_usd = dict(planned.policies), None
    if planned.optimum and REFERENCE not in policies:
        policies[REFERENCE] = make_policy(REFERENCE, planned.env.layout)
    with _bar(progress) as bar:
        tables = {label: _played(planned, label, policy, bar) for label, policy in policies.items()}
        if planned.optimum:
            reference_usd = tables[REFERENCE]["cost_usd"]
            tables = {label: tables[label] for label in planned.policies}
            threads = planned.env.simulation.threads
            tables[OPTIMUM] = optimal(planned.scenario, planned.episodes, planned.seed, threads)
    return Results(
        scenario=planned.scenario.model_dump(mode="json"),
        seed=planned.seed,
        baseline=planned.baseline,
        versions=_versions(),
        policies={label: _description(planned.policies.get(label)) for label in tables},
        tables=tables,
        reference_usd=reference_usd,
    )


def _played(planned: Plan, label: str, policy: Policy, bar: Progress) -> Table:
    on_done = partial(bar.advance, bar.add_task(label, total=planned.episodes))
    return play(planned.env, policy, planned.episodes, planned.seed, on_done)


def _players(policies: Sequence[PolicyLike], layout: Layout, seed: int) -> dict[str, Policy]:
    """The policies by label: what the caller wrote, or a policy's own name."""
    if isinstance(policies, str | Path):
        policies = [policies]
    players: dict[str, Policy] = {}
    for entry in policies:
        policy = make_policy(entry, layout, seed) if isinstance(entry, str | Path) else entry
        label = str(entry) if isinstance(entry, str | Path) else entry.name
        if label in players:
            raise ValueError(f"policies: {label!r} is named twice (allowed: once)")
        players[label] = policy
    if not players:
        raise ValueError("policies: none (allowed: one or more)")
    return players


def _baseline(baseline: str | None, labels: list[str]) -> str | None:
    if baseline == AUTO:
        return "greedy" if "greedy" in labels else labels[0]
    if baseline is not None and baseline not in labels:
        raise ValueError(f"baseline: {baseline!r} (allowed: one of the policies: {', '.join(labels)})")
    return baseline


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name}: {value!r} (allowed: {low} to {high})")


def _description(policy: Policy | None) -> dict[str, Any]:
    """What identifies a policy in the results; of an exported one also what its weights are. None: the optimum."""
    if policy is None:
        return {"name": OPTIMUM}
    if isinstance(policy, LearnedPolicy):
        card = policy.card
        return {"name": policy.name, "trained_on": card.scenario, "masked": card.masked, "sha256": card.sha256}
    return {"name": policy.name}


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("numpy", "numba", "gymnasium")}
    return {**packages, "tessera_env": _own_version(), "python": platform.python_version()}


def _own_version() -> str:
    try:
        return version("tessera-env")
    except PackageNotFoundError:  # a checkout on the path that is not installed
        return "not installed"


def _bar(shown: bool) -> Progress:
    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()]
    return Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not (shown and console.is_terminal)
    )

"""What each of the engine's two ideas is worth: the same policy in the same worlds, with the idea and without it.

The ideas are the optimal assignment of displaced tasks and the saving of state within the grace period; each is
measured without periodic checkpoints and with them, since those are the other way of losing less.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tessera_env.evaluation.checkpoint_interval import daly_interval_h, young_interval_h
from tessera_env.evaluation.experiment import Experiment, PolicyLike
from tessera_env.evaluation.results import Table
from tessera_env.evaluation.statistics import Estimate, bootstrap_means, estimate
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.planners import KuhnMunkres, NearestFirst, Planner

METRICS = {
    "cost_usd": "cost, $",
    "objective_usd": "objective, $",
    "work_lost_h": "work lost, h",
    "completion_p50_h": "median completion, h",
    "completion_p95_h": "p95 completion, h",
    "tasks_done": "tasks done",
}
OFF = "none"
MEASURED_APART = 2**20  # added to the seed for the worlds in which the time between interruptions is measured
_SHORTEST_INTERVAL_H = 0.001  # that a scenario may have


@dataclass(frozen=True)
class Variant:
    """One way to run the engine."""

    planner: Planner
    overrides: Mapping[str, Any]


@dataclass(frozen=True)
class Idea:
    """What is switched on and off."""

    name: str
    on: Callable[[Mapping[str, Any]], Variant]  # from the overrides of a setting
    off: Callable[[Mapping[str, Any]], Variant]


@dataclass(frozen=True)
class Setting:
    """Periodic checkpoints under which an idea is measured."""

    name: str  # OFF, or whose formula sets the interval
    overrides: Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One metric with the idea minus without it, in the same worlds."""

    with_idea: float
    without: float
    difference: Estimate
    unequal_worlds: int  # in which it differs at all


@dataclass(frozen=True)
class Row:
    """One idea under one setting."""

    idea: str
    periodic: str  # the setting's name
    interval_h: float | None  # of the periodic checkpoints
    differences: dict[str, Difference]  # by metric, those of METRICS


PLANNING = Idea(
    "Kuhn-Munkres against nearest first",
    lambda overrides: Variant(KuhnMunkres(), overrides),
    lambda overrides: Variant(NearestFirst(), overrides),
)
GRACE = Idea(
    "saving at notice against not saving",
    lambda overrides: Variant(KuhnMunkres(), {**overrides, "checkpoint.at_notice": True}),
    lambda overrides: Variant(KuhnMunkres(), {**overrides, "checkpoint.at_notice": False}),
)
IDEAS = (PLANNING, GRACE)


def ablate(
    scenario: Scenario,
    policy: PolicyLike,
    episodes: int,
    seed: int,
    ideas: tuple[Idea, ...] = IDEAS,
    settings: tuple[Setting, ...] = (Setting(OFF, {}),),
) -> list[Row]:
    """Every idea under every setting.

    Args:
        scenario: whose worlds are played.
        policy: a name, a folder or a policy, as in `evaluate`.
        episodes: worlds.
        seed: of the worlds and the bootstrap.
        ideas: to be switched on and off.
        settings: of the periodic checkpoints, from `periodic_settings`; none alone if not given.
    """
    played: dict[str, Table] = {}  # by what was run, since ideas share what they are compared with
    own = {"checkpoint.at_notice": scenario.checkpoint.at_notice}

    def table_of(variant: Variant) -> Table:
        key = f"{type(variant.planner).__name__} {sorted({**own, **variant.overrides}.items())}"
        if key not in played:
            played[key] = _play(scenario, policy, episodes, seed, variant)
        return played[key]

    return [
        Row(
            idea.name,
            setting.name,
            setting.overrides.get("checkpoint.interval_h"),
            compare(table_of(idea.on(setting.overrides)), table_of(idea.off(setting.overrides)), seed),
        )
        for idea in ideas
        for setting in settings
    ]


def compare(with_idea: Table, without: Table, seed: int) -> dict[str, Difference]:
    """Paired differences of METRICS; a metric that no world has in both, such as a completion time, is left out."""
    differences = {}
    for metric in METRICS:
        on, off = with_idea[metric].astype(np.float64), without[metric].astype(np.float64)
        both = np.isfinite(on) & np.isfinite(off)
        if metric.startswith("completion"):  # 0 where no task was done
            both &= (with_idea["tasks_done"] > 0) & (without["tasks_done"] > 0)
        if both.any():
            differences[metric] = _difference(on[both], off[both], seed)
    return differences


def periodic_settings(
    scenario: Scenario, policy: PolicyLike, episodes: int, seed: int, cost_s: float
) -> tuple[Setting, ...]:
    """No periodic checkpoints, and those at the intervals of Young and of Daly.

    The mean time between interruptions that the formulas need is measured in worlds of another seed.

    Args:
        scenario: as in `ablate`, as are the others.
        policy: as there.
        episodes: worlds to measure in.
        seed: of `ablate`; the worlds measured in are those of `seed + MEASURED_APART`.
        cost_s: time that one periodic checkpoint takes.
    """
    between_h = between_interruptions_h(scenario, policy, episodes, seed + MEASURED_APART)
    settings = [Setting(OFF, {"checkpoint.interval_h": None})]
    for name, formula in {"Young": young_interval_h, "Daly": daly_interval_h}.items():
        if math.isfinite(between_h):
            interval_h = max(formula(cost_s / 3600.0, between_h), _SHORTEST_INTERVAL_H)
            settings.append(Setting(name, {"checkpoint.interval_h": interval_h, "checkpoint.cost_s": cost_s}))
    return tuple(settings)


def between_interruptions_h(scenario: Scenario, policy: PolicyLike, episodes: int, seed: int) -> float:
    """Mean hours that a spot instance runs until it is interrupted: spot hours over interruptions; infinite if none."""
    table = _play(scenario, policy, episodes, seed, Variant(KuhnMunkres(), {"checkpoint.interval_h": None}))
    interruptions = float(table["interruptions"].sum())
    return float(table["spot_h"].sum()) / interruptions if interruptions else math.inf


def _play(scenario: Scenario, policy: PolicyLike, episodes: int, seed: int, variant: Variant) -> Table:
    asked = Experiment(scenario, [policy], episodes, seed, None, overrides=variant.overrides, planner=variant.planner)
    (table,) = asked.run().tables.values()
    return table


def _difference(on: np.ndarray, off: np.ndarray, seed: int) -> Difference:
    paired = on - off
    resampled = bootstrap_means(paired[:, None], seed)[:, 0]
    return Difference(float(on.mean()), float(off.mean()), estimate(paired, resampled), int((paired != 0.0).sum()))

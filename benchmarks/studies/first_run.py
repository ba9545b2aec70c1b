"""A newcomer's first training run: Stable-Baselines3's defaults, and what changes if one thing is set otherwise.

`python -m benchmarks.studies.first_run` trains each algorithm as its own documentation does, 200,000 decisions in 8
environments, three seeds; `--scenarios`, `--algorithms` and `--seeds` choose a part. Hours from 700 on play no part.
"""

import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.env_util import make_vec_env

from agents.worlds import before_reports, development_seed, training_seed
from benchmarks.common import CORES, Report, check_least, is_kept, keep, keeping_parser
from tessera_env.evaluation.experiment import evaluate
from tessera_env.files.streams import take_any_text
from tessera_env.scenario.loading import load_scenario
from tessera_env.vector_env import TesseraVectorEnv

KEPT = Path("runs/first_run.json")
SCENARIOS = {"deadline": "Tessera/Deadline-v0", "classic": "Tessera/Classic-v0", "fleet": "Tessera/Fleet-v0"}
ALGORITHMS: dict[str, type[BaseAlgorithm]] = {"PPO": PPO, "A2C": A2C, "DQN": DQN, "MaskablePPO": MaskablePPO}
RULES = ("on_demand_only", "greedy")
DECISIONS, QUICK_DECISIONS, ENVIRONMENTS = 200_000, 512, 8
WORLDS, QUICK_WORLDS, SEEDS = 200, 4, 3

NOTE = """\
{decisions:,} decisions in {environments} environments of `make_vec_env`, everything else Stable-Baselines3's defaults
with `MlpPolicy`; each row changes one thing. {worlds} development worlds, the likeliest action; means over {seeds}
training seeds, [lowest, highest]. The objective is cost and penalties; invalid: answers that the mask forbade."""


@dataclass(frozen=True)
class Variant:
    """What is not as it is by default."""

    words: str
    arguments: dict[str, Any] = field(default_factory=dict)  # of the algorithm
    environment: dict[str, Any] = field(default_factory=dict)


Kind = tuple[str, Variant]  # an algorithm by name, and what is set
VARIANTS = (
    Variant("defaults"),
    Variant("reward='plain'", environment={"reward": "plain"}),
    Variant("reward_scale=10", environment={"reward_scale": 10.0}),
    Variant("gamma=1", arguments={"gamma": 1.0}),
    Variant("invalid_action='wait'", environment={"invalid_action": "wait"}),
)


class Size(NamedTuple):
    """How much of it."""

    decisions: int
    worlds: int
    seeds: int


@dataclass(frozen=True)
class Job:
    """One training run."""

    scenario: str
    algorithm: str
    variant: Variant
    seed: int
    size: Size

    def run(self) -> dict[str, float]:
        """Train and play; the means of the metrics."""
        torch.set_num_threads(1)
        warnings.filterwarnings("ignore", module="stable_baselines3")
        seed = training_seed(self.seed)
        envs = make_vec_env(
            SCENARIOS[self.scenario],
            ENVIRONMENTS,
            seed=seed,
            env_kwargs={"scenario": before_reports(load_scenario(self.scenario)), **self.variant.environment},
        )
        model = ALGORITHMS[self.algorithm]("MlpPolicy", envs, seed=seed, **self.variant.arguments)
        model.learn(self.size.decisions)
        return self.played(model)

    def played(self, model: BaseAlgorithm) -> dict[str, float]:
        """What its likeliest actions come to in development worlds; with masks if it knows any."""
        scenario, worlds = before_reports(load_scenario(self.scenario)), self.size.worlds
        envs = TesseraVectorEnv(worlds, scenario, autoreset_mode="Disabled", **self.variant.environment)
        observations, infos = envs.reset(seed=[development_seed()] * worlds, options={"world": range(worlds)})
        done = np.zeros(worlds, dtype=bool)
        while not done.all():
            masks = {"action_masks": infos["action_mask"]} if isinstance(model, MaskablePPO) else {}
            actions, _ = model.predict(observations, deterministic=True, **masks)
            observations, _, terminated, _, infos = envs.step(actions)
            done |= terminated
        metrics = envs.episode_metrics(np.arange(worlds))
        wanted = ("objective_usd", "cost_usd", "deadlines_missed", "tasks", "invalid_actions", "decisions")
        return {name: float(metrics[name].mean()) for name in wanted}


def variants_of(algorithm: str, only_defaults: bool) -> list[Variant]:
    """What is tried: all with PPO, of the others the defaults alone; MaskablePPO is PPO with masks."""
    return list(VARIANTS) if algorithm == "PPO" and not only_defaults else [VARIANTS[0]]


def kinds_of(algorithms: Sequence[str], only_defaults: bool) -> list[Kind]:
    """The rows of a table."""
    return [(algorithm, variant) for algorithm in algorithms for variant in variants_of(algorithm, only_defaults)]


def rule_rows(scenario: str, worlds: int) -> tuple[list[tuple[str, ...]], float]:
    """Hand-coded policies in the same worlds, and the objective of the first."""
    tables = evaluate(before_reports(load_scenario(scenario)), list(RULES), worlds, development_seed(), None).tables
    base = float(tables[RULES[0]]["objective_usd"].mean())
    rows = []
    for rule, table in tables.items():
        cost, missed = float(table["objective_usd"].mean()), table["deadlines_missed"].sum() / table["tasks"].sum()
        rows.append((rule, "", f"{cost:.1f}", f"{100.0 * (cost / base - 1.0):+.0f} %", f"{100.0 * missed:.1f} %", ""))
    return rows, base


def row_of(algorithm: str, variant: Variant, runs: list[dict[str, float]], base: float) -> tuple[str, ...]:
    """A line of the table: means over seeds, and between which they lie."""
    objective = np.array([run["objective_usd"] for run in runs])
    missed = np.array([100.0 * run["deadlines_missed"] / run["tasks"] for run in runs])
    invalid = np.mean([100.0 * run["invalid_actions"] / run["decisions"] for run in runs])
    against = 100.0 * (objective / base - 1.0)
    return (
        algorithm,
        variant.words,
        f"{objective.mean():.1f} [{objective.min():.1f}, {objective.max():.1f}]",
        f"{against.mean():+.0f} % [{against.min():+.0f}, {against.max():+.0f}]",
        f"{missed.mean():.1f} % [{missed.min():.1f}, {missed.max():.1f}]",
        f"{invalid:.0f} %",
    )


def report_of(scenario: str, kinds: Sequence[Kind], runs: Sequence[dict[str, float]], size: Size) -> Report:
    """The table of one scenario; `runs` are those of its rows, one after the other."""
    rows, base = rule_rows(scenario, size.worlds)
    for k, (algorithm, variant) in enumerate(kinds):
        rows.append(row_of(algorithm, variant, runs[k * size.seeds : (k + 1) * size.seeds], base))
    note = NOTE.format(environments=ENVIRONMENTS, **size._asdict())
    columns = ("policy", "what is set", "objective $", f"against {RULES[0]}", "missed", "invalid")
    return Report(f"A first training run: {scenario}", note, columns, tuple(rows))


def measure(scenarios: Sequence[str], kinds: Sequence[Kind], size: Size, processes: int) -> tuple[Report, ...]:
    """Train everything; the tables."""
    seeds = range(size.seeds)
    jobs = [Job(scenario, *kind, seed, size) for scenario in scenarios for kind in kinds for seed in seeds]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        runs = list(pool.map(Job.run, jobs))
    each = len(jobs) // len(scenarios)
    return tuple(
        report_of(scenario, kinds, runs[k * each : (k + 1) * each], size) for k, scenario in enumerate(scenarios)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, print, keep."""
    take_any_text()
    options = keeping_parser(__doc__, KEPT)
    options.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    options.add_argument("--algorithms", nargs="+", choices=ALGORITHMS, default=list(ALGORITHMS))
    options.add_argument("--only-defaults", action="store_true", help="nothing else is tried")
    options.add_argument("--seeds", type=int, default=SEEDS, metavar="N")
    options.add_argument("--processes", type=int, default=CORES, metavar="N", help="the results do not depend on it")
    given = options.parse_args(arguments)
    try:
        check_least("--processes", given.processes, 1)
        check_least("--seeds", given.seeds, 1)
        to_keep = is_kept(given, KEPT)
    except (ValueError, OSError) as error:
        options.exit(2, f"{error}\n")
    size = Size(QUICK_DECISIONS, QUICK_WORLDS, given.seeds) if given.quick else Size(DECISIONS, WORLDS, given.seeds)
    kinds = kinds_of(given.algorithms, given.only_defaults)
    reports = measure(given.scenarios, kinds, size, given.processes)
    for report in reports:
        report.print()
    if to_keep:
        keep(reports, given)


if __name__ == "__main__":
    main()

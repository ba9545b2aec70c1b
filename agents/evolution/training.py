"""A search on a scenario, in a run folder that at any moment holds the last good files.

What is in it:

    config.json                        scenario, settings, versions: all that a run is
    search.npz                         where the search is, to go on from
    policy.safetensors, policy.json    the weights so far as a policy that needs no torch
    evaluations.json                   every evaluation on development worlds
"""

import json
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from rich.console import Console

from agents.callbacks import stop_on_signals
from agents.evolution.kept_search import read_search, search_bytes
from agents.evolution.playing import Player
from agents.evolution.search import Search
from agents.evolution.settings import Drawn, Settings, validated
from agents.export import source_commit, versions
from agents.fleets import FAMILY, drawn_fleet
from agents.hyperparameters import NO_OPTIONS
from agents.run_folder import (
    CONFIG_FILE,
    EVALUATIONS_FILE,
    free_folder,
    kept_parts,
    made_folder,
    opened_folder,
    read_evaluations,
    write_config,
)
from agents.worlds import before_reports, development_seed, training_seed
from tessera_env.files.paths import expanded
from tessera_env.files.writing import write_bytes, write_text
from tessera_env.observation.layouts import layout_of
from tessera_env.policies import pretrained_names
from tessera_env.policies.folder import read_card, read_weights, save_policy
from tessera_env.policies.learned_rules import RuleWeights, rule_for
from tessera_env.policies.pretrained import pretrained_folder
from tessera_env.scenario.scenario import Scenario

METHOD = "evolution"
SEARCH_FILE = "search.npz"
_SCALE_WORLDS = 32  # whose figures give the scale
_LEAST_DEVIATION = 0.02  # of a figure: one that never changes is not blown up


@dataclass(frozen=True)
class EvolutionRun:
    """What is searched, how and where; kept as `config.json`."""

    folder: Path
    scenario: Scenario
    settings: Settings

    @classmethod
    def create(cls, folder: Path, scenario: Scenario, settings: Settings) -> Self:
        """A run to begin with; `evolve` makes its folder.

        Raises:
            ValueError: the folder exists already, or a scenario beside the run's cannot be loaded, or has its name, or
                is of another kind, or what is to be started from is no policy of this kind.
        """
        if layout_of(scenario).has_services_beside:
            raise ValueError(f"{scenario.name}: services beside tasks (allowed in a search: either of them alone)")
        rule = rule_for(layout_of(scenario))
        if settings.start:
            started(settings.start, rule)
        if settings.drawn is not None and rule.for_services:
            raise ValueError(f"drawn: fleets (allowed beside {scenario.name}, a service's scenario: none)")
        for name, one in settings.beside.items():
            other = one.load(name)
            if name == scenario.name or (other.name == scenario.name and not one.changes):
                raise ValueError(f"beside: {name!r} (allowed: other names than the run's scenario has)")
            if rule_for(layout_of(other)) is not rule:
                raise ValueError(f"beside: {name!r} (allowed: services beside services, tasks beside tasks)")
            before_reports(other)
        before_reports(scenario)
        return cls(free_folder(folder), scenario, settings)

    @classmethod
    def open(cls, folder: Path, total_steps: int | None = None, options: Mapping[str, str] = NO_OPTIONS) -> Self:
        """A run to go on with; `total_steps` stretches or shortens it, and is called in errors as `options` say.

        Raises:
            ValueError: the folder holds no run that can go on.
        """
        folder, config = opened_folder(folder, SEARCH_FILE)
        scenario, settings = kept_parts(folder, config, "settings")
        settings |= {} if total_steps is None else {"total_steps": total_steps}
        return cls(folder, scenario, validated(settings, str(folder / CONFIG_FILE), options))

    @property
    def summary(self) -> str:
        """How, on what and how long."""
        return f"{METHOD} on {self.scenario.name}, {self.settings.total_steps:,} decisions"

    def write_config(self) -> None:
        """Write `config.json`."""
        facts = {"scenario": self.scenario, "settings": self.settings}
        write_config(
            self.folder, {"method": METHOD, **{name: fact.model_dump(mode="json") for name, fact in facts.items()}}
        )


def started(name: str, rule: type[RuleWeights]) -> tuple[np.ndarray, np.ndarray]:
    """The figures' scale (2, figures) and the weights (weights,) of a policy, "pretrained/NAME" or a folder.

    Raises:
        ValueError: it is none, or none of the rule's kind.
    """
    folder = pretrained_folder(name) if name in pretrained_names() else expanded(name)
    card = read_card(folder)
    if card.kind != rule.kind:
        raise ValueError(f"start: {name!r} is a {card.kind} (allowed: a {rule.kind})")
    weights = rule.of_tensors(read_weights(folder, card.sha256))
    return weights.scale, weights.flat[0]


class Lasting:
    """One scenario that counts in a search: the same players in all generations.

    Attributes:
        is_relative: whether objectives count as shares of what a world costs on on-demand.
    """

    is_relative = False

    def __init__(self, name: str, scenario: Scenario, pairs: int, weight: float, settings: Settings) -> None:
        self.name, self.scenario, self.pairs, self.weight = name, scenario, pairs, weight
        self._players = [Player(scenario, settings.rows) for _ in range(settings.n_threads)]

    def players(self, generation: int) -> list[Player]:
        """Who plays it side by side, whichever generation it is."""
        return self._players


class Anew:
    """Fleets of `fleet-train` that count in a search: drawn anew for each generation, a player each.

    Attributes:
        is_relative: fleets of unlike sizes count alike.
    """

    is_relative, name = True, FAMILY

    def __init__(self, drawn: Drawn, settings: Settings, seed: int) -> None:
        self.pairs, self.weight = drawn.fleets * drawn.pairs, drawn.weight
        self._drawn, self._seed, self._rows = drawn, seed, min(2 * drawn.pairs, settings.rows)

    def players(self, generation: int) -> list[Player]:
        """Who plays the generation's fleets."""
        numbers = generation * self._drawn.fleets + np.arange(self._drawn.fleets)
        return [Player(drawn_fleet(self._seed, number), self._rows) for number in numbers.tolist()]


def courses_of(run: EvolutionRun) -> tuple[Lasting, list[Lasting | Anew]]:
    """The run's scenario and what counts beside it, on what lies before the hours that are for reports."""
    settings = run.settings
    first = Lasting(run.scenario.name, before_reports(run.scenario), settings.pairs, 1.0, settings)
    beside: list[Lasting | Anew] = [
        Lasting(name, before_reports(one.load(name)), one.pairs, one.weight, settings)
        for name, one in settings.beside.items()
    ]
    if settings.drawn is not None:
        beside.append(Anew(settings.drawn, settings, training_seed(settings.seed)))
    return first, beside


class Evolution:
    """A search that plays.

    Args:
        run: what is searched.
    """

    def __init__(self, run: EvolutionRun) -> None:
        settings = self.settings = run.settings
        self.run = run
        self.rule = rule_for(layout_of(run.scenario))
        self.commit = source_commit()  # now: files may change while this goes on
        self.first, beside = courses_of(run)
        self.courses = [self.first, *beside]
        self.threads = settings.n_threads
        self._seed = training_seed(settings.seed)
        self.decisions = 0
        self.search, self.scale = Search.start(self.rule.count), np.zeros(0)

    def prepare(self) -> None:
        """Go on from what the folder holds, or measure the figures' scale for a new search."""
        file = self.run.folder / SEARCH_FILE
        if file.is_file():
            self.search, self.scale, self.decisions = read_search(file, self.rule)
        elif self.settings.start:
            self.scale, weights = started(self.settings.start, self.rule)
            self.search = replace(self.search, weights=weights, mean=weights.copy())
        else:
            self.scale = self._measured_scale()

    def generation(self, executor: ThreadPoolExecutor) -> None:
        """Play one generation, and move."""
        search, deviation = self.search, self.settings.deviation
        slopes = {}
        for place, course in enumerate(self.courses):
            changes = search.changes(self._seed, place, course.pairs)
            worlds = search.generation * course.pairs + np.arange(course.pairs)
            sets = search.weights + deviation * np.stack([changes, -changes], axis=1)  # (pairs, 2, weights)
            games = sets.reshape(-1, self.rule.count), np.repeat(worlds, 2)
            objectives, scales = self.play(executor, course.players(search.generation), *games, self._seed)
            differences = (objectives[0::2] - objectives[1::2]) / 2.0
            if course.is_relative:
                differences /= scales[0::2]
            slopes[course.name] = search.slope_of(course.name, differences, changes, deviation)
        weights = {course.name: course.weight for course in self.courses}
        search.move(slopes, weights, self.settings, self.decisions / self.settings.total_steps)

    def play(
        self, executor: ThreadPoolExecutor, players: list[Player], sets: np.ndarray, worlds: np.ndarray, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Player.objectives`: set k in world k, (games,), shared out so that pairs stay together."""
        before = sum(player.decisions for player in players)
        edges = [2 * (len(worlds) // 2 * k // len(players)) for k in range(len(players))] + [len(worlds)]
        parts = [slice(*edge) for edge in pairwise(edges)]
        played = executor.map(
            lambda player, part: player.objectives(self.rule.of(self.scale, sets[part]), worlds[part], seed),
            players,
            parts,
        )
        found = [np.concatenate(arrays) for arrays in zip(*played, strict=True)]
        self.decisions += sum(player.decisions for player in players) - before
        return found[0], found[1]

    def developed(self, executor: ThreadPoolExecutor, weights: np.ndarray) -> np.ndarray:
        """The objectives of one set of weights in the run's scenario on development worlds, (worlds,)."""
        count, done = self.settings.evaluation_worlds, self.decisions
        sets = np.broadcast_to(weights, (count, self.rule.count))
        objectives, _ = self.play(executor, self.first.players(0), sets, np.arange(count), development_seed())
        self.decisions = done  # nothing was learned from these
        return objectives

    def save(self) -> None:
        """Write the policy and where the search is."""
        write_bytes(self.run.folder / SEARCH_FILE, search_bytes(self.search, self.scale, self.decisions))
        export(self)

    def _measured_scale(self) -> np.ndarray:
        """Mean and deviation of the figures under the rule, (2, figures), in scenarios that are not drawn."""
        if not self.rule.unscaled.size:
            return self.rule.unscaled
        rule, moments = self.rule.of(self.rule.unscaled, np.zeros((_SCALE_WORLDS, self.rule.count))), []
        for course in self.courses:
            if not isinstance(course, Lasting):
                continue
            player, sums = Player(course.scenario, _SCALE_WORLDS), np.zeros_like(self.rule.unscaled)
            player.objectives(rule, np.arange(_SCALE_WORLDS), self._seed, sums)
            moments.append(sums / player.decisions)
        mean, square = np.mean(moments, axis=0)
        return np.stack([mean, np.sqrt(np.maximum(square - mean**2, 0.0)) + _LEAST_DEVIATION])


def export(evolution: Evolution) -> None:
    """Write the mean of the weights as `policy.safetensors` and `policy.json`."""
    run, search = evolution.run, evolution.search
    known = dict(signature.split(":") for signature in layout_of(run.scenario).signatures)
    notes: dict[str, Any] = {
        "algorithm": METHOD,
        "steps": evolution.decisions,
        "generations": search.generation,
        "seed": run.settings.seed,
        "commit": evolution.commit,
    }
    card = {
        "kind": evolution.rule.kind,
        "pool_count": len(run.scenario.pools),
        "fields": [f"{name}:{known[name]}" for name in evolution.rule.read],
        "scenario": run.scenario.name,
        "masked": True,
        "versions": versions(),
        "training": notes,
    }
    save_policy(run.folder, evolution.rule.of(evolution.scale, search.mean[None]).tensors(), card)


@dataclass(frozen=True)
class Evaluation:
    """The mean weights on the development worlds."""

    steps: int  # decisions played until then
    generation: int
    objective_usd: float  # mean over the worlds
    difference_usd: float  # to the rule with no shifts, in the same worlds
    half_interval_usd: float  # of that, 95 %

    def __str__(self) -> str:
        return (
            f"generation {self.generation}: development objective {self.objective_usd:.1f} $, "
            f"{self.difference_usd:+.1f} ± {self.half_interval_usd:.1f} $ against the rule without shifts"
        )


def evolve(run: EvolutionRun, console: Console) -> bool:
    """Search until the run's total is reached (True) or a stop was asked for (False); both leave all files in place."""
    evolution = Evolution(run)
    evolution.prepare()
    if not (run.folder / SEARCH_FILE).is_file():
        made_folder(run.folder)
    run.write_config()
    evaluations = read_evaluations(run.folder, Evaluation)
    with stop_on_signals(console) as stop, ThreadPoolExecutor(evolution.threads) as executor:
        rule = evolution.developed(executor, np.zeros(evolution.rule.count))

        def keep() -> None:
            evaluations.append(_evaluated(evolution, evolution.developed(executor, evolution.search.mean), rule))
            _keep(evolution, evaluations)
            console.print(f"{evolution.decisions:>13,} decisions: {evaluations[-1]}", highlight=False, soft_wrap=True)

        if evolution.search.generation > (evaluations[-1].generation if evaluations else 0):
            keep()  # what was cut off in the middle of it
        while evolution.decisions < run.settings.total_steps and not stop.is_set:
            evolution.generation(executor)
            is_last = evolution.decisions >= run.settings.total_steps or stop.is_set
            if is_last or evolution.search.generation % run.settings.evaluate_every == 0:
                keep()
    return evolution.decisions >= run.settings.total_steps


def _evaluated(evolution: Evolution, objectives: np.ndarray, rule: np.ndarray) -> Evaluation:
    differences = objectives - rule
    return Evaluation(
        steps=evolution.decisions,
        generation=evolution.search.generation,
        objective_usd=float(objectives.mean()),
        difference_usd=float(differences.mean()),
        half_interval_usd=float(1.96 * differences.std() / math.sqrt(len(differences))),
    )


def _keep(evolution: Evolution, evaluations: list[Evaluation]) -> None:
    """Write all; the record comes last: of a search that it does not know of, not all was written."""
    evolution.save()
    record = json.dumps([asdict(one) for one in evaluations], indent=2) + "\n"
    write_text(evolution.run.folder / EVALUATIONS_FILE, record)

"""Policies compared on the same worlds: every episode's figures, means, intervals and paired differences.

World k is episode k of the seed, whichever policy plays it and in whichever row of the vector environment, so results
depend neither on the number of rows nor on threads, and differences between policies are differences of decisions.
"""

import inspect
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
from gymnasium.vector import AutoresetMode
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tessera_env.evaluation.floors import FLOORS, Floor
from tessera_env.evaluation.least import check_floor, floor_for, least
from tessera_env.evaluation.playing import play
from tessera_env.evaluation.requests import plays_requests, request_metrics
from tessera_env.evaluation.results import Results, Table
from tessera_env.observation.layout import Layout
from tessera_env.observation.layouts import layout_of
from tessera_env.policies.learned import LearnedPolicy
from tessera_env.policies.making import make_policy
from tessera_env.policies.protocol import Policy
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.accounts import Accounts, joined
from tessera_env.simulation.planners import Planner
from tessera_env.simulation.rewards import PLAIN
from tessera_env.vector_env import TesseraVectorEnv

MOST_EPISODES = 100_000
ROWS = 256  # played side by side unless told otherwise; more brings little
AUTO = "auto"  # the baseline: greedy where it is evaluated, else the first policy
DEFAULT_POLICIES = ("on_demand_only", "on_demand_fallback", "greedy")
SERVICE_POLICIES = ("on_demand_only", "even_spread", "round_robin", "spot_hedge", "spot_hedge_plus")
_MOST_TASKS_AT_ONCE = 2_000_000  # in all rows together, which bounds memory to about a GB

PolicyLike = str | Path | Policy
ScenarioLike = str | Path | Mapping[str, Any] | Scenario

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Experiment:
    """What is asked: which policies play which worlds, and how they are compared; `prepare` checks it, `run` plays it.

    Args:
        scenario: a preset's name, a TOML file, a mapping or a Scenario.
        policies: names with options ("on_demand_fallback:count=3"), folders of exported policies, or policies; None:
            DEFAULT_POLICIES, or SERVICE_POLICIES where there are services.
        episodes: worlds; world k is episode k of the seed.
        seed: of the worlds, the bootstrap and policies that draw.
        baseline: which policy the paired differences are taken against; "auto": greedy if it is among the policies,
            else the first; None: no differences.
        overrides: single values of the scenario, such as {"task.deadline_h": 70}.
        planner: assigns displaced tasks to instances; Kuhn-Munkres if None.
        optimum: add the least cost that anyone could have paid who knew the world ("clairvoyant"), and how much of
            the gap from uniform_progress to it each policy closes; for one task with a deadline on one pool. Or for one
            service about which is decided at ticks alone: that cost, never below the target; the gap from
            on_demand_only.
        bound: add a figure that no policy's objective is below, as is proven ("bound"), and how much of the gap from
            greedy to it each policy closes; for up to 1,000 tasks on any pools, in about a second a world. Or for any
            services without tasks beside them, the gap from on_demand_only. Not with `optimum`.
        accounts: keep what each task cost, in the results and their JSON, where it is a row a task, world and policy.
        defaults: the policies where none are named and there are no services.
        rows: environments side by side, as many as bring speed and fit in memory if None; changes the speed, never the
            results.
        threads: of the environments; changes the speed, never the results.
        progress: show a bar on standard error, if that is a terminal.
    """

    scenario: ScenarioLike = "deadline-aws"
    policies: Sequence[PolicyLike] | None = None
    episodes: int = 200
    seed: int = 1
    baseline: str | None = AUTO
    _: KW_ONLY
    overrides: Mapping[str, Any] | None = None
    planner: Planner | None = None
    optimum: bool = False
    bound: bool = False
    accounts: bool = False
    defaults: Sequence[str] = DEFAULT_POLICIES
    rows: int | None = None
    threads: int = 1
    progress: bool = False

    def prepare(self) -> "Prepared":
        """Check and load all that is asked for, before any work.

        Raises:
            ValueError: something of it cannot be used; one line a problem.
        """
        self._check_ranges()
        scenario = load_scenario(self.scenario, **(self.overrides or {}))
        policies = _players(self._policies_for(scenario), layout_of(scenario), self.seed)
        baseline = _baseline(self.baseline, list(policies))
        env = TesseraVectorEnv(
            self._rows_for(scenario),
            scenario=scenario,
            autoreset_mode=AutoresetMode.DISABLED,
            threads=self.threads,
            planner=self.planner,
            reward=PLAIN,
            log_events=plays_requests(scenario),
        )
        return Prepared(self, scenario, policies, baseline, env, self._floor(policies, env))

    def run(self) -> Results:
        """Prepare and play it.

        Raises:
            ValueError: something of it cannot be used; nothing has been played then.
        """
        return self.prepare().run()

    def _check_ranges(self) -> None:
        _check_range("episodes", self.episodes, 1, MOST_EPISODES)
        _check_range("seed", self.seed, 0, 2**64 - 1)
        if self.rows is not None:
            _check_range("rows", self.rows, 1, MOST_EPISODES)
        _check_range("threads", self.threads, 1, 1024)

    def _floor(self, policies: Mapping[str, Policy], env: TesseraVectorEnv) -> Floor | None:
        """What is asked for of what is least possible, and can be had."""
        if self.optimum and self.bound:
            raise ValueError("bound: with the optimum (allowed: one of them; where there is an optimum, it is exact)")
        for label in policies:
            if label in FLOORS:
                raise ValueError(f"policies: {label!r} (allowed: other names, since that is a row of its own)")
        floor = floor_for(env.simulation.scenario, self.optimum, self.bound)
        if floor is not None:
            check_floor(floor, env.simulation, self.seed, self.episodes)
        return floor

    def _policies_for(self, scenario: Scenario) -> Sequence[PolicyLike]:
        if self.policies is not None:
            return self.policies
        return SERVICE_POLICIES if scenario.service else self.defaults

    def _rows_for(self, scenario: Scenario) -> int:
        if self.rows is not None:
            return min(self.rows, self.episodes)
        tasks = scenario.task.count + sum(service.seats for service in scenario.service)
        rows = max(1, min(ROWS, _MOST_TASKS_AT_ONCE // tasks))
        return min(rows, self.episodes)


@dataclass(frozen=True)
class Prepared:
    """An experiment of which all is checked and loaded: only playing is left."""

    experiment: Experiment  # as asked
    scenario: Scenario
    policies: dict[str, Policy]  # by label, in the order given
    baseline: str | None  # one of the labels
    env: TesseraVectorEnv
    floor: Floor | None = None  # of what is least possible, what is asked for

    def run(self) -> Results:
        """Play every policy in every world.

        Raises:
            NoFloorError: all was played, but what is least possible was not found.
        """
        floor, policies = self.floor, dict(self.policies)
        if floor is not None and floor.reference not in policies:
            policies[floor.reference] = make_policy(floor.reference, self.env.layout)
        with _bar(self.experiment.progress) as bar:
            played = {label: self._played(label, policy, bar) for label, policy in policies.items()}
            if floor is None:
                return self._results(played)
            try:
                lowest = self._least(floor, bar)
            except RuntimeError as error:
                raise NoFloorError(f"{floor.label}: {error}", self._results(played)) from error
        reference_usd = played[floor.reference].table[floor.metric]
        return self._results(played, {floor.label: lowest}, reference_usd)

    def _results(
        self,
        played: Mapping[str, "_Played"],
        floors: Mapping[str, Table] | None = None,
        reference_usd: np.ndarray | None = None,
    ) -> Results:
        asked, tables = self.experiment, {label: played[label].table for label in self.policies} | dict(floors or {})
        return Results(
            scenario=self.scenario.model_dump(mode="json"),
            seed=asked.seed,
            baseline=self.baseline,
            versions=_versions(),
            policies={label: _description(label, self.policies.get(label)) for label in tables},
            tables=tables,
            reference_usd=reference_usd,
            accounts={label: played[label].accounts for label in self.policies} if asked.accounts else None,
            played_rows=self.scenario.recordings.played_rows,
        )

    def _least(self, floor: Floor, bar: Progress) -> Table:
        asked = self.experiment
        on_done = partial(bar.advance, bar.add_task(floor.label, total=asked.episodes))
        return least(floor, self.env.simulation, asked.seed, asked.episodes, on_done)

    def _played(self, label: str, policy: Policy, bar: Progress) -> "_Played":
        asked, worlds = self.experiment, dict[int, Accounts]()

        requests = dict[int, dict[str, float]]()

        def keep(world: int, row: int) -> None:
            if asked.accounts:
                worlds[world] = self.env.simulation.accounts(row)
            if plays_requests(self.scenario):
                requests[world] = request_metrics(self.env.simulation, row)

        on_done = partial(bar.advance, bar.add_task(label, total=asked.episodes))
        table = play(self.env, policy, asked.episodes, asked.seed, on_done, keep)
        for name in requests.get(0, ()):
            table[name] = np.array([requests[world][name] for world in range(asked.episodes)])
        return _Played(table, joined([worlds[world] for world in sorted(worlds)]) if worlds else {})


class NoFloorError(RuntimeError):
    """What is least possible was not found, such as where a solver gave up.

    Attributes:
        results: of the policies, as if nobody had asked for it.
    """

    def __init__(self, message: str, results: Results):
        super().__init__(message)
        self.results = results


class _Played(NamedTuple):
    """One policy's episodes."""

    table: Table
    accounts: Accounts  # empty if they are not kept


def _taking(maker: Callable[Asked, Any]) -> Callable[[Callable[..., Answer]], Callable[Asked, Answer]]:
    """A function that hands on its arguments has the maker's, so that they are stated once."""

    def typed(function: Callable[..., Answer]) -> Callable[Asked, Answer]:
        answer = inspect.signature(function).return_annotation
        function.__signature__ = inspect.signature(maker).replace(return_annotation=answer)  # type: ignore[attr-defined]
        return function

    return typed


@_taking(Experiment)
def evaluate(*asked: Any, **named: Any) -> Results:
    """Play every policy in the same worlds and compare them: an `Experiment` of these arguments, run.

    Raises:
        ValueError: an argument cannot be used; nothing has been played then.
    """
    return Experiment(*asked, **named).run()


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


def _description(label: str, policy: Policy | None) -> dict[str, Any]:
    """What identifies a policy in the results; of an exported one also what its weights are. None: the floor."""
    if policy is None:
        return {"name": label}
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

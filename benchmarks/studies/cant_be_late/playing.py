"""Play every combination of a part with every policy, and find the optimum of each window."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium.vector import AutoresetMode

from benchmarks.studies.cant_be_late.parts import CHANGEOVERS_H, DEADLINES_H, Part
from benchmarks.studies.cant_be_late.study import METRICS, OPTIMUM, Study, Table
from tessera_env.evaluation.playing import play
from tessera_env.observation.layout import Layout
from tessera_env.policies import POLICIES, LearnedPolicy, Policy, make_policy
from tessera_env.scenario.scenario import Scenario
from tessera_env.vector_env import TesseraVectorEnv

RULES = (
    "on_demand_only",
    "greedy",
    "greedy_safety_net",
    "uniform_progress",
    "uniform_progress_plain",
    "time_sliced",
    "slack_threshold",
)

# A scenario's windows 0 ... episodes - 1 of a seed, solved by so many threads: cost_usd, spot_h, on_demand_h and
# launches, each (episodes,).
Optimal = Callable[[Scenario, int, int, int], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Grid:
    """How much is played."""

    windows: int  # of each zone
    seed: int
    deadlines_h: tuple[float, ...] = DEADLINES_H
    changeovers_h: tuple[float, ...] = CHANGEOVERS_H
    zones: int | None = None  # the first ones; None: all
    threads: int = 1

    def zones_of(self, part: Part) -> tuple[str, ...]:
        """The zones played."""
        return tuple(part.zones)[: self.zones]

    def combinations(self, part: Part) -> int:
        """How many scenarios are played."""
        return len(self.zones_of(part)) * len(self.deadlines_h) * len(self.changeovers_h)


SEED = 1
TOY = Grid(3, SEED, deadlines_h=(60.0,), changeovers_h=(0.02, 0.2), zones=2)


@dataclass(frozen=True)
class Windows:
    """The recorded windows that a scenario's worlds replay."""

    start_h: np.ndarray  # (windows,) h of the recording
    deadline_h: np.ndarray  # (windows,) of the job, h from the start
    points: list[np.ndarray]  # of each its market, records of tessera_env.world.market.timeline.MARKET_POINT

    def hours_with_spot(self, end_h: np.ndarray) -> np.ndarray:
        """(windows,) hours with spot to be had from the start until `end_h` (windows,)."""
        return np.array([_hours_up(points, end) for points, end in zip(self.points, end_h, strict=True)])


def make_players(labels: Sequence[str], seed: int) -> dict[str, Policy]:
    """The policies by label: names and folders of exported ones.

    Raises:
        ValueError: one is unknown, cannot be used, or is named twice; one line.
    """
    players: dict[str, Policy] = {}
    for label in labels:
        if label in players or label == OPTIMUM:
            raise ValueError(f"policies: {label!r} is named twice (allowed: once)")
        players[label] = make_policy(label, Layout(1), seed)
    return players


def is_learned(label: str) -> bool:
    """Whether a label names an exported policy."""
    return label.split(":")[0] not in POLICIES


def description(policy: Policy) -> str:
    """What identifies a policy: of an exported one, what its weights are."""
    if not isinstance(policy, LearnedPolicy):
        return policy.name
    return f"trained on {policy.card.scenario}, sha256 {policy.card.sha256}"


def play_part(
    part: Part, players: dict[str, Policy], optimal: Optimal, grid: Grid, on_done: Callable[[float], None]
) -> Study:
    """Every policy in every window of every combination.

    Args:
        part: the recordings.
        players: by label.
        optimal: finds the optimum.
        grid: how much is played.
        on_done: told how many combinations more are done.
    """
    zones = grid.zones_of(part)
    shape = (len(zones), len(grid.deadlines_h), len(grid.changeovers_h), grid.windows)
    tables = {label: {metric: np.zeros(shape) for metric in METRICS} for label in (OPTIMUM, *players)}
    windows_h = np.full((len(zones), grid.windows), np.nan)
    for place in np.ndindex(*shape[:-1]):
        zone, deadline, changeover = place
        scenario = part.scenario(zones[zone], grid.deadlines_h[deadline], grid.changeovers_h[changeover])
        found, starts_h = play_combination(scenario, players, optimal, grid)
        if deadline or changeover:
            assert (windows_h[zone] == starts_h).all(), "all combinations of a zone see the same windows"
        windows_h[zone] = starts_h
        for label, table in found.items():
            for metric in METRICS:
                tables[label][metric][place] = table[metric]
        on_done(1.0)
    learned = tuple(label for label in players if is_learned(label))
    return Study(part.title, part.note, zones, grid.deadlines_h, grid.changeovers_h, windows_h, learned, tables)


def play_combination(
    scenario: Scenario, players: dict[str, Policy], optimal: Optimal, grid: Grid
) -> tuple[dict[str, Table], np.ndarray]:
    """METRICS by label, each (windows,), and when the windows start, h of the recording."""
    env = TesseraVectorEnv(grid.windows, scenario=scenario, autoreset_mode=AutoresetMode.DISABLED, threads=grid.threads)
    windows = windows_of(env, grid.seed)
    tables = {OPTIMUM: dict(optimal(scenario, grid.windows, grid.seed, grid.threads))}
    tables[OPTIMUM]["deadlines_missed"] = np.zeros(grid.windows)
    tables[OPTIMUM]["spot_available_h"] = windows.hours_with_spot(windows.deadline_h)  # nobody knows when it ends
    for label, policy in players.items():
        table = dict(play(env, policy, grid.windows, grid.seed, lambda _: None))
        if table["invalid_actions"].any():
            raise RuntimeError(f"{label}: chose {int(table['invalid_actions'].sum())} actions that were not valid")
        table["spot_available_h"] = windows.hours_with_spot(np.minimum(table["elapsed_h"], windows.deadline_h))
        tables[label] = table
    return tables, windows.start_h


def windows_of(env: TesseraVectorEnv, seed: int) -> Windows:
    """Row k shows world k of the seed."""
    worlds = np.arange(env.num_envs)
    env.reset(seed=[seed] * env.num_envs, options={"world": worlds})
    state = env.simulation.state
    points = [np.array(state.market[row, 0, : state.pools[row, 0].point_count]) for row in worlds]
    return Windows(state.worlds["window_s"] / 3600.0, state.tasks["deadline_s"][:, 0] / 3600.0, points)


def _hours_up(points: np.ndarray, end_h: float) -> float:
    times_s = np.append(points["time_s"], np.inf)
    lengths_s = np.diff(np.minimum(times_s, end_h * 3600.0))
    return float(lengths_s[points["capacity"] > 0].sum()) / 3600.0

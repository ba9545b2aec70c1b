"""The clairvoyant optimum: the least cost of a world for one task with a deadline, by a schedule that knows the world.

It is no policy, since it sees prices and capacity in advance: it is what every policy is measured against. Each start
costs a changeover, billed and without work; a loss costs nothing else; holding nothing is free. Where whole ticks are
billed, the least cost is exact; per second, it is bracketed, within a millionth as a rule: with hundreds of changes of
price it can be some 0.05 %. How: `tessera_env.evaluation.optimum.search`.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tessera_env.evaluation.optimum.problem import Problem, check_simulation, problem_of
from tessera_env.evaluation.optimum.search import FOUND, LABEL, NOTHING, ON_DEMAND, Search, Side, solve
from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation
from tessera_env.world.parameters import NONE, new_table

_PRICES = 25  # on work, for bounds: with fewer there are more labels
_ROOM = 1_000_000  # labels of one side; memory is touched only as far as they go
_BLOCK = 256  # worlds drawn side by side
_CACHED = 8_192  # worlds; some kB each


class Run(NamedTuple):
    """One instance, held from its start to its end."""

    start_s: float
    end_s: float
    on_demand: bool


class Optimum(NamedTuple):
    """The least cost of one world: no schedule costs less than `lower_usd`, and `runs` costs `upper_usd`."""

    lower_usd: float
    upper_usd: float
    spot_h: float  # billed
    on_demand_h: float
    starts: int
    runs: tuple[Run, ...]
    label_count: int  # what the last search took


def optimum_of(simulation: Simulation, row: int) -> Optimum:
    """The optimum of the world that the row has just started.

    Raises:
        ValueError: the scenario is no job with a deadline that loses nothing but changeovers; one line a field.
    """
    check_simulation(simulation)
    return solved(problem_of(simulation, row))


def optimal(
    scenario: Scenario,
    episodes: int,
    seed: int,
    threads: int = 1,
    on_done: Callable[[float], None] = lambda worlds: None,
) -> dict[str, np.ndarray]:
    """The optimum of worlds 0 ... episodes - 1 of the seed, in the columns that played episodes have, each (episodes,).

    `cost_usd` is the lower end, `upper_usd` what the schedule costs that the other columns are of. `on_done` is told
    how many worlds more are done.

    Raises:
        ValueError: see `optimum_of`.
    """
    simulation = Simulation(scenario, min(_BLOCK, episodes))
    check_simulation(simulation)
    tables = []
    for count in _started(simulation, episodes, seed):
        tables.append(_columns(simulation, count, threads))
        on_done(count)
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _started(simulation: Simulation, episodes: int, seed: int) -> Iterator[int]:
    """Start the seed's worlds, a block at a time; yields how many of the simulation's rows hold them."""
    for first in range(0, episodes, simulation.row_count):
        count = min(simulation.row_count, episodes - first)
        rows = np.arange(simulation.row_count)
        simulation.start(rows < count, [seed] * len(rows), first + rows)
        yield count


def _columns(simulation: Simulation, count: int, threads: int) -> dict[str, np.ndarray]:
    problems = [problem_of(simulation, row) for row in range(count)]
    with ThreadPoolExecutor(threads) as executor:
        optima = list(executor.map(solved, problems))
    rows = [_figures(problem, optimum) for problem, optimum in zip(problems, optima, strict=True)]
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    table["scale_usd"] = simulation.state.episodes.view(np.ndarray)["scale_usd"][:count].copy()
    return table


def _figures(problem: Problem, optimum: Optimum) -> dict[str, float | int]:
    """What the metrics of a played episode are called, as far as a schedule has them."""
    facts = problem.tables[0][0]
    on_demand_usd = optimum.on_demand_h * facts.on_demand_price * HOUR_S
    setup_h = optimum.starts * facts.changeover_s / HOUR_S
    run_h = sum(run.end_s - run.start_s for run in optimum.runs) / HOUR_S
    # What is billed beyond the last second of work, less than a tick, is no time in which the job ran.
    elapsed_h = optimum.runs[-1].end_s / HOUR_S - (run_h - setup_h - facts.work_s / HOUR_S)
    completion = dict.fromkeys(("completion_p50_h", "completion_p95_h", "completion_p99_h", "elapsed_h"), elapsed_h)
    counts = dict.fromkeys(("failed_launches", "deadlines_missed", "invalid_actions"), 0)
    return {
        "cost_usd": optimum.lower_usd,
        "objective_usd": optimum.lower_usd,
        "penalty_usd": 0.0,
        "upper_usd": optimum.upper_usd,
        "spot_usd": optimum.upper_usd - on_demand_usd,
        "on_demand_usd": on_demand_usd,
        "spot_h": optimum.spot_h,
        "on_demand_h": optimum.on_demand_h,
        "setup_h": setup_h,
        "work_done_h": facts.work_s / HOUR_S,
        "launches": optimum.starts,
        "tasks": 1,
        "tasks_done": 1,
        **completion,
        **counts,
    }


@lru_cache(_CACHED)
def solved(problem: Problem) -> Optimum:
    """The optimum of a problem."""
    facts, segments = problem.tables
    prices = np.zeros(_PRICES)
    search = Search(
        problems=facts,
        ahead=_side(segments, prices),
        mirrored=_side(segments[::-1].copy().view(np.recarray), prices),
        founds=new_table(1, FOUND),
        plan=np.zeros(len(segments), dtype=np.int64),
    )
    solve(search)
    found = search.founds[0]
    runs = _runs(search)
    return Optimum(
        lower_usd=float(found.lower_usd),
        upper_usd=float(found.upper_usd),
        spot_h=float(found.spot_s) / HOUR_S,
        on_demand_h=float(found.on_demand_s) / HOUR_S,
        starts=len(runs),
        runs=runs,
        label_count=int(found.label_count),
    )


def _side(segments: np.recarray, prices: np.ndarray) -> Side:
    n = len(segments)
    return Side(
        segments=segments,
        prices=prices,
        values=np.zeros((len(prices), n + 1, 3)),
        works=np.zeros((n + 1, 3)),
        labels=np.empty(_ROOM, LABEL).view(np.recarray),
        first=np.zeros((n + 1, 3), dtype=np.int64),
        number=np.zeros((n + 1, 3), dtype=np.int64),
        at=np.zeros(3, dtype=np.int64),
        more_s=np.zeros(3),
    )


def _runs(search: Search) -> tuple[Run, ...]:
    """The schedule found: segment by segment, but for the run of partial length."""
    found, plan = search.founds[0], search.plan
    edges_s = np.concatenate(([0.0], np.cumsum(search.ahead.segments.length_s))).tolist()
    if found.segment == NONE:
        return (Run(0.0, min(float(found.length_s), edges_s[-1]), True),)
    pieces = [(start_s, end_s, held) for (start_s, end_s), held in zip(pairwise(edges_s), plan.tolist(), strict=True)]
    s, purchase = int(found.segment), int(found.purchase)
    length_s = min(float(found.length_s), edges_s[s + 1] - edges_s[s])
    at_end = not found.joins_before and s + 1 < len(plan) and plan[s + 1] == purchase
    start_s = edges_s[s + 1] - length_s if at_end else edges_s[s]
    pieces[s] = (start_s, edges_s[s + 1] if at_end else start_s + length_s, purchase)
    return _joined(pieces)


def _joined(pieces: list[tuple[float, float, int]]) -> tuple[Run, ...]:
    """Pieces in order; those that touch and hold the same are one run."""
    runs: list[Run] = []
    for start_s, end_s, kind in pieces:
        if kind == NOTHING or end_s <= start_s:
            continue
        if runs and runs[-1].end_s == start_s and runs[-1].on_demand == (kind == ON_DEMAND):
            runs[-1] = runs[-1]._replace(end_s=end_s)
        else:
            runs.append(Run(start_s, end_s, kind == ON_DEMAND))
    return tuple(runs)

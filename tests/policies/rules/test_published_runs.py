"""All runs of the simulator published with "Can't Be Late" (Wu et al., NSDI'24), tick for tick and dollar for dollar.

A tick of theirs is 195 s. The engine, with the preset `cant-be-late`, plays each run's zone, window, deadline and
changeover; runs that share deadline and changeover are rows of one simulation. What was held in each tick is read from
the event log.
"""

import csv
import json
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from numba import config as numba_config

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import columns_of
from tessera_env.policies import make_policy
from tessera_env.policies.rules.choice import rule_of
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation
from tests.traces import SHARED

ZONES, RUNS = SHARED / "spot_availability", SHARED.parent / "golden" / "cant_be_late.csv"
TICK_S = 195.0
TICK_H = TICK_S / 3600.0
OURS = {"greedy": "greedy_safety_net"}  # their name: ours, where they differ
EVERY = 40 if numba_config.DISABLE_JIT else 1  # plain Python takes almost a second a run

pytestmark = pytest.mark.skipif(
    not (RUNS.is_file() and ZONES.is_dir()),
    reason=f"needs the published runs, {RUNS}, and the traces that they are of, {ZONES} (TESSERA_TRACES)",
)

Run = dict[str, str]


@cache
def runs() -> list[Run]:
    with RUNS.open() as file:
        return list(csv.DictReader(file))


def job(run: Run) -> tuple[float, float]:
    """What runs of one simulation have in common: deadline and changeover, h."""
    return float(run["deadline_h"]), float(run["changeover_delay_h"])


def world(run: Run, zones: Sequence[str]) -> dict[str, Any]:
    """The preset with the run's job, on these zones' traces."""
    deadline_h, changeover_h = job(run)
    return {
        "task.work_h": float(run["work_h"]),
        "task.deadline_h": deadline_h,
        "horizon_h": (deadline_h // TICK_H + 1) * TICK_H,
        "market": {"trace": [str(ZONES / f"{zone}.json") for zone in zones], "polarity": "available"},
        "pools.0.setup_h": changeover_h,
    }


def played(chosen: list[Run]) -> Simulation:
    """Runs of one policy, deadline and changeover, a row each, with their logs."""
    zones = sorted({run["zone"] for run in chosen})
    simulation = Simulation(load_scenario("cant-be-late", **world(chosen[0], zones)), len(chosen), log_events=True)
    policy = make_policy(OURS.get(chosen[0]["policy"], chosen[0]["policy"]), simulation.layout)
    for row, run in enumerate(chosen):
        start(simulation, row, zones.index(run["zone"]), int(run["start_sample"]) * TICK_S)
    while not simulation.views.terminated.all():
        simulation.play(~simulation.views.terminated, rule_of(policy), 100_000)
    return simulation


def start(simulation: Simulation, row: int, series: int, window_s: float) -> None:
    """Start a row in a window that is given instead of drawn: the only one that the tables leave it."""
    config = simulation.params.config[0]
    simulation.params.pools[0].series = series
    config.window_from_s, config.window_until_s = window_s, window_s + config.horizon_s
    simulation.address(row, 0, 0)
    simulation.run(np.where(np.arange(simulation.row_count) == row, int(Command.START), int(Command.SKIP)))


def purchases(simulation: Simulation, row: int) -> str:
    """What the row held in each tick, as the published runs write it."""
    log = simulation.state.log[row][: simulation.state.episodes[row].log_count].view(np.ndarray)
    asked = {round(line["time_s"] / TICK_S): int(line["action"]) for line in columns_of(log, LogKind.DECISION)}
    ticks, held = int(np.ceil(simulation.now_s[row] / TICK_S - 1e-6)), ""
    for tick in range(ticks):
        held += "_SD"[asked[tick]] if tick in asked else held[-1:]
    return " ".join(f"{kind}{len(list(spell))}" for kind, spell in groupby(held))


@pytest.mark.parametrize("policy", ["on_demand_only", "greedy", "uniform_progress", "uniform_progress_plain"])
def test_every_run(policy):
    mine = [run for run in runs() if run["policy"] == policy]
    assert len(mine) == 324
    for _, alike in groupby(sorted(mine[::EVERY], key=job), key=job):
        chosen = list(alike)
        simulation = played(chosen)
        metrics = simulation.metrics(np.arange(len(chosen)))
        for row, run in enumerate(chosen):
            assert purchases(simulation, row) == run["purchases"], run
            assert metrics["cost_usd"][row] == pytest.approx(float(run["cost_usd"]), abs=1e-6), run
            assert metrics["spot_h"][row] == pytest.approx(int(run["spot_ticks"]) * TICK_H, abs=1e-6), run
            assert metrics["on_demand_h"][row] == pytest.approx(int(run["on_demand_ticks"]) * TICK_H, abs=1e-6), run
            assert (metrics["tasks_done"][row], metrics["deadlines_missed"][row]) == (1, 0), run


@pytest.mark.parametrize(
    ("column", "by"), [("changeover_delay_h", TICK_H), ("deadline_h", -TICK_H), ("start_sample", 1)]
)
def test_the_comparison_can_fail(column, by):
    """A tick's difference in the changeover, the deadline or the window shows."""
    run = next(run for run in runs() if run["policy"] == "uniform_progress" and "S" in run["purchases"])
    assert purchases(played([run]), 0) == run["purchases"]
    assert purchases(played([{**run, column: str(type(by)(run[column]) + by)}]), 0) != run["purchases"]


def test_the_traces_are_what_the_windows_were_cut_from():
    samples = json.loads((ZONES / f"{runs()[0]['zone']}.json").read_text())
    assert samples["metadata"]["gap_seconds"] == TICK_S

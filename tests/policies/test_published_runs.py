"""All runs of the simulator published with "Can't Be Late" (Wu et al., NSDI'24), tick for tick and dollar for dollar.

A tick of theirs is 195 s. The engine, with the preset `cant-be-late`, plays each run's zone, window, deadline and
changeover; what was held in each tick is read from the event log.
"""

import csv
import json
import os
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tessera_env.engine.kinds import LogKind
from tessera_env.kernels import Command
from tessera_env.policies import make_policy
from tessera_env.scenario_files import load_scenario
from tessera_env.simulation import Simulation

TRACES = Path(os.environ.get("TESSERA_TRACES", Path(__file__).parents[3] / "shared" / "traces"))
RUNS = TRACES.parent / "golden" / "cant_be_late.csv"
TICK_S = 195.0
OURS = {"greedy": "greedy_safety_net"}  # their name: ours, where they differ

pytestmark = pytest.mark.skipif(
    not (RUNS.is_file() and (TRACES / "spot_availability").is_dir()),
    reason=f"the published runs and traces are not in {TRACES.parent}",
)


@cache
def runs() -> list[dict[str, str]]:
    with RUNS.open() as file:
        return list(csv.DictReader(file))


def world_of(run: dict[str, str]) -> dict[str, Any]:
    """The run's world in the preset."""
    deadline_h, from_h = float(run["deadline_h"]), int(run["start_sample"]) * TICK_S / 3600
    horizon_h = (deadline_h * 3600 // TICK_S + 1) * TICK_S / 3600
    return {
        "task.work_h": float(run["work_h"]),
        "task.deadline_h": deadline_h,
        "horizon_h": horizon_h,
        "market": {
            "trace": [str(TRACES / "spot_availability" / f"{run['zone']}.json")],
            "polarity": "available",
            "from_h": from_h,
            "until_h": from_h + horizon_h + 1e-9,
        },
        "pools.0.setup_h": float(run["changeover_delay_h"]),
    }


def played(run: dict[str, str]) -> Simulation:
    """The run's episode, with its log."""
    simulation = Simulation(load_scenario("cant-be-late", **world_of(run)), 1, log_events=True)
    policy = make_policy(OURS.get(run["policy"], run["policy"]), simulation.layout)
    simulation.address(0, 0, 0)
    simulation.run(np.array([int(Command.START)]))
    while not simulation.views.terminated[0]:
        simulation.play(np.ones(1, dtype=bool), policy.rule, 100_000)
    return simulation


def purchases(simulation: Simulation) -> str:
    """What was held in each tick, as the published runs write it."""
    log = simulation.state.log[0][: simulation.state.rows[0].log_count]
    decisions = log[log["kind"] == LogKind.DECISION]
    asked = {
        round(time_s / TICK_S): "_SD"[int(action)]
        for time_s, action in zip(decisions["time_s"], decisions["value"], strict=True)
    }
    ticks, held = int(np.ceil(simulation.now_s[0] / TICK_S - 1e-6)), ""
    for tick in range(ticks):
        held += asked.get(tick, held[-1:])
    return " ".join(f"{kind}{len(list(spell))}" for kind, spell in groupby(held))


@pytest.mark.parametrize("policy", ["on_demand_only", "greedy", "uniform_progress", "uniform_progress_plain"])
def test_every_run(policy):
    chosen = [run for run in runs() if run["policy"] == policy]
    assert len(chosen) == 324
    for run in chosen:
        simulation = played(run)
        metrics = {name: values[0] for name, values in simulation.metrics(np.array([0])).items()}
        assert purchases(simulation) == run["purchases"], run
        assert metrics["cost_usd"] == pytest.approx(float(run["cost_usd"]), abs=1e-6), run
        hours = TICK_S / 3600.0
        assert metrics["spot_h"] == pytest.approx(int(run["spot_ticks"]) * hours, abs=1e-6)
        assert metrics["on_demand_h"] == pytest.approx(int(run["on_demand_ticks"]) * hours, abs=1e-6)
        assert (metrics["tasks_done"], metrics["deadlines_missed"]) == (1, 0)


def test_the_comparison_can_fail():
    """A tick's difference in the changeover shows."""
    run = next(run for run in runs() if run["policy"] == "uniform_progress" and "S" in run["purchases"])
    other = {**run, "changeover_delay_h": str(float(run["changeover_delay_h"]) + TICK_S / 3600)}
    assert purchases(played(other)) != run["purchases"]


def test_the_traces_are_what_the_windows_were_cut_from():
    samples = json.loads((TRACES / "spot_availability" / f"{runs()[0]['zone']}.json").read_text())
    assert samples["metadata"]["gap_seconds"] == TICK_S

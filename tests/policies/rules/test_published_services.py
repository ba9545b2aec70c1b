"""The runs published with SkyServe: all figures of its simulator come out of the engine, run by run, tick by tick."""

import os
from typing import Any

import numpy as np
import pytest

from tessera_env.policies.making import make_policy
from tessera_env.policies.rules.choice import rule_of
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.rows import Simulation
from tests.policies.rules.published_services import POLICIES, TICK_S, runs, scenario_of

ONE = np.ones(1, dtype=bool)
DAY = "2880"  # ticks


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("windows")


def metrics_of(scenario: dict[str, Any], policy: str, seed: int = 1) -> dict[str, float]:
    simulation = Simulation(load_scenario(scenario), 1)
    rule = rule_of(make_policy(policy, simulation.layout))
    simulation.start(ONE, [seed], [0])
    while not simulation.views.terminated[0]:
        simulation.play(ONE, rule, 100_000)
    return {name: value[0].item() for name, value in simulation.metrics(np.arange(1)).items()}


def check_run(run: dict[str, str], metrics: dict[str, float]) -> None:
    """Every column of the row that says what happened."""
    ticks_per_h = 3600 / TICK_S
    found = {
        "availability": (metrics["availability"], 1e-8),
        "relative_cost": (metrics["relative_cost"], 1e-8),
        "cost_units": (metrics["service_usd"] * ticks_per_h, 1e-5),
        "spot_ticks": (metrics["service_spot_h"] * ticks_per_h, 1e-5),
        "od_ticks": (metrics["service_on_demand_h"] * ticks_per_h, 1e-5),
        "preemptions": (metrics["preemptions"], 0),
        "launches": (metrics["spot_launches"], 0),
        "failed_launches": (metrics["failed_launches"], 0),
        "od_launches": (metrics["on_demand_launches"], 0),
        "ready_mean": (metrics["ready_mean"], 1e-6),
        "ready_min": (metrics["ready_least"], 0),
    }
    for name, (value, tolerance) in found.items():
        assert value == pytest.approx(float(run[name]), abs=tolerance), (name, run)


def deterministic() -> list[dict[str, str]]:
    return [run for run in runs("skyserve.csv") if run["rule"] == "first"]


def test_a_share_of_the_published_runs_comes_out_exactly(folder):
    chosen = [run for run in deterministic() if int(run["ticks"]) <= 2880][::25]
    assert {run["policy"] for run in chosen} >= {"on_demand_only", "even_spread", "round_robin", "spothedge"}
    for run in chosen:
        check_run(run, metrics_of(scenario_of(run, folder), POLICIES[run["policy"]]))


def test_the_safety_net_comes_out_exactly(folder):
    for run in deterministic():
        if run["policy"] == "spothedge_safety_net":
            check_run(run, metrics_of(scenario_of(run, folder), POLICIES[run["policy"]]))


@pytest.mark.slow
@pytest.mark.parametrize("trace", ["AWS1", "GCP1"])
@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_every_deterministic_run_comes_out_exactly(policy, trace, folder):
    """With looks left out where nothing has changed, but for the safety net, which counts them.

    All days; of the runs through a whole trace, which take ten times as long, every third, or all with
    TESSERA_EVERY_RUN=1.
    """
    looks = "always" if policy == "spothedge_safety_net" else "when_changed"
    of_it = [run for run in deterministic() if run["policy"] == policy and run["trace"] == trace]
    days, whole = ([run for run in of_it if (run["ticks"] == DAY) is is_day] for is_day in (True, False))
    chosen = [*days, *whole[:: 1 if os.environ.get("TESSERA_EVERY_RUN") else 3]]
    assert chosen
    for run in chosen:
        check_run(run, metrics_of(scenario_of(run, folder, looks), POLICIES[policy]))


def test_a_planted_mistake_does_not_go_unseen(folder):
    run = next(run for run in deterministic() if run["policy"] == "spothedge" and run["ticks"] == "2880")
    scenario = scenario_of(run, folder)
    scenario["service"]["decides_before_market"] = False  # so that each outage is a tick shorter
    with pytest.raises(AssertionError):
        check_run(run, metrics_of(scenario, POLICIES[run["policy"]]))


@pytest.mark.slow
def test_random_ties_agree_within_what_their_seeds_differ(folder):
    """The published program's draws are Python's, ours the world's: means over windows and seeds agree."""
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for run in runs("skyserve.csv"):
        if run["rule"] == "random" and run["ticks"] == DAY:
            groups.setdefault((run["trace"], run["n_target"], run["n_extra"], run["cold_start_s"]), []).append(run)
    assert len(groups) > 10
    far = []
    for group in groups.values():
        found = [
            metrics_of(scenario_of(run, folder, "when_changed"), "spot_hedge:ties=random", seed=1 + int(run["seed"]))
            for run in group
        ]
        for name in ("availability", "relative_cost"):
            ours, theirs = [one[name] for one in found], [float(run[name]) for run in group]
            differences = np.array(ours) - np.array(theirs)
            error = max(differences.std(ddof=1) / np.sqrt(len(differences)), 1e-4)
            far.append(abs(differences.mean()) / error)
    assert max(far) < 6.0  # of some eighty; windows share the published program's seeds, so that errors are too small


def test_every_tick_of_the_published_episodes_comes_out(folder):
    rows: dict[str, list[dict[str, str]]] = {}
    for row in runs("skyserve_events.csv"):
        rows.setdefault(row["run"], []).append(row)
    for run in runs("skyserve_events_runs.csv"):
        expected = rows[run["run"]]
        found = ticks_of(scenario_of(run, folder), POLICIES[run["policy"]])
        assert len(found) == len(expected)
        for row, tick in zip(expected, found, strict=True):
            for name, value in tick.items():
                assert value == row[name] or (name == "zones_available" and run["policy"] != "spothedge"), (row, name)


def ticks_of(scenario: dict[str, Any], policy: str) -> list[dict[str, str]]:
    """What the published log has of each tick; the last one is seen by no look and is left as the engine ends."""
    simulation = Simulation(load_scenario(scenario), 1)
    rule = rule_of(make_policy(policy, simulation.layout))
    simulation.start(ONE, [1], [0])
    service, pools = simulation.state.services[0, 0], simulation.state.service_pools[0, 0]
    ticks: list[dict[str, str]] = []
    looks = 0
    while not simulation.views.terminated[0]:
        if service.rounds != looks:
            looks = int(service.rounds)
            if looks > 1:
                ticks[-1] |= seen(service, pools)
            ticks.append({"zones_available": "|".join(map(str, np.flatnonzero(pools["in_use"])))})
        simulation.play(ONE, rule, 1)
    ticks[-1].clear()
    return ticks


def seen(service: Any, pools: Any) -> dict[str, str]:
    """What a look finds of the tick before."""
    values = {name: "|".join(map(str, pools[name].tolist())) for name in ("asked", "held", "ready")}
    return {**values, "od_held": str(service.held_on_demand), "od_ready": str(service.ready_on_demand)}

"""What each task cost: worked out by hand, and as parts that add up to the whole in every preset."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_env.scenario.loading import load_scenario, override
from tessera_env.simulation.accounts import COLUMNS, Accounts, accounts_from, joined, of_world, plain_chunks
from tessera_env.simulation.rows import Simulation
from tests.engine.play import ON_DEMAND, SPOT, play
from tests.engine.scenarios import finish, mappings, started, without_unread
from tests.presets import TASK_PRESETS
from tests.reference.worlds import pool, task, world

EXACT = {"rel": 1e-9, "abs": 1e-9}
# Fewer tasks in less time, with all that makes the preset what it is.
SMALLER = {name: {"task.count": 8, "horizon_h": 24} for name in ("classic", "fleet", "fleet-mixed")}


def accounts_by_hand(*answers: int, tasks: list, **fields: Any) -> Accounts:
    """Of a world of one pool, where spot costs $0.0005 a second, on-demand $0.001, and set-up takes 36 s."""
    seen: list[Simulation] = []
    play(world([pool(setup_s=36.0)], tasks, **fields), answers, look=seen.append)
    return seen[-1].accounts(0)


def row_of(accounts: Accounts, task_id: int) -> dict[str, Any]:
    return {name: values[task_id].item() if name != "kind" else values[task_id] for name, values in accounts.items()}


def test_a_late_task_whose_instance_stays_idle() -> None:
    """Task 0 runs 1,000 s on spot, 536 s too long; then its instance idles for 600 s. Task 1 is on on-demand."""
    tasks = [task(1_000.0, deadline_s=500.0), task(3_600.0)]
    accounts = accounts_by_hand(SPOT, ON_DEMAND, tasks=tasks, idle_timeout_s=600.0)
    assert list(accounts) == list(COLUMNS)
    late, other = row_of(accounts, 0), row_of(accounts, 1)
    assert late == pytest.approx(
        {
            "task": 0,
            "kind": "BATCH",
            "arrival_h": 0.0,
            "work_h": 1_000.0 / 3_600.0,
            "work_done_h": 1_000.0 / 3_600.0,
            "deadline_h": 500.0 / 3_600.0,
            "completed_h": 1_036.0 / 3_600.0,
            "late": True,
            "usd": 0.818,
            "setup_usd": 0.018,
            "running_usd": 0.5,
            "idle_usd": 0.3,
            "penalty_usd": 2.0 * 1.0,  # twice what its work costs on on-demand
            "usd_per_work_h": 0.818 * 3.6,
            "spot_h": 1_636.0 / 3_600.0,
            "on_demand_h": 0.0,
            "interruptions": 0,
            "work_lost_h": 0.0,
        }
    )
    assert (other["setup_usd"], other["running_usd"], other["idle_usd"]) == pytest.approx((0.036, 3.6, 0.0))
    assert (other["spot_h"], other["on_demand_h"]) == pytest.approx((0.0, 3_636.0 / 3_600.0))
    assert math.isnan(other["deadline_h"])
    assert not other["late"]


def test_what_a_task_has_not_is_nan() -> None:
    """At 100 s task 0 has not been set up for long enough to do any work; task 1's deadline is still to come."""
    tasks = [task(1_000.0, deadline_s=90.0), task(1_000.0, arrival_s=80.0, deadline_s=5_000.0)]
    accounts = accounts_by_hand(0, SPOT, tasks=tasks, horizon_s=100.0)
    assert np.isnan(accounts["completed_h"]).all()
    assert np.isnan(accounts["usd_per_work_h"]).all()
    assert accounts["late"].tolist() == [True, False]
    assert accounts["usd"].tolist() == pytest.approx([0.0, 0.01])


def test_an_interactive_task_pays_for_its_downtime() -> None:
    accounts = accounts_by_hand(ON_DEMAND, tasks=[task(3_600.0, interactive=True)], downtime_weight=2.0)
    assert accounts["kind"].tolist() == ["INTERACTIVE"]
    assert accounts["penalty_usd"].tolist() == pytest.approx([2.0 * 0.036])


def check_sums(simulation: Simulation) -> None:
    """The accounts of a finished episode add up to its metrics."""
    accounts = simulation.accounts(0)
    metrics = {name: values[0] for name, values in simulation.metrics(np.array([0])).items()}
    sums = {name: math.fsum(values) for name, values in accounts.items() if name not in ("task", "kind")}
    assert sums["usd"] == pytest.approx(metrics["cost_usd"], **EXACT)
    assert sums["setup_usd"] + sums["running_usd"] + sums["idle_usd"] == pytest.approx(metrics["cost_usd"], **EXACT)
    for name in ("spot_h", "on_demand_h", "penalty_usd", "work_done_h", "work_lost_h"):
        assert sums[name] == pytest.approx(metrics[name], **EXACT), name
    assert sums["usd"] + sums["penalty_usd"] == pytest.approx(metrics["objective_usd"], **EXACT)
    assert int(accounts["late"].sum()) == metrics["deadlines_missed"]
    assert int(np.isfinite(accounts["completed_h"]).sum()) == metrics["tasks_done"]
    assert len(accounts["task"]) == metrics["tasks"]
    assert accounts["interruptions"].sum() <= metrics["interruptions"]  # idle instances are interrupted, too


OPTIONS = st.fixed_dictionaries(
    {
        "idle_timeout_s": st.sampled_from([0.0, 900.0]),
        "billing.billing_increment_s": st.sampled_from([0.0, 3_600.0]),
        "billing.free_first_hour": st.booleans(),
        "ask_order": st.sampled_from(["arrival", "urgency"]),
        "ask_at_freed_room": st.booleans(),
        "make_before_break": st.booleans(),
        "just_in_time": st.booleans(),
    }
)


@pytest.mark.parametrize("name", TASK_PRESETS)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**63), choices=st.integers(0, 1_000), options=OPTIONS | st.just({}))
def test_accounts_add_up_to_the_episode_in_every_preset(
    name: str, seed: int, choices: int, options: dict[str, Any]
) -> None:
    values = load_scenario(name, **SMALLER.get(name, {})).model_dump(mode="json")
    for key, value in options.items():
        override(values, key, value)
    simulation = started(without_unread(values), seed)
    finish(simulation, choices)
    check_sums(simulation)


@settings(max_examples=60)
@given(mappings(), st.integers(0, 10_000), st.integers(0, 10_000))
def test_accounts_add_up_to_the_episode_in_any_scenario(values: dict[str, Any], seed: int, choices: int) -> None:
    simulation = started(values, seed)
    finish(simulation, choices)
    check_sums(simulation)


def test_worlds_one_below_the_other() -> None:
    simulations = [started(load_scenario("classic", **SMALLER["classic"]), seed) for seed in (1, 2)]
    for simulation in simulations:
        finish(simulation, 3)
    worlds = [simulation.accounts(0) for simulation in simulations]
    both = joined(worlds)
    assert list(both) == ["world", *COLUMNS]
    assert both["world"].tolist() == [0] * 8 + [1] * 8
    for world_id, one in enumerate(worlds):
        for name, values in of_world(both, world_id).items():
            assert np.array_equal(values, one[name], equal_nan=values.dtype.kind == "f"), name
    (chunk,) = plain_chunks(both)
    rows = [dict(zip(chunk, row, strict=True)) for row in zip(*chunk.values(), strict=True)]
    assert {type(value) for row in rows for value in row.values()} <= {int, float, str, bool, type(None)}
    again = accounts_from(rows)
    for name, values in both.items():
        assert np.array_equal(values, again[name], equal_nan=values.dtype.kind == "f"), name
        assert values.dtype == again[name].dtype, name


def test_accounts_are_copies() -> None:
    simulation = started(load_scenario("classic", **SMALLER["classic"]), 1)
    finish(simulation, 3)
    for name, values in simulation.accounts(0).items():
        assert not np.shares_memory(values, simulation.state.tasks), name


@pytest.mark.parametrize(
    ("name", "value"), [("late", 1), ("task", 0.5), ("interruptions", True), ("usd", "much"), ("kind", {})]
)
def test_rows_of_another_kind_are_refused(name: str, value: object) -> None:
    row: dict[str, Any] = {**dict.fromkeys(("world", *COLUMNS), 0), "kind": "BATCH", "late": False, name: value}
    with pytest.raises(ValueError, match=r"not all are|could not convert"):
        accounts_from([row])

"""Switching an idea off changes what it should, in the same worlds, and nothing where it can change nothing."""

import numpy as np
import pytest

from tessera_env.evaluation.ablation import (
    GRACE,
    METRICS,
    OFF,
    PLANNING,
    ablate,
    between_interruptions_h,
    compare,
    periodic_settings,
)
from tessera_env.evaluation.experiment import evaluate
from tessera_env.scenario.loading import load_scenario

SMALL = load_scenario("classic", **{"task.count": 10})


def unlike_pools(**task):
    """Two pools of unlike bandwidth that a common shock of capacity takes back together, and tasks of unlike state."""
    pools = [
        {
            "name": name,
            "zone": "z",
            "instance_type": "t",
            "gpu_memory_mb": 16_000,
            "bandwidth_gbps": gbps,
            "on_demand_usd_per_h": 1.0,
            "setup_h": setup_h,
            "price": {"source": "constant", "usd_per_h": 0.3},
            "capacity": {"source": "spells", "instances": 4, "up_h": [1, 2], "down_h": [0.2, 0.4]},
        }
        for name, gbps, setup_h in (("slow", 0.1, 0.01), ("fast", 10.0, 0.2))
    ]
    task = {"count": 8, "work_h": {"uniform": [2, 6]}, "state_base_mb": 100, "state_mb_per_work_h": 4_000, **task}
    return load_scenario({"horizon_h": 24, "decision_interval_s": 600, "notice_s": 120, "task": task, "pools": pools})


def test_nothing_saved_at_notice_costs_work_time_and_money():
    (row,) = ablate(SMALL, "greedy", 20, 3, ideas=(GRACE,))
    assert list(row.differences) == list(METRICS)
    assert (row.idea, row.periodic, row.interval_h) == (GRACE.name, OFF, None)
    assert all(row.differences[metric].difference.high < 0.0 for metric in ("cost_usd", "work_lost_h"))
    assert row.differences["completion_p50_h"].difference.mean < 0.0


def test_the_differences_are_those_of_two_evaluations():
    (row,) = ablate(SMALL, "greedy", 6, 3, ideas=(GRACE,))
    on, off = (evaluate(SMALL, ["greedy"], 6, 3, overrides={"checkpoint.at_notice": flag}) for flag in (True, False))
    paired = on.tables["greedy"]["cost_usd"] - off.tables["greedy"]["cost_usd"]
    found = row.differences["cost_usd"]
    assert found.difference.mean == pytest.approx(paired.mean())
    assert found.with_idea == pytest.approx(on.tables["greedy"]["cost_usd"].mean())
    assert found.unequal_worlds == np.count_nonzero(paired)


def test_a_scenario_without_saving_at_notice_is_compared_with_it():
    unsaved = load_scenario(SMALL, **{"checkpoint.at_notice": False})
    planning, grace = ablate(unsaved, "greedy", 5, 3)
    lost = grace.differences["work_lost_h"]
    assert planning.differences["work_lost_h"].with_idea == lost.without
    assert lost.with_idea < 0.5 * lost.without


def test_planners_are_equal_where_tasks_are_displaced_one_by_one():
    (row,) = ablate(SMALL, "greedy", 10, 3, ideas=(PLANNING,))
    assert all(one.difference.mean == 0.0 and one.unequal_worlds == 0 for one in row.differences.values())


def test_planners_differ_where_bandwidths_do():
    # Greedy asks for one pool at a time; a random policy for several at once.
    (row,) = ablate(unlike_pools(), "random", 10, 3, ideas=(PLANNING,))
    assert row.differences["cost_usd"].unequal_worlds > 0


def test_the_time_between_interruptions_is_measured():
    # Without loss of capacity and at a constant rate it is the rate's inverse; 20 worlds see some 400 interruptions.
    pools = [{**pool.model_dump(), "hazard": {"model": "constant", "per_h": 0.2}} for pool in SMALL.pools]
    scenario = load_scenario(SMALL, pools=pools)
    assert between_interruptions_h(scenario, "greedy", 20, 5) == pytest.approx(5.0, rel=0.2)


def test_the_settings_hold_the_formulas_intervals():
    off, young, daly = periodic_settings(SMALL, "greedy", 10, 3, 60.0)
    assert off.overrides == {"checkpoint.interval_h": None}
    assert (young.name, daly.name) == ("Young", "Daly")
    assert young.overrides["checkpoint.cost_s"] == 60.0
    assert 0.0 < daly.overrides["checkpoint.interval_h"] < young.overrides["checkpoint.interval_h"]


def test_without_interruptions_there_is_no_interval():
    assert [setting.name for setting in periodic_settings(SMALL, "on_demand_only", 3, 3, 60.0)] == [OFF]


def test_periodic_checkpoints_leave_less_to_save_at_notice():
    settings = periodic_settings(SMALL, "greedy", 10, 3, 60.0)
    off, young, _daly = ablate(SMALL, "greedy", 20, 3, ideas=(GRACE,), settings=settings)
    assert young.interval_h is not None
    assert off.differences["work_lost_h"].without > 3.0 * young.differences["work_lost_h"].without


def test_worlds_without_a_figure_are_left_out_of_it():
    table = {metric: np.array([1.0, 2.0, 3.0]) for metric in METRICS}
    other = {metric: np.array([2.0, 2.0, 3.0]) for metric in METRICS}
    other["completion_p50_h"] = np.array([np.nan, 4.0, 3.0])
    other["completion_p95_h"] = np.full(3, np.nan)
    found = compare(table, other, 0)
    assert found["completion_p50_h"].difference.mean == pytest.approx(-1.0)
    assert found["cost_usd"].difference.mean == pytest.approx(-1 / 3)
    assert "completion_p95_h" not in found


def test_worlds_without_a_task_done_have_no_completion_time():
    rows = ablate(load_scenario("classic"), "greedy", 3, 1, ideas=(GRACE,))
    assert "completion_p50_h" in rows[0].differences
    rows = ablate(load_scenario("classic", horizon_h=0.5), "greedy", 3, 1, ideas=(GRACE,))
    assert "completion_p50_h" not in rows[0].differences
    assert "cost_usd" in rows[0].differences

"""Every message with a computed bound offers a number that is itself accepted."""

import re

import pytest

from tessera_env.recordings.traces.parts import chosen_series
from tessera_env.recordings.traces.series import TraceError
from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.loading import load_scenario
from tests.scenario.test_market import spells
from tests.scenario.test_model import SEMI_MARKOV, SMALL, WALK

TRACE = {
    **{"pools.0.price": {"source": "trace"}, "pools.0.trace_zone": "random"},
    "market.trace": "aws_v100_2023",
}
GUARDED = {"deadline_guard": True, "reconsider_running": True}
ODD_H = 1.0 / 3.0 + 1e-7  # six digits of nothing that is made of it are the whole number


@pytest.mark.parametrize(
    ("changes", "field", "pattern"),
    [
        ({"horizon_h": 70_000.1, "pools.0.price": {**WALK, "step_s": 1}}, "pools.0.price.step_s", "at least"),
        (
            {"horizon_h": 70_000.1, "pools.0.price": {"source": "steps", "mean_share": 0.3, "changes_per_day": 1e5}},
            "pools.0.price.changes_per_day",
            "at most",
        ),
        (
            {"pools.0.capacity": {**SEMI_MARKOV, "regime_mean_h": 9, "regime_factor_high": 3, "shocks_per_day": 999}},
            "pools.0.capacity.shocks_per_day",
            "at most",
        ),
        (spells(up_h=[0.1, ODD_H], shocks_per_day=999), "pools.0.capacity.shocks_per_day", "at most"),
        (
            {**TRACE, "horizon_h": 47.1234567, "market.from_h": 13, "market.until_h": 57},
            "market.until_h",
            "horizon_h =",
        ),
        ({**TRACE, "market.until_h": 1_074.6}, "market.until_h", "at most"),
        ({**TRACE, "market.from_h": 1_074}, "market.from_h", "at most"),
        ({**TRACE, "horizon_h": 2_000}, "horizon_h", "at most"),
        ({"task.deadline_h": 1, "pools.0.setup_h": ODD_H}, "task.deadline_h", "at least"),
        ({"task.slack": 0.001, "pools.0.setup_h": ODD_H}, "task.slack", "at least"),
        (
            {**GUARDED, "task.work_h": {"uniform": [0.7, 9.3]}, "task.deadline_h": 1, "pools.0.setup_h": ODD_H},
            "task.deadline_h",
            "at least",
        ),
        (
            {**GUARDED, "task.work_h": {"uniform": [0.7, 9.3]}, "task.slack": 0.01, "pools.0.setup_h": ODD_H}
            | {"checkpoint.interval_h": 0.3, "checkpoint.cost_s": 7},
            "task.slack",
            "at least",
        ),
        (
            {"task.gpu_memory_mb": 16_000.0000001, "pools.0.gpu_memory_mb": 15_999.9999999},
            "task.gpu_memory_mb",
            "at most",
        ),
        (
            {"notice_s": 9, "checkpoint.full_fraction": 0.29999999, "checkpoint.partial_fraction": 0.3},
            "checkpoint.partial_fraction",
            "full_fraction =",
        ),
    ],
)
def test_the_bound_that_is_offered_is_accepted(changes, field, pattern):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(SMALL, **changes)
    line = str(caught.value)
    found = re.fullmatch(rf"scenario: {re.escape(field)}: must .*?{pattern} ([-0-9.e+]+)[, ].*", line)
    assert found, line
    assert "\n" not in line
    load_scenario(SMALL, **{**changes, field: float(found[1])})


def test_medians_that_add_up_to_what_is_offered_are_accepted():
    long = {**SMALL, "horizon_h": 700_000.1}
    for capacity, key in (({**SEMI_MARKOV}, "median_h"), ({"source": "spells", "up_h": [1, 2], "down_h": [1, 2]}, "h")):
        with pytest.raises(ScenarioError) as caught:
            load_scenario(
                long, **{"pools.0.capacity": capacity | {f"up_{key}": [0.02, 0.02], f"down_{key}": [0.02, 0.02]}}
            )
        offered = re.search(r"add up to at least ([0-9.]+) h for", str(caught.value))
        assert offered
        half_h = float(offered[1]) / 2.0
        load_scenario(long, **{"pools.0.capacity": capacity | {f"up_{key}": [half_h] * 2, f"down_{key}": [half_h] * 2}})


def test_a_deadline_is_told_of_the_worst_task_at_once():
    with pytest.raises(ScenarioError, match=r"at least 20\.02 h to a task with 20 h of work"):
        load_scenario("classic", **{"task.deadline_h": 1, "pools.*.provisioning_s": 0})


def test_hours_of_a_trace_that_are_offered_are_accepted():
    with pytest.raises(TraceError) as caught:
        chosen_series("aws_v100_2023", None, None, 0.0, 1_074.56)
    offered = re.search(r"until <= ([0-9.]+), its end \(got 0 to 1074\.56\)", str(caught.value))
    assert offered
    assert chosen_series("aws_v100_2023", None, None, 0.0, float(offered[1]))

"""Overrides that leave some of a preset's own values without a reader."""

import pytest

from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.inherited import told
from tessera_env.scenario.loading import load_scenario

GENERATED = {
    "pools.*.price": {"source": "constant", "usd_per_h": 1.0},
    "pools.*.capacity": {"source": "constant", "instances": 2},
}


def test_what_was_read_before_falls_back() -> None:
    """Pools that replay no more need no trace, and nobody has to say so."""
    scenario = load_scenario("fleet", **GENERATED)
    assert scenario.market.trace is None and scenario.market.until_h is None
    assert {pool.trace_zone for pool in scenario.pools} == {None}
    assert load_scenario("fleet").market.trace is not None
    assert load_scenario(scenario.model_dump(mode="json")) == scenario


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"market.from_h": 10.0}, "market.from_h"),
        ({"market": {"from_h": 10.0}}, "market.from_h"),
        ({"pools.*.trace_zone": "random"}, "pools.8.trace_zone"),
        ({"pools.3.trace_zone": "random"}, "pools.3.trace_zone"),
    ],
)
def test_what_is_told_is_refused(overrides: dict[str, object], field: str) -> None:
    with pytest.raises(ScenarioError, match=rf"{field}: must be "):
        load_scenario("fleet", **GENERATED, **overrides)


def test_what_a_scenario_never_read_is_refused_whatever_else_is_told() -> None:
    values = load_scenario("classic").model_dump(mode="json")
    values["task"]["burst_size"] = 3.0
    for overrides in ({}, {"horizon_h": 24.0}):
        with pytest.raises(ScenarioError, match=r"task\.burst_size: must be "):
            load_scenario(values, **overrides)


def test_one_may_leave_another_unread() -> None:
    """Without deadlines there is no guard, and without a guard nothing that it counts on."""
    scenario = load_scenario("fleet", **{"task.slack": None})
    assert not scenario.deadline_guard and not scenario.guard_counts_saves


def test_places_that_are_named() -> None:
    overrides = {"task": {"count": 3}, "pools.0.capacity": {"source": "constant"}, "horizon_h": 3}
    assert told(overrides) == [["task", "count"], ["pools", "0", "capacity"], ["horizon_h"]]

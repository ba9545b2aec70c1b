"""The reference of a scenario's values, against the model itself and against what presets and `--set` say."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from tessera_env.scenario import distributions, market, model, scenario, workload
from tessera_env.scenario.distributions import Distribution, Lognormal, Section
from tessera_env.scenario.fields import DISTRIBUTION, REQUIRED, FieldGroup, scenario_fields, values_of
from tessera_env.scenario.loading import load_scenario, parse_override, preset_names
from tessera_env.scenario.market import Pool
from tessera_env.scenario.scenario import Scenario
from tessera_env.scenario.texts import value_text

GROUPS = scenario_fields()
ROWS = {row.key: row for group in GROUPS for row in group.rows}
ABSTRACT = (Section, model.ScenarioFields, market.SpellsOfCapacity)  # bases of sections
SECTIONS = [
    kind
    for module in (distributions, market, model, scenario, workload)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Section) and kind not in ABSTRACT
]


def group_of(title: str) -> FieldGroup:
    return next(group for group in GROUPS if group.title == title)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_field_of_every_section_is_there(section: type[BaseModel]) -> None:
    """Found by walking the modules, not the model: a section that the walk forgets is missed here."""
    meanings = {row.meaning for group in GROUPS for row in group.rows}
    for name, field in section.model_fields.items():
        if field.description is not None and (section, name) != (Distribution, "lognormal"):
            assert field.description in meanings, f"{section.__name__}.{name}"
    documentation = " ".join((section.__doc__ or "").split())
    assert section in (Distribution, Lognormal) or documentation in {group.meaning for group in GROUPS}


def test_every_row_has_a_meaning_and_what_is_allowed() -> None:
    for row in (row for group in GROUPS for row in group.rows):
        assert row.meaning, row.key
        assert row.allowed, row.key
        assert row.default, row.key
        assert row.key.endswith(row.name)


def test_units_follow_the_names() -> None:
    units = {key: ROWS[key].unit for key in ROWS}
    assert units["horizon_h"] == "h"
    assert units["notice_s"] == "s"
    assert units["task.state_base_mb"] == "MB"
    assert units["task.state_mb_per_work_h"] == "MB/h"
    assert units["checkpoint.store_bandwidth_gbps"] == "Gbit/s"
    assert units["pools.*.on_demand_usd_per_h"] == "$/h"
    assert units["pools.*.hazard.per_h"] == "1/h"
    assert units["pools.*.capacity.shocks_per_day"] == "1/day"
    assert units["task.interactive_share"] == "share"
    assert units["pools.*.zone"] == units["task.count"] == units["deadline_guard"] == ""


def test_rows() -> None:
    assert ROWS["horizon_h"].default == REQUIRED
    assert ROWS["horizon_h"].allowed == "more than 0, up to 1000000"
    assert ROWS["task.count"].allowed == "0 to 10000000"
    assert ROWS["pools.*.price.daily_share"].allowed == "0 to less than 1"
    assert ROWS["task.gpu_memory_mb"].default == "0"
    assert ROWS["task.deadline_h"].default == "none"
    assert ROWS["task.work_h"].allowed == "a number or a distribution"
    assert ROWS["deadline_guard"].allowed == "true, false"
    assert ROWS["task.arrivals"].allowed.startswith("at_start, uniform")
    assert ROWS["pools.*.capacity.source"].default == "constant"
    assert ROWS["pools.*.price.source"].default == REQUIRED
    assert "ornstein_uhlenbeck" in ROWS["pools.*.price.source"].allowed
    assert ROWS["pools.*.capacity.up_median_h"].allowed == "[low, high]"


def test_a_unions_members_are_groups_by_what_selects_them() -> None:
    titles = [group.title for group in GROUPS]
    for selector in ("price.source", "capacity.source", "hazard.model"):
        name, key = selector.split(".")
        members = get_args(Pool.model_fields[name].annotation)
        values = [get_args(member.model_fields[key].annotation)[0] for member in members]
        assert [title for title in titles if title.startswith(f"[pools.*.{name}]")] == [
            f'[pools.*.{name}] {key} = "{value}"' for value in values
        ]
        assert ROWS[f"pools.*.{selector}"].allowed == ", ".join(values)


def test_the_forms_of_a_distribution_stand_last() -> None:
    assert GROUPS[-1].title == DISTRIBUTION
    assert {"uniform", "choice", "lognormal.median"} <= {row.name for row in GROUPS[-1].rows}


def dumped(scenario: Scenario) -> dict[str, Any]:
    return scenario.model_dump(mode="json")


def leaves(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """A scenario's dumped values by dotted key, pools as `pools.*`; distributions are values."""
    for name, value in values.items():
        key = f"{prefix}{name}"
        if key == "pools":
            for pool in value:
                yield from leaves(pool, "pools.*.")
        elif key == "service":
            for service in value:
                yield from leaves(service, "service.")
        elif value is None and any(row.startswith(f"{key}.") for row in ROWS):
            continue  # a section that is not there
        elif isinstance(value, dict) and key not in ROWS:
            yield from leaves(value, f"{key}.")
        else:
            yield key, value


@pytest.mark.parametrize("name", preset_names())
def test_every_value_of_a_preset_is_shown(name: str) -> None:
    scenario = load_scenario(name)
    shown: dict[str, str] = {}
    for group in GROUPS:
        shown |= values_of(scenario, group) or {}
    for key, value in leaves(dumped(scenario)):
        assert value_text(value) in shown[key], key


@pytest.mark.parametrize("name", preset_names())
def test_what_is_shown_is_what_set_takes(name: str) -> None:
    """Every value, given as `--set KEY=VALUE` in one run, makes the same scenario again."""
    scenario = load_scenario(name)
    changes: dict[str, Any] = {}
    for group in GROUPS:
        for key, text in (values_of(scenario, group) or {}).items():
            if len({str(value) for leaf, value in leaves(dumped(scenario)) if leaf == key}) == 1:
                changes |= dict([parse_override(f"{key}={text}")])
    assert len(changes) > 30
    assert load_scenario(scenario, **changes) == scenario


def test_sections_that_a_scenario_does_not_have_have_no_values() -> None:
    classic = load_scenario("classic")
    assert values_of(classic, group_of('[pools.*.price] source = "trace"')) is None
    assert values_of(classic, group_of(DISTRIBUTION)) is None
    assert values_of(classic, group_of('[pools.*.hazard] model = "discount"')) == {"pools.*.hazard.per_h": "0.05"}


def test_pools_that_differ() -> None:
    group = group_of("[pools.*]")
    two = load_scenario("classic", **{"pools.0.gpu_memory_mb": 40_000, "pools.1.hazard": {"model": "none"}})
    values = values_of(two, group)
    assert values is not None
    assert values["pools.*.name"] == "a, b, c, d"
    assert values["pools.*.gpu_memory_mb"] == "40000 (a); 24000 (b, c, d)"
    assert values["pools.*.bandwidth_gbps"] == "10"
    assert values["pools.*.hazard.model"] == 'discount (a, c, d); "none" (b)'
    assert values_of(two, group_of('[pools.*.hazard] model = "discount"')) == {"pools.*.hazard.per_h": "0.05"}

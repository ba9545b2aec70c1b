"""Policies by name: options, and what is told when there is no such policy."""

from pathlib import Path

import pytest

from tessera_env.observation.layout import Layout
from tessera_env.policies import (
    POLICIES,
    Greedy,
    OnDemandFallback,
    Random,
    SlackThreshold,
    make_policy,
    pretrained_names,
)
from tessera_env.policies.making import fitting_policies
from tests.policies.observations import LAYOUT, random_rows, waiting


@pytest.mark.parametrize("name", POLICIES)
def test_every_name(name: str) -> None:
    layout = LAYOUT if name in fitting_policies(LAYOUT) else Layout.of(2, has_tasks=False, has_services=True)
    policy = make_policy(name, layout)
    assert type(policy) is POLICIES[name]
    assert policy.name == name


def test_an_option() -> None:
    interrupted = waiting(interruptions=2 / 16)
    three, two = make_policy("on_demand_fallback:count=3", LAYOUT), make_policy("on_demand_fallback", LAYOUT)
    assert isinstance(three, OnDemandFallback)
    assert three.predict(interrupted)[0] != two.predict(interrupted)[0]


@pytest.mark.parametrize(("text", "theta"), [("0.05", 0.05), ("1", 1.0), (".5", 0.5), ("2.", 2.0), ("0", 0.0)])
def test_an_option_with_a_decimal(text: str, theta: float) -> None:
    policy = make_policy(f"slack_threshold:theta={text}", LAYOUT)
    assert isinstance(policy, SlackThreshold)
    assert policy.options == {"theta": theta}


def test_the_seed_reaches_policies_that_draw() -> None:
    rows = random_rows(100)
    drawn = make_policy("random", LAYOUT, seed=4).predict(rows)[0].tolist()
    assert drawn == Random(LAYOUT, 4).predict(rows)[0].tolist()
    assert drawn == make_policy("random:seed=4", LAYOUT, seed=9).predict(rows)[0].tolist()


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (
            "greedyy",
            f"'greedyy' (allowed: {', '.join([*POLICIES, *pretrained_names()])}, module:Class, "
            "or the folder of an exported policy)",
        ),
        ("", "'' (allowed: even_spread, fleet_threshold"),
        ("Greedy", "'Greedy' (allowed: even_spread, fleet_threshold"),
        ("greedy:count=2", "greedy: option 'count=2' (allowed: no options)"),
        ("on_demand_fallback:counts=2", "option 'counts=2' (allowed: count=N)"),
        ("on_demand_fallback:count", "option 'count' (allowed: count=N)"),
        ("on_demand_fallback:layout=2", "option 'layout=2' (allowed: count=N)"),
        ("on_demand_fallback:count=two", "count: 'two' (allowed: a whole number)"),
        ("on_demand_fallback:count=-1", "count: '-1' (allowed: a whole number)"),
        ("on_demand_fallback:count=17", "count: 17 (allowed: 1 to 16)"),
        ("on_demand_fallback:count=" + "9" * 5_000, "(allowed: a whole number)"),
        ("time_sliced:slices=0", "time_sliced: slices: 0 (allowed: 1 to 1,000)"),
        ("time_sliced:slices=1001", "time_sliced: slices: 1001 (allowed: 1 to 1,000)"),
        ("time_sliced:slices=2.5", "time_sliced: slices: '2.5' (allowed: a whole number)"),
        ("time_sliced:theta=1", "time_sliced: option 'theta=1' (allowed: slices=N)"),
        ("slack_threshold:percent=5", "slack_threshold: option 'percent=5' (allowed: theta=X)"),
        ("slack_threshold:theta=", "slack_threshold: theta: '' (allowed: a number such as 0.05)"),
        ("slack_threshold:theta=5%", "slack_threshold: theta: '5%' (allowed: a number such as 0.05)"),
        ("slack_threshold:theta=nan", "slack_threshold: theta: 'nan' (allowed: a number such as 0.05)"),
        ("slack_threshold:theta=1e999", "slack_threshold: theta: '1e999' (allowed: a number such as 0.05)"),
        ("slack_threshold:theta=-0.1", "slack_threshold: theta: -0.1 (allowed: 0 to 100)"),
        ("slack_threshold:theta=101", "slack_threshold: theta: 101 (allowed: 0 to 100)"),
        ("uniform_progress:hysteresis=0", "uniform_progress: option 'hysteresis=0' (allowed: no options)"),
        ("random:seed=" + "9" * 20, "(allowed: 0 to"),
        ("runs/nothing", "runs/nothing: no such folder"),
        ("nul\0byte", "policy: 'nul\\x00byte'"),
    ],
)
def test_refusals_in_one_line(spec: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        make_policy(spec, LAYOUT)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_does_not_hide_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "greedy").mkdir()
    monkeypatch.chdir(tmp_path)
    assert isinstance(make_policy("greedy", LAYOUT), Greedy)
    with pytest.raises(ValueError, match=r"policy.json: no such file"):
        make_policy("./greedy", LAYOUT)
    with pytest.raises(ValueError, match=r"policy.json: no such file"):
        make_policy(Path("greedy"), LAYOUT)

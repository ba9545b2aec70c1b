"""The policies that come with the package: found by name, fitting, never late, and better than the rules."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tessera_env.evaluation.experiment import evaluate
from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy, PolicyError, make_policy, pretrained_names
from tessera_env.policies.pretrained import pretrained_folder
from tests.policies.observations import random_rows
from tests.policies.other_layouts import OTHERS, moved

DEVELOPMENT = {"market.from_h": 0.0, "market.until_h": 700.0}
SERVICES = [name for name in pretrained_names() if "service" in name]
FLEETS = [name for name in pretrained_names() if "fleet" in name]
NETWORKS = [name for name in pretrained_names() if name not in (*FLEETS, *SERVICES)]
OF_SERVICES = Layout.of(3, has_tasks=False, has_services=True)


def test_they_are_found_by_name_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "pretrained/deadline" in pretrained_names()
    for name in pretrained_names():
        policy = make_policy(name, OF_SERVICES if name in SERVICES else Layout(1))
        assert isinstance(policy, LearnedPolicy) and policy.name == name


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_they_play_alike_in_another_observation(name: str, other: Callable[[int], Layout]) -> None:
    rows = random_rows(500, Layout(1))
    policy, again = make_policy(name, Layout(1)), make_policy(name, other(1))
    assert isinstance(policy, LearnedPolicy) and isinstance(again, LearnedPolicy)
    seen = moved(rows, Layout(1), other(1))
    np.testing.assert_array_equal(again.logits(seen), policy.logits(rows), strict=True)
    actions, _ = policy.predict(rows)
    np.testing.assert_array_equal(again.predict(seen)[0], actions, strict=True)
    assert len(np.unique(actions)) > 1


def test_an_unknown_name_is_one_line_with_the_known_ones() -> None:
    with pytest.raises(PolicyError) as caught:
        make_policy("pretrained/nothing", Layout(1))
    assert str(caught.value) == f"policy: 'pretrained/nothing' (allowed: {', '.join(pretrained_names())})"


def test_how_much_an_outage_is_worth_is_an_option_of_a_service_s_policy() -> None:
    policy = make_policy("pretrained/service:outage=2.5", OF_SERVICES)
    assert isinstance(policy, LearnedPolicy) and policy.name == "pretrained/service:outage=2.5"
    names = [f"pretrained/service:outage={worth}" for worth in (0.2, 1, 5)]
    tables = evaluate("service-train", ["pretrained/service", *names], 24, 3).tables
    plain, less, same, more = (tables[name] for name in ("pretrained/service", *names))
    np.testing.assert_array_equal(plain["cost_usd"], same["cost_usd"])
    for figure in ("cost_usd", "availability"):
        assert less[figure].mean() < plain[figure].mean() < more[figure].mean()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("pretrained/service:outage=0", r"policy\.safetensors: outage: 0 \(allowed: 0\.01 to 100\)"),
        ("pretrained/service:outages=2", r"option 'outages=2' \(allowed: seed=N, outage=X\)"),
        ("pretrained/service:outage=x", r"policy: pretrained/service: outage: 'x' \(allowed: a number such as 0.05\)"),
        ("pretrained/nothing:outage=2", r"policy: 'pretrained/nothing' \(allowed: "),
    ],
)
def test_a_wrong_option_is_one_line(name: str, line: str) -> None:
    with pytest.raises(PolicyError, match=line):
        make_policy(name, OF_SERVICES)


def test_a_network_has_no_such_option() -> None:
    with pytest.raises(PolicyError, match=r"outage: 2 \(allowed for a mlp: 1; others for a shifted_hedge\)"):
        make_policy("pretrained/deadline:outage=2", Layout(1))


def test_a_folder_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pretrained/deadline").mkdir(parents=True)
    with pytest.raises(PolicyError, match=r"pretrained/deadline/policy\.json"):
        make_policy("pretrained/deadline", Layout(1))


def test_each_has_a_card_that_says_where_it_comes_from() -> None:
    for name in pretrained_names():
        folder = pretrained_folder(name)
        training = json.loads((folder / "policy.json").read_text())["training"]
        assert {"algorithm", "steps", "seed", "commit"} <= training.keys()
        text = (folder / "CARD.md").read_text(encoding="utf-8")
        assert training["commit"] in text and "## Limits" in text and "| worlds | policy |" in text
        assert sum(file.stat().st_size for file in folder.iterdir()) < 500_000


@pytest.mark.slow
def test_better_than_every_rule_on_development_worlds_and_never_late() -> None:
    """A weak statement of what the report says with care; these windows are not the report's."""
    rules = ["uniform_progress", "uniform_progress_plain", "greedy", "time_sliced", "slack_threshold"]
    results = evaluate(
        "deadline-aws",
        [*rules, "pretrained/deadline"],
        400,
        5,
        "pretrained/deadline",
        overrides=DEVELOPMENT,
        optimum=True,
    )
    for rule in rules:
        difference = results.summary[rule].difference_usd
        assert difference is not None and difference.low > 0.0, rule
    table = results.tables["pretrained/deadline"]
    assert table["deadlines_missed"].sum() == table["invalid_actions"].sum() == 0
    assert (table["cost_usd"] >= results.tables["clairvoyant"]["cost_usd"] * (1 - 1e-9)).all()


def test_where_it_is_asked_on_spot_it_stays() -> None:
    """It never was in training: the same dollars in every world, to the bit."""
    asked = [
        evaluate(
            "deadline-aws", ["pretrained/deadline"], 32, 2, overrides={**DEVELOPMENT, "reconsider_on_spot": is_asked}
        )
        for is_asked in (False, True)
    ]
    costs = [results.tables["pretrained/deadline"]["cost_usd"] for results in asked]
    np.testing.assert_array_equal(*costs)
    decisions = [results.tables["pretrained/deadline"]["decisions"].sum() for results in asked]
    assert decisions[1] > 1.5 * decisions[0]


def test_never_late_in_generated_worlds_of_the_tightest_deadlines() -> None:
    tight = {"task.deadline_h": 48.5}
    results = evaluate("deadline", ["pretrained/deadline"], 64, 2, overrides=tight)
    assert np.sum(results.tables["pretrained/deadline"]["deadlines_missed"]) == 0


@pytest.mark.parametrize("name", FLEETS)
def test_fleets_play_every_fleet_preset_and_obey_masks(name: str) -> None:
    for scenario in ("classic", "fleet", "fleet-mixed"):
        results = evaluate(scenario, [name], 4, 5)
        assert not results.tables[name]["invalid_actions"].any()


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["fleet", "fleet-mixed"])
def test_the_fleet_policy_is_better_than_every_rule_on_development_worlds(scenario: str) -> None:
    """A weak statement of what the report says with care; these worlds are not the report's."""
    rules = ["greedy", "fleet_threshold", "yielding"]
    results = evaluate(scenario, [*rules, "pretrained/fleet"], 100, 4242, "pretrained/fleet")
    for rule in rules:
        difference = results.summary[rule].difference_usd
        assert difference is not None and difference.low > 0.0, rule
    done = {name: int(table["tasks_done"].sum()) for name, table in results.tables.items()}
    missed = {name: int(table["deadlines_missed"].sum()) for name, table in results.tables.items()}
    assert done["pretrained/fleet"] >= done["greedy"] and missed["pretrained/fleet"] <= missed["greedy"]


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("changes", [{}, {"service.0.target": 2, "service.0.extra": 0}, {"service.0.drain_s": 0.0}])
def test_services_are_played_whatever_the_pools_and_the_target(name: str, changes: dict[str, object]) -> None:
    for scenario in ("service", "service-spothedge", "service-train"):
        table = evaluate(scenario, [name], 2, 5, overrides={"horizon_h": 6.0, **changes}).tables[name]
        assert not table["invalid_actions"].any() and (table["availability"] > 0.9).all()


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["service", "service-spothedge"])
def test_the_service_policy_is_cheaper_than_every_rule_that_is_as_available(scenario: str) -> None:
    """A weak statement of what the report says with care: in hours that are not the report's, and in few worlds."""
    rules = ["spot_hedge", "spot_hedge:ties=cheapest", "spot_hedge_plus"]
    tables = evaluate(scenario, [*rules, "pretrained/service"], 60, 4242, overrides=DEVELOPMENT).tables
    own = tables.pop("pretrained/service")
    assert own["availability"].mean() > tables["spot_hedge"]["availability"].mean() - 3e-4
    for name, table in tables.items():
        saved = table["relative_cost"] - own["relative_cost"]
        assert saved.mean() > 4.0 * saved.std() / np.sqrt(len(saved)), name
    assert own["relative_cost"].mean() < 0.87 * tables["spot_hedge"]["relative_cost"].mean()

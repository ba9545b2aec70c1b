"""`simulate` in Python: the command's names, its checks before any work, and its files."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tessera_env import simulate as module
from tessera_env.evaluation.experiment import AUTO, Experiment, Prepared, evaluate
from tessera_env.evaluation.results import Results
from tessera_env.observation.layout import Layout
from tessera_env.policies import OnDemandOnly
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulate import DEFAULT_POLICIES, as_simulation, simulate

FAST = {"duration": 6, "tasks": 5}


def test_the_scenarios_own_values_hold_unless_given() -> None:
    classic, deadline = Experiment("classic"), Experiment("deadline")
    assert as_simulation(classic, None, None).prepare().scenario == load_scenario("classic")
    scenario = as_simulation(classic, 24, 7).prepare().scenario
    assert (scenario.horizon_h, scenario.task.count) == (24.0, 7)
    scenario = as_simulation(deadline, None, None).prepare().scenario
    assert (scenario.horizon_h, scenario.task.count) == (96.0, 1)


def test_all_else_stays_as_asked() -> None:
    asked = Experiment("fleet", ["greedy", "random"], 3, 5, overrides={"task.work_h": 2}, threads=2)
    changed = as_simulation(asked, 24, 7)
    overrides = {"task.work_h": 2, "horizon_h": 24.0, "task.count": 7}
    assert changed == replace(asked, defaults=DEFAULT_POLICIES, overrides=overrides)
    assert asked.overrides == {"task.work_h": 2}


@pytest.mark.parametrize(
    ("policies", "baseline"), [(["greedy", "on_demand_only"], "on_demand_only"), (["random", "greedy"], AUTO)]
)
def test_savings_are_against_on_demand_where_it_takes_part(policies: list[str], baseline: str) -> None:
    assert as_simulation(Experiment("classic", policies), None, None).baseline == baseline


def test_it_is_an_evaluation_of_the_same_worlds() -> None:
    simulated = simulate(**FAST, episodes=3, seed=5, overrides={"task.work_h": 2})
    changes = {"horizon_h": 6.0, "task.count": 5, "task.work_h": 2}
    evaluated = evaluate("classic", DEFAULT_POLICIES, 3, 5, "on_demand_only", overrides=changes)
    assert simulated.to_json() == evaluated.to_json()


def test_it_writes_what_is_asked_for(tmp_path: Path) -> None:
    output, log = tmp_path / "results.json", tmp_path / "events.jsonl"
    results = simulate(**FAST, policies=["greedy", "random"], output=output, log=log)
    assert output.read_text(encoding="utf-8") == results.to_json()
    assert Results.from_json(output).tables["greedy"]["tasks"].tolist() == [5]
    assert {json.loads(line)["policy"] for line in log.read_text().splitlines()} == {"greedy", "random"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "results.json"]


def test_accounts_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    assert simulate(**FAST, policies="greedy").accounts is None
    output, tasks = tmp_path / "results.json", tmp_path / "tasks.csv"
    kept = simulate(**FAST, policies="greedy", accounts=True, output=output)
    assert output.read_text(encoding="utf-8") == kept.to_json()
    assert '"tasks": [' in kept.to_json()
    written = simulate(**FAST, policies="greedy", tasks_output=tasks, output=output)
    assert output.read_text(encoding="utf-8") == written.to_json(accounts=False)
    assert written.to_json() == kept.to_json()
    assert len(tasks.read_text().splitlines()) == 6


def test_the_report_is_written_by_its_own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    fake = type("fake", (), {"write_report": lambda *arguments, **options: calls.append((arguments, options))})
    monkeypatch.setitem(sys.modules, "tessera_env.report.html.report", fake)
    results = simulate(**FAST, policies=["greedy"], html=tmp_path / "report.html")
    ((arguments, options),) = calls
    assert arguments == (results, tmp_path / "report.html")
    assert options["prepared"].scenario.horizon_h == 6
    assert "simulate" in options["command"]


def test_a_policy_may_be_an_object_or_a_single_name() -> None:
    assert list(simulate(**FAST, policies=[OnDemandOnly(Layout(4))]).tables) == ["on_demand_only"]
    alone = simulate(**FAST, policies="on_demand_only")
    assert (list(alone.tables), alone.baseline) == (["on_demand_only"], "on_demand_only")


@pytest.mark.parametrize("duration", [0, -1, math.nan, math.inf, 1e7, "48", True])
def test_durations_that_cannot_be(duration: object) -> None:
    with pytest.raises(ValueError, match=r"^duration: .* \(allowed: more than 0, up to 1,000,000 h\)$"):
        as_simulation(Experiment("classic"), duration, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("tasks", [0, -1, 10_000_001, 1.5, "3", True])
def test_numbers_of_tasks_that_cannot_be(tasks: object) -> None:
    with pytest.raises(ValueError, match=r"^tasks: .* \(allowed: 1 to 10,000,000\)$"):
        as_simulation(Experiment("classic"), None, tasks)  # type: ignore[arg-type]


@pytest.mark.parametrize(("option", "key"), [("duration", "horizon_h"), ("tasks", "task.count")])
def test_a_value_is_given_once(option: str, key: str) -> None:
    with pytest.raises(ValueError, match=f"^{option}: 3 .*{key}"):
        simulate(**{option: 3}, overrides={key: 4})


def test_nothing_is_played_or_written_before_all_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Prepared, "run", lambda *_: pytest.fail("work had begun"))
    (tmp_path / "mine.toml").write_text(
        (Path(module.__file__).parent / "scenario" / "presets" / "classic.toml").read_text()
    )
    same, scenario = tmp_path / "a", str(tmp_path / "mine.toml")
    with pytest.raises(OSError, match=r"html: .* is the same file as output's"):
        simulate(output=same, html=same)
    with pytest.raises(OSError, match=r"log: .* which is read"):
        simulate(scenario=scenario, log=scenario)
    with pytest.raises(OSError, match="is a directory"):
        simulate(output=tmp_path)
    with pytest.raises(OSError, match=r"tasks_output: .* is the same file as log's"):
        simulate(log=same, tasks_output=same)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]

"""Services in a scenario: what is refused, in one line each, and what the kernels are told."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tessera_env.scenario.conversion import parameters_of
from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.service import MAX_REPLICAS
from tessera_env.world.demand.timeline import DemandSource, TargetSource

CONSTANT = {"source": "constant", "requests_per_s": 0.5}
LLM = {"source": "recorded", "recording": "llm.csv", "recording_format": "azure_llm"}
SCALER = {"requests_per_replica": 0.2, "most": 6}


def problem(**changes: Any) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("service-train", **{f"service.{key}": value for key, value in changes.items()})
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"most": 2}, "service.0.most: must be at least 5, the largest target + extra (got 2)"),
        ({"target": -1}, f"service.0.target: must be 0 to {MAX_REPLICAS} replicas (got -1)"),
        ({"target": 0}, "service.0.target: must be above 0 at some time (got 0)"),
        ({"target": [[1, 2]]}, "service.0.target: must have hours that ascend from 0 and stay below 24 (got [1.0])"),
        ({"target": [[0, 2], [24, 3]]}, "must have hours that ascend from 0 and stay below 24"),
        ({"pools": []}, "service.0.pools: must be of 'a', 'b'"),
        ({"pools": ["a", "x"]}, "one at least (got 'x')"),
        ({"base_on_demand": 5}, "service.0.base_on_demand: must be at most 4, the largest target (got 5)"),
        ({"gpu_memory_mb": 99_999}, "service.0.gpu_memory_mb: must be at most 16000, the largest of its pools'"),
        ({"score_from_s": 86_400}, "service.0.score_from_s: must be below the horizon, 86400 s (got 86400)"),
        ({"demand": {"source": "constant", "requests_per_s": math.nan}}, "requests_per_s: must be a finite number"),
        ({"demand": {"source": "daily", "requests_per_s": -1}}, "must be greater than or equal to 0 (got -1)"),
        ({"autoscaler": SCALER, "target": 1}, "service.0.demand: must be given with an autoscaler"),
        ({"autoscaler": SCALER, "demand": CONSTANT}, "service.0.target: must be 1, its default, with an autoscaler"),
        ({"requests": {"service_s": 5}}, "service.0.demand: must be given with requests, whose rate it is (got none)"),
        (
            {"demand": CONSTANT, "requests": {}},
            "service.0.requests.service_s: must be given unless service_times is 'tokens' (got none)",
        ),
        (
            {"demand": CONSTANT, "requests": {"service_s": 2, "first_s": 1}},
            "service.0.requests.first_s: must be 0 unless service_times is 'tokens' (got 1)",
        ),
        (
            {"demand": CONSTANT, "requests": {"service_s": 2, "arrivals": "recorded"}},
            "service.0.requests.arrivals: must be 'poisson' unless demand is recorded, a row a request "
            "(got 'recorded')",
        ),
        (
            {"demand": {**LLM, "scale": 2.0}, "requests": {"service_s": 2, "arrivals": "recorded"}},
            "service.0.demand.scale: must be 1 where requests arrive as recorded (got 2)",
        ),
        (
            {"demand": CONSTANT, "requests": {"service_times": "tokens", "per_out_s": 1}},
            "service.0.requests.service_times: must be 'exponential' or 'constant' unless demand is recorded as "
            "azure_llm, which has tokens (got 'tokens')",
        ),
        (
            {"demand": LLM, "requests": {"service_times": "tokens", "per_out_s": 1, "service_s": 3}},
            "service.0.requests.service_s: must be none where service_times is 'tokens' (got 3)",
        ),
        (
            {"demand": LLM, "requests": {"service_times": "tokens"}},
            "service.0.requests.per_out_s: must be above 0 where service_times is 'tokens', or first_s or per_in_s "
            "(got 0)",
        ),
        ({"requests_per_replica": 1}, "service.0.requests_per_replica: must be none unless demand is given (got 1)"),
        ({"patience_s": 7}, "service.0.patience_s: must be 100 unless requests_per_replica is given (got 7)"),
        ({"targets": 4}, "service.0.targets: is not a known key"),
    ],
)
def test_what_is_refused(changes, line):
    text = problem(**changes)
    assert line in text
    assert len(text.splitlines()) == 1, text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("time_s,requests\n", "has no rows"),
        ("time_s,requests\n0,5\n60,-1\n120,3\n", "line 3: requests"),
        ("time_s,requests\n0,5\n60,nan\n120,3\n", "line 3: requests"),
        ("time_s,requests\n0,5\n120,3\n60,3\n", "line 4: time_s"),
        ("time_s,requests\n0,5\n60,3\n9999,3\n", "line 4: time_s"),
        ("time_s,requests\n0,5\n60,3\n", "service.0.demand: must be recorded for 24 h, from_h + horizon_h"),
    ],
    ids=["empty", "no row", "negative", "nan", "out of order", "gap", "short"],
)
def test_a_demand_file_that_cannot_be_used(content: str, reason: str, tmp_path: Path):
    path = tmp_path / "demand.csv"
    path.write_text(content)
    text = problem(demand={"source": "recorded", "recording": str(path), "recording_format": "counts"})
    assert reason in text and len(text.splitlines()) == 1, text


def test_tasks_or_a_service_have_to_be_there():
    values = load_scenario("service-train").model_dump(mode="json")
    del values["service"], values["name"]
    with pytest.raises(ScenarioError, match=r"task\.count: must be at least 1, unless there is a service"):
        load_scenario(values)


def test_names_are_unique_and_requests_are_of_one_service():
    values = load_scenario("service", market={"from_h": 0, "until_h": 700}).model_dump(mode="json")
    values["service"] = [values["service"][0], dict(values["service"][0])]
    del values["name"]
    with pytest.raises(ScenarioError) as caught:
        load_scenario(values)
    lines = str(caught.value).splitlines()
    assert any("service.1.name: must be unique" in line for line in lines)
    assert any("service.1.requests: must be none, since those of service.0 are played" in line for line in lines)


def test_one_service_may_stand_for_itself_and_is_named_without_a_place():
    scenario = load_scenario("service-train", **{"service.target": 7})
    assert scenario.service[0].target == 7
    again = load_scenario(scenario, **{"service.extra": 2})  # dumped, it is a list of one
    assert (again.service[0].target, again.service[0].extra) == (7, 2)


def test_a_service_may_be_added_and_several_are_named_by_their_places():
    added = load_scenario("service-train", service={"target": 2}, **{"service.extra": 0}).service
    assert [(one.target, one.extra) for one in added] == [(2, 0)]
    beside = load_scenario("deadline", service={"target": 2, "setup_s": 60})
    assert beside.task.count == 1 and beside.service[0].target == 2
    values = beside.model_dump(mode="json") | {"service": [{"name": "a"}, {"name": "b"}]}
    del values["name"]
    with pytest.raises(ScenarioError, match=r"must name an element by 0 to 1, or \* for all \(got 'target'\)"):
        load_scenario(values, **{"service.target": 3})
    assert [one.target for one in load_scenario(values, **{"service.*.target": 3}).service] == [3, 3]


def test_a_scenario_without_services_says_nothing_of_them():
    assert "service" not in load_scenario("deadline").model_dump()
    assert len(parameters_of(load_scenario("deadline")).services) == 0


def test_seats_stand_behind_the_tasks_service_after_service():
    values = load_scenario("service-train").model_dump(mode="json")
    del values["name"]
    values["task"] = {"count": 5, "work_h": 1.0}
    values["service"] = [values["service"][0], values["service"][0] | {"name": "other", "pools": ["b"], "most": 9}]
    params = parameters_of(load_scenario(values))
    assert params.services["first_seat"].tolist() == [5, 5 + 14]  # 3 x 4 + 2 x 1
    assert params.services["seat_count"].tolist() == [14, 9]
    assert params.service_pools.sum(axis=1).tolist() == [9, 1]


def test_what_the_kernels_are_told_of_demand():
    changes = {
        "service.target": 1,
        "service.demand": {"source": "bursty", "requests_per_s": 2, "burst_factor": 3, "calm_s": 40, "burst_s": 5},
        "service.autoscaler": SCALER | {"least": 0, "interval_s": 1.2, "up_delay_s": 8.4, "down_delay_s": 12.1},
    }
    (spec,) = parameters_of(load_scenario("service-train", **changes)).demands
    assert (spec.source, spec.target_source) == (DemandSource.BURSTY, TargetSource.AUTOSCALER)
    assert (spec.requests_per_s, spec.burst_factor, spec.calm_s, spec.burst_s) == (2, 3, 40, 5)
    assert (spec.least, spec.most, spec.up_looks, spec.down_looks) == (0, 6, 7, 11)  # 8.4 / 1.2 is a little more than 7
    (spec,) = parameters_of(load_scenario("service-train", **{"service.target": [[0, 2], [8.5, 6]]})).demands
    assert spec.target_source == TargetSource.SCHEDULE and spec.schedule_daily
    assert np.array(spec.schedule_from_s[:2]).tolist() == [0.0, 30_600.0]
    assert np.array(spec.schedule_target[:2]).tolist() == [2, 6]


def test_a_demand_file_lies_beside_the_scenario_s(tmp_path: Path, monkeypatch):
    folder = tmp_path / "mine"
    folder.mkdir()
    hours = "".join(f"{3600 * hour},{hour}\n" for hour in range(26))
    (folder / "demand.csv").write_text("time_s,requests\n" + hours)
    text = (Path(__file__).parents[2] / "tessera_env/scenario/presets/service-train.toml").read_text()
    demand = 'demand = { source = "recorded", recording = "demand.csv", recording_format = "counts" }\n'
    (folder / "mine.toml").write_text(text.replace("target = 4 ", f"{demand}target = 4 "))
    monkeypatch.chdir(tmp_path)
    params = parameters_of(load_scenario(folder / "mine.toml"))
    rates = params.demand_points["requests_per_s"]
    assert rates.sum() * 60 == pytest.approx(sum(range(26)))

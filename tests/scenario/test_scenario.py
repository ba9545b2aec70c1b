"""What a scenario replays goes with it, read once, and is no part of what it says."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from tessera_env.env import TesseraEnv
from tessera_env.evaluation.experiment import Experiment
from tessera_env.recordings.traces.series import TraceError
from tessera_env.recordings.workloads import WorkloadError
from tessera_env.scenario.conversion import parameters_of
from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.vector_env import TesseraVectorEnv


@pytest.fixture
def own(tmp_path: Path) -> dict:
    """Changes of the preset `fleet` by which it replays a trace and jobs of one's own."""
    trace, jobs = tmp_path / "spot.csv", tmp_path / "run_times.csv"
    trace.write_text("zone,time_s,spot_available,spot_price\neast,0,1,0.9\neast,360000,0,0.8\neast,720000,0,0.8\n")
    jobs.write_text("runtime\n3600\n7200\n")
    return {
        "market": {"trace": str(trace), "from_h": 0, "until_h": None},
        "pools.*.trace_zone": "east",
        "task": {
            "recording": str(jobs),
            "recording_format": "run_times",
            "recording_work_h": [0.5, 24.0],
            "work_h": None,
        },
    }


def checked_alone(scenario: Scenario) -> Scenario:
    """An equal scenario that has read nothing yet."""
    return Scenario.model_validate(scenario.model_dump(mode="json"))


def test_what_is_replayed_is_read_once_and_cannot_change(own):
    recordings = load_scenario("fleet", **own).recordings
    assert [series.name for series in recordings.series] == ["east"]
    assert (recordings.from_s, recordings.until_s, recordings.step_s) == (0.0, 720_000.0, 360_000.0)
    assert recordings.jobs["work_s"].tolist() == [3600.0, 7200.0]
    with pytest.raises(ValueError, match="read-only"):
        recordings.jobs["work_s"][0] = 1.0


def test_nothing_is_replayed_where_all_is_generated():
    scenario = load_scenario("deadline")
    recordings = scenario.recordings
    assert (recordings.series, recordings.jobs) == ((), None)
    assert (recordings.from_s, recordings.until_s, recordings.step_s) == (0.0, scenario.horizon_h * 3600.0, 1.0)


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one)), lambda one: one.model_copy()],
    ids=["copy", "deepcopy", "pickle", "model_copy"],
)
def test_copies_carry_it_along(own, copied):
    scenario = load_scenario("fleet", **own)
    for path in scenario.recording_paths:
        Path(path).unlink()
    again = copied(scenario)
    assert again == scenario
    assert again.recordings.series[0].time_s.tolist() == [0.0, 360_000.0]
    assert parameters_of(again).jobs["work_s"].tolist() == [3600.0, 7200.0]


def test_copies_in_one_process_share_it(own):
    scenario = load_scenario("fleet", **own)
    assert copy.deepcopy(scenario).recordings is scenario.recordings


def test_it_is_no_part_of_what_the_scenario_says(own):
    scenario = load_scenario("fleet", **own)
    plain = checked_alone(scenario)
    assert scenario == plain
    assert hash(scenario) == hash(plain)
    assert repr(scenario) == repr(plain)
    assert dict(scenario) == dict(plain)
    assert scenario.model_dump() == plain.model_dump()
    assert json.loads(scenario.model_dump_json()) == plain.model_dump(mode="json")
    assert "recordings" not in Scenario.model_json_schema()["properties"]
    with pytest.raises(ValueError, match="recordings"):
        scenario.recordings = plain.recordings


def test_one_that_was_not_loaded_reads_at_first_use(own):
    scenario = checked_alone(load_scenario("fleet", **own))
    assert scenario.recordings is scenario.recordings
    trace, jobs = scenario.recording_paths
    later = checked_alone(scenario)
    Path(jobs).unlink()
    with pytest.raises(WorkloadError, match=r"run_times\.csv: no such file"):
        _ = later.recordings
    Path(trace).unlink()
    with pytest.raises(TraceError, match=r"spot\.csv: no such file"):
        _ = later.recordings


def test_an_override_reads_again_what_it_may_have_changed(own):
    scenario = load_scenario("fleet", **own)
    shorter = load_scenario(scenario, **{"market.until_h": 150.0})
    assert (scenario.recordings.until_s, shorter.recordings.until_s) == (720_000.0, 540_000.0)
    assert np.shares_memory(scenario.recordings.series[0].time_s, shorter.recordings.series[0].time_s)


def test_a_loaded_scenario_is_handed_back_at_each_door(own):
    scenario = load_scenario("fleet", **own)
    for path in scenario.recording_paths:
        Path(path).unlink()  # whoever would check again would notice
    assert load_scenario(scenario) is scenario
    assert TesseraEnv(scenario).scenario is scenario
    assert TesseraVectorEnv(2, scenario=scenario).scenario is scenario
    assert Experiment(scenario, ["greedy"], 2, 1).prepare().env.scenario is scenario
    assert load_scenario(load_scenario("fleet"), notice_s=5) != load_scenario("fleet")


def test_one_that_was_not_loaded_is_checked_at_the_door(own):
    scenario = checked_alone(load_scenario("fleet", **own))
    assert load_scenario(scenario) is scenario
    later = checked_alone(scenario)
    Path(later.recording_paths[0]).unlink()
    with pytest.raises(ScenarioError, match=r"^fleet: .*spot\.csv: no such file$"):
        load_scenario(later)


def test_values_change_only_where_they_are_checked(own):
    scenario = load_scenario("fleet", **own)
    with pytest.raises(ScenarioError) as caught:
        scenario.model_copy(update={"horizon_h": -1.0})
    assert str(caught.value) == (
        "update: must not be given, because nothing would check it; load_scenario(scenario, **changes) does "
        "(got {'horizon_h': -1.0})"
    )
    for copied in (scenario.model_copy(), scenario.model_copy(deep=True), scenario.model_copy(update={})):
        assert copied == scenario
        assert copied is not scenario
    with pytest.raises(ScenarioError, match="horizon_h"):
        load_scenario(scenario, horizon_h=-1.0)

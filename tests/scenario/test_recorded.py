"""Scenarios whose tasks are recorded jobs."""

import numpy as np
import pytest

from tessera_env.env import TesseraEnv
from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulate import simulate

HEADER = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"
ROWS = [
    "p0,1,1000,1,500,,BE,Succeeded,100,4000,400",
    "p1,1,2000,1,1000,,LS,Succeeded,700,500000,800",
    "p2,1,3000,4,1000,,BE,Succeeded,900,9000,950",
    "p3,1,4000,1,250,,BE,Succeeded,1600,1660,1600",
]
PODS = {
    **{"task.recording_format": "pods", "task.work_h": None, "task.gpu_memory_mb": 0.0},
    **{"task.arrivals": "recorded", "task.arrival_share": 1.0},
}


@pytest.fixture
def pods(tmp_path):
    path = tmp_path / "pods.csv"
    # The first deletion of a recording marks where it is complete: one pod that ended before all others came.
    first = "old,1,1,1,1000,,BE,Succeeded,0,10,0"
    path.write_text("\n".join((HEADER, first, *ROWS, "end,1,1,0,0,,BE,Pending,800000,,")) + "\n")
    return path


def test_jobs_are_clipped_and_those_that_fit_no_pool_are_left_out(pods):
    scenario = load_scenario("classic", **PODS, **{"task.recording": str(pods), "task.recording_work_h": [0.5, 24.0]})
    jobs = scenario.recordings.jobs
    assert jobs["arrival_s"].tolist() == [0.0, 600.0, 1500.0]  # p2's four GPUs are more than 24,000 MB
    assert jobs["work_s"].tolist() == [3600.0, 86_400.0, 1800.0]
    assert jobs["gpu_memory_mb"].tolist() == [8_000.0, 16_000.0, 4_000.0]
    assert jobs["interactive"].tolist() == [0.0, 1.0, 0.0]
    assert jobs["state_mb"].tolist() == pytest.approx([1048.576, 2097.152, 4194.304])


def test_a_workload_file_is_not_written_over(pods):
    before = pods.read_bytes()
    with pytest.raises(OSError, match=r"log: .*pods\.csv is the same file as .*pods\.csv, which is read"):
        simulate(scenario="classic", policies=["greedy"], log=pods, overrides={**PODS, "task.recording": str(pods)})
    assert pods.read_bytes() == before


def test_a_world_replays_a_run_of_jobs(pods):
    changes = {**PODS, "task.recording": str(pods), "task.count": 2, "task.arrival_scale": 2.0}
    env = TesseraEnv("classic", overrides=changes)
    starts = set()
    for world in range(20):
        env.reset(seed=0, options={"world": world})
        tasks = env.simulation.state.tasks[0]
        starts.add(tuple(tasks["gpu_memory_mb"].tolist()))
        assert tasks["arrival_s"][0] == 0.0
        assert tasks["arrival_s"][1] in (1_200.0, 1_800.0)
        assert np.isinf(tasks["deadline_s"]).all()
    assert starts == {(8_000.0, 16_000.0), (16_000.0, 4_000.0)}


def test_a_scenario_file_finds_the_workload_beside_it(pods, monkeypatch):
    (pods.parent / "mine.toml").write_text(
        'horizon_h = 9\ndecision_interval_s = 600\nnotice_s = 0\n[task]\ncount = 2\nrecording = "pods.csv"\n'
        'recording_format = "pods"\narrivals = "recorded"\n[[pools]]\nname = "a"\nzone = "z"\ninstance_type = "t"\n'
        'gpu_memory_mb = 16000\non_demand_usd_per_h = 1\nprice = { source = "constant", usd_per_h = 0.3 }\n'
    )
    monkeypatch.chdir("/")
    assert load_scenario(pods.parent / "mine.toml").task.recording == str(pods)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"task.recording": "x.csv"}, "task.work_h: must be given unless task.recording is (got both)"),
        ({"task.work_h": None}, "task.work_h: must be given unless task.recording is (got neither)"),
        ({"task.recording": "x.csv", "task.work_h": None}, "task.recording_format: must be given with task.recording"),
        ({"task.recording_format": "pods"}, "task.recording_format: must be given with task.recording, and only then"),
        ({"task.arrivals": "recorded"}, "task.arrivals: must not be 'recorded' unless recording_format is 'pods'"),
        ({**PODS, "task.recording": "/missing.csv"}, "/missing.csv: no such file"),
    ],
)
def test_bad_combinations(changes, reason):
    with pytest.raises(ValueError) as caught:
        load_scenario("classic", **changes)
    assert reason in str(caught.value)


def test_deadlines_leave_time_for_the_state_that_jobs_were_recorded_with(pods):
    """4,194 MB over 1 Gbit/s are 33.6 s on top of half an hour's work."""
    guarded = {
        **PODS,
        **{"task.recording": str(pods), "task.recording_work_h": [0.5, 24.0], "checkpoint.store_bandwidth_gbps": 1.0},
        **{"deadline_guard": True, "reconsider_running": True, "guard_margin_s": 0.0, "pools.*.setup_h": 0.0},
        **{"pools.*.provisioning_s": 0.0},
    }
    slack = 4_194.304 / 125.0 / 1_800.0
    load_scenario("classic", **guarded, **{"task.slack": slack + 1e-6})
    with pytest.raises(
        ScenarioError,
        match=r"task\.slack: must be at least 0\.0186414, which leaves 0\.509321 h to a job of .*pods\.csv",
    ):
        load_scenario("classic", **guarded, **{"task.slack": slack - 1e-6})


def test_what_is_wrong_with_a_recording_is_told_at_once_and_the_rest_counted(tmp_path):
    jobs, trace = tmp_path / "run_times.csv", tmp_path / "spot.csv"
    jobs.write_text("runtime\n" + "-1\n" * 30)
    trace.write_text("zone,time_s,spot_available,spot_price\n" + "a,0,-1,1\n" + "a,0,1,1\n" * 29)
    task = {"recording": str(jobs), "recording_format": "run_times", "recording_work_h": [0.5, 24.0], "work_h": None}
    for path, changes in (
        (jobs, {"task": task}),
        (trace, {"market": {"trace": str(trace), "from_h": 0, "until_h": None}, "pools.*.trace_zone": "a"}),
    ):
        with pytest.raises(ScenarioError) as caught:
            load_scenario("fleet", **changes)
        lines = str(caught.value).splitlines()
        assert len(lines) == 21
        assert all(line.startswith(f"fleet.toml: {path}: ") for line in lines)
        assert lines[20].endswith(": and 10 more")


REPLAYING = """
horizon_h = 8
decision_interval_s = 600
notice_s = 0
[task]
count = 1
work_h = 1
gpu_memory_mb = 1
[market]
trace = "PATH.csv"
[[pools]]
name = "a"
zone = "a"
instance_type = "g6.xlarge"
trace_zone = "random"
capacity = { source = "trace" }
price = { source = "trace" }
"""


@pytest.mark.parametrize("path", ["\\u0000", "a\\u0000/b", "~nobody\\u0000/b", "round/a"])
@pytest.mark.parametrize("field", ["trace", "traces", "recording"])
def test_a_path_that_leads_nowhere_is_one_line(tmp_path, path, field):
    """A null character, and links in a circle."""
    (tmp_path / "round").symlink_to("round")
    text = REPLAYING.replace("PATH", path)
    if field == "recording":
        text = REPLAYING.replace("PATH", "spot").replace(
            "work_h = 1", f'recording = "{path}"\nrecording_format = "pods"'
        )
    elif field == "traces":
        text = text.replace(f'"{path}.csv"', f'["{path}.json"]\npolarity = "available"')
    (tmp_path / "spot.csv").write_text("zone,time_s,spot_available,spot_price\na,0,1,1\na,99999,1,1\n")
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "mine.toml")
    assert all(line.startswith(f"{tmp_path / 'mine.toml'}: ") for line in str(caught.value).splitlines())

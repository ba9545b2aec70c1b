"""Recorded workloads: rules for each field, every malformed row, and the published files where they are."""

from pathlib import Path

import numpy as np
import pytest

from tessera_env.scenario_files import load_scenario
from tessera_env.workload_files import MAX_SHOWN, WorkloadError, read_workload
from tests.traces import trace_file

HEADER = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"


def pods(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "pods.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def pod(gpus="1", milli="500", memory="1000", qos="BE", created="100", deleted="5000", scheduled="400") -> str:
    return f"p,1000,{memory},{gpus},{milli},,{qos},Running,{created},{deleted},{scheduled}"


def test_a_pod_becomes_a_job(tmp_path):
    late, early = pod(created="700", deleted="9000", scheduled="800", qos="LS", milli="1000"), pod()
    jobs = read_workload(pods(tmp_path, late, early), "pods")
    assert jobs.arrival_s.tolist() == [0.0, 600.0]  # in order of arrival, from the first one on
    assert jobs.work_s.tolist() == [4600.0, 8200.0]
    assert jobs.gpu_share.tolist() == [0.5, 1.0]
    assert jobs.state_mb.tolist() == pytest.approx([1048.576, 1048.576])
    assert jobs.interactive.tolist() == [0.0, 1.0]
    assert jobs.left_out == {}


def test_what_is_left_out_is_counted_by_reason(tmp_path):
    rows = [
        pod(),
        pod(gpus="0", milli="0"),
        pod(scheduled=""),
        pod(deleted=""),
        pod(scheduled="400", deleted="400"),
        pod(gpus="8", milli="1000"),
    ]
    jobs = read_workload(pods(tmp_path, *rows), "pods")
    assert len(jobs.work_s) == 1
    expected = {"asks for no GPU": 1, "never scheduled": 2, "ended at once": 1, "too many GPUs": 1}
    assert jobs.left_out == expected
    assert read_workload(pods(tmp_path, *rows), "pods", most_gpus=8).gpu_share.tolist() == [0.5, 8.0]


def test_bare_run_times(tmp_path):
    path = tmp_path / "times.csv"
    path.write_bytes(b"\xef\xbb\xbfruntime\r\n60.5\r\n0.0\r\n7\r\n")
    jobs = read_workload(path, "run_times")
    assert jobs.work_s.tolist() == [60.5, 7.0]
    assert (jobs.arrival_s, jobs.gpu_share, jobs.state_mb, jobs.interactive) == (None, None, None, None)
    assert jobs.left_out == {"ended at once": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (pod(qos="VIP"), "line 2: qos: must be one of LS, BE, Burstable, Guaranteed (got 'VIP')"),
        (pod(milli="nan"), "line 2: gpu_milli: must be a number from 0 to 1e+12 (got 'nan')"),
        (pod(memory="-1"), "line 2: memory_mib: must be a number"),
        (pod(created="1e999"), "line 2: creation_time: must be a number"),
        (pod(created="1_0"), "line 2: creation_time: must be a number"),
        (pod(deleted="x"), "line 2: deletion_time: must be a number"),
        (pod(gpus="９"), "line 2: num_gpu: must be a number"),
        (pod(scheduled="50"), "line 2: scheduled_time: must lie between creation_time = 100 and deletion_time = 5000"),
        (pod(deleted="399"), "line 2: scheduled_time: must lie between"),
        ("a,b", "line 2: must have 11 cells, as the header (got 2)"),
        (pod(milli="0"), "must have a job that ran on a GPU (1 asks for no GPU)"),
    ],
)
def test_bad_rows(tmp_path, row, reason):
    with pytest.raises(WorkloadError) as caught:
        read_workload(pods(tmp_path, row), "pods")
    assert reason in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_every_bad_row_is_listed_up_to_a_limit(tmp_path):
    with pytest.raises(WorkloadError) as caught:
        read_workload(pods(tmp_path, *[pod(qos="?")] * 30), "pods")
    lines = str(caught.value).splitlines()
    assert len(lines) == MAX_SHOWN + 1
    assert lines[0].endswith("(got '?')")
    assert lines[-1].endswith("10 more problems")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1: must be a header with runtime (missing: runtime)"),
        (b"seconds\n1\n", "missing: runtime"),
        (b"runtime\n", "must have a job that ran on a GPU (no rows)"),
        (b"runtime\n\xff\n", "is not UTF-8"),
        (b"runtime\n1,5\n", "line 2: must have 1 cells"),  # a decimal comma
        (b"runtime\n\n", "line 2: must have 1 cells, as the header (got 0)"),
    ],
)
def test_bad_files(tmp_path, content, reason):
    path = tmp_path / "times.csv"
    path.write_bytes(content)
    with pytest.raises(WorkloadError) as caught:
        read_workload(path, "run_times")
    assert reason in str(caught.value)
    with pytest.raises(WorkloadError, match="no such file"):
        read_workload(tmp_path / "missing.csv", "run_times")
    with pytest.raises(WorkloadError, match="is a directory"):
        read_workload(tmp_path, "run_times")


def test_a_file_that_has_changed_is_read_again(tmp_path):
    path = tmp_path / "times.csv"
    path.write_text("runtime\n1\n")
    assert read_workload(path, "run_times").work_s.tolist() == [1.0]
    path.write_text("runtime\n2\n")
    assert read_workload(path, "run_times").work_s.tolist() == [2.0]


def test_a_scenario_refuses_jobs_that_fit_no_pool(tmp_path):
    path = pods(tmp_path, pod(gpus="4", milli="1000"))
    changes = {"task.trace": str(path), "task.trace_format": "pods", "task.work_h": None, "task.trace_most_gpus": 4}
    with pytest.raises(
        ValueError, match=r"task\.trace: must have jobs of at most 24000 MB .*1 larger ones, up to 64000"
    ):
        load_scenario("classic", **changes)


def test_a_scenario_file_finds_the_workload_beside_it(tmp_path, monkeypatch):
    pods(tmp_path, pod(), pod())
    (tmp_path / "mine.toml").write_text(
        'horizon_h = 9\ndecision_interval_s = 600\nnotice_s = 0\n[task]\ncount = 2\ntrace = "pods.csv"\n'
        'trace_format = "pods"\narrivals = "recorded"\n[[pools]]\nname = "a"\nzone = "z"\ninstance_type = "t"\n'
        'gpu_memory_mb = 16000\non_demand_usd_per_h = 1\nprice = { source = "constant", usd_per_h = 0.3 }\n'
    )
    monkeypatch.chdir("/")
    assert load_scenario(tmp_path / "mine.toml").task.trace == str(tmp_path / "pods.csv")


def test_the_published_pods():
    jobs = read_workload(trace_file("workload/openb_pod_list_default.csv"), "pods")
    assert len(jobs.work_s) + sum(jobs.left_out.values()) == 8_152
    assert jobs.left_out == {"asks for no GPU": 1_088, "never scheduled": 861, "too many GPUs": 74}
    assert (np.diff(jobs.arrival_s) >= 0).all()
    assert (jobs.gpu_share > 0).all() and (jobs.gpu_share <= 1).all()


def test_the_published_run_times():
    jobs = read_workload(trace_file("workload/philly_runtime.csv"), "run_times")
    assert len(jobs.work_s) == 83_152
    assert jobs.left_out == {"ended at once": 2}

"""Recorded workloads: what becomes of each row, and every way in which a file can be wrong."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_env.recordings.workloads import MB_PER_MIB, RecordedWorkload, WorkloadError, read_workload, statistics

HEADER = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"
SHARED = Path(os.environ.get("TESSERA_TRACES", Path(__file__).parents[3] / "shared" / "traces")) / "workload"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the recorded workloads in {SHARED}")


def pod(name: str, **values: object) -> str:
    """A row: one GPU, half a GB, asked for at 100 s, run from 110 to 170 s."""
    row = {"name": name, "cpu_milli": 4000, "memory_mib": 512, "num_gpu": 1, "gpu_milli": 1000, "gpu_spec": ""}
    row |= {"qos": "BE", "pod_phase": "Succeeded", "creation_time": 100, "deletion_time": 170, "scheduled_time": 110}
    return ",".join(str(value) for value in (row | values).values())


def file_of(folder: Path, *lines: str | bytes, header: str = HEADER, name: str = "pods.csv") -> Path:
    """A file of these lines below a header."""
    path = folder / name
    path.write_bytes(
        b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in (header, *lines))
    )
    return path


def pods(folder: Path, *lines: str, **rules: float) -> RecordedWorkload:
    """The jobs of a file, of which none is left out for being early."""
    return read_workload(file_of(folder, *lines), "pods", **{"from_s": 0.0, **rules})


def problem(path: Path, form: str = "pods", **rules: float) -> str:
    """The text of the error that reading raises."""
    with pytest.raises(WorkloadError) as caught:
        read_workload(path, form, **rules)
    return str(caught.value)


# ---- pods: what becomes of a row


def test_rows_become_jobs_in_the_order_of_their_arrival(tmp_path):
    lines = [
        pod("late", creation_time=700, scheduled_time=700, deletion_time=4300, qos="LS", gpu_milli=250),
        pod("early", creation_time=100, scheduled_time=160, deletion_time=220, memory_mib=1000),
        pod("end", creation_time=5000, scheduled_time=5000, deletion_time=5001, num_gpu=4),
    ]
    workload = pods(tmp_path, *lines)
    assert workload.name == "pods.csv" and len(workload) == 3
    assert workload.arrival_s.tolist() == [0.0, 600.0, 4900.0]
    assert workload.work_s.tolist() == [60.0, 3600.0, 1.0], "without the wait for a place"
    assert workload.gpu_memory_mb.tolist() == [16_000.0, 4_000.0, 64_000.0], "several GPUs on one instance"
    assert workload.state_mb.tolist() == [1000 * MB_PER_MIB, 512 * MB_PER_MIB, 512 * MB_PER_MIB]
    assert workload.interactive.tolist() == [False, True, False]
    assert dict(workload.dropped) == {} and workload.cut == 1
    assert pods(tmp_path, *lines, gpu_memory_mb_per_gpu=24_000.0).gpu_memory_mb.tolist() == [24_000, 6_000, 96_000]


def test_what_is_left_out_is_counted_by_reason(tmp_path):
    lines = [
        pod("kept"),
        pod("cpu", num_gpu=0, gpu_milli=0),
        pod("pending", scheduled_time="", pod_phase="Pending"),
        pod("nothing", deletion_time=110),
        pod("service", deletion_time=110 + 7200),
        pod("wide", num_gpu=8),
        pod("end", creation_time=9000, scheduled_time=9000, deletion_time=9001),
    ]
    workload = pods(tmp_path, *lines, longest_work_h=1.0, gpu_memory_limit_mb=100_000.0)
    assert workload.work_s.tolist() == [60.0, 1.0]
    assert dict(workload.dropped) == {
        "needs no GPU": 1,
        "never scheduled": 1,
        "ran for 0 s": 1,
        "ran longer than allowed": 1,
        "needs more GPU memory than there is": 1,
    }
    exactly = pods(tmp_path, *lines, longest_work_h=2.0, gpu_memory_limit_mb=128_000.0)
    assert sorted(exactly.work_s.tolist()) == [1.0, 60.0, 60.0, 7200.0]


def test_pods_of_before_the_first_deletion_are_survivors(tmp_path):
    lines = [
        pod("old", creation_time=0, scheduled_time=0, deletion_time=900),
        pod("first to go", creation_time=50, scheduled_time=50, deletion_time=100),
        pod("new", creation_time=100, scheduled_time=100, deletion_time=200),
        pod("newer", creation_time=150, scheduled_time=150, deletion_time=300),
    ]
    workload = read_workload(file_of(tmp_path, *lines), "pods")
    assert workload.arrival_s.tolist() == [0.0, 50.0]
    assert workload.work_s.tolist() == [100.0, 150.0]
    assert dict(workload.dropped) == {"created before the recording began": 2}
    assert read_workload(file_of(tmp_path, *lines), "pods", from_s=50.0).arrival_s.tolist() == [0.0, 50.0, 100.0]


def test_what_ran_on_is_cut_at_the_recording_s_end(tmp_path):
    lines = [
        pod("running", creation_time=0, scheduled_time=10, deletion_time=""),
        pod("done", creation_time=20, scheduled_time=20, deletion_time=50),
        pod("deleted last", creation_time=30, scheduled_time=40, deletion_time=1000),
    ]
    workload = pods(tmp_path, *lines)
    assert workload.work_s.tolist() == [990.0, 30.0, 960.0]
    assert workload.cut == 2


def test_unknown_state_is_not_zero(tmp_path):
    workload = pods(tmp_path, pod("a", memory_mib=0), pod("b"))
    assert math.isnan(workload.state_mb[0]) and workload.state_mb[1] > 0


@pytest.mark.parametrize(
    ("qos", "interactive"), [("LS", True), ("BE", False), ("Burstable", False), ("Guaranteed", False)]
)
def test_only_latency_sensitive_pods_are_interactive(tmp_path, qos, interactive):
    assert pods(tmp_path, pod("a", qos=qos)).interactive.tolist() == [interactive]


def test_failed_pods_count(tmp_path):
    assert len(pods(tmp_path, pod("a", pod_phase="Failed"), pod("b", pod_phase="Running"))) == 2


def test_jobs_of_one_instant_keep_the_file_s_order(tmp_path):
    lines = [pod(str(k), deletion_time=110 + k) for k in (5, 3, 4)]
    assert pods(tmp_path, *lines).work_s.tolist() == [5.0, 3.0, 4.0]


@given(st.lists(st.tuples(*[st.integers(0, 10_000)] * 3), min_size=1, max_size=30))
def test_any_sane_rows_make_a_sane_workload(tmp_path_factory, rows):
    lines = [
        pod(str(k), creation_time=at, scheduled_time=at + wait, deletion_time=at + wait + 1 + work)
        for k, (at, wait, work) in enumerate(rows)
    ]
    workload = pods(tmp_path_factory.mktemp("pods"), *lines)
    assert len(workload) == len(rows)
    assert workload.arrival_s[0] == 0.0 and (np.diff(workload.arrival_s) >= 0).all()
    assert sorted(workload.work_s) == sorted(1.0 + work for _, _, work in rows)


def test_pods_that_a_data_frame_wrote(tmp_path):
    """Whole numbers become decimals where a column has blanks, and columns stand in any order."""
    rows = [pod("a", deletion_time=""), pod("b", num_gpu="2.0", gpu_milli="1000.0", cpu_milli="4000.0")]
    assert pods(tmp_path, *rows).gpu_memory_mb.tolist() == [16_000.0, 32_000.0]
    turned = [f"{k}," + ",".join(reversed(row.split(","))) for k, row in enumerate(rows)]
    path = file_of(tmp_path, *turned, header="," + ",".join(reversed(HEADER.split(","))), name="turned.csv")
    assert read_workload(path, "pods", from_s=0.0).gpu_memory_mb.tolist() == [16_000.0, 32_000.0]


# ---- run times


def test_run_times_are_work_alone(tmp_path):
    path = file_of(tmp_path, "0.0", "60", " 3600.5 ", "7201", header="runtime")
    workload = read_workload(path, "run_times", longest_work_h=2.0)
    assert workload.work_s.tolist() == [60.0, 3600.5]
    assert dict(workload.dropped) == {"ran for 0 s": 1, "ran longer than allowed": 1}
    assert workload.arrival_s is workload.gpu_memory_mb is workload.state_mb is workload.interactive is None


def test_a_series_that_a_data_frame_wrote(tmp_path):
    path = file_of(tmp_path, "0,60", "1,3600.5", header=",runtime")
    assert read_workload(path, "run_times").work_s.tolist() == [60.0, 3600.5]


# ---- files


@pytest.mark.parametrize(
    "change", [(b"\n", b"\r\n"), (b"name,cpu", b"\xef\xbb\xbfname,cpu"), (b",", b" , "), (b"\n", b"\n\n")]
)
def test_line_ends_marks_spaces_and_blank_lines_do_not_matter(tmp_path, change):
    plain = file_of(tmp_path, pod("a"), pod("b"))
    other = tmp_path / "other.csv"
    other.write_bytes(plain.read_bytes().replace(*change))
    assert read_workload(other, "pods").work_s.tolist() == read_workload(plain, "pods").work_s.tolist()


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("name", "", "a name of 1 to 100 characters"),
        ("memory_mib", "nan", "a number from 0 to 1e+09"),
        ("num_gpu", "1.5", "a whole number from 0 to 1000"),
        ("num_gpu", "-1", "a whole number from 0 to 1000"),
        ("gpu_milli", "1001", "a whole number from 0 to 1000"),
        ("gpu_milli", "0", "at least 1 where num_gpu is not 0"),
        ("qos", "ls", "one of LS, BE, Burstable, Guaranteed"),
        ("pod_phase", "", "one of Pending, Running"),
        ("creation_time", "", "a number from 0 to 1e+10"),
        ("creation_time", "-5", "a number from 0 to 1e+10"),
        ("deletion_time", "inf", "a number from 0 to 1e+10, or blank"),
        ("deletion_time", "109", "at least creation_time and scheduled_time, or blank"),
        ("scheduled_time", "1e999", "a number from 0 to 1e+10, or blank"),
        ("scheduled_time", "99", "at least creation_time = 100, or blank"),
        ("scheduled_time", "١١٠", "a number from 0 to 1e+10, or blank"),
    ],
)
def test_a_bad_value_is_named_by_line_and_column(tmp_path, column, value, allowed):
    text = problem(file_of(tmp_path, pod("a"), pod(**{"name": "b", column: value})))
    assert f"pods.csv: line 3: {column}: must be {allowed}" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty (allowed: name,cpu_milli"),
        (b"\n\n", "is empty"),
        (HEADER.encode(), "has no rows"),
        (b"a,b\n1,2\n", "line 1: header: must be name,cpu_milli"),
        (HEADER.encode() + b"\n1,2\n", "line 2: row: must be 11 fields (got 2)"),
        (HEADER.encode() + b"\n" + b"1," * 11 + b"1\n", "line 2: row: must be 11 fields (got 12)"),
        (HEADER.encode() + b'\n"a,1\n', "is not CSV"),
        (b"\xff\xfe\x00name", "is UTF-16: save it as UTF-8 first"),
        (b"\xffname\n", "is not UTF-8"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, content, told):
    path = tmp_path / "pods.csv"
    path.write_bytes(content)
    text = problem(path)
    assert text.startswith(str(path)) and told in text and "\n" not in text


def test_missing_files_folders_and_formats(tmp_path):
    assert "no such file" in problem(tmp_path / "none.csv")
    assert "is a directory" in problem(tmp_path)
    assert problem(tmp_path, "jobs") == "format: must be one of pods, run_times (got 'jobs')"


def test_names_are_unique(tmp_path):
    assert "line 3: name: must be a value that no row before has (got 'a')" in problem(
        file_of(tmp_path, pod("a"), pod("a"))
    )


def test_twenty_problems_are_listed_and_the_rest_counted(tmp_path):
    lines = problem(file_of(tmp_path, *["-1"] * 50, header="runtime"), "run_times").splitlines()
    assert len(lines) == 21
    assert "line 21: runtime: must be a number from 0 to 1e+10 (got '-1')" in lines[19]
    assert lines[20].endswith("and 30 more")


def test_a_file_without_a_usable_row_says_why(tmp_path):
    text = problem(file_of(tmp_path, pod("a", num_gpu=0), pod("b", scheduled_time="")))
    assert "has no row that can be used (1 needs no GPU, 1 never scheduled)" in text
    text = problem(file_of(tmp_path, "900000", "7200000", header="runtime"), "run_times")
    assert "has no row that can be used (2 ran longer than allowed; up to 168 h, read as seconds)" in text


def test_a_changed_file_is_read_again_and_results_cannot_be_changed(tmp_path):
    path = file_of(tmp_path, "60", header="runtime")
    first = read_workload(path, "run_times")
    assert read_workload(str(path), "run_times") is first
    with pytest.raises(ValueError, match="read-only"):
        first.work_s[0] = 1.0
    file_of(tmp_path, "60", "120", header="runtime")
    assert read_workload(path, "run_times").work_s.tolist() == [60.0, 120.0]


# ---- figures


def test_statistics(tmp_path):
    lines = [
        pod("a", creation_time=0, scheduled_time=0, deletion_time=3600, qos="LS", memory_mib=0),
        pod("b", creation_time=3600, scheduled_time=3600, deletion_time=3600 + 7200),
        pod("c", creation_time=7200, scheduled_time=7200, deletion_time=7200 + 6 * 3600),
        pod("d", num_gpu=0),
    ]
    figures = statistics(pods(tmp_path, *lines))
    assert figures["tasks"] == 3 and figures["dropped"] == 1 and figures["cut"] == 1
    assert (figures["work_median_h"], figures["work_mean_h"], figures["span_h"]) == (2.0, 3.0, 2.0)
    assert figures["arrivals_per_h"] == 1.0
    assert figures["interactive_share"] == pytest.approx(1 / 3)
    assert figures["state_median_mb"] == 512 * MB_PER_MIB
    bare = statistics(read_workload(file_of(tmp_path, "3600", header="runtime"), "run_times"))
    assert math.isnan(bare["interactive_share"]) and math.isnan(bare["arrivals_per_h"])
    assert bare["work_mean_h"] == 1.0


# ---- the recorded files


@needs_shared
def test_the_recorded_pods():
    workload = read_workload(SHARED / "openb_pod_list_default.csv", "pods")
    figures = statistics(workload)
    assert len(workload) + sum(workload.dropped.values()) == 8_152
    assert dict(workload.dropped) == {
        "created before the recording began": 31,
        "needs no GPU": 1_088,
        "never scheduled": 861,
        "ran longer than allowed": 16,
    }
    assert set(np.unique(workload.gpu_memory_mb)) >= {16_000.0, 32_000.0, 64_000.0, 128_000.0}
    assert 0.1 < figures["work_median_h"] < 0.3 and 1.0 < figures["work_mean_h"] < 1.5, "heavy-tailed"
    assert 0.55 < figures["interactive_share"] < 0.6
    assert 7.0 < figures["arrivals_per_h"] < 8.0
    assert (
        read_workload(SHARED / "openb_pod_list_default.csv", "pods", gpu_memory_limit_mb=16_000.0).gpu_memory_mb.max()
        == 16_000
    )


@needs_shared
def test_the_recorded_run_times():
    workload = read_workload(SHARED / "philly_runtime.csv", "run_times")
    assert len(workload) + sum(workload.dropped.values()) == 83_154
    assert dict(workload.dropped) == {"ran for 0 s": 2, "ran longer than allowed": 296}
    assert statistics(workload)["work_median_h"] == pytest.approx(0.327, abs=0.001)

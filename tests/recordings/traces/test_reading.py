"""Whatever the form: files, names, the bundled trace; a check lists all that reading refuses."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tessera_env.files.problems import MAX_LINES
from tessera_env.recordings.traces.reading import problems_of_trace, read_series
from tessera_env.recordings.traces.series import TraceError
from tests.recordings.traces.trace_files import CSV, JSON, listed, refused, written
from tests.traces import trace_file

PIPE = "is not a regular file, but a pipe (allowed: a file; save its content to one first)"
SHARED = Path(os.environ.get("TESSERA_TRACES", Path(__file__).parents[4] / "shared" / "traces"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the recorded traces in {SHARED} (TESSERA_TRACES)")


def test_a_changed_file_is_read_again(tmp_path):
    path = written(tmp_path, CSV)
    read_series([path])
    written(tmp_path, CSV.replace("0.8", "0.75"))
    assert read_series([path])[0].price[-1] == 0.75


def test_shared_arrays_cannot_be_changed(tmp_path):
    series = read_series([written(tmp_path, CSV)])[0]
    for column in (series.time_s, series.capacity, series.price):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 7


def test_several_json_files_keep_their_order_and_need_unlike_names(tmp_path):
    paths = [written(tmp_path, JSON, f"{zone}.json") for zone in "ba"]
    assert [series.name for series in read_series(paths, "available")] == ["b", "a"]
    (tmp_path / "other").mkdir()
    twice = [*paths, written(tmp_path / "other", JSON, "a.json")]
    with pytest.raises(TraceError, match=r"other/a\.json: series 'a' is already taken by another file"):
        read_series(twice, "available")


def test_two_files_of_several_zones_need_unlike_names(tmp_path):
    paths = [written(tmp_path, CSV, f"{name}.csv") for name in "ab"]
    with pytest.raises(TraceError, match=r"b\.csv: series 'east' is already taken by another file"):
        read_series(paths)


def test_the_bundled_trace_is_as_described():
    replayed = read_series(["aws_v100_2023"])
    assert len(replayed) == 9
    shares = []
    for series in replayed:
        assert series.end_s == 3_868_410
        assert series.sample_s == 195
        spans_s = np.diff(np.append(series.time_s, series.end_s))
        shares.append(float(np.dot(spans_s, series.capacity) / series.end_s))
        assert set(series.capacity) == {0, 1}
        assert 0.9 < series.price.min() <= series.price.max() < 3.06
        assert np.all(series.time_s % 195 == 0)
        assert series.end_s > 700 * 3600
    assert min(shares) == pytest.approx(0.17, abs=0.005)
    assert max(shares) == pytest.approx(0.91, abs=0.01)


@needs_shared
def test_the_published_json_files_say_the_same_as_the_bundled_trace():
    """Both rest on the same recording; the bundled windows are some samples shifted, so shares are compared."""
    paths = sorted(str(path) for path in (SHARED / "spot_availability").glob("*.json"))
    recorded = {series.name: series for series in read_series(paths, "available")}
    for series in read_series(["aws_v100_2023"]):
        other = recorded[series.name]
        shares = [
            float(np.dot(np.diff(np.append(one.time_s, one.end_s)), one.capacity) / one.end_s)
            for one in (series, other)
        ]
        assert shares[0] == pytest.approx(shares[1], abs=0.02)


@needs_shared
@pytest.mark.parametrize("folder", ["spot_availability", "spot_preemption", "spot_nodes"])
def test_published_samples_are_read_exactly(folder):
    for path in sorted((SHARED / folder).glob("*.json")):
        document = json.loads(path.read_text())
        (series,) = read_series([str(path)], "available")
        gap_s = document["metadata"]["gap_seconds"]
        at = np.searchsorted(series.time_s, np.arange(len(document["data"])) * gap_s, side="right") - 1
        assert series.capacity[at].tolist() == document["data"]
        assert (series.price is not None) == ("prices" in document)
        if series.price is not None:
            assert series.price[at].tolist() == document["prices"]


def test_what_is_no_file(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.csv")
    assert refused(str(tmp_path)) == ["is a directory (allowed: a file)"]
    assert refused(str(tmp_path / "none.csv")) == ["no such file"]
    assert refused(str(tmp_path / "pipe.csv")) == [PIPE]
    path = written(tmp_path, CSV)
    monkeypatch.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert refused(path) == ["cannot be read (Permission denied)"]


_SPOILT = st.tuples(
    st.integers(0, 200), st.integers(0, 3), st.sampled_from([*'0,"-.9e\n\r{}[]: ', "", "nan", "\ufeff", "é"])
)


def test_good_files(tmp_path):
    assert listed(tmp_path, JSON) == []
    assert problems_of_trace("aws_v100_2023") == []
    assert problems_of_trace(str(trace_file("spot_preemption/us-east-1c_v100_1.json")), "available") == []


@pytest.mark.parametrize("name", ["none.csv", ".", "a\0b.csv"])
def test_what_is_no_file_cannot_be_checked(tmp_path, name):
    with pytest.raises(TraceError):
        problems_of_trace(str(tmp_path / name))


@pytest.mark.parametrize("name", ["spot.csv", "spot.json"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(changes=st.lists(_SPOILT, min_size=1, max_size=3))
def test_the_readers_error_is_among_them(tmp_path, name, changes):
    text = CSV if name == "spot.csv" else json.dumps(JSON)
    for place, length, new in changes:
        place %= len(text) + 1
        text = text[:place] + new + text[place + length :]
    path = written(tmp_path, text, name)
    problems = problems_of_trace(path, "available")
    try:
        read_series([path], "available")
    except TraceError as error:
        fatal = [problem for problem in problems if "to be named in a scenario" not in problem]
        more = [f"{path}: and {len(fatal) - MAX_LINES} more"] if len(fatal) > MAX_LINES else []
        assert str(error).splitlines() == fatal[:MAX_LINES] + more
    else:
        assert all("to be named in a scenario" in problem for problem in problems)


def test_names_stay_on_one_short_line(tmp_path):
    (problem,) = listed(tmp_path, {**JSON, "a\n\x1b[2J" + "b" * 5000: 1})
    assert problem.startswith(r"'a\n\x1b[2Jbbb")
    assert problem.endswith("...: is not a known member (allowed: metadata, data, prices)")
    assert len(problem) < 130
    (problem,) = listed(tmp_path, CSV + "\x1b[2J,0,1,0.9\n")
    assert problem == r"line 7: zone: must be a name of 1 to 100 printable characters (got '\x1b[2J')"


def test_a_file_that_no_scenario_can_name_is_a_problem(tmp_path):
    path = written(tmp_path, JSON, "us east 1a (copy).json")
    reason = "letters, digits and _ . : - only, a letter or digit first, to be named in a scenario"
    assert problems_of_trace(path) == [f"{path}: file name: must be {reason} (got 'us east 1a (copy)')"]
    assert read_series([path], "available")[0].name == "us east 1a (copy)"  # which can still be drawn at random


def test_a_file_whose_name_breaks_lines_is_refused_in_one(tmp_path):
    path = written(tmp_path, JSON, "a\nb.json")
    (line,) = problems_of_trace(path)
    assert line == f"{path!r}: file name: must be a name of 1 to 100 printable characters (got 'a\\nb')"
    with pytest.raises(TraceError) as caught:
        read_series([path], "available")
    assert str(caught.value) == line

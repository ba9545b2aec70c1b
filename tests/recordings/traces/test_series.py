import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_env.recordings.traces.series import TraceError, read_series

HEADER = "zone,time_s,spot_available,spot_price\n"
CSV = HEADER + "east,0,0,0.9\neast,390,1,0.9\nwest,0,1,1.5\neast,585,1,0.8\nwest,975,3,1.5\n"
JSON = {"metadata": {"gap_seconds": 300}, "data": [0, 0, 2, 2, 1], "prices": [1.0, 1.0, 1.0, 1.5, 1.5]}
SHARED = Path(os.environ.get("TESSERA_TRACES", Path(__file__).parents[4] / "shared" / "traces"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the recorded traces in {SHARED} (TESSERA_TRACES)")


def written(folder: Path, content: str | bytes | dict, name: str = "spot.csv") -> str:
    """The path of a new file."""
    file = folder / name
    if isinstance(content, dict):
        content = json.dumps(content)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(file)


def problem(path: str, polarity=None) -> str:
    """The one line of the error that reading raises."""
    with pytest.raises(TraceError) as caught:
        read_series([path], polarity)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < len(path) + 250
    return text


# ---- what is read


def test_csv_change_points_by_zone(tmp_path):
    east, west = read_series([written(tmp_path, CSV)])
    assert (east.name, west.name) == ("east", "west")
    assert east.time_s.tolist() == [0, 390, 585]
    assert east.capacity.tolist() == [0, 1, 1]
    assert east.price.tolist() == [0.9, 0.9, 0.8]
    assert west.capacity.tolist() == [1, 3]
    assert east.sample_s == west.sample_s == 195
    assert east.end_s == west.end_s == 975 + 195


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("zone", "\ufeffzone"), (",", " , "), ("west,975", "\nwest,975")])
def test_csv_line_ends_marks_spaces_and_blank_lines_do_not_matter(tmp_path, change):
    plain = read_series([written(tmp_path, CSV)])
    other = read_series([written(tmp_path, CSV.replace(*change, -1 if "\n" in change[0] else 1), "other.csv")])
    assert [series.name for series in plain] == [series.name for series in other]
    for left, right in zip(plain, other, strict=True):
        assert left.time_s.tolist() == right.time_s.tolist()
        assert left.price.tolist() == right.price.tolist()


def test_json_samples_become_change_points(tmp_path):
    (series,) = read_series([written(tmp_path, JSON, "us-east-1a.json")], "available")
    assert series.name == "us-east-1a"
    assert series.time_s.tolist() == [0, 600, 900, 1200]
    assert series.capacity.tolist() == [0, 2, 2, 1]
    assert series.price.tolist() == [1.0, 1.0, 1.5, 1.5]
    assert (series.sample_s, series.end_s) == (300, 1500)


def test_polarity_turns_what_a_one_means(tmp_path):
    path = written(tmp_path, {"metadata": {"gap_seconds": 10.5}, "data": [1, 1, 0]}, "a.json")
    (taken,) = read_series([path], "unavailable")
    (available,) = read_series([path], "available")
    assert taken.capacity.tolist() == [0, 1]
    assert available.capacity.tolist() == [1, 0]
    assert taken.time_s.tolist() == [0, 21]
    assert taken.price is None
    assert taken.end_s == 31.5


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


# ---- what is refused


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        (HEADER, "has no rows (allowed: at least one below the header)"),
        ("east,0,1,0.5\n", "line 1: header: must be zone,time_s,spot_available,spot_price (got 'east,0,1,0.5')"),
        (HEADER.replace("zone,", ""), "line 1: header: must be zone,time_s,spot_available,spot_price (got 'time_s,"),
        (HEADER + "east,0,1\n", "line 2: row: must be 4 fields (got '3 fields')"),
        (HEADER + "east,0,1,0.5\neast,195,1,0,5\n", "line 3: row: must be 4 fields (got '5 fields')"),
        (HEADER + 'east,0,1,"0,5"\n', "line 2: spot_price: must be a number from 0 to 10000 (got '0,5')"),
        (HEADER + "east,0,1,\n", "line 2: spot_price: must be a number from 0 to 10000 (got '')"),
        (HEADER + "east,0,1,nan\n", "line 2: spot_price: must be a number from 0 to 10000 (got 'nan')"),
        (HEADER + "east,0,1,1e999\n", "line 2: spot_price: must be a number from 0 to 10000 (got '1e999')"),
        (HEADER + "east,0,1,-0.5\n", "line 2: spot_price: must be a number from 0 to 10000 (got '-0.5')"),
        (HEADER + "east,0,1,cheap\n", "line 2: spot_price: must be a number from 0 to 10000 (got 'cheap')"),
        (HEADER + "east,0,1,1_0\n", "line 2: spot_price: must be a number from 0 to 10000 (got '1_0')"),
        (HEADER + "east,0,1.5,1\n", "line 2: spot_available: must be a whole number from 0 to 1000000 (got '1.5')"),
        (HEADER + "east,0,-1,1\n", "line 2: spot_available: must be a whole number from 0 to 1000000 (got '-1')"),
        (HEADER + "east,0,true,1\n", "line 2: spot_available: must be a whole number from 0 to 1000000 (got 'true')"),
        (HEADER + f"east,0,{'9' * 5000},1\n", "line 2: spot_available: must be a whole number from 0 to 1000000"),
        (HEADER + f"east,0,1,{'9' * 5000}\n", "line 2: spot_price: must be a number from 0 to 10000"),
        (HEADER + "east,5,1,1\n", "line 2: time_s: must be 0 in a zone's first row (got 5.0)"),
        (HEADER + "east,0,1,1\neast,390,0,1\neast,195,1,1\n", "line 4: time_s: must be greater than 390, the zone's"),
        (
            HEADER + "east,0,1,1\neast,0,0,1\n",
            "line 3: time_s: must be greater than 0, the zone's time before (got 0.0)",
        ),
        (HEADER + "east,0,1,1\neast,inf,0,1\n", "line 3: time_s: must be a number from 0 to 1e+10 (got 'inf')"),
        (HEADER + ",0,1,1\n", "line 2: zone: must be a name of 1 to 100 printable characters (got '')"),
        (
            HEADER + "\x1b[2Jeast,0,1,1\n",
            "line 2: zone: must be a name of 1 to 100 printable characters (got '\\x1b[2Jeast')",
        ),
        (HEADER + 'east,0,1,1\n"east,195', "is not CSV"),
        (HEADER.encode() + b"caf\xe9,0,1,1\n", "byte 41: is not UTF-8 text"),
        (b"\xff\xfe" + HEADER.encode("utf-16-le"), "byte 0: is not UTF-8 text"),
    ],
    ids=range(28),
)
def test_bad_csv(tmp_path, content, reason):
    path = written(tmp_path, content)
    assert problem(path).startswith(f"{path}: ")
    assert reason in problem(path)


def without(key: str) -> dict:
    """The good document without a member."""
    return {name: value for name, value in JSON.items() if name != key}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("[1, 2]", "document: must be a JSON object of metadata, data, prices (got [1, 2])"),
        (json.dumps(JSON)[:-20], "is not JSON"),
        (json.dumps(JSON) + "{}", "is not JSON"),
        (without("metadata"), "metadata: is missing"),
        (without("data"), "data: is missing (allowed: a list of whole numbers)"),
        ({**JSON, "metadata": {}}, "metadata: gap_seconds: is missing (allowed: a number from 1 to 1000000)"),
        ({**JSON, "metadata": 300}, "metadata: must be an object (got 300)"),
        (
            {**JSON, "metadata": {"gap_seconds": "300"}},
            "metadata: gap_seconds: must be a number from 1 to 1000000 (got '3",
        ),
        (
            {**JSON, "metadata": {"gap_seconds": True}},
            "metadata: gap_seconds: must be a number from 1 to 1000000 (got T",
        ),
        ({**JSON, "metadata": {"gap_seconds": 0}}, "metadata: gap_seconds: must be a number from 1 to 1000000 (got 0)"),
        (
            {**JSON, "metadata": {"gap_seconds": -1}},
            "metadata: gap_seconds: must be a number from 1 to 1000000 (got -1)",
        ),
        ({**JSON, "data": "01"}, "data: must be a list of whole numbers (got '01')"),
        ({**JSON, "data": []}, "data: must be a list of at least one sample (got [])"),
        ({**JSON, "data": [0, 0, "1", 1, 0]}, "sample 2: data: must be a whole number from 0 to 1000000 (got '1')"),
        ({**JSON, "data": [0, 0, True, 1, 0]}, "sample 2: data: must be a whole number from 0 to 1000000 (got True)"),
        ({**JSON, "data": [0, 0, 1, 1.5, 0]}, "sample 3: data: must be a whole number from 0 to 1000000 (got 1.5)"),
        ({**JSON, "data": [0, -1, 1, 1, 0]}, "sample 1: data: must be a whole number from 0 to 1000000 (got -1)"),
        ({**JSON, "data": [0, None, 1, 1, 0]}, "sample 1: data: must be a whole number from 0 to 1000000 (got None)"),
        ({**JSON, "data": [0, [1], 1, 1, 0]}, "sample 1: data: must be a whole number from 0 to 1000000 (got [1])"),
        ({**JSON, "data": [0, math.nan, 1, 1, 0]}, "has NaN (allowed: finite numbers)"),
        ({**JSON, "prices": [1.0, -math.inf, 1.0, 1.0, 1.0]}, "has -Infinity (allowed: finite numbers)"),
        ({**JSON, "prices": [1.0] * 4}, "prices: must be a list as long as data, 5 (got '4 prices')"),
        ({**JSON, "prices": [1.0, 1.0, "1", 1.0, 1.0]}, "sample 2: prices: must be a number from 0 to 10000 (got '1')"),
        ({**JSON, "prices": [1.0, 1.0, False, 1.0, 1.0]}, "sample 2: prices: must be a number from 0 to 10000 (got F"),
        (
            {**JSON, "prices": [1.0, 1.0, 1.0, -1.0, 1.0]},
            "sample 3: prices: must be a number from 0 to 10000 (got -1.0)",
        ),
        ({**JSON, "prices": None}, "prices: must be a list of numbers (got None)"),
        ({**JSON, "price": []}, "price: is not a known member (allowed: metadata, data, prices)"),
        ({**JSON, "a\nb": []}, r"'a\nb': is not a known member (allowed: metadata, data, prices)"),
        ({**JSON, "k" * 5000: []}, "kkk...: is not a known member (allowed: metadata, data, prices)"),
        (json.dumps(JSON).replace("1.5]", "1e999]"), "sample 4: prices: must be a number from 0 to 10000 (got inf)"),
        (json.dumps(JSON).replace("[0,", "[" + "9" * 5000 + ","), "has an integer of thousands of digits"),
        ('{"data": [1], "data": [0], "metadata": {"gap_seconds": 1}}', "has the member 'data' twice (allowed: once)"),
        ('{"data": ' + "[" * 100_000, "is nested too deeply"),
        (b'{"data": "\xe9"}', "byte 10: is not UTF-8 text"),
    ],
    ids=range(35),
)
def test_bad_json(tmp_path, content, reason):
    path = written(tmp_path, content, "spot.json")
    assert problem(path, "available").startswith(f"{path}: ")
    assert reason in problem(path, "available")


def test_polarity_is_never_guessed(tmp_path):
    path = written(tmp_path, JSON, "spot.json")
    assert problem(path) == f"{path}: polarity: must be 'available' or 'unavailable' (got none)"
    text = problem(path, "unavailable")
    assert text == f"{path}: sample 2: data: must be a whole number from 0 to 1 (got 2)"
    assert "its header says so" in problem(written(tmp_path, CSV), "unavailable")


def test_what_is_no_file(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.csv")
    assert problem(str(tmp_path)) == f"{tmp_path}: is a directory (allowed: a file)"
    assert problem(str(tmp_path / "none.csv")) == f"{tmp_path / 'none.csv'}: no such file"
    assert problem(str(tmp_path / "pipe.csv")).endswith("is not a regular file")
    path = written(tmp_path, CSV)
    monkeypatch.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert problem(path) == f"{path}: cannot be read (Permission denied)"


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(CSV)), removed=st.integers(0, 5), inserted=st.text(max_size=3))
def test_any_damage_to_a_file_is_read_or_refused_in_one_line(tmp_path_factory, place, removed, inserted):
    damaged = CSV[:place] + inserted + CSV[place + removed :]
    path = written(tmp_path_factory.mktemp("damage"), damaged.encode("utf-8", "surrogatepass"))
    try:
        replayed = read_series([path])
    except TraceError as error:
        assert len(str(error).splitlines()) == 1
    else:
        for series in replayed:
            assert series.time_s[0] == 0
            assert np.all(np.diff(series.time_s) > 0)
            assert series.end_s > series.time_s[-1]
            assert np.all(np.isfinite(series.price))
            assert np.all(series.capacity >= 0)

"""Every problem of a trace file is listed, and the reader's own error is always among them."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tessera_env.recordings.traces.checks import problems_of_trace
from tessera_env.recordings.traces.series import TraceError, read_series
from tests.traces import trace_file

HEADER = "zone,time_s,spot_available,spot_price\n"
GOOD_CSV = HEADER + "east,0,0,0.9\neast,390,1,0.9\nwest,0,1,1.5\neast,585,1,0.8\nwest,975,3,1.5\n"
GOOD_JSON = {"metadata": {"gap_seconds": 300}, "data": [0, 0, 2, 2, 1], "prices": [1.0, 1.0, 1.0, 1.5, 1.5]}


def written(folder: Path, content: str | bytes, name: str = "spot.csv") -> str:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(folder / name)


def listed(folder: Path, content: str | bytes | dict, name: str = "spot.csv", polarity=None) -> list[str]:
    """The problems without the file's name."""
    if isinstance(content, dict):
        content, name = json.dumps(content), "spot.json"
    path = written(folder, content, name)
    problems = problems_of_trace(path, polarity)
    assert all(problem.startswith(f"{path}: ") and "\n" not in problem for problem in problems)
    return [problem.removeprefix(f"{path}: ") for problem in problems]


@pytest.mark.parametrize("content", [GOOD_CSV, GOOD_CSV.replace("\n", "\r\n"), "\ufeff" + GOOD_CSV, GOOD_CSV + "\n\n"])
def test_a_good_csv(tmp_path, content):
    assert listed(tmp_path, content) == []


def test_good_files(tmp_path):
    assert listed(tmp_path, GOOD_JSON) == []
    assert problems_of_trace("aws_v100_2023") == []
    assert problems_of_trace(str(trace_file("spot_preemption/us-east-1c_v100_1.json")), "available") == []


def test_every_row_of_a_csv(tmp_path):
    rows = [
        "east,0,0,0.9",
        "east,0,1,0.9",  # 3: the same time
        "east,195,x,-1",  # 4: two problems
        "east,390,1",  # 5: a field is missing
        "east,390,1,nan",
        "east,390,1,1e999",  # 7: also the same time
        "east,1e3,1,0,9",  # 8: decimal comma
        ",0,1,0.9",
        "a/../b,0,1,0.9",
        "west,195,1,0.9",  # 11: not from 0 on
        "west,390,True,0.9",
        'west,585,1,"0.9"x',
        f"west,780,{'9' * 5000},0.9",
        "west,975,1,0.9",
    ]
    problems = listed(tmp_path, HEADER + "\n".join(rows))
    expected = [
        "line 3: time_s: must be greater than 0",
        "line 4: spot_available: must be a whole number",
        "line 4: spot_price: must be a number from 0 to 10000 (got '-1')",
        "line 5: row: must be 4 fields (got '3 fields')",
        "line 6: spot_price: must be a number",
        "line 7: time_s: must be greater than 390",
        "line 7: spot_price: must be a number",
        "line 8: row: must be 4 fields (got '5 fields')",
        "line 9: zone: must be a name of 1 to 100 printable characters",
        "line 10: zone: must be letters, digits",
        "line 11: time_s: must be 0 in a zone's first row",
        "line 12: spot_available: must be a whole number",
        "line 13: is not CSV",
        "line 14: spot_available: must be a whole number",
    ]
    assert len(problems) == len(expected), problems
    for problem, start in zip(problems, expected, strict=True):
        assert problem.startswith(start), problem


def test_a_quote_that_never_closes_hides_nothing(tmp_path):
    problems = listed(tmp_path, HEADER + 'east,0,1,1\nwest,0,1,"0.9\neast,195,1,-1\neast,390,x,1\n')
    assert ["is not CSV" in problem for problem in problems] == [True, False, False]
    assert problems[1].startswith("line 4: spot_price")
    assert problems[2].startswith("line 5: spot_available")


@pytest.mark.parametrize(
    ("content", "starts"),
    [
        ("", ["is empty"]),
        (" \n", ["is empty"]),
        (HEADER, ["has no rows"]),
        (GOOD_CSV.removeprefix(HEADER), ["line 1: header: must be zone,time_s,spot_available,spot_price"]),
        ('"zone\n",time_s,x,y\neast,0,1,1\n', ["line 1: header"]),
        ("zone;time\neast,0,1,1\n", ["line 1: header"]),
        (GOOD_CSV.encode() + b"\xff\n\xfe,1\n", ["line 7: is not UTF-8", "line 8: is not UTF-8", "line 7: row"]),
    ],
)
def test_whole_csv_files(tmp_path, content, starts):
    problems = listed(tmp_path, content)
    for problem, start in zip(problems, starts, strict=False):
        assert problem.startswith(start), problems
    assert len(problems) >= len(starts)


def test_every_sample_of_a_json(tmp_path):
    wrong = {
        "metadata": {"gap_seconds": 0},
        "data": [0, -1, True, "1", 1.5, 10**12, 1],
        "prices": [1.0, 1.0, -2, None, True, 1e9],
        "extra": 1,
    }
    problems = listed(tmp_path, wrong)
    expected = [
        "extra: is not a known member",
        "metadata: gap_seconds: must be a number from 1",
        "prices: must be a list as long as data, 7",
        "sample 1: data: must be a whole number from 0 to 1000000 (got -1)",
        "sample 2: data",
        "sample 2: prices: must be a number from 0 to 10000 (got -2)",
        "sample 3: data: must be a whole number from 0 to 1000000 (got '1')",
        "sample 3: prices",
        "sample 4: data",
        "sample 4: prices",
        "sample 5: data",
        "sample 5: prices",
    ]
    assert len(problems) == len(expected), problems
    for problem, start in zip(problems, expected, strict=True):
        assert problem.startswith(start), problem


def test_polarity_bounds_the_samples(tmp_path):
    assert listed(tmp_path, GOOD_JSON, polarity="unavailable") == [
        f"sample {index}: data: must be a whole number from 0 to 1 (got 2)" for index in (2, 3)
    ]
    assert "polarity" in listed(tmp_path, GOOD_CSV, polarity="unavailable")[0]


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ('{"data": [1', ["line 1: is not JSON"]),
        ("[" * 100_000, ["is nested too deeply"]),
        ("[1]", ["document: must be a JSON object"]),
        ("{}", ["metadata: is missing", "data: is missing"]),
        ('{"metadata": [], "data": []}', ["metadata: must be an object", "data: must be a list of at least one"]),
        ('{"metadata": {"gap_seconds": 9}, "data": [NaN]}', ["has NaN", "sample 0: data"]),
        ('{"metadata": {"gap_seconds": 9}, "data": [1], "data": [1]}', ["has the member 'data' twice"]),
        ('{"metadata": {"gap_seconds": 9, "a": -Infinity}, "data": [1]}', ["has -Infinity"]),
        ('{"metadata": {"gap_seconds": 9}, "data": [%s]}' % ("9" * 5000), ["has an integer of thous", "sample 0"]),
        ('{"metadata": {"gap_seconds": 1e999}, "data": [1]}', ["metadata: gap_seconds"]),
    ],
)
def test_whole_json_files(tmp_path, text, starts):
    problems = listed(tmp_path, text, "spot.json")
    assert len(problems) == len(starts), problems
    for problem, start in zip(problems, starts, strict=True):
        assert problem.startswith(start), problem


@pytest.mark.parametrize("name", ["none.csv", ".", "a\0b.csv"])
def test_what_is_no_file(tmp_path, name):
    with pytest.raises(TraceError):
        problems_of_trace(str(tmp_path / name))


_SPOILT = st.tuples(
    st.integers(0, 200), st.integers(0, 3), st.sampled_from([*'0,"-.9e\n\r{}[]: ', "", "nan", "\ufeff", "é"])
)


@pytest.mark.parametrize("name", ["spot.csv", "spot.json"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(changes=st.lists(_SPOILT, min_size=1, max_size=3))
def test_the_readers_error_is_among_them(tmp_path, name, changes):
    text = GOOD_CSV if name == "spot.csv" else json.dumps(GOOD_JSON)
    for place, length, new in changes:
        place %= len(text) + 1
        text = text[:place] + new + text[place + length :]
    path = written(tmp_path, text, name)
    problems = problems_of_trace(path, "available")
    try:
        read_series([path], "available")
    except TraceError as error:
        assert str(error) in problems
    else:
        assert all("to be named in a scenario" in problem for problem in problems)


def test_faults_before_the_end_of_a_broken_json(tmp_path):
    problems = listed(tmp_path, json.dumps(GOOD_JSON).replace("[0,", "[NaN,").replace("1.5]", "1.5"), "spot.json")
    assert problems[0] == "has NaN (allowed: finite numbers)"
    assert problems[1].startswith("line 1: is not JSON (")
    assert len(problems) == 2


def test_names_stay_on_one_short_line(tmp_path):
    (problem,) = listed(tmp_path, {**GOOD_JSON, "a\n\x1b[2J" + "b" * 5000: 1})
    assert problem.startswith(r"'a\n\x1b[2Jbbb")
    assert problem.endswith("...: is not a known member (allowed: metadata, data, prices)")
    assert len(problem) < 130
    (problem,) = listed(tmp_path, GOOD_CSV + "\x1b[2J,0,1,0.9\n")
    assert problem == r"line 7: zone: must be a name of 1 to 100 printable characters (got '\x1b[2J')"


def test_many_faults_take_time_in_proportion(tmp_path):
    """Reading what is left anew at each fault must not copy it: that took a minute for these lines."""
    begun = time.process_time()
    assert len(listed(tmp_path, HEADER + '"a"b,0,1,1\n' * 150_000)) == 150_001
    assert time.process_time() - begun < 15.0

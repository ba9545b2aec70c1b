"""The JSON form: what is read, and every sample that is not allowed."""

import json
import math

import pytest

from tessera_env.recordings.traces.reading import read_series
from tests.recordings.traces.trace_files import CSV, JSON, listed, refused, written


def test_json_samples_become_change_points(tmp_path):
    (series,) = read_series([written(tmp_path, JSON, "us-east-1a.json")], "available")
    assert series.name == "us-east-1a"
    assert series.time_s.tolist() == [0, 600, 900, 1200]
    assert series.capacity.tolist() == [0, 2, 2, 1]
    assert series.price.tolist() == [1.0, 1.0, 1.5, 1.5]
    assert (series.sample_s, series.end_s) == (300, 1500)


@pytest.mark.parametrize("polarity", ["available", "unavailable"])
def test_whole_numbers_may_be_decimals(tmp_path, polarity):
    whole, decimal = (
        read_series([written(tmp_path, {**JSON, "data": data}, f"{name}.json")], polarity)[0]
        for name, data in (("a", [0, 0, 1, 1, 0]), ("b", [0.0, 0, 1.0, 1.0, 0.0]))
    )
    assert decimal.capacity.tolist() == whole.capacity.tolist()
    assert decimal.capacity.dtype == whole.capacity.dtype


def test_polarity_turns_what_a_one_means(tmp_path):
    path = written(tmp_path, {"metadata": {"gap_seconds": 10.5}, "data": [1, 1, 0]}, "a.json")
    (taken,) = read_series([path], "unavailable")
    (available,) = read_series([path], "available")
    assert taken.capacity.tolist() == [0, 1]
    assert available.capacity.tolist() == [1, 0]
    assert taken.time_s.tolist() == [0, 21]
    assert taken.price is None
    assert taken.end_s == 31.5


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
        ('{"data": [1], "data": [0], "metadata": {"gap_seconds": 1}}', "has the member 'data' twice (allowed: once)"),
        ('{"data": ' + "[" * 100_000, "is nested too deeply"),
    ],
    ids=range(31),
)
def test_bad_json(tmp_path, content, reason):
    (line,) = refused(written(tmp_path, content, "spot.json"), "available")
    assert reason in line


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        (
            {**JSON, "data": [0, math.nan, 1, 1, 0]},
            ["has NaN (allowed: finite numbers)", "sample 1: data: must be a whole number from 0 to 1000000 (got nan)"],
        ),
        (
            {**JSON, "prices": [1.0, -math.inf, 1.0, 1.0, 1.0]},
            ["has -Infinity (allowed: finite numbers)", "sample 1: prices: must be a number from 0 to 10000 (got nan)"],
        ),
        (
            json.dumps(JSON).replace("[0,", "[" + "9" * 5000 + ","),
            [
                "has an integer of thousands of digits (allowed: up to 1000000)",
                "sample 0: data: must be a whole number",
            ],
        ),
        (
            b'{"metadata": {"gap_seconds": 9}, "data": "\xe9"}',
            ["line 1: is not UTF-8 text", "data: must be a list of whole numbers (got '\ufffd')"],
        ),
    ],
)
def test_what_the_text_should_not_hold_is_told_in_its_place_too(tmp_path, content, reasons):
    lines = refused(written(tmp_path, content, "spot.json"), "available")
    assert len(lines) == len(reasons), lines
    for line, reason in zip(lines, reasons, strict=True):
        assert line.startswith(reason)


def test_prices_are_not_counted_against_data_that_are_none(tmp_path):
    assert listed(tmp_path, {**JSON, "data": "01"}) == ["data: must be a list of whole numbers (got '01')"]


def test_polarity_is_never_guessed(tmp_path):
    path = written(tmp_path, JSON, "spot.json")
    assert refused(path) == ["polarity: must be 'available' or 'unavailable' (got none)"]
    assert refused(path, "unavailable") == [
        f"sample {index}: data: must be a whole number from 0 to 1 (got 2)" for index in (2, 3)
    ]
    (line,) = refused(written(tmp_path, CSV), "unavailable")
    assert "its header says so" in line


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
    assert listed(tmp_path, JSON, polarity="unavailable") == [
        f"sample {index}: data: must be a whole number from 0 to 1 (got 2)" for index in (2, 3)
    ]
    assert "polarity" in listed(tmp_path, CSV, polarity="unavailable")[0]


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


def test_faults_before_the_end_of_a_broken_json(tmp_path):
    problems = listed(tmp_path, json.dumps(JSON).replace("[0,", "[NaN,").replace("1.5]", "1.5"), "spot.json")
    assert problems[0] == "has NaN (allowed: finite numbers)"
    assert problems[1].startswith("line 1: is not JSON (")
    assert len(problems) == 2

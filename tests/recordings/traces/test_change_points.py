"""The CSV form: what is read, and every row that is not allowed."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_env.recordings.traces.reading import read_series
from tessera_env.recordings.traces.series import TraceError
from tessera_env.recordings.traces.statistics import statistics_of
from tests.recordings.traces.trace_files import CSV, HEADER, listed, refused, written


def test_csv_change_points_by_zone(tmp_path):
    east, west = read_series([written(tmp_path, CSV)])
    assert (east.name, west.name) == ("east", "west")
    assert east.time_s.tolist() == [0, 390, 585]
    assert east.capacity.tolist() == [0, 1, 1]
    assert east.price.tolist() == [0.9, 0.9, 0.8]
    assert west.capacity.tolist() == [1, 3]
    assert east.sample_s == west.sample_s == 195
    assert east.end_s == west.end_s == 975
    assert (east.held_h, west.held_h) == ((975 - 585) / 3600, 0.0)


@pytest.mark.parametrize("times_s", [(0, 86_400), (0, 7, 86_400), (0, 300, 600, 86_400), (0, 0.5, 86_400)])
def test_the_last_row_is_the_end_whatever_divides_the_times(tmp_path, times_s):
    rows = [f"a,{time_s},1,0.35\n" for time_s in times_s]
    (series,) = read_series([written(tmp_path, HEADER + "".join(rows))])
    assert series.end_s == 86_400
    assert (series.time_s.tolist(), series.held_h) == ([0], 0.0), "the closing row changes nothing"


def test_a_last_row_that_changes_ends_the_spell_before(tmp_path):
    """What holds from the end on nothing plays, but when it began is known."""
    (series,) = read_series([written(tmp_path, HEADER + "a,0,0,1\na,3600,1,1\na,10800,0,1\n")])
    assert (series.end_s, series.time_s.tolist()) == (10_800, [0, 3_600, 10_800])
    statistics = statistics_of(series)
    assert (statistics.hours, statistics.spells.up_s.tolist()) == (3.0, [7_200])
    assert statistics.share_available == pytest.approx(2 / 3)


@pytest.mark.parametrize("rows", ["a,0,1,0.35\n", "a,0,1,0.35\nb,0,0,0.35\n"])
def test_a_trace_that_nothing_ends_is_refused(tmp_path, rows):
    reason = "has no row after time_s 0 (allowed: a later one, with which the trace ends)"
    assert refused(written(tmp_path, HEADER + rows)) == [reason]
    assert listed(tmp_path, HEADER + rows) == [reason]


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("zone", "\ufeffzone"), (",", " , "), ("west,975", "\nwest,975")])
def test_csv_line_ends_marks_spaces_and_blank_lines_do_not_matter(tmp_path, change):
    plain = read_series([written(tmp_path, CSV)])
    other = read_series([written(tmp_path, CSV.replace(*change, -1 if "\n" in change[0] else 1), "other.csv")])
    assert [series.name for series in plain] == [series.name for series in other]
    for left, right in zip(plain, other, strict=True):
        assert left.time_s.tolist() == right.time_s.tolist()
        assert left.price.tolist() == right.price.tolist()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        (HEADER, "has no rows (allowed: at least one below the header)"),
        ("east,0,1,0.5\n", "line 1: header: must be zone,time_s,spot_available,spot_price (got 'east,0,1,0.5')"),
        (HEADER.replace("zone,", ""), "line 1: header: must be zone,time_s,spot_available,spot_price (got 'time_s,"),
        (HEADER + "east,0,1\n", "line 2: row: must be 4 fields (got 3)"),
        (HEADER + "east,0,1,0.5\neast,195,1,0,5\n", "line 3: row: must be 4 fields (got 5)"),
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
    ],
    ids=range(26),
)
def test_bad_csv(tmp_path, content, reason):
    (line,) = refused(written(tmp_path, content))
    assert reason in line


def test_what_is_not_text_is_told_line_by_line(tmp_path):
    assert refused(written(tmp_path, HEADER.encode() + b"caf\xe9,0,1,1\n")) == ["line 2: is not UTF-8 text"]
    lines = refused(written(tmp_path, HEADER.encode() + b"caf\xe9,0,1,1\n" * 20))
    assert lines[:20] == [f"line {number}: is not UTF-8 text" for number in range(2, 22)]


def test_many_lines_that_are_not_text_are_one(tmp_path):
    path = written(tmp_path, HEADER.encode() + b"caf\xe9,0,1,1\n" * 21)
    assert refused(path) == ["is not UTF-8 text: line 2 and 20 more; save it as UTF-8 first"]


def test_columns_in_another_order_below_row_numbers(tmp_path):
    expected = read_series([written(tmp_path, CSV)])
    rows = [line.split(",") for line in CSV.splitlines()]
    numbered = [["", *rows[0][::-1]], *([str(k), *row[::-1]] for k, row in enumerate(rows[1:]))]
    found = read_series([written(tmp_path, "\n".join(map(",".join, numbered)), "numbered.csv")])
    for one, other in zip(expected, found, strict=True):
        assert (one.name, one.end_s, one.sample_s) == (other.name, other.end_s, other.sample_s)
        for column in ("time_s", "capacity", "price"):
            assert np.array_equal(getattr(one, column), getattr(other, column))


def test_one_error_tells_twenty_problems_and_counts_the_rest(tmp_path):
    lines = refused(written(tmp_path, HEADER + "east,0,1,-1\n" + "east,0,1,1\n" * 29))
    assert len(lines) == 21
    assert lines[0] == "line 2: spot_price: must be a number from 0 to 10000 (got '-1')"
    assert lines[19] == "line 21: time_s: must be greater than 0, the zone's time before (got 0.0)"
    assert lines[20] == "and 10 more"


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(CSV)), removed=st.integers(0, 5), inserted=st.text(max_size=3))
def test_any_damage_to_a_file_is_read_or_refused_line_by_line(tmp_path_factory, place, removed, inserted):
    damaged = CSV[:place] + inserted + CSV[place + removed :]
    path = written(tmp_path_factory.mktemp("damage"), damaged.encode("utf-8", "surrogatepass"))
    try:
        replayed = read_series([path])
    except TraceError as error:
        assert all(line.startswith(f"{path}: ") and line.isprintable() for line in str(error).splitlines())
    else:
        for series in replayed:
            assert series.time_s[0] == 0
            assert np.all(np.diff(series.time_s) > 0)
            assert series.end_s >= series.time_s[-1]
            assert series.end_s > 0
            assert np.all(np.isfinite(series.price))
            assert np.all(series.capacity >= 0)


@pytest.mark.parametrize("content", [CSV, CSV.replace("\n", "\r\n"), "\ufeff" + CSV, CSV + "\n\n"])
def test_a_good_csv(tmp_path, content):
    assert listed(tmp_path, content) == []


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
        "line 5: row: must be 4 fields (got 3)",
        "line 6: spot_price: must be a number",
        "line 7: time_s: must be greater than 390",
        "line 7: spot_price: must be a number",
        "line 8: row: must be 4 fields (got 5)",
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
        (CSV.removeprefix(HEADER), ["line 1: header: must be zone,time_s,spot_available,spot_price"]),
        ('"zone\n",time_s,x,y\neast,0,1,1\n', ["line 1: header"]),
        ("zone;time\neast,0,1,1\n", ["line 1: header"]),
        (CSV.encode() + b"\xff\n\xfe,1\n", ["line 7: is not UTF-8", "line 8: is not UTF-8", "line 7: row"]),
    ],
)
def test_whole_csv_files(tmp_path, content, starts):
    problems = listed(tmp_path, content)
    for problem, start in zip(problems, starts, strict=False):
        assert problem.startswith(start), problems
    assert len(problems) >= len(starts)


def test_many_faults_take_time_in_proportion(tmp_path):
    """Reading what is left anew at each fault must not copy it: that took a minute for these lines."""
    begun = time.process_time()
    assert len(listed(tmp_path, HEADER + '"a"b,0,1,1\n' * 150_000)) == 150_000
    assert time.process_time() - begun < 15.0

"""CSV files with a known header: what is wrong in one place hides nothing below it."""

from pathlib import Path

import pytest

from tessera_env.files.csv_tables import Column, number, read_rows, records, whole
from tessera_env.files.problems import Problems

COLUMNS = (Column("count", *whole(0, 9)), Column("share", *number(0.0, 1.0)))


def told(folder: Path, text: str) -> list[str]:
    """The lines of the error that reading raises, without the file's name."""
    (folder / "t.csv").write_text(text)
    with pytest.raises(ValueError) as caught:
        read_rows(folder / "t.csv", COLUMNS, ValueError)
    return [line.removeprefix(f"{folder / 't.csv'}: ") for line in str(caught.value).splitlines()]


def test_rows_have_their_lines_and_values(tmp_path):
    (tmp_path / "t.csv").write_text("count,share\n1,0.5\n\n 2 , 1e-1\n")
    rows, problems = read_rows(tmp_path / "t.csv", COLUMNS, ValueError)
    assert [(row.line, row.values) for row in rows] == [
        (2, {"count": 1, "share": 0.5}),
        (4, {"count": 2, "share": 0.1}),
    ]
    assert problems.lines == []


def test_each_problem_is_told_in_the_order_of_the_file(tmp_path):
    text = 'count,share\n10,2\n1\n"2"x,1\n3,"0.5\n4,half\n'
    lines = told(tmp_path, text)
    assert lines[:3] == [
        "line 2: count: must be a whole number from 0 to 9 (got '10')",
        "line 2: share: must be a number from 0 to 1 (got '2')",
        "line 3: row: must be 2 fields (got 1)",
    ]
    assert lines[3].startswith("line 4: is not CSV (")
    assert lines[4].startswith("line 7: is not CSV (")  # the quote of line 5 never closes
    assert lines[5:] == ["line 6: share: must be a number from 0 to 1 (got 'half')"]


def test_rows_are_told_below_a_header_of_as_many_columns(tmp_path):
    header = "line 1: header: must be count,share (got 'count;share')"
    assert told(tmp_path, "count;share\n-1;2\n") == [header]
    header = "line 1: header: must be count,share (got 'counts,share')"
    assert told(tmp_path, "counts,share\n-1,1\n") == [
        header,
        "line 2: count: must be a whole number from 0 to 9 (got '-1')",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "share,count\n0.5,1\n0.25,2\n",
        ",count,share\n0,1,0.5\n1,2,0.25\n",
        "Unnamed: 0,share,count\n7,0.5,1.0\n3,0.25,2.00\n",
    ],
)
def test_what_a_data_frame_writes(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    rows, _ = read_rows(tmp_path / "t.csv", COLUMNS, ValueError)
    assert [row.values for row in rows] == [{"count": 1, "share": 0.5}, {"count": 2, "share": 0.25}]


@pytest.mark.parametrize(
    ("header", "which"),
    [
        ("index,count,share", "column 'index'"),
        ("count,share,", "column ''"),
        (",note,share,count,count", "columns 'note', 'count'"),
    ],
)
def test_surplus_columns_are_named(tmp_path, header, which):
    (line,) = told(tmp_path, f"{header}\n" + "x,y,z\n" * 5)
    assert line == f"line 1: header: has the surplus {which} (allowed: count,share)"


def test_a_column_without_a_name_holds_row_numbers(tmp_path):
    lines = told(tmp_path, ",count,share\n0,1\n0,1,2\neast,1,1\nwest,1,1\n")
    assert lines == [
        "line 2: row: must be 3 fields (got 2)",
        "line 3: share: must be a number from 0 to 1 (got '2')",
        "line 4: first column, without a name: must be a row's number (got 'east')",
    ]


@pytest.mark.parametrize("count", ["1.5", "1e0", ".0", "1.0.0", "1_0", "٣", "+1", "9" * 30])
def test_what_is_no_whole_number(tmp_path, count):
    (line,) = told(tmp_path, f"count,share\n{count},1\n")
    assert line.startswith("line 2: count: must be a whole number from 0 to 9 (got ")


def test_a_row_in_the_headers_place_is_one(tmp_path):
    problems = Problems(Path("t.csv"), ValueError)
    assert list(records("1,1\n2,0\n", COLUMNS, problems)) == [(1, ["1", "1"]), (2, ["2", "0"])]
    assert problems.lines == ["t.csv: line 1: header: must be count,share (got '1,1')"]


def test_names_of_files_stay_on_one_line():
    problems = Problems(Path("a\nb.csv"), ValueError)
    problems.note("is odd")
    assert problems.lines == [r"'a\nb.csv': is odd"]


def test_of_many_surplus_columns_the_first_are_told(tmp_path):
    (line,) = told(tmp_path, "count,share" + "," * 500 + "\n")[:1]
    assert "has the surplus columns '', '', '', '', '' and 495 more (allowed: count,share)" in line

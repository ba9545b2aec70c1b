"""CSV files with a known header, read strictly: every value that is not allowed is one line, and one error tells all.

A byte order mark, carriage returns and blank lines are no problem; a missing column, a ragged row, text where a number
belongs, NaN or infinity are. What data frames write is read where it means the same: columns in another order, row
numbers in a first column without a name, `1.0` as a whole number.
"""

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tessera_env.files.problems import Problems, shown
from tessera_env.files.reading import read_text

_MOST_NAMES = 5  # of surplus columns that are told
_NAMELESS = ("", "Unnamed: 0")  # of a data frame's row numbers: as written, and as read and written again


@dataclass(frozen=True)
class Column:
    """What a field of the file may hold: `parse` gives its value, never None, or raises ValueError."""

    name: str
    parse: Callable[[str], Any]
    allowed: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row's values by column, and the line where it ends."""

    line: int
    values: dict[str, Any]


def read_rows(path: Path, columns: Sequence[Column], error: type[ValueError]) -> tuple[list[Row], Problems]:
    """All rows of a file whose header is these columns, in any order; the caller may note problems of its own.

    Raises:
        error: the file is unreadable, empty or has no rows; or, one line for each of the first 20, it is not CSV, has
            another header, or values that are not allowed.
    """
    text, problems = read_text(path, error), Problems(path, error)
    if not text.strip():
        problems.refuse(f"is empty (allowed: {_header(columns)} and rows below)")
    rows = [row for line, fields in records(text, columns, problems) if (row := _row(line, fields, columns, problems))]
    problems.raise_any()
    if not rows:
        problems.refuse("has no rows (allowed: at least one below the header)")
    return rows, problems


@dataclass(frozen=True)
class _Header:
    """Where the columns stand in a file."""

    places: Sequence[int]  # of each column, in the order in which they are asked for
    width: int
    has_row_numbers: bool


def records(text: str, columns: Sequence[Column], problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields without spaces around them) of every row as wide as the header above, in the columns' order.

    All else is noted: another header, a row with fewer or more fields, what is not CSV. Below a wrong header of as many
    columns reading goes on; where the header is missing, with the first row.
    """
    rows = _lines_of_fields(text.split("\n"), problems)
    line, first = next(rows)
    header = _read_header(first, columns, problems)
    if header is None:
        return
    if first is not None and len(first) == len(columns) and _is_data(first, columns):
        yield line, first
    for line, fields in rows:
        if not fields:
            continue
        if len(fields) != header.width:
            problems.add(f"line {line}: row", f"{header.width} fields", len(fields))
        elif header.has_row_numbers and not fields[0].isdigit():
            problems.add(f"line {line}: first column, without a name", "a row's number", fields[0])
            return
        else:
            yield line, [fields[place] for place in header.places]


def _read_header(first: list[str] | None, columns: Sequence[Column], problems: Problems) -> _Header | None:
    """What the first row says; None, and noted, where that does not tell the columns. It may be no CSV at all."""
    names, width = [column.name for column in columns], len(columns)
    as_asked = _Header(range(width), width, has_row_numbers=False)
    if first is None or first == names:
        return as_asked
    has_row_numbers = len(first) > 1 and first[0] in _NAMELESS
    found = first[1:] if has_row_numbers else first
    if set(names) - set(found):
        problems.add("line 1: header", _header(columns), ",".join(first))
        return as_asked if len(first) == width else None
    if surplus := Counter(found) - Counter(names):
        others = list(surplus.elements())
        which = f"column{'s' if len(others) > 1 else ''} {', '.join(map(shown, others[:_MOST_NAMES]))}"
        more = f" and {len(others) - _MOST_NAMES} more" if len(others) > _MOST_NAMES else ""
        problems.note(f"line 1: header: has the surplus {which}{more} (allowed: {_header(columns)})")
        return None
    return _Header([first.index(name) for name in names], len(first), has_row_numbers)


def value_of(line: int, column: Column, field: str, problems: Problems) -> Any:
    """A field's value; None, and noted, if it is not allowed."""
    try:
        return column.parse(field)
    except ValueError:
        problems.add(f"line {line}: {column.name}", column.allowed, field)
        return None


def check_unique(rows: Sequence[Row], column: str, problems: Problems) -> None:
    """Note every row whose value in this column an earlier row has already."""
    seen = set()
    for row in rows:
        value = row.values[column]
        if value in seen:
            problems.add(f"line {row.line}: {column}", "a value that no row before has", value)
        seen.add(value)


def number(low: float, high: float, blank: float | None = None) -> tuple[Callable[[str], float], str]:
    """A decimal number within bounds; a blank field is this value, where one is given."""
    optional = "" if blank is None else ", or blank"
    return _bounded(_decimal, low, high, blank), f"a number from {low:g} to {high:g}{optional}"


def whole(low: int, high: int) -> tuple[Callable[[str], int], str]:
    """A whole number within bounds, which may be written with a fraction of 0."""
    return _bounded(_digits, low, high, None), f"a whole number from {low} to {high}"


def one_of(*names: str) -> tuple[Callable[[str], str], str]:
    """One of these texts."""

    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(text)
        return text

    return parse, f"one of {', '.join(names)}"


def text(pattern_matches: Callable[[str], Any], allowed: str) -> tuple[Callable[[str], str], str]:
    """A text that the function accepts by a true value."""

    def parse(field: str) -> str:
        if not pattern_matches(field):
            raise ValueError(field)
        return field

    return parse, allowed


def _bounded(parse: Callable[[str], Any], low: float, high: float, blank: Any) -> Callable[[str], Any]:
    def bounded(field: str) -> Any:
        if blank is not None and not field:
            return blank
        value = parse(field)
        if not low <= value <= high:
            raise ValueError(field)
        return value

    return bounded


def _decimal(field: str) -> float:
    """Python also takes underscores, and digits of other scripts, which no CSV file means."""
    value = float(field) if field.isascii() and "_" not in field else math.nan
    return value if math.isfinite(value) else math.nan


def _digits(field: str) -> int:
    digits, _, fraction = field.partition(".")
    if not (field.isascii() and digits.isdigit() and len(digits) < 19 and not fraction.strip("0")):
        raise ValueError(field)
    return int(digits)


def _row(line: int, fields: list[str], columns: Sequence[Column], problems: Problems) -> Row | None:
    values = {
        column.name: value_of(line, column, field, problems) for column, field in zip(columns, fields, strict=True)
    }
    return None if None in values.values() else Row(line, values)


def _header(columns: Sequence[Column]) -> str:
    return ",".join(column.name for column in columns)


def _is_data(fields: list[str], columns: Sequence[Column]) -> bool:
    """Whether these may be a row's values."""
    probe = Problems(Path(), ValueError)
    return _row(1, fields, columns, probe) is not None


def _lines_of_fields(lines: list[str], problems: Problems) -> Iterator[tuple[int, list[str] | None]]:
    """(number of its last line, fields without spaces around them) of each record; None, and noted, if it is not CSV.

    After a fault it goes on with the line after the record's first.
    """
    start = 0
    while start < len(lines):
        rest = (lines[k] for k in range(start, len(lines)))  # a copy at each fault would take quadratic time
        reader, begun = csv.reader(rest, strict=True), 0
        try:
            for row in reader:
                yield start + reader.line_num, [field.strip() for field in row]
                begun = reader.line_num
            return
        except csv.Error as error:
            problems.note(f"line {start + reader.line_num}: is not CSV ({error})")
            yield start + reader.line_num, None
            start += begun + 1

"""CSV files with a known header, read strictly: every value that is not allowed is one line, and one error tells all.

A byte order mark, carriage returns and blank lines are no problem; a missing column, a ragged row, text where a number
belongs, NaN or infinity are.
"""

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tessera_env.files.reading import read_text

MAX_LINES = 20
MAX_SHOWN = 60


@dataclass(frozen=True)
class Column:
    """What a field of the file may hold: `parse` gives its value, or raises ValueError."""

    name: str
    parse: Callable[[str], Any]
    allowed: str


@dataclass(frozen=True)
class Row:
    """One row's values by column, and the line where it ends."""

    line: int
    values: dict[str, Any]


class Problems:
    """Lines about one file, of which an error tells the first."""

    def __init__(self, path: Path, error: type[ValueError]):
        self.path, self.error = path, error
        self.lines: list[str] = []

    def add(self, line: int, column: str, allowed: str, value: Any) -> None:
        """Note that a value is not what is allowed there."""
        self.lines.append(f"{self.path}: line {line}: {column}: must be {allowed} (got {_shown(value)})")

    def refuse(self, text: str) -> NoReturn:
        """Give up at once, with what is wrong with the file as a whole."""
        raise self.error(f"{self.path}: {text}")

    def raise_any(self) -> None:
        """Raise one error of all that was noted, if anything was."""
        told = self.lines[:MAX_LINES]
        if len(self.lines) > MAX_LINES:
            told.append(f"{self.path}: and {len(self.lines) - MAX_LINES} more")
        if told:
            raise self.error("\n".join(told))


def read_rows(path: Path, columns: Sequence[Column], error: type[ValueError]) -> tuple[list[Row], Problems]:
    """All rows of a file whose header is exactly these columns; the caller may note problems of its own.

    Raises:
        error: the file is unreadable, empty, not CSV, has another header or no rows; or, one line for each of the
            first 20, values are not allowed.
    """
    text, problems = read_text(path, error), Problems(path, error)
    header = [column.name for column in columns]
    if not text.strip():
        problems.refuse(f"is empty (allowed: {','.join(header)} and rows below)")
    rows = [row for line, fields in _fields(text, header, problems) if (row := _row(line, fields, columns, problems))]
    problems.raise_any()
    if not rows:
        problems.refuse("has no rows (allowed: at least one below the header)")
    return rows, problems


def check_unique(rows: Sequence[Row], column: str, problems: Problems) -> None:
    """Note every row whose value in this column an earlier row has already."""
    seen = set()
    for row in rows:
        value = row.values[column]
        if value in seen:
            problems.add(row.line, column, "a value that no row before has", value)
        seen.add(value)


def number(low: float, high: float, blank: float | None = None) -> tuple[Callable[[str], float], str]:
    """A decimal number within bounds; a blank field is this value, where one is given."""
    optional = "" if blank is None else ", or blank"
    return _bounded(_decimal, low, high, blank), f"a number from {low:g} to {high:g}{optional}"


def whole(low: int, high: int) -> tuple[Callable[[str], int], str]:
    """A whole number within bounds."""
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
    if not (field.isascii() and field.isdigit() and len(field) < 19):
        raise ValueError(field)
    return int(field)


def _fields(text: str, header: list[str], problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields without spaces around them) of every row below the header that has as many."""
    reader = csv.reader(text.split("\n"), strict=True)
    try:
        found = [field.strip() for field in next(reader)]
        if found != header:
            problems.refuse(f"line 1: header: must be {','.join(header)} (got {_shown(','.join(found))})")
        for row in reader:
            if len(row) == len(header):
                yield reader.line_num, [field.strip() for field in row]
            elif row:
                problems.add(reader.line_num, "row", f"{len(header)} fields", len(row))
    except csv.Error as error:
        problems.refuse(f"line {reader.line_num}: is not CSV ({error})")


def _row(line: int, fields: list[str], columns: Sequence[Column], problems: Problems) -> Row | None:
    values = {}
    for column, field in zip(columns, fields, strict=True):
        try:
            values[column.name] = column.parse(field)
        except ValueError:
            problems.add(line, column.name, column.allowed, field)
    return Row(line, values) if len(values) == len(columns) else None


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 3] + "..."

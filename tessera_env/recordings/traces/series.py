"""Recorded spot markets: a CSV file of change points, or JSON files of samples, as series that can be replayed.

A trace says its polarity (the CSV form in its header, the JSON form through what the user names); nothing guesses
it. Every problem is one line with file, line or sample, field, value and what is allowed.
"""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from tessera_env.files.reading import read_text
from tessera_env.recordings.bundled import BUNDLED, trace_path

CSV_HEADER = ["zone", "time_s", "spot_available", "spot_price"]
MEMBERS = ("metadata", "data", "prices")  # of a JSON file
MAX_COUNT = 1_000_000
MAX_PRICE = 10_000.0
MAX_TIME_S = 1e10
MAX_SHOWN = 60
ZONE_NAMES = "a name of 1 to 100 printable characters"

Polarity = Literal["available", "unavailable"]


class TraceError(ValueError):
    """A trace that cannot be used; its text is one line."""


@dataclass(frozen=True, eq=False)
class Series:
    """One recorded pool: n change points, each holding until the next."""

    name: str
    time_s: NDArray[np.float64]  # (n,) rising strictly from 0
    capacity: NDArray[np.int64]  # (n,) instances to be had
    price: NDArray[np.float64] | None  # (n,) $/h; None where none was recorded
    end_s: float  # the last point holds until here
    sample_s: float  # all times are multiples of this


def read_series(paths: Sequence[str], polarity: Polarity | None = None) -> tuple[Series, ...]:
    """All series of a bundled trace (its name), a CSV file, or JSON files, whose polarity must be named.

    Raises:
        TraceError: a file cannot be used, or two series have the same name.
    """
    found = tuple(series for path in paths for series in _read(path, polarity))
    names = [series.name for series in found]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise TraceError(
                f"{paths[index]}: series {name!r} is already taken by another file (allowed: unique names)"
            )
    return found


def _read(path: str, polarity: Polarity | None) -> tuple[Series, ...]:
    end_s, file = BUNDLED[path].end_s if path in BUNDLED else None, trace_path(path)
    try:
        status = file.stat()
        changed, length = status.st_mtime_ns, status.st_size
    except (OSError, ValueError):  # reading it below says what is wrong
        changed, length = 0, 0
    return _read_once(file, polarity, end_s, changed, length)


@lru_cache(maxsize=32)
def _read_once(
    file: Path, polarity: Polarity | None, end_s: float | None, _changed: int, _length: int
) -> tuple[Series, ...]:
    """Parsed once for each version of the file; the arrays are read-only, so sharing them is safe."""
    text = read_text(file, TraceError)
    if not text.strip():
        raise TraceError(f"{file}: is empty (allowed: {','.join(CSV_HEADER)} rows, or a JSON object)")
    if file.suffix.lower() == ".json":
        if polarity is None:
            raise TraceError(f"{file}: polarity: must be 'available' or 'unavailable' (got none)")
        return (_json_series(text, file, polarity),)
    if polarity == "unavailable":
        raise TraceError(f"{file}: polarity: must be 'available' or none, its header says so (got 'unavailable')")
    return _csv_series(text, file, end_s)


# ---- CSV: change points of several zones


def _csv_series(text: str, file: Path, end_s: float | None) -> tuple[Series, ...]:
    zones: dict[str, list[tuple[float, int, float]]] = {}
    for line, row in _csv_rows(text, file):
        where = f"{file}: line {line}"
        zone = row[0].strip()
        if not is_zone_name(zone):
            _refuse(where, "zone", ZONE_NAMES, row[0])
        point = (
            _number(where, "time_s", row[1], MAX_TIME_S),
            _count(where, "spot_available", row[2]),
            _number(where, "spot_price", row[3], MAX_PRICE),
        )
        _check_time(where, zones.setdefault(zone, []), point[0])
        zones[zone].append(point)
    if not zones:
        raise TraceError(f"{file}: has no rows (allowed: at least one below the header)")
    sample_s = _common_step_s([point[0] for points in zones.values() for point in points])
    if end_s is None:
        end_s = max(points[-1][0] for points in zones.values()) + sample_s
    return tuple(_series(zone, points, end_s, sample_s) for zone, points in zones.items())


def is_zone_name(zone: str) -> bool:
    """Whether a zone can be called so; control characters would reach the terminal with every message."""
    return 1 <= len(zone) <= 100 and zone.isprintable()


def _csv_rows(text: str, file: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of every row below the header."""
    reader = csv.reader(text.split("\n"), strict=True)
    try:
        header = [field.strip() for field in next(reader)]
        if header != CSV_HEADER:
            _refuse(f"{file}: line 1", "header", ",".join(CSV_HEADER), ",".join(header))
        for row in reader:
            if not row:
                continue
            if len(row) != len(CSV_HEADER):
                _refuse(f"{file}: line {reader.line_num}", "row", f"{len(CSV_HEADER)} fields", f"{len(row)} fields")
            yield reader.line_num, row
    except csv.Error as error:
        raise TraceError(f"{file}: line {reader.line_num}: is not CSV ({error})") from None


def _check_time(where: str, points: list[tuple[float, int, float]], time_s: float) -> None:
    if not points and time_s != 0.0:
        _refuse(where, "time_s", "0 in a zone's first row", time_s)
    if points and time_s <= points[-1][0]:
        _refuse(where, "time_s", f"greater than {points[-1][0]:g}, the zone's time before", time_s)


def _number(where: str, field: str, text: str, highest: float) -> float:
    try:
        value = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= highest:
        _refuse(where, field, f"a number from 0 to {highest:g}", text)
    return value


def _count(where: str, field: str, text: str) -> int:
    if not (text.strip().isascii() and text.strip().isdigit() and len(text) < 10 and int(text) <= MAX_COUNT):
        _refuse(where, field, f"a whole number from 0 to {MAX_COUNT}", text)
    return int(text)


def _common_step_s(times_s: list[float]) -> float:
    """The longest step in whole seconds that every time is a multiple of; 1 s where times have fractions."""
    if not all(time_s.is_integer() for time_s in times_s):
        return 1.0
    return float(math.gcd(*(int(time_s) for time_s in times_s)) or 1)


# ---- JSON: samples of one pool


def _json_series(text: str, file: Path, polarity: Polarity) -> Series:
    document = _json_document(text, file)
    metadata = _member(document, "metadata", dict, f"{file}", "an object")
    gap_s = _member(metadata, "gap_seconds", (int, float), f"{file}: metadata", "a number from 1 to 1000000")
    if not 1.0 <= gap_s <= 1e6:
        _refuse(f"{file}: metadata", "gap_seconds", "a number from 1 to 1000000", gap_s)
    data = _member(document, "data", list, f"{file}", "a list of whole numbers")
    if not data:
        _refuse(f"{file}", "data", "a list of at least one sample", data)
    highest = 1 if polarity == "unavailable" else MAX_COUNT
    counts = [_json_count(f"{file}: sample {index}", value, highest) for index, value in enumerate(data)]
    if polarity == "unavailable":
        counts = [1 - count for count in counts]
    prices = _json_prices(document, file, len(data))
    points = [
        (index * float(gap_s), count, prices[index] if prices else math.nan) for index, count in enumerate(counts)
    ]
    return _series(file.stem, points, len(data) * float(gap_s), float(gap_s), has_prices=prices is not None)


def _json_document(text: str, file: Path) -> dict[str, Any]:
    def refuse_constant(name: str) -> NoReturn:
        raise TraceError(f"{file}: has {name} (allowed: finite numbers)")

    def unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
            raise TraceError(f"{file}: has the member {_shown(twice)} twice (allowed: once)")
        return members

    try:
        document = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=unique_members)
    except TraceError:
        raise
    except json.JSONDecodeError as error:
        raise TraceError(f"{file}: line {error.lineno}: is not JSON ({error.msg})") from None
    except RecursionError:
        raise TraceError(f"{file}: is nested too deeply (allowed: a JSON object of metadata, data, prices)") from None
    except ValueError:
        raise TraceError(f"{file}: has an integer of thousands of digits (allowed: up to {MAX_COUNT})") from None
    if not isinstance(document, dict):
        _refuse(f"{file}", "document", "a JSON object of metadata, data, prices", document)
    for key in unknown_members(document):
        raise TraceError(f"{file}: {key}: is not a known member (allowed: {', '.join(MEMBERS)})")
    return document


def unknown_members(document: dict[str, Any]) -> list[str]:
    """Members that a trace does not have, as text of one short line each."""
    unknown = sorted(set(document) - set(MEMBERS))
    return [key if key.isprintable() and len(key) <= MAX_SHOWN else _shown(key) for key in unknown]


def _member(owner: dict[str, Any], key: str, kind: type | tuple[type, ...], where: str, allowed: str) -> Any:
    if key not in owner:
        raise TraceError(f"{where}: {key}: is missing (allowed: {allowed})")
    value = owner[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        _refuse(where, key, allowed, value)
    return value


def _json_count(where: str, value: Any, highest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= highest:
        _refuse(where, "data", f"a whole number from 0 to {highest}", value)
    return value


def _json_prices(document: dict[str, Any], file: Path, length: int) -> list[float] | None:
    if "prices" not in document:
        return None
    prices = _member(document, "prices", list, f"{file}", "a list of numbers")
    if len(prices) != length:
        _refuse(f"{file}", "prices", f"a list as long as data, {length}", f"{len(prices)} prices")
    for index, price in enumerate(prices):
        if not isinstance(price, int | float) or isinstance(price, bool) or not 0.0 <= price <= MAX_PRICE:
            _refuse(f"{file}: sample {index}", "prices", f"a number from 0 to {MAX_PRICE:g}", price)
    return [float(price) for price in prices]


# ---- both


def _series(
    name: str, points: list[tuple[float, int, float]], end_s: float, sample_s: float, has_prices: bool = True
) -> Series:
    """Only the points where something changes, as read-only arrays."""
    kept = [points[0]]
    for point in points[1:]:
        if point[1] != kept[-1][1] or (has_prices and point[2] != kept[-1][2]):
            kept.append(point)
    columns = [np.array([point[k] for point in kept], dtype) for k, dtype in ((0, "f8"), (1, "i8"), (2, "f8"))]
    for column in columns:
        column.flags.writeable = False
    return Series(name, columns[0], columns[1], columns[2] if has_prices else None, end_s, sample_s)


def _refuse(where: str, field: str, allowed: str, value: Any) -> NoReturn:
    raise TraceError(f"{where}: {field}: must be {allowed} (got {_shown(value)})")


def _shown(value: Any) -> str:
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):
        return "a value too long to print"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."

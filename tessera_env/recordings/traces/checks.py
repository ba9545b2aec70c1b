"""Everything that is wrong with a trace file, line by line and sample by sample; the reader stops at the first problem.

Each rule is the reader's own, so a file without problems can be read, and one that the reader refuses has some.
"""

import csv
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tessera_env.files.reading import MAX_BYTES, read_text
from tessera_env.recordings.bundled import trace_path
from tessera_env.recordings.traces.series import (
    CSV_HEADER,
    MAX_COUNT,
    MAX_PRICE,
    MAX_TIME_S,
    MEMBERS,
    ZONE_NAMES,
    Polarity,
    TraceError,
    _check_time,
    _count,
    _json_count,
    _member,
    _number,
    _refuse,
    _shown,
    is_zone_name,
    unknown_members,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")  # as scenarios name zones
_NAME_ALLOWED = "letters, digits and _ . : - only, a letter or digit first, to be named in a scenario"


def problems_of_trace(name: str, polarity: Polarity | None = None) -> list[str]:
    """One line a problem, in the order of the file; empty if the trace can be used.

    Args:
        name: a bundled trace's name or a path.
        polarity: what a 1 in a JSON file means; if not given, counts above 1 are allowed.

    Raises:
        TraceError: there is no such file, or it cannot be opened.
    """
    file = trace_path(name)
    text, problems = _text(file)
    if not text.strip():
        return [*problems, f"{file}: is empty (allowed: {','.join(CSV_HEADER)} rows, or a JSON object)"]
    if file.suffix.lower() == ".json":
        return problems + list(_json_problems(text, str(file), polarity))
    if polarity == "unavailable":
        problems.append(f"{file}: polarity: must be 'available' or none, its header says so (got 'unavailable')")
    return problems + list(_csv_problems(text, str(file)))


def _text(file: Path) -> tuple[str, list[str]]:
    """The file's text, and a problem for each line that is not UTF-8, whose wrong bytes become question marks."""
    try:
        return read_text(file, TraceError), []
    except TraceError:
        data = _bytes(file)
        if data is None:
            raise
    lines = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").split(b"\n")
    problems = [f"{file}: line {k}: is not UTF-8 text" for k, line in enumerate(lines, 1) if not _is_text(line)]
    return "\n".join(line.decode("utf-8", "replace") for line in lines), problems


def _bytes(file: Path) -> bytes | None:
    """What a regular file of a sensible size holds; none if it cannot be read."""
    try:
        return file.read_bytes() if file.is_file() and file.stat().st_size <= MAX_BYTES else None
    except (OSError, ValueError):
        return None


def _is_text(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _refusals(check: Callable[..., Any], *arguments: Any) -> list[str]:
    """What one of the reader's checks says: its error, or nothing."""
    try:
        check(*arguments)
    except TraceError as error:
        return [str(error)]
    return []


# ---- CSV


def _csv_problems(text: str, file: str) -> Iterator[str]:
    records = _csv_records(text.split("\n"))
    first = next(records)
    yield from _header_problems(file, *first)
    rows = 0
    previous_s: dict[str, float] = {}  # the time of each zone's last row; NaN: it had none
    for line, row in itertools.chain([first] if _is_data(first[1]) else [], records):
        if isinstance(row, str):
            yield f"{file}: line {line}: is not CSV ({row})"
        elif row:
            rows += 1
            yield from _row_problems(f"{file}: line {line}", row, previous_s)
    if rows == 0:
        yield f"{file}: has no rows (allowed: at least one below the header)"


def _csv_records(lines: list[str]) -> Iterator[tuple[int, list[str] | str]]:
    """(line number, fields or why there are none); after a fault it goes on with the line after the record's first."""
    start = 0
    while start < len(lines):
        rest = (lines[k] for k in range(start, len(lines)))  # a copy at each fault would take quadratic time
        reader, begun = csv.reader(rest, strict=True), 0
        try:
            for row in reader:
                yield start + reader.line_num, row
                begun = reader.line_num
            return
        except csv.Error as error:
            yield start + reader.line_num, str(error)
            start += begun + 1


def _header_problems(file: str, line: int, first: list[str] | str) -> list[str]:
    if isinstance(first, str):
        return [f"{file}: line {line}: is not CSV ({first})"]
    header = [field.strip() for field in first]
    if header == CSV_HEADER:
        return []
    return _refusals(_refuse, f"{file}: line 1", "header", ",".join(CSV_HEADER), ",".join(header))


def _is_data(first: list[str] | str) -> bool:
    """Whether the first row is one of data: then the header is missing, not wrong."""
    return (
        isinstance(first, list)
        and len(first) == len(CSV_HEADER)
        and not _refusals(_number, "", "", first[1], MAX_TIME_S)
    )


def _row_problems(where: str, row: list[str], previous_s: dict[str, float]) -> Iterator[str]:
    if len(row) != len(CSV_HEADER):
        yield from _refusals(_refuse, where, "row", f"{len(CSV_HEADER)} fields", f"{len(row)} fields")
        return
    zone = row[0].strip()
    if not is_zone_name(zone):
        yield from _refusals(_refuse, where, "zone", ZONE_NAMES, row[0])
    elif zone not in previous_s and not _NAME.fullmatch(zone):
        yield from _refusals(_refuse, where, "zone", _NAME_ALLOWED, row[0])
    wrong_time = _refusals(_number, where, "time_s", row[1], MAX_TIME_S)
    time_s = math.nan if wrong_time else float(row[1])
    before = [(previous_s[zone], 0, 0.0)] if zone in previous_s else []
    yield from wrong_time or _refusals(_check_time, where, before, time_s)
    yield from _refusals(_count, where, "spot_available", row[2])
    yield from _refusals(_number, where, "spot_price", row[3], MAX_PRICE)
    previous_s[zone] = time_s


# ---- JSON


def _json_problems(text: str, file: str, polarity: Polarity | None) -> Iterator[str]:
    faults: dict[str, None] = {}  # of the text itself, each once, in order
    members, broken = None, ""
    try:
        members = _json_document(text, faults)
    except json.JSONDecodeError as error:
        broken = f"{file}: line {error.lineno}: is not JSON ({error.msg})"
    except RecursionError:
        broken = f"{file}: is nested too deeply (allowed: a JSON object of metadata, data, prices)"
    for fault in faults:  # also those before the place where it broke
        yield f"{file}: {fault}"
    if broken:
        yield broken
        return
    if not isinstance(members, dict):
        yield from _refusals(_refuse, file, "document", "a JSON object of metadata, data, prices", members)
        return
    for key in unknown_members(members):
        yield f"{file}: {key}: is not a known member (allowed: {', '.join(MEMBERS)})"
    yield from _gap_problems(members, file)
    yield from _sample_problems(members, file, polarity)


def _json_document(text: str, faults: dict[str, None]) -> Any:
    """What the text says; what the reader refuses in it goes into `faults`."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for key, count in Counter(key for key, _ in pairs).items():
            if count > 1:
                faults[f"has the member {_shown(key)} twice (allowed: once)"] = None
        return dict(pairs)

    def constant(name: str) -> float:
        faults[f"has {name} (allowed: finite numbers)"] = None
        return math.nan

    def integer(digits: str) -> int:
        try:
            return int(digits)
        except ValueError:
            faults[f"has an integer of thousands of digits (allowed: up to {MAX_COUNT})"] = None
            return -1  # in its own place it is refused too

    return json.loads(text, object_pairs_hook=members, parse_constant=constant, parse_int=integer)


def _gap_problems(members: dict[str, Any], file: str) -> Iterator[str]:
    refusals = _refusals(_member, members, "metadata", dict, file, "an object")
    yield from refusals
    if refusals:
        return
    allowed, where = "a number from 1 to 1000000", f"{file}: metadata"
    refusals = _refusals(_member, members["metadata"], "gap_seconds", (int, float), where, allowed)
    yield from refusals
    if not refusals and not 1.0 <= members["metadata"]["gap_seconds"] <= 1e6:
        yield from _refusals(_refuse, where, "gap_seconds", allowed, members["metadata"]["gap_seconds"])


def _sample_problems(members: dict[str, Any], file: str, polarity: Polarity | None) -> Iterator[str]:
    """Problems of both lists, sample by sample."""
    highest = 1 if polarity == "unavailable" else MAX_COUNT
    refusals = _refusals(_member, members, "data", list, file, "a list of whole numbers")
    counts = [] if refusals else members["data"]
    if not refusals and not counts:
        refusals = _refusals(_refuse, file, "data", "a list of at least one sample", counts)
    yield from refusals
    prices: list[Any] = []
    if "prices" in members:
        refusals = _refusals(_member, members, "prices", list, file, "a list of numbers")
        prices = [] if refusals else members["prices"]
        if not refusals and len(prices) != len(counts):
            refusals = _refusals(
                _refuse, file, "prices", f"a list as long as data, {len(counts)}", f"{len(prices)} prices"
            )
        yield from refusals
    for index in range(max(len(counts), len(prices))):
        where = f"{file}: sample {index}"
        if index < len(counts):
            yield from _refusals(_json_count, where, counts[index], highest)
        if index < len(prices) and not _is_price(prices[index]):
            yield from _refusals(_refuse, where, "prices", f"a number from 0 to {MAX_PRICE:g}", prices[index])


def _is_price(value: Any) -> bool:
    """Whether a value of a JSON file is a price in $/h."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= MAX_PRICE

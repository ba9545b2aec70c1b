"""Traces by name or path: read strictly, or only checked; one reader finds all that is wrong.

Every problem is one line with file, line or sample, field, value and what is allowed.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from tessera_env.files.problems import Problems, named
from tessera_env.files.reading import read_text_of_lines, version_of
from tessera_env.recordings.bundled import BUNDLED, trace_path
from tessera_env.recordings.traces.change_points import HEADER, read_change_points
from tessera_env.recordings.traces.samples import read_samples
from tessera_env.recordings.traces.series import (
    NAMEABLE,
    NAMEABLE_WORDS,
    PRINTABLE_WORDS,
    Polarity,
    Series,
    TraceError,
    is_printable,
)


def read_series(paths: Sequence[str], polarity: Polarity | None = None) -> tuple[Series, ...]:
    """All series of a bundled trace (its name), a CSV file, or JSON files, whose polarity must be named.

    Raises:
        TraceError: a file cannot be used, one line for each of its first 20 problems; or two series have the same name.
    """
    found: dict[str, Series] = {}
    for path in paths:
        for series in _read(path, polarity):
            if series.name in found:
                raise TraceError(
                    f"{named(path)}: series {series.name!r} is already taken by another file (allowed: unique names)"
                )
            found[series.name] = series
    return tuple(found.values())


def problems_of_trace(name: str, polarity: Polarity | None = None) -> list[str]:
    """One line a problem, in the order of the file; empty if the trace can be used, and its zones named in a scenario.

    Args:
        name: a bundled trace's name or a path.
        polarity: what a 1 in a JSON file means; if not given, counts above 1 are allowed.

    Raises:
        TraceError: there is no such file, or it cannot be opened.
    """
    problems = Problems(trace_path(name), TraceError, keeps_all=True)
    _parsed(trace_path(name), polarity, None, problems, checked_only=True)
    return problems.lines


def _read(path: str, polarity: Polarity | None) -> tuple[Series, ...]:
    end_s, file = BUNDLED[path].end_s if path in BUNDLED else None, trace_path(path)
    return _read_once(file, polarity, end_s, version_of(file))


@lru_cache(maxsize=32)
def _read_once(
    file: Path, polarity: Polarity | None, end_s: float | None, _version: tuple[int, int]
) -> tuple[Series, ...]:
    """Parsed once for each version of the file; the arrays are read-only, so sharing them is safe."""
    problems = Problems(file, TraceError)
    series = _parsed(file, polarity, end_s, problems)
    problems.raise_any()
    return series


def _check_name(name: str, nameable: bool, problems: Problems) -> None:
    """Whether a JSON file has a name that its series can have, and a scenario can call it by."""
    if not is_printable(name):
        problems.add("file name", PRINTABLE_WORDS, name)
    elif nameable and not NAMEABLE.fullmatch(name):
        problems.add("file name", NAMEABLE_WORDS, name)


def _parsed(
    file: Path, polarity: Polarity | None, end_s: float | None, problems: Problems, checked_only: bool = False
) -> tuple[Series, ...]:
    """The file's series; none where there are problems. Only a check may leave open what a 1 means."""
    text = read_text_of_lines(file, problems)
    if not text.strip():
        problems.note(f"is empty (allowed: {HEADER} rows, or a JSON object)")
        return ()
    if file.suffix.lower() == ".json":
        if polarity is None and not checked_only:
            problems.note("polarity: must be 'available' or 'unavailable' (got none)")
        _check_name(file.stem, checked_only, problems)
        return read_samples(text, file.stem, polarity, problems)
    if polarity == "unavailable":
        problems.note("polarity: must be 'available' or none, its header says so (got 'unavailable')")
    return read_change_points(text, end_s, problems, nameable=checked_only)

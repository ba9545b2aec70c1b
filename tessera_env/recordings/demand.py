"""Recorded demand of a service as rates on a grid, and the single requests where the file has them.

Three forms of CSV files are read:

- `counts`: `time_s,requests`, how many requests came between this time and the next row's. The last row's interval is
  as long as the one before. A count is spread evenly over its interval where the grid is another.
- `requests`: `time_s`, one row a request.
- `azure_llm`: `TIMESTAMP,ContextTokens,GeneratedTokens`, one row a request, as Azure's LLM inference trace of 2023 is
  published. Time stamps have up to nine digits behind the second; all rows name UTC, or none does.

Time counts from the first row, in steps of `bin_s`; each step's rate is that of its requests, so that none is lost. The
last step counts as whole, even if the recording ends within it.

Rows stand in the order of time, counts' at different times. Rows further apart than `longest_gap_s` are an error: as
far as a file tells, nobody measured in between. So is anything else (a ragged row, NaN, a negative number, another
form).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tessera_env.files.csv_tables import Column, Row, number, read_rows, whole
from tessera_env.files.numbers import exact, rounded_up
from tessera_env.files.paths import expanded
from tessera_env.files.problems import Problems
from tessera_env.files.reading import version_of
from tessera_env.recordings.time_stamps import ALLOWED, TimeStamp, time_stamp

DemandFormat = Literal["counts", "requests", "azure_llm"]
FORMATS = ("counts", "requests", "azure_llm")
MAX_TIME_S = 1e10
MAX_STEPS = 1_000_000
_ROUNDING = 1e-9  # of a step, by which an end may lie beyond its step

_TIME = Column("time_s", *number(0.0, MAX_TIME_S))
_TOKENS = whole(0, 100_000_000)
_COLUMNS = {
    "counts": (_TIME, Column("requests", *number(0.0, 1e12))),
    "requests": (_TIME,),
    "azure_llm": (
        Column("TIMESTAMP", time_stamp, ALLOWED),
        Column("ContextTokens", *_TOKENS),
        Column("GeneratedTokens", *_TOKENS),
    ),
}


class DemandError(ValueError):
    """A file of recorded demand that cannot be used; its text has one line a problem."""


@dataclass(frozen=True, eq=False)
class DemandRecording:
    """The rates of n steps, and the m requests where the file has single ones; arrays are read-only."""

    name: str
    bin_s: float
    requests_per_s: NDArray[np.float64]  # (n,)
    arrival_s: NDArray[np.float64] | None = None  # (m,) from 0
    context_tokens: NDArray[np.int64] | None = None  # (m,)
    generated_tokens: NDArray[np.int64] | None = None  # (m,)

    @property
    def end_s(self) -> float:
        """How long it is."""
        return len(self.requests_per_s) * self.bin_s


class _Rules(NamedTuple):
    """What the caller chooses."""

    bin_s: float
    longest_gap_s: float


class _Moment(NamedTuple):
    """A row's time."""

    line: int
    time_s: float  # from the first row's
    told: str  # as the file has it


def read_demand(
    path: str | Path, format: DemandFormat, *, bin_s: float = 60.0, longest_gap_s: float = 3_600.0
) -> DemandRecording:
    """The demand that a file records, by the rules above; parsed once for each version of the file.

    Args:
        path: of a CSV file.
        format: "counts", "requests" or "azure_llm".
        bin_s: the steps of the rates, s.
        longest_gap_s: rows may be so far apart, s.

    Raises:
        DemandError: the file, or one of its rows, cannot be used.
    """
    if format not in FORMATS:
        raise DemandError(f"format: must be one of {', '.join(FORMATS)} (got {format!r})")
    for name, value in (("bin_s", bin_s), ("longest_gap_s", longest_gap_s)):
        if not 0.0 < value <= MAX_TIME_S:
            raise DemandError(f"{name}: must be above 0 and at most {MAX_TIME_S:g} (got {value})")
    file = expanded(path)
    return _read_once(file, format, _Rules(bin_s, longest_gap_s), version_of(file))


@lru_cache(maxsize=16)
def _read_once(file: Path, format: DemandFormat, rules: _Rules, _version: tuple[int, int]) -> DemandRecording:
    rows, problems = read_rows(file, _COLUMNS[format], DemandError)
    if format == "counts":
        return _of_counts(file.name, rows, rules, problems)
    moments = _seconds(rows) if format == "requests" else _stamped(rows, problems)
    _check_times(moments, _COLUMNS[format][0].name, rules, problems, strictly=False)
    arrival_s = np.array([moment.time_s for moment in moments])
    count = math.floor(arrival_s[-1] / rules.bin_s) + 1
    _check_steps(count, arrival_s[-1], rules, problems)
    requests = np.bincount((arrival_s / rules.bin_s).astype(np.int64), minlength=count)
    return DemandRecording(
        file.name,
        rules.bin_s,
        _frozen(requests / rules.bin_s),
        _frozen(arrival_s),
        _tokens(rows, "ContextTokens"),
        _tokens(rows, "GeneratedTokens"),
    )


def _of_counts(name: str, rows: Sequence[Row], rules: _Rules, problems: Problems) -> DemandRecording:
    moments = _seconds(rows)
    _check_times(moments, "time_s", rules, problems, strictly=True)
    if len(moments) == 1:
        problems.refuse("has one row (allowed: two or more, whose times say how long a count's interval is)")
    times_s = [moment.time_s for moment in moments]
    end_s = times_s[-1] + (times_s[-1] - times_s[-2])
    count = math.ceil(end_s / rules.bin_s - _ROUNDING)
    _check_steps(count, end_s, rules, problems)
    requests = [row.values["requests"] for row in rows]
    rates = _spread(np.array([*times_s, end_s]), np.array(requests), rules.bin_s, count)
    return DemandRecording(name, rules.bin_s, _frozen(rates))


def _spread(edges_s: NDArray[np.float64], requests: NDArray[np.float64], bin_s: float, count: int) -> NDArray:
    """Rates of `count` steps, out of the requests between (n + 1,) edges."""
    steps_s = np.arange(count + 1) * bin_s
    after = np.minimum(np.searchsorted(edges_s, steps_s), len(edges_s) - 1)
    for near in (
        edges_s[after],
        edges_s[np.maximum(after - 1, 0)],
    ):  # 3 x 0.1 is an edge of 0.3: no sliver of its count
        steps_s = np.where(np.abs(steps_s - near) <= _ROUNDING * bin_s, near, steps_s)
    so_far = np.interp(steps_s, edges_s, np.concatenate(([0.0], np.cumsum(requests))))
    return np.diff(so_far) / bin_s


def _seconds(rows: Sequence[Row]) -> list[_Moment]:
    start_s = rows[0].values["time_s"]
    return [_Moment(row.line, row.values["time_s"] - start_s, exact(row.values["time_s"])) for row in rows]


def _stamped(rows: Sequence[Row], problems: Problems) -> list[_Moment]:
    """Times of rows with time stamps, which all say in one way what they are in."""
    first: TimeStamp = rows[0].values["TIMESTAMP"]
    moments = []
    for row in rows:
        stamp: TimeStamp = row.values["TIMESTAMP"]
        if stamp.has_zone != first.has_zone:
            allowed = f"with{'' if first.has_zone else 'out'} a zone, as in line {rows[0].line}"
            problems.add(f"line {row.line}: TIMESTAMP", allowed, stamp.text)
        moments.append(_Moment(row.line, (stamp.nanoseconds - first.nanoseconds) / 1e9, stamp.text))
    return moments


def _check_times(moments: Iterable[_Moment], column: str, rules: _Rules, problems: Problems, *, strictly: bool) -> None:
    """Whether they ascend, and without a hole."""
    for before, moment in pairwise(moments):
        if moment.time_s < before.time_s or (strictly and moment.time_s == before.time_s):
            bound = "later than" if strictly else "no earlier than"
            problems.add(f"line {moment.line}: {column}", f"{bound} the row before's {before.told}", moment.told)
        elif moment.time_s - before.time_s > rules.longest_gap_s:
            allowed = f"at most longest_gap_s = {exact(rules.longest_gap_s)} s after the row before's {before.told}"
            problems.add(f"line {moment.line}: {column}", allowed, moment.told)
    problems.raise_any()


def _check_steps(count: int, end_s: float, rules: _Rules, problems: Problems) -> None:
    if count > MAX_STEPS:
        least = rounded_up(end_s / MAX_STEPS, lambda bin_s: math.floor(end_s / bin_s) + 1 <= MAX_STEPS)
        problems.refuse(
            f"bin_s: must be at least {least} for this recording of {end_s / 3600.0:.6g} h (got {exact(rules.bin_s)})"
        )


def _tokens(rows: Sequence[Row], column: str) -> NDArray[np.int64] | None:
    if column not in rows[0].values:
        return None
    return _frozen(np.array([row.values[column] for row in rows], dtype=np.int64))


def _frozen(array: NDArray) -> NDArray:
    """The array, which its sharers cannot change."""
    array.setflags(write=False)
    return array

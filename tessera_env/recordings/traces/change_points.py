"""The CSV form of a trace: change points of several zones, of each in the order of time from 0 s on.

Its header says its polarity: counts are of instances to be had. With its last row, of whichever zone, all zones end,
since nothing says how long that row's own values held. A closing row that repeats its zone's values says when the
recording ended.
"""

import math

from tessera_env.files.csv_tables import Column, number, records, text, value_of, whole
from tessera_env.files.numbers import exact
from tessera_env.files.problems import Problems
from tessera_env.recordings.traces.series import (
    MAX_COUNT,
    MAX_PRICE,
    NAMEABLE,
    NAMEABLE_WORDS,
    PRINTABLE_WORDS,
    Series,
    is_printable,
    series_of,
)

_MAX_TIME_S = 1e10


_ZONE = Column("zone", *text(is_printable, PRINTABLE_WORDS))
_NAMEABLE_ZONE = Column("zone", *text(NAMEABLE.fullmatch, NAMEABLE_WORDS))
_TIME_S = Column("time_s", *number(0.0, _MAX_TIME_S))
_SPOT_AVAILABLE = Column("spot_available", *whole(0, MAX_COUNT))
_SPOT_PRICE = Column("spot_price", *number(0.0, MAX_PRICE))
_COLUMNS = (_ZONE, _TIME_S, _SPOT_AVAILABLE, _SPOT_PRICE)
HEADER = ",".join(column.name for column in _COLUMNS)


def read_change_points(
    text: str, end_s: float | None, problems: Problems, nameable: bool = False
) -> tuple[Series, ...]:
    """The zones' series; none where anything is not allowed, which is noted.

    Args:
        text: of the file, not blank.
        end_s: until when the last points hold; None: until the file's latest.
        problems: of the file.
        nameable: whether zones need names that a scenario can call them by.
    """
    zones: dict[str, list[tuple[float, int, float]]] = {}
    before_s: dict[str, float] = {}  # the time of each zone's last row; NaN: it had none that is allowed
    for line, fields in records(text, _COLUMNS, problems):
        point = _point(line, fields, before_s, nameable, problems)
        if point is not None:
            zones.setdefault(fields[0], []).append(point)
    if not zones and not problems.lines:
        problems.note("has no rows (allowed: at least one below the header)")
    latest_s = max((points[-1][0] for points in zones.values()), default=0.0)
    if latest_s == 0.0 and not problems.lines:
        problems.note("has no row after time_s 0 (allowed: a later one, with which the trace ends)")
    if problems.lines:
        return ()
    columns = {zone: tuple(zip(*points, strict=True)) for zone, points in zones.items()}
    sample_s = _common_step_s([time_s for times_s, _, _ in columns.values() for time_s in times_s])
    until_s = latest_s if end_s is None else end_s
    return tuple(
        series_of(zone, times_s, counts, prices, until_s, sample_s)
        for zone, (times_s, counts, prices) in columns.items()
    )


def _point(
    line: int, fields: list[str], before_s: dict[str, float], nameable: bool, problems: Problems
) -> tuple[float, int, float] | None:
    """A row's time, count and price; None where a value is not allowed."""
    zone = value_of(line, _ZONE, fields[0], problems)
    if nameable and zone is not None and zone not in before_s:
        value_of(line, _NAMEABLE_ZONE, zone, problems)
    time_s = value_of(line, _TIME_S, fields[1], problems)
    if time_s is not None:
        _check_time(line, time_s, before_s.get(fields[0]), problems)
    before_s[fields[0]] = math.nan if time_s is None else time_s
    capacity = value_of(line, _SPOT_AVAILABLE, fields[2], problems)
    price = value_of(line, _SPOT_PRICE, fields[3], problems)
    return None if None in (zone, time_s, capacity, price) else (time_s, capacity, price)


def _check_time(line: int, time_s: float, before_s: float | None, problems: Problems) -> None:
    """Whether a zone's times begin at 0 and rise."""
    if before_s is None and time_s != 0.0:
        problems.add(f"line {line}: time_s", "0 in a zone's first row", time_s)
    if before_s is not None and time_s <= before_s:
        problems.add(f"line {line}: time_s", f"greater than {exact(before_s)}, the zone's time before", time_s)


def _common_step_s(times_s: list[float]) -> float:
    """The longest step in whole seconds that every time is a multiple of; 1 s where times have fractions."""
    if not all(time_s.is_integer() for time_s in times_s):
        return 1.0
    return float(math.gcd(*(int(time_s) for time_s in times_s)) or 1)

"""Some zones of a trace, or some hours of it."""

import numpy as np

from tessera_env.files.numbers import exact, rounded_down
from tessera_env.files.problems import named
from tessera_env.recordings.traces.reading import read_series
from tessera_env.recordings.traces.series import HOUR_S, Polarity, Series, TraceError


def chosen_series(
    path: str, polarity: Polarity | None, zones: str | None, from_h: float = 0.0, until_h: float | None = None
) -> tuple[Series, ...]:
    """The zones, named in one text with commas between (None: all), between two hours of the trace (None: its end).

    Raises:
        TraceError: the trace cannot be read, has no such zone, or not these hours; one line a problem.
    """
    series = read_series([path], polarity)
    if zones is not None:
        series = tuple(_named(series, name.strip(), path) for name in dict.fromkeys(zones.split(",")))
    if from_h == 0.0 and until_h is None:
        return series
    end_h = min(one.end_s for one in series) / HOUR_S
    until_h = end_h if until_h is None else until_h
    if not 0.0 <= from_h < until_h <= end_h:
        raise TraceError(
            f"{named(path)}: hours: must be 0 <= from < until <= {rounded_down(end_h)}, its end "
            f"(got {exact(from_h)} to {exact(until_h)})"
        )
    return tuple(part_of(one, from_h * HOUR_S, until_h * HOUR_S) for one in series)


def part_of(series: Series, from_s: float, until_s: float) -> Series:
    """The series between two times, its clock set to 0 at the first; points within it stay where they were."""
    first = int(np.searchsorted(series.time_s, from_s, side="right")) - 1
    last = int(np.searchsorted(series.time_s, until_s, side="left"))
    time_s = np.maximum(series.time_s[first:last] - from_s, 0.0)
    price = None if series.price is None else series.price[first:last]
    return Series(series.name, time_s, series.capacity[first:last], price, until_s - from_s, series.sample_s)


def _named(series: tuple[Series, ...], name: str, path: str) -> Series:
    for one in series:
        if one.name == name:
            return one
    raise TraceError(f"{named(path)}: zone: must be one of {', '.join(one.name for one in series)} (got {name!r})")

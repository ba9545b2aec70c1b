"""Time stamps of CSV files, such as 2023-11-16 18:17:03.9799600, without loss of their last digits."""

import re
from datetime import datetime
from typing import NamedTuple

ALLOWED = "a time such as 2023-11-16 18:17:03.9799600, without a zone or in UTC"
_START = datetime(1970, 1, 1)
_FORM = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|\+00:00)?", re.ASCII)


class TimeStamp(NamedTuple):
    """An instant, and how it was written."""

    text: str
    nanoseconds: int  # since 1970
    has_zone: bool


def time_stamp(text: str) -> TimeStamp:
    """A date and a time of day, with up to nine digits behind the second; Python's own takes six.

    Raises:
        ValueError: it is none.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(text)
    date, time, fraction, zone = found.groups()
    since = datetime.fromisoformat(f"{date}T{time}") - _START
    whole_s = 86_400 * since.days + since.seconds
    return TimeStamp(text, 1_000_000_000 * whole_s + int((fraction or "").ljust(9, "0")), zone is not None)

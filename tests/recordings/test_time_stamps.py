"""Time stamps: every digit counts, and what is none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_env.recordings.time_stamps import time_stamp


@pytest.mark.parametrize(
    ("text", "nanoseconds", "has_zone"),
    [
        ("1970-01-01 00:00:00", 0, False),
        ("1970-01-02 00:00:01.5", 86_401_500_000_000, False),
        ("2023-11-16 18:17:03.9799600", 1_700_158_623_979_960_000, False),
        ("2023-11-16T18:17:03.979960001Z", 1_700_158_623_979_960_001, True),
        ("2023-11-16 18:17:03+00:00", 1_700_158_623_000_000_000, True),
        ("1969-12-31 23:59:59.25", -750_000_000, False),
        ("2024-02-29 12:00:00", 1_709_208_000_000_000_000, False),
    ],
)
def test_by_hand(text, nanoseconds, has_zone):
    assert time_stamp(text) == (text, nanoseconds, has_zone)


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 1, 1)), st.sampled_from(" T"))
def test_as_python_reads_it(instant, between):
    since = instant.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    microseconds = (86_400 * since.days + since.seconds) * 1_000_000 + since.microseconds
    assert time_stamp(instant.isoformat(between)).nanoseconds == 1_000 * microseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "18:17:03", "2023-11-16", "2023-13-16 18:17:03", "2023-02-29 00:00:00", "2023-11-16 24:00:00"),
        *("2023-11-16 18:17:60", "2023-11-16 18:17:03.", "2023-11-16 18:17:03.1234567890", "16.11.2023 18:17:03"),
        *("2023-11-16  18:17:03", "2023-11-16 18:17:03+01:00", "2023-11-16 18:17:03 UTC", "0000-01-01 00:00:00"),
        *("２023-11-16 18:17:03", "2023-11-16 18:17:03,5", "2023-11-16 18:17:03\n", "20231116T181703"),
    ],
)
def test_what_is_none(text):
    with pytest.raises(ValueError):
        time_stamp(text)

"""Numbers in messages: what is offered as a bound is itself allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_env.files.numbers import exact, rounded_down, rounded_up

NUMBERS = st.floats(1e-6, 1e12) | st.floats(-1e12, -1e-6)


@pytest.mark.parametrize(
    ("bound", "down", "up"),
    [
        (1074.5583333333334, "1074.55", "1074.56"),
        (1.0283333333333333, "1.02833", "1.02834"),
        (96.0, "96", "96"),
        (0.1, "0.1", "0.1"),
        (12345678.0, "12345600", "12345700"),
        (0.0, "0", "0"),
    ],
)
def test_six_digits_on_the_right_side(bound, down, up):
    assert (rounded_down(bound), rounded_up(bound)) == (down, up)


@given(NUMBERS)
def test_a_bound_is_allowed_and_near(bound):
    assert bound - 1e-5 * abs(bound) <= float(rounded_down(bound)) <= bound
    assert bound <= float(rounded_up(bound)) <= bound + 1e-5 * abs(bound)


def test_the_check_itself_decides():
    assert rounded_down(1.1, lambda hours: hours * 3600.0 <= 3960.0) == "1.09999"  # 1.1 x 3600 is above 3960
    assert rounded_up(1.1 + 1e-12, lambda hours: hours >= 1.1) == "1.1"


@given(NUMBERS)
def test_what_was_given_reads_back_as_it_was(value):
    assert float(exact(value)) == value

"""What happens while nothing is compiled yet, by the environment variable TESSERA_COMPILE."""

import os

VARIABLE = "TESSERA_COMPILE"
BESIDE, BEFORE = "beside", "before"
HELPER = "helper"  # of a process that compiles for others and has been handed the lock


def is_compiled_before() -> bool:
    """Whether each kernel is compiled in its own process before its first call; else beside it, by a helper.

    Raises:
        ValueError: the variable is neither.
    """
    value = os.environ.get(VARIABLE) or BESIDE
    if value not in (BESIDE, BEFORE, HELPER):
        raise ValueError(f"{VARIABLE}: unknown value {value!r} (allowed: {BESIDE}, {BEFORE})")
    return value != BESIDE


def is_helper() -> bool:
    """Whether this process holds the lock of the folder from its start on."""
    return os.environ.get(VARIABLE) == HELPER

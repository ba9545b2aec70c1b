"""What a wait for the compiler shows."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOGGER = logging.getLogger("tessera_env")
_TICK_S = 0.2


@contextmanager
def waiting() -> Iterator[Callable[[], None]]:
    """A function that sleeps a little, and shows on a terminal for how long; elsewhere the wait is told once."""
    started = time.monotonic()
    shown = False

    def tick() -> None:
        nonlocal shown
        if sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write(f"\rwaiting for the compiler, {time.monotonic() - started:.0f} s ")
            sys.stderr.flush()
        elif not shown:
            _LOGGER.warning("waiting for the compiler: so many rows would take longer as plain Python")
        shown = True
        time.sleep(_TICK_S)

    try:
        yield tick
    finally:
        if shown and sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

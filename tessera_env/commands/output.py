"""What subcommands share: the error that ends a run with one line, and printing that fails cleanly."""

import os
import sys
from collections.abc import Callable


class InputError(Exception):
    """What the user gave cannot be used; its text is what to tell."""


def print_text(text: str) -> None:
    """Write to standard output now.

    Raises:
        InputError: it cannot be written, such as to a full disk.
    """
    writing(lambda: (sys.stdout.write(text), sys.stdout.flush()), STANDARD_OUTPUT)


def writing(write: Callable[[], object], name: str) -> None:
    """Call `write`; name what could not be written if it fails.

    Raises:
        InputError: one line.
    """
    try:
        write()
    except OSError as error:
        if name == STANDARD_OUTPUT:
            _silence_stdout()
        raise InputError(f"{name}: cannot be written ({error.strerror or error})") from None


def terminal() -> tuple[int | None, bool]:
    """The width of tables and whether they are coloured: a terminal's, or as wide as they need and plain."""
    if not sys.stdout.isatty():
        return None, False
    return os.get_terminal_size(sys.stdout.fileno()).columns, "NO_COLOR" not in os.environ


STANDARD_OUTPUT = "standard output"


def _silence_stdout() -> None:
    """Python flushes standard output again when it exits, and would print a traceback of the same failure."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

"""What subcommands share: the error that ends a run with one line, and printing that fails cleanly."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import RenderableType

from tessera_env.files.folders import WritingError, system_reason
from tessera_env.files.problems import named
from tessera_env.report.terminal import rendered


class InputError(Exception):
    """What the user gave cannot be used; its text is what to tell."""


@contextmanager
def refusing() -> Iterator[None]:
    """What cannot be used or written ends the command with what is wrong about it.

    Raises:
        InputError: in place of a ValueError or an OSError.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        raise InputError(str(error)) from None


def print_notices(lines: Iterable[str]) -> None:
    """What one should know before the work begins: on standard error, so that tables stay as they are."""
    for line in lines:
        print(f"tessera: {line}", file=sys.stderr, flush=True)


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
        told = (
            str(error)
            if isinstance(error, WritingError)
            else f"{named(name)}: cannot be written ({system_reason(error)})"
        )
        raise InputError(told) from None


def write_all(writers: Mapping[str, Callable[[], object]]) -> list[str]:
    """Write every file, by its name; returns a line for each that could not be written."""
    failures = []
    for name, write in writers.items():
        try:
            writing(write, name)
        except InputError as failure:
            failures.append(str(failure))
    return failures


def terminal() -> tuple[int | None, bool]:
    """The width of tables and whether they are coloured: a terminal's, or as wide as they need and plain."""
    if not sys.stdout.isatty():
        return None, False
    return os.get_terminal_size(sys.stdout.fileno()).columns, "NO_COLOR" not in os.environ


def fitted_text(table: RenderableType) -> str:
    """A table, or several, as wide and coloured as the terminal is; elsewhere as wide as it needs, and plain."""
    width, colour = terminal()
    return rendered(table, colour, width)


STANDARD_OUTPUT = "standard output"


def _silence_stdout() -> None:
    """Python flushes standard output again when it exits, and would print a traceback of the same failure."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

"""The command `tessera`: a subcommand is a dataclass of its options; wrong input is one line and exit code 2."""

import io
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from typing import Protocol

import tyro

from tessera_env.commands.evaluate import Evaluate
from tessera_env.commands.output import InputError, print_text

WRONG_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class Command(Protocol):
    """A subcommand with its options parsed."""

    def run(self) -> None:
        """Do it; wrong input raises InputError."""
        ...


COMMANDS: dict[str, Callable[..., Command]] = {"evaluate": Evaluate}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        try:
            _parse(arguments).run()
        finally:
            print_text("")  # what is still buffered, such as a help text, must fail here and not at exit
    except InputError as error:
        return _fail(str(error), WRONG_INPUT)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except SystemExit as stop:  # tyro's, after a help text
        return stop.code if isinstance(stop.code, int) else 0
    return 0


def _parse(arguments: Sequence[str] | None) -> Command:
    """The subcommand that the arguments name; tyro's framed messages become one line."""
    captured = io.StringIO()
    try:
        with redirect_stderr(captured):
            return tyro.extras.subcommand_cli_from_dict(
                COMMANDS, prog="tessera", description="Cost-aware GPU work on spot instances.", args=arguments
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise InputError(_first_sentence(captured.getvalue())) from None


def _first_sentence(framed: str) -> str:
    """The text within a frame up to its first rule or empty line."""
    words: list[str] = []
    for line in framed.splitlines():
        text = line.strip("│ ")
        if line.startswith(("╭", "╰")):
            continue
        if not text.strip("─"):
            break
        words.append(text)
    return " ".join(words) + " (see tessera --help)" if words else framed.strip()


def _fail(message: str, code: int) -> int:
    for line in message.splitlines():
        print(f"tessera: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

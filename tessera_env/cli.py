"""The command `tessera`: a subcommand is a dataclass of its options; wrong input is one line and exit code 2."""

import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Protocol

import tyro

from tessera_env.evaluation import AUTO, DEFAULT_POLICIES, plan, run
from tessera_env.files import check_writable
from tessera_env.policies import POLICIES
from tessera_env.report import results_text
from tessera_env.scenario_files import parse_override, preset_names

WRONG_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class InputError(Exception):
    """What the user gave cannot be used; its text is what to tell."""


class Command(Protocol):
    """A subcommand with its options parsed."""

    def run(self) -> None:
        """Do it; wrong input raises InputError."""
        ...


@dataclass(frozen=True)
class Evaluate:
    """Compare policies on the same worlds.

    Every policy plays the same episodes. The table shows each one's mean cost and the paired difference to the
    baseline, with 95 % bootstrap intervals: one policy beats another only where the interval of the difference is
    clear of 0.
    """

    scenario: Annotated[
        str,
        tyro.conf.arg(
            metavar="NAME|FILE", help=f"A preset ({', '.join(preset_names())}) or the path of a scenario's TOML file."
        ),
    ] = "deadline-aws"

    policies: Annotated[
        str,
        tyro.conf.arg(
            metavar="NAME|FOLDER,...",
            help=f"Separated by commas: {', '.join(POLICIES)}, or folders of exported policies such as runs/latest. "
            "Options follow a colon: on_demand_fallback:count=3.",
        ),
    ] = ",".join(DEFAULT_POLICIES)

    episodes: Annotated[int, tyro.conf.arg(metavar="N", help="Worlds that every policy plays.")] = 200

    seed: Annotated[
        int, tyro.conf.arg(metavar="N", help="Of the worlds and of the bootstrap; the same seed gives the same bytes.")
    ] = 1

    baseline: Annotated[
        str,
        tyro.conf.arg(
            metavar="NAME",
            help="One of the policies, which the others are compared with in each world; none: no comparison; "
            "auto: greedy if it is evaluated, else the first policy.",
        ),
    ] = AUTO

    json: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="FILE", help="Write scenario, seed, versions and every episode's figures here; replaced at the end."
        ),
    ] = None

    set: Annotated[
        tuple[str, ...],
        tyro.conf.UseAppendAction,
        tyro.conf.arg(metavar="KEY=VALUE", help="Change one value of the scenario, such as task.deadline_h=70."),
    ] = ()

    threads: Annotated[
        int, tyro.conf.arg(metavar="N", help="Threads that advance the worlds; any number gives the same results.")
    ] = 1

    def run(self) -> None:
        """Check everything, then play, write and print."""
        try:
            planned = plan(
                self.scenario,
                [name.strip() for name in self.policies.split(",")],
                self.episodes,
                self.seed,
                None if self.baseline == "none" else self.baseline,
                threads=self.threads,
                overrides=dict(parse_override(text) for text in self.set),
            )
            if self.json is not None:
                check_writable(self.json)
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from None
        results = run(planned, progress=True)
        if self.json is not None:
            _writing(partial(results.write_json, self.json), self.json)
        _print(results_text(results, *_terminal()))


COMMANDS: dict[str, Callable[..., Command]] = {"evaluate": Evaluate}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        try:
            _parse(arguments).run()
        finally:
            _print("")  # what is still buffered, such as a help text, must fail here and not at exit
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


def _terminal() -> tuple[int | None, bool]:
    """The width of the table and whether it is coloured: a terminal's, or as wide as it needs and plain."""
    if not sys.stdout.isatty():
        return None, False
    return os.get_terminal_size(sys.stdout.fileno()).columns, "NO_COLOR" not in os.environ


def _print(text: str) -> None:
    _writing(lambda: (sys.stdout.write(text), sys.stdout.flush()), "standard output")


def _writing(write: Callable[[], object], name: str) -> None:
    try:
        write()
    except OSError as error:
        if name == "standard output":
            _silence_stdout()
        raise InputError(f"{name}: cannot be written ({error.strerror or error})") from None


def _silence_stdout() -> None:
    """Python flushes standard output again when it exits, and would print a traceback of the same failure."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _fail(message: str, code: int) -> int:
    for line in message.splitlines():
        print(f"tessera: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

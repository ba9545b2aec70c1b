"""The command `tessera`: a subcommand is a dataclass of its options; wrong input is one line and exit code 2."""

import inspect
import io
import os
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, Union

import tyro

from tessera_env.cli.compile import Compile
from tessera_env.cli.evaluate import Evaluate
from tessera_env.cli.output import InputError, print_notices, print_text
from tessera_env.cli.plot import Plot
from tessera_env.cli.scenarios import ScenariosFields, ScenariosList, ScenariosShow
from tessera_env.cli.simulate import Simulate
from tessera_env.cli.traces import TracesCheck, TracesFit, TracesList, TracesShow
from tessera_env.evaluation.failures import failure_of, own_traceback
from tessera_env.files.streams import take_any_text

WRONG_INPUT = 2
NO_MEMORY = 1
POLICY_FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class Command(Protocol):
    """A subcommand with its options parsed."""

    def run(self) -> None:
        """Do it; wrong input raises InputError."""
        ...


@dataclass(frozen=True)
class Group:
    """Subcommands of a subcommand."""

    summary: str  # its line in the help
    commands: "Commands"


Commands = Mapping[str, Callable[..., Command] | Group]

COMMANDS: Commands = {
    "simulate": Simulate,
    "evaluate": Evaluate,
    "plot": Plot,
    "compile": Compile,
    "traces": Group(
        "Recorded markets: what is bundled, what one is like, what is wrong with a file, worlds like it.",
        {"list": TracesList, "show": TracesShow, "check": TracesCheck, "fit": TracesFit},
    ),
    "scenarios": Group(
        "What worlds there are, and every value that defines one.",
        {"list": ScenariosList, "show": ScenariosShow, "fields": ScenariosFields},
    ),
}

DESCRIPTION = """What does GPU work cost on spot instances, and what does a policy save?

Examples:
  tessera simulate --duration 48 --tasks 100
  tessera evaluate --scenario fleet --policies greedy,on_demand_only --episodes 50"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    take_any_text()
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # where a policy of one's own, named as module:Class, is looked for
    try:
        try:
            _parse(sys.argv[1:] if arguments is None else arguments).run()
        finally:
            print_text("")  # what is still buffered, such as a help text, must fail here and not at exit
    except InputError as error:
        return _fail(str(error), WRONG_INPUT)
    except MemoryError:
        return _fail("there is not enough memory for this many tasks, points of prices, or worlds at once", NO_MEMORY)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except SystemExit as stop:  # tyro's, after a help text
        return stop.code if isinstance(stop.code, int) else 0
    except Exception as error:
        if (failure := failure_of(error)) is None:
            raise
        return _fail_by_policy(failure, error)
    return 0


def _parse(arguments: Sequence[str]) -> Command:
    """The subcommand that the arguments name, with its options."""
    level, description, words = COMMANDS, DESCRIPTION, ["tessera"]
    for place, name in enumerate(arguments):
        if name not in level:
            break
        chosen = level[name]
        words.append(name)
        if not isinstance(chosen, Group):
            return _parsed(chosen, words, arguments[place + 1 :], _laid_out(inspect.getdoc(chosen) or ""))
        level, description = chosen.commands, chosen.summary
    return _parsed(_one_of(level), words, arguments[len(words) - 1 :], description)


def _one_of(commands: Commands) -> Any:
    """What tyro reads as a choice of subcommands; the help shows one line of each."""
    members = []
    for name, command in commands.items():
        kind = _one_of(command.commands) if isinstance(command, Group) else command
        members.append(Annotated[kind, tyro.conf.subcommand(name=name, description=_summary(command))])
    return Union[tuple(members)]  # noqa: UP007  (its members are only known when it runs)


def _summary(command: Callable[..., Command] | Group) -> str:
    return command.summary if isinstance(command, Group) else (inspect.getdoc(command) or "").partition("\n")[0]


def _laid_out(documentation: str) -> str:
    """Paragraphs filled and indented, because tyro joins lines that start with a letter into one long line."""
    summary, _, rest = documentation.partition("\n\n")
    filled = [
        text if "\n " in text else textwrap.fill(text, 80, initial_indent="  ", subsequent_indent="  ")
        for text in rest.split("\n\n")
    ]
    return summary + "\n" + "\n\n".join(filled)


def _parsed(kind: Any, words: list[str], arguments: Sequence[str], description: str) -> Any:
    """What tyro makes of the arguments; its framed messages become one line."""
    captured, program = io.StringIO(), " ".join(words)
    try:
        with redirect_stderr(captured):
            return tyro.cli(kind, prog=program, description=description, args=arguments)
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise InputError(f"{_in_one_line(captured.getvalue())} (see {program} --help)") from None


def _in_one_line(framed: str) -> str:
    """What tyro's frame says below its title: what is wrong, and what may have been meant."""
    title, *lines = framed.strip().splitlines() or [""]
    sections: list[list[str]] = [[]]
    for line in lines:
        text = line.strip("│╰╯ ")
        if text.strip("─-"):
            sections[-1].append(text)
        else:  # a rule, which is of plain hyphens where the terminal knows no others
            sections.append([])
    wrong, *hints = [section for section in sections if section] or [[title]]
    if hints and hints[0][0].startswith(("Available", "Perhaps")):
        wrong += [f"- {hints[0][0]}", *hints[0][1:2]]
    return " ".join(wrong)


def _fail_by_policy(failure: str, error: Exception) -> int:
    """Say which policy failed, and show where in its code, which is the user's."""
    print_notices([failure])
    print(own_traceback(error), end="", file=sys.stderr)
    return POLICY_FAILED


def _fail(message: str, code: int) -> int:
    print_notices(message.splitlines())
    return code


if __name__ == "__main__":
    sys.exit(main())

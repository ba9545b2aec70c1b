"""What every benchmark needs: the machine's name, a report that prints as a table and is kept as JSON."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import FailFast, TypeAdapter, ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tessera_env.files.folders import make_folder, remove_empty
from tessera_env.files.json_files import read_object
from tessera_env.files.paths import expanded
from tessera_env.files.problems import named
from tessera_env.files.streams import take_any_text
from tessera_env.files.writing import check_outputs, write_text
from tessera_env.scenario.errors import lines_of

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
PACKAGES = ("gymnasium", "numba", "numpy")
_WIDEST = 300  # characters of a table: a narrower terminal wraps lines, but no figure is cut


Cells = Annotated[tuple[Annotated[tuple[str, ...], FailFast()], ...], FailFast()]


class ReportsError(ValueError):
    """A file that holds no tables of a benchmark; one line."""


@dataclass(frozen=True)
class Report:
    """One table: what was measured, and what its figures mean."""

    title: str
    note: str  # what is counted and what is not
    columns: tuple[str, ...]
    rows: Cells

    def __post_init__(self) -> None:
        """Raises ValueError: a row has more or fewer cells than there are columns."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"rows: must have {len(self.columns)} cells each (got {len(row)})")

    def print(self) -> None:
        """Print it, first column left, the others right."""
        table = Table(title=self.title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for k, column in enumerate(self.columns):
            table.add_column(column, justify="right" if k else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*row)
        Console(width=_WIDEST).print(table)
        print(self.note + "\n", flush=True)


@dataclass(frozen=True)
class Reports:
    """All tables of one run on one machine."""

    machine: str
    quick: bool  # at toy size: the figures mean nothing
    reports: Annotated[tuple[Report, ...], FailFast()]

    def write_json(self, path: Path) -> None:
        """Write the file in one step."""
        make_folder(path.parent, exist_ok=True)
        write_text(path, json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def from_json(cls, path: Path) -> Self:
        """Read what `write_json` wrote.

        Raises:
            ReportsError: the file is missing or not of this form; one line.
        """
        values = read_object(path, ReportsError)
        try:
            return _KEPT.validate_python(values)
        except ValidationError as error:
            raise ReportsError(f"{named(path)}: {lines_of(error, values)[0]}") from None


_KEPT = TypeAdapter(Reports)


@contextmanager
def ready(folder: Path, outputs: Mapping[str, Path], inputs: Iterable[Path] = ()) -> Iterator[None]:
    """A block with the folder made and the outputs checked; if it ends in an error, a folder that is new goes again.

    Raises:
        OSError: an output cannot be written; one line, see `check_outputs`.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    make_folder(folder, exist_ok=True)
    try:
        check_outputs(outputs, inputs)
        yield
    except BaseException:
        remove_empty(missing)
        raise


@contextmanager
def telling() -> Iterator[None]:
    """A block of a script in which a file that cannot be written ends it with one line."""
    try:
        yield
    except OSError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = True) -> str:
    """A table in Markdown: first column left, the others right where they are numbers."""
    rule = ["---", *("---:" if numbers else "---" for _ in columns[1:])]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (columns, rule, *rows)
    )


def machine() -> str:
    """Processor, cores and versions, in one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"{cpu}, {CORES} core{'s' if CORES != 1 else ''}, Python {platform.python_version()}, {versions}"


def parser(description: str | None) -> argparse.ArgumentParser:
    """The command line of a script."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--quick", action="store_true", help="a toy size, to see that it works; its figures mean nothing")
    return made


def run_alone(measure: Callable[[bool], Report], description: str | None) -> None:
    """A script's main: measure, print the table and the machine."""
    take_any_text()
    given = parser(description).parse_args()
    measure(given.quick).print()
    print(machine())


def keeping_parser(description: str | None, kept: Path) -> argparse.ArgumentParser:
    """The command line of a script whose tables are kept for the documentation."""
    made = parser(description)
    told = f"keep the tables here, {kept} if not told otherwise"
    made.add_argument("--json", type=expanded, default=kept, metavar="FILE", help=told)
    return made


def is_kept(given: argparse.Namespace, kept: Path) -> bool:
    """Whether the tables are to be kept, which is found out to be possible: a toy run's not in place of measured ones.

    Raises:
        OSError: they cannot be written.
    """
    if given.quick and given.json == kept:
        return False
    with ready(given.json.parent, {"--json": given.json}):
        return True


def keep(reports: Sequence[Report], given: argparse.Namespace) -> None:
    """Write the tables, and say what becomes of them."""
    with telling():
        Reports(machine(), given.quick, tuple(reports)).write_json(given.json)
    print(f"kept in {given.json}; into the documentation with: python -m benchmarks.documentation")


def asked(options: argparse.ArgumentParser, kept: Path) -> tuple[argparse.Namespace, bool]:
    """What the command line asks for, and whether it is kept; the program ends with a line where it cannot be."""
    given = options.parse_args()
    try:
        return given, is_kept(given, kept)
    except OSError as error:
        options.exit(2, f"{error}\n")


def run_kept(measure: Callable[[bool], Report], description: str | None, kept: Path) -> None:
    """As `run_alone`, and the table is kept for the documentation."""
    take_any_text()
    given, to_keep = asked(keeping_parser(description, kept), kept)
    report = measure(given.quick)
    report.print()
    if to_keep:
        keep((report,), given)


def random_actions(masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One valid action a row, (N,) int64, uniform over the mask (N, A)."""
    return (rng.random(masks.shape) * masks).argmax(axis=1)


def spread(values: Sequence[float] | np.ndarray) -> str:
    """The median of ratios, and between which values they lie."""
    return f"{np.median(values):.2f} x ({np.min(values):.2f} to {np.max(values):.2f})"


def check_least(option: str, value: int, lowest: int) -> None:
    """Raises ValueError: the value is below the lowest."""
    if value < lowest:
        raise ValueError(f"{option}: {value} (allowed: {lowest} or more)")

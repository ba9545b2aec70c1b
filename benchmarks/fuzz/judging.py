"""Whether a reader took a file as it should: read or refused in lines for people, soon, and in little memory."""

import dataclasses
import os
import resource
import signal
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from benchmarks.fuzz.mutating import Form

MOST_S = 5.0  # for one reading, which takes some milliseconds on a machine with nothing else to do
MOST_BYTES, MOST_BYTES_A_BYTE = 64 * 1024 * 1024, 50
LONGEST_LINE = 1_100  # without the file's path


class Fault(Exception):
    """What a reader must not do; the text says what it did."""


class TooSlow(BaseException):
    """Raised in a reader that takes too long, past every `except Exception`."""


@dataclasses.dataclass(frozen=True)
class Reader:
    """Something that reads a file of one form.

    Attributes:
        read: what is made of the file; all that uses the result without checking it again belongs to it.
        error: the one that its docstring names.
        most_lines: of the error's text.
        lay: writes the file, and what must lie beside it, into a folder; gives the path that `read` takes.
    """

    name: str
    form: Form
    samples: tuple[bytes, ...]
    read: Callable[[Path], Any]
    error: type[ValueError]
    most_lines: int
    file_name: str
    lay: Callable[[Path, bytes], None] | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one file went."""

    refusal: str | None  # the lines; None: it was read
    value: Any  # what was read, as plain values
    seconds: float
    peak_bytes: int  # 0: not measured


def judged(reader: Reader, folder: Path, data: bytes, stamp: int, measures_memory: bool = False) -> Outcome:
    """What the reader makes of these bytes as a file.

    Args:
        folder: to write into.
        stamp: of the file's time, unlike those before: some readers parse a version of a file once.

    Raises:
        Fault: another error than the documented one, too slow, too much memory, or lines that are not for people.
    """
    path = folder / reader.file_name
    path.write_bytes(data)
    if reader.lay is not None:
        reader.lay(folder, data)
    os.utime(path, ns=(stamp, stamp))
    before_kb, peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
    start_s = time.perf_counter()
    if measures_memory:
        tracemalloc.start()
    try:
        with _time_limit(5 * MOST_S if measures_memory else MOST_S):
            refusal, value = None, reader.read(path)
    except reader.error as error:
        refusal, value = str(error), None
        _check_class(reader, error)
    except TooSlow:
        raise Fault(f"took more than {MOST_S} s") from None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise Fault(f"raised {type(error).__name__}: {str(error)[:300]!r}") from error
    finally:
        if measures_memory:
            peak_bytes = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    seconds = time.perf_counter() - start_s
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb)
    if max(grown, peak_bytes) > MOST_BYTES + MOST_BYTES_A_BYTE * len(data):
        raise Fault(f"took {max(grown, peak_bytes) / 1e6:.0f} MB for {len(data)} bytes")
    if refusal is not None:
        _check_lines(reader, refusal, path)
    return Outcome(refusal, value if refusal is None else None, seconds, peak_bytes)


def _check_class(reader: Reader, error: ValueError) -> None:
    """A ValueError of Python's or a library's own that was let through is no line for people."""
    if type(error).__module__.partition(".")[0] not in ("tessera_env", "agents", "benchmarks", "builtins"):
        raise Fault(f"let {type(error).__module__}.{type(error).__name__} through: {str(error)[:300]!r}") from error
    if isinstance(error, UnicodeError):
        raise Fault(f"let {type(error).__name__} through: {error}") from error


def _check_lines(reader: Reader, refusal: str, path: Path) -> None:
    lines = refusal.split("\n")
    if len(lines) > reader.most_lines:
        raise Fault(f"refused in {len(lines)} lines (allowed: {reader.most_lines}): {refusal[:300]!r}")
    for line in lines:
        if path.name not in line:
            raise Fault(f"refused in a line without the file's name: {line[:300]!r}")
        if len(line) > LONGEST_LINE + line.count(str(path)) * len(str(path)):
            raise Fault(f"refused in a line of {len(line)} characters: {line[:300]!r}")
        if not line.isprintable():
            raise Fault(f"refused in a line that is not printable: {line[:600]!r}")


@contextmanager
def _time_limit(most_s: float) -> Iterator[None]:
    """Raises TooSlow in what goes on for longer."""

    def stop(signal_number: int, frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, most_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def plain(value: Any) -> Any:
    """A value that equals that of another reading if the two say the same, NaN included."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tolist() if value.dtype.hasobject else value.tobytes()
    if isinstance(value, BaseModel):
        return plain(value.model_dump())
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return repr(value)

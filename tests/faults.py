"""Faults on purpose: one call after the other of those by which a write reaches the system fails, or is the last.

`faults` makes the calls fail in this process. `kills` forks a child for each call, which dies there; a process that has
threads must not, so tests run it in a process of its own by `apart`.
"""

import importlib
import io
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

_CALLS = ("chmod", "close", "fsync", "link", "mkdir", "open", "rename", "replace", "rmdir", "symlink", "unlink")
_ROOT = Path(__file__).parents[1]

Before = Callable[..., None]  # called with the name of the call and its paths


class _File:
    """An open file whose calls are told of; half of what is written has reached the system before the other half."""

    def __init__(self, file: Any, before: Before) -> None:
        self._file, self._before = file, before

    def write(self, data: Any) -> int:
        half = len(data) // 2
        self._before("write")
        self._file.write(data[:half])
        self._file.flush()
        self._before("write")
        return half + self._file.write(data[half:])

    def flush(self) -> None:
        self._before("flush")
        self._file.flush()

    def truncate(self, *size: int) -> int:
        self._before("truncate")
        return self._file.truncate(*size)

    def close(self) -> None:
        try:
            self._before("close")
        finally:
            self._file.close()

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def told_of(before: Before) -> Iterator[None]:
    """A block in which `before` is called ahead of each call that a write makes; nothing waits for the disk in it."""
    plain_open = io.open

    def opened(file: Any, *args: Any, **options: Any) -> _File:
        before("open", *([] if isinstance(file, int) else [file]))
        return _File(plain_open(file, *args, **options), before)

    def watched(name: str) -> Callable[..., Any]:
        call = getattr(os, name)

        def instead(*args: Any, **options: Any) -> Any:
            try:
                before(name, *(one for one in args if isinstance(one, str | Path)))
            except BaseException:
                if name == "close":
                    call(*args)
                raise
            return None if name == "fsync" else call(*args, **options)

        return instead

    with patch.multiple(os, **{name: watched(name) for name in _CALLS}), patch.object(io, "open", opened):
        yield


def faults(
    write: Callable[[], object], reason: int | type[BaseException], lasting: bool = False
) -> Iterator[BaseException | None]:
    """Carry out `write` once for each of its calls, which fails for this reason; yields what came of it.

    Args:
        write: what is tried.
        reason: the system's error, or the exception.
        lasting: all calls after that one fail, too.
    """
    for place in count():
        calls = count()
        reached = []

        def before(name: str, *paths: Any, place: int = place, calls: Any = calls, reached: list = reached) -> None:
            number = next(calls)
            if number == place or (lasting and number > place):
                reached.append(name)
                raise OSError(reason, os.strerror(reason), *map(str, paths[:1])) if isinstance(reason, int) else reason

        failure = None
        try:
            with told_of(before):
                write()
        except BaseException as error:
            failure = error
        if not reached:
            assert failure is None, failure
            return
        yield failure


def kills(write: Callable[[], object]) -> Iterator[int]:
    """Carry out `write` in a child once for each of its calls, before which it dies; yields the number of the call."""
    for place in count():
        child = os.fork()
        if child == 0:
            _die_before(write, place)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if ended == 0:
            return
        assert ended == -signal.SIGKILL, ended
        yield place


def _die_before(write: Callable[[], object], place: int) -> None:
    calls = count()

    def before(*_: object) -> None:
        if next(calls) == place:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        with told_of(before):
            write()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def apart(check: Callable[[Path], object], folder: Path) -> None:
    """Run a module's function in a process of its own, which may fork; what it prints there is an error."""
    command = [sys.executable, "-m", "tests.faults", check.__module__, check.__qualname__, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


if __name__ == "__main__":
    getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(Path(sys.argv[3]))


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file may grow longer than so many bytes, as on a full disk."""
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@contextmanager
def interrupted_at(module: ModuleType, names: Sequence[str], survived: int) -> Iterator[None]:
    """Ctrl-C comes at a call of one of a module's functions, after so many that went well."""
    left = iter(range(survived))

    def dying(write: Callable[..., object]) -> Callable[..., object]:
        def instead(*args: object) -> object:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return write(*args)

        return instead

    with ExitStack() as stack:
        for name in names:
            stack.enter_context(patch.object(module, name, dying(getattr(module, name))))
        yield

"""`tessera compile`: all machine code made and kept before it is needed."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tessera_env
from tessera_env.cli.output import InputError, print_text
from tessera_env.evaluation.entry_points import call_all
from tessera_env.files.problems import named
from tessera_env.jit.cache import cache_folder
from tessera_env.jit.mode import BEFORE, VARIABLE, is_helper


@dataclass(frozen=True)
class Compile:
    """Compile everything now, and keep it, such as where an image of a machine is built.

    Without it a first use runs as plain Python, with the same results, while a helper process does this: half a
    minute. What is there already is loaded. The place is the user's cache folder, or NUMBA_CACHE_DIR if that is set.
    """

    def run(self) -> None:
        """Compile, and say what took how long."""
        folder = cache_folder(Path(tessera_env.__file__).parent)
        if folder is None:
            raise InputError("compile: nothing can be kept (needed: NUMBA_CACHE_DIR, a folder that can be written)")
        if not is_helper():
            os.environ[VARIABLE] = BEFORE
        with _dying_at_once():
            started = time.monotonic()
            for part in call_all():
                print_text(f"{part}: {time.monotonic() - started:.1f} s\n")
                started = time.monotonic()
        print_text(f"kept in {named(folder)}\n")


@contextmanager
def _dying_at_once() -> Iterator[None]:
    """Ctrl-C ends the process where it stands: LLVM would go on for seconds, and no file is half written."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

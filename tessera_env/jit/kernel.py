"""Entry points of the compiled engine: cached on disk, never stale, called without the dispatcher.

numba's cache does not see an edit in a callee, a constant or an enum of another file. So the cache folder's name
holds a digest of all sources that are compiled, of numba's version and of the flags that change what is compiled.
An existing NUMBA_CACHE_DIR stays the root; where no place can be written, the engine is compiled anew in each process.
"""

import hashlib
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.errors import NumbaError

from tessera_env.jit.compiled import INTERPRETER
from tessera_env.jit.places import cache_place

_NUMBA: Any = numba  # its settings and private options are not in its type stubs
_LOGGER = logging.getLogger("tessera_env")
_FIRST_CALL = threading.RLock()  # numba has one setting for the cache's folder: one kernel at a time changes it
if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads, and would wait for them for ever
    os.register_at_fork(
        before=_FIRST_CALL.acquire, after_in_parent=_FIRST_CALL.release, after_in_child=_FIRST_CALL.release
    )

# Everything that compiled code is made of: functions, record types, enums, constants.
_COMPILED = (
    "jit/*.py",
    "world/**/*.py",
    "engine/*.py",
    "observation/*.py",
    "policies/rules/*.py",
    "policies/shifting/*.py",
    "simulation/kernels.py",
    "evaluation/optimum/search.py",
)


def compiled_sources(package: Path) -> list[Path]:
    """The files whose text decides about the compiled code."""
    return sorted(path for pattern in _COMPILED for path in package.glob(pattern))


def source_digest(package: Path) -> str:
    """A digest of a package's sources and of what else decides about the compiled code."""
    digest = hashlib.sha256()
    for path in compiled_sources(package):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for fact in (numba.__version__, np.__version__, os.environ.get("NUMBA_BOUNDSCHECK", "")):
        digest.update(fact.encode() + b"\0")
    return digest.hexdigest()[:20]


def cache_folder(package: Path) -> Path | None:
    """The folder for this package's compiled code, made if missing; None if none can be written."""
    # numba finds only what was compiled at the same path: another installation's files must not look like ours.
    place = hashlib.sha256(str(package.resolve()).encode(errors="surrogateescape")).hexdigest()[:8]
    return cache_place(f"tessera_env-{source_digest(package)}-{place}")


@contextmanager
def interpreting_first(seconds: float) -> Iterator[None]:
    """In the block, run kernels that are not compiled yet as plain Python, until that has taken so long in all.

    For short work on one thread, which is done long before the engine is compiled. The results are the same bits.
    """
    before, INTERPRETER.left_s = INTERPRETER.left_s, seconds
    try:
        yield
    finally:
        INTERPRETER.left_s = before


class Kernel:
    """A compiled entry point with exactly one signature: the types of its first call.

    The first call compiles it, or loads it from the cache; a broken cache is cleared and filled anew. Later calls go
    straight to the machine code: the dispatcher's look at the types of ten tables takes 10 us, the call 0.4 us.
    """

    def __init__(self, function: Callable[..., Any], package: Path | None = None, cached: bool = True):
        self.function = function
        self.package = package or Path(__file__).parents[1]
        self.cached = cached
        self.dispatcher: Any = None
        self._cold: bool | None = None
        self._call: Callable[..., Any] = function if _NUMBA.config.DISABLE_JIT else self._first_call

    def __call__(self, *args: Any) -> Any:
        """Run the kernel."""
        return self._call(*args)

    def _first_call(self, *args: Any) -> Any:
        if INTERPRETER.left_s > 0.0 and self._is_cold():
            return INTERPRETER.run(self.function, args)
        with _FIRST_CALL:
            if self.dispatcher is None:
                self.dispatcher = self._prepared(tuple(numba.typeof(argument) for argument in args))
        (compiled,) = self.dispatcher.overloads.values()
        self._call = compiled.entry_point
        return self._call(*args)

    def _prepared(self, signature: tuple[Any, ...]) -> Any:
        """The dispatcher, compiled or loaded; whatever is wrong with a cached file, the cache is then made anew."""
        folder = self._folder()
        if not self._is_cached():
            _LOGGER.warning("compiling %s for its first use on this machine", self.function.__name__)
        try:
            return self._compiled(folder, signature)
        except Exception as error:
            if folder is None or isinstance(error, NumbaError):
                raise
            _LOGGER.warning("clearing the broken compile cache %s (%s)", folder, type(error).__name__)
            shutil.rmtree(folder, ignore_errors=True)
            return self._compiled(self._folder(), signature)

    def _folder(self) -> Path | None:
        """Where its compiled code is kept; None: nowhere."""
        return cache_folder(self.package) if self.cached else None

    def _is_cold(self) -> bool:
        """Whether it would have to be compiled; looked up once, since that reads all sources."""
        if self._cold is None:
            self._cold = self.dispatcher is None and not self._is_cached()
        return self._cold

    def _is_cached(self) -> bool:
        folder = self._folder()
        return folder is not None and any(folder.rglob(f"*.{self.function.__name__}-*.nbc"))

    def _compiled(self, folder: Path | None, signature: tuple[Any, ...]) -> Any:
        before = _NUMBA.config.CACHE_DIR
        _NUMBA.config.CACHE_DIR = "" if folder is None else str(folder)
        try:
            dispatcher = _NUMBA.njit(cache=folder is not None, nogil=True, _nrt=False)(self.function)
        finally:
            _NUMBA.config.CACHE_DIR = before
        try:
            dispatcher.compile(signature)
        except OSError as error:
            if not dispatcher.overloads:
                raise
            _LOGGER.warning("cannot keep compiled code in %s (%s)", folder, error)  # a full disk, say
        return dispatcher

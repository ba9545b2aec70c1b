"""Entry points of the compiled engine: cached on disk, never stale, called without the dispatcher."""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from numba.core.errors import NumbaError

from tessera_env.jit.cache import cache_folder
from tessera_env.jit.compiled import INTERPRETER
from tessera_env.jit.dispatcher import Signature, compile_for, dispatcher_of, is_on_disk, signature_of
from tessera_env.jit.helper import is_helped
from tessera_env.jit.lock import Refused, taken_lock
from tessera_env.jit.mode import is_compiled_before, is_helper
from tessera_env.jit.waiting import waiting

_CONFIG: Any = numba.config  # not in its type stubs
_LOGGER = logging.getLogger("tessera_env")
_LOOK_S = 0.25  # between two looks whether a helper is done
_PATIENCE_S = {True: 20.0, False: 1.0}  # of plain Python where there is no helper: about what compiling takes
_FIRST_CALL = threading.RLock()  # one kernel at a time is looked up, compiled or loaded
if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads, and would wait for them for ever
    os.register_at_fork(
        before=_FIRST_CALL.acquire, after_in_parent=_FIRST_CALL.release, after_in_child=_FIRST_CALL.release
    )


class Kernel:
    """A compiled entry point with exactly one signature: the types of its first call.

    What is in the cache is loaded at the first call. Else calls run as plain Python, which gives the same bits, while a
    helper process compiles into the cache; where there can be none, it is compiled here after some seconds of that. A
    broken cache is cleared and filled anew. Once there is machine code, calls go straight to it: the dispatcher's look
    at the types of ten tables takes 10 us, the call 0.4 us.

    Attributes:
        dispatcher: numba's, once it is compiled or loaded.
        waits: whether a call waits for machine code; set it before work that would take long as plain Python.
    """

    def __init__(
        self, function: Callable[..., Any], package: Path | None = None, cached: bool = True, waits: bool = False
    ):
        self.function = function
        self.package = package or Path(__file__).parents[1]
        self.cached = cached
        self.waits = waits
        self.dispatcher: Any = None
        self._folder: Path | None = None
        self._candidate: Any = None  # a dispatcher that would find its code in the folder
        self._next_look_s, self._interpreted_s = 0.0, 0.0
        self._call: Callable[..., Any] = function if _CONFIG.DISABLE_JIT else self._early_call

    def __call__(self, *args: Any) -> Any:
        """Run the kernel."""
        return self._call(*args)

    @property
    def is_interpreted(self) -> bool:
        """Whether there is no machine code yet, so that a call with much work would take long."""
        return self._call == self._early_call and not self.waits

    def _early_call(self, *args: Any) -> Any:
        if self.dispatcher is None and not self._is_to_compile(args):
            started = time.perf_counter()
            try:
                return INTERPRETER.run(self.function, args)
            finally:
                self._interpreted_s += time.perf_counter() - started
        with _FIRST_CALL:
            if self.dispatcher is None:
                self.dispatcher = self._prepared(signature_of(args))
        (compiled,) = self.dispatcher.overloads.values()
        self._call = compiled.entry_point
        return self._call(*args)

    def _is_to_compile(self, args: tuple[Any, ...]) -> bool:
        """Whether this call loads what is compiled, or compiles; else it runs as plain Python."""
        if is_compiled_before():
            return True
        if self.waits:
            with waiting() as tick:
                while not self._is_cached(args) and self._is_helped():
                    tick()
            return True
        if time.monotonic() < self._next_look_s:
            return False
        self._next_look_s = time.monotonic() + _LOOK_S
        if self._is_cached(args):
            return True
        return not self._is_helped() and self._interpreted_s >= _PATIENCE_S[self.cached]

    def _is_helped(self) -> bool:
        """Whether a helper makes what is not cached yet."""
        return self._folder is not None and is_helped(self.package, self._folder)

    def _is_cached(self, args: tuple[Any, ...]) -> bool:
        with _FIRST_CALL:
            if self._candidate is None:
                self._look_for_folder()
            return self._folder is not None and is_on_disk(self._candidate, signature_of(args))

    def _look_for_folder(self) -> None:
        """Where its machine code is kept; None: nowhere."""
        self._folder = cache_folder(self.package) if self.cached else None
        self._candidate = dispatcher_of(self.function, self._folder)

    def _prepared(self, signature: Signature) -> Any:
        """The dispatcher, compiled or loaded; whatever is wrong with a cached file, the cache is then made anew."""
        self._look_for_folder()
        with self._lock(signature):
            try:
                compile_for(self._candidate, signature, self._folder)
            except Exception as error:
                if self._folder is None or isinstance(error, NumbaError):
                    raise
                _LOGGER.warning("clearing the broken compile cache %s (%s)", self._folder, type(error).__name__)
                shutil.rmtree(self._folder, ignore_errors=True)
                self._look_for_folder()
                compile_for(self._candidate, signature, self._folder)
        return self._candidate

    @contextmanager
    def _lock(self, signature: Signature) -> Iterator[None]:
        """What is to be compiled is told, and compiled by one process at a time: the others find it on disk."""
        lock: int | Refused = Refused.IMPOSSIBLE
        if self._folder is not None and not is_helper() and not is_on_disk(self._candidate, signature):
            lock = taken_lock(self._folder)
            if lock is Refused.BUSY:
                _LOGGER.warning("waiting for another process that compiles")
                lock = taken_lock(self._folder, waits=True)
        if self._folder is None or not is_on_disk(self._candidate, signature):
            _LOGGER.warning("compiling %s for its first use on this machine", self.function.__name__)
        try:
            yield
        finally:
            if isinstance(lock, int):
                os.close(lock)

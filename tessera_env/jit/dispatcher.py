"""numba's dispatchers of entry points, and what their cache on disk holds."""

import gc
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from tessera_env.jit.linking import entry_compiler

_NUMBA: Any = numba  # its settings and private options are not in its type stubs
_LOGGER = logging.getLogger("tessera_env")

_RARELY = 50_000, 20, 20  # numba makes millions of objects and drops few: looking for garbage is a seventh of its time

Signature = tuple[Any, ...]


def signature_of(args: tuple[Any, ...]) -> Signature:
    """The types of arguments, as numba names them."""
    return tuple(numba.typeof(argument) for argument in args)


def dispatcher_of(function: Callable[..., Any], folder: Path | None) -> Any:
    """A dispatcher that has compiled nothing yet, and keeps what it compiles in the folder; None: nowhere.

    numba has one setting for the folder, so that only one thread at a time may call this.
    """
    before = _NUMBA.config.CACHE_DIR
    _NUMBA.config.CACHE_DIR = "" if folder is None else str(folder)
    try:
        return _NUMBA.njit(cache=folder is not None, nogil=True, _nrt=False, pipeline_class=entry_compiler())(function)
    finally:
        _NUMBA.config.CACHE_DIR = before


def is_on_disk(dispatcher: Any, signature: Signature) -> bool:
    """Whether a dispatcher with a folder would find its compiled code there, and not compile anew.

    numba looks no further than this before it compiles without a word: another version of numba, a source file of
    another time, and a file that is not written yet all count as nothing. A broken index counts as there: whoever
    loads it finds out.
    """
    files = dispatcher._cache._cache_file
    try:
        index = files._load_index()
    except Exception:
        return True
    names = [name for (kinds, *_), name in index.items() if kinds == signature]
    return bool(names) and Path(files._cache_path, names[0]).is_file()


def compile_for(dispatcher: Any, signature: Signature, folder: Path | None) -> None:
    """Compile, or load what the folder holds; that it cannot be kept is told, and no error.

    Raises:
        Exception: whatever a broken file of the cache makes of itself.
        NumbaError: the function cannot be compiled.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    try:
        dispatcher.compile(signature)
    except OSError as error:
        if not dispatcher.overloads:
            raise
        _LOGGER.warning("cannot keep compiled code in %s (%s)", folder, error)  # a full disk, say
    finally:
        gc.set_threshold(*thresholds)

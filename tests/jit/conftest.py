"""The tiny package in a folder of its own, with a cache of its own."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.jit.tiny import write


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """The root of the cache."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def load(tmp_path, monkeypatch, cache) -> Iterator[Callable[[], ModuleType]]:
    """Imports the package's kernels, anew at each call: as in a new process, nothing is compiled yet."""
    write(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def forget() -> None:
        for name in [name for name in sys.modules if name.split(".")[0] == "tiny"]:
            del sys.modules[name]

    def import_anew() -> ModuleType:
        forget()
        return importlib.import_module("tiny.simulation.kernels")

    yield import_anew
    forget()

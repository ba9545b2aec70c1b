"""The cache of compiled code cannot go stale, break or block; tried on a tiny package of its own."""

import errno
import importlib
import logging
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.caching import IndexDataCacheFile
from numba.core.errors import NumbaError

from tessera_env.jit import kernel
from tessera_env.jit.compiled import compiled
from tessera_env.jit.kernel import Kernel
from tests.faults import apart
from tests.jit.tiny import cache_hits, result, write

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


# --- broken ----------------------------------------------------------------------------------------------------------

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "all but a byte": lambda data: data[:-1],
    "zeros": lambda data: bytes(len(data)),
    "text": lambda data: b"<html>not found</html>",
    "something else": lambda data: pickle.dumps(5),
    "another tuple": lambda data: pickle.dumps((1, 2)),
}


@pytest.mark.parametrize("suffix", [".nbc", ".nbi"])
def test_a_broken_file_is_made_anew(load, cache, caplog, suffix):
    """The result is right, and the time after that it comes from the cache again."""
    assert result(load()) == 30.0
    for damage, damaged in DAMAGES.items():
        (file,) = cache.rglob(f"*_total*{suffix}")
        file.write_bytes(damaged(file.read_bytes()))
        assert result(load()) == 30.0, damage
        mended = load()
        assert result(mended) == 30.0 and cache_hits(mended) == 1, damage
    for record in caplog.records:
        assert record.name == "tessera_env" and "\n" not in record.getMessage()


def test_broken_files_are_told_of(load, cache, caplog):
    result(load())
    (folder,) = cache.iterdir()
    (file,) = folder.rglob("*_total*.nbc")
    file.write_bytes(b"")
    caplog.clear()
    result(load())
    (record,) = caplog.records
    assert record.getMessage() == f"clearing the broken compile cache {folder} (EOFError)"


def test_an_error_in_the_code_is_no_broken_cache(load, cache):
    """It is raised as it is, and what is cached stays."""
    module = load()
    result(module)
    files = sorted(cache.rglob("*.nb*"))
    with pytest.raises(NumbaError):
        module.failing(np.zeros(2))
    assert sorted(cache.rglob("*.nb*")) == files


def killed_while_it_is_kept(root: Path) -> None:
    """Before numba puts the index in place, then before the code: what is left is an unfinished file, and an index."""
    write(root)
    sys.path.insert(0, str(root))
    sys.dont_write_bytecode = True
    logging.disable()
    for place in range(2):
        os.environ["NUMBA_CACHE_DIR"] = str(root / f"cache {place}")
        assert forked(lambda place=place: computed(dies_at=place)) == -signal.SIGKILL
        assert len(list(root.glob(f"cache {place}/**/*.tmp.*"))) == 1
        assert [forked(computed), forked(computed)] == [1, 2]


def computed(dies_at: int = 2) -> int:
    """2 if compiled code was found, 1 if not, 0 if the result is wrong."""
    replace, left = os.replace, iter(range(100))

    def dying(*paths: Any) -> None:
        if next(left) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*paths)

    os.replace = dying
    module = importlib.import_module("tiny.simulation.kernels")
    return 1 + cache_hits(module) if result(module) == 30.0 else 0


def forked(work: Callable[[], int]) -> int:
    """The exit code of a child that does this."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_kill_while_it_is_kept_is_mended(tmp_path):
    apart(killed_while_it_is_kept, tmp_path)


# --- blocked ---------------------------------------------------------------------------------------------------------


def test_a_root_that_cannot_be_written_is_no_error(load, cache):
    """A file stands where the folder should be."""
    cache.write_text("")
    for _ in range(2):
        module = load()
        assert result(module) == 30.0 and cache_hits(module) == 0
    assert cache.read_text() == ""


def test_a_full_disk_is_no_error(load, cache, caplog, monkeypatch):
    """It is compiled once, and used though it cannot be kept."""

    def save(self: IndexDataCacheFile, key: object, data: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(IndexDataCacheFile, "save", save)
    module = load()
    assert result(module) == 30.0 and cache_hits(module) == 0
    assert "No space left on device" in caplog.records[-1].getMessage()
    monkeypatch.undo()


# --- other packages, other threads -----------------------------------------------------------------------------------


def test_compiled_code_lies_under_the_root_alone(load, cache, tmp_path):
    result(load())
    written = [path for path in tmp_path.rglob("*.nb*")]
    assert len(written) == 2 and all(path.is_relative_to(cache) for path in written)


def test_numba_s_setting_is_put_back(load, monkeypatch):
    """After compiling, after loading, after an error."""
    result(load())  # numba reads its environment once more if that has changed
    monkeypatch.setattr(numba.config, "CACHE_DIR", "/mine")
    for module in (load(), load()):
        result(module)
        assert numba.config.CACHE_DIR == "/mine"
    with pytest.raises(NumbaError):
        module.failing(np.zeros(2))
    assert numba.config.CACHE_DIR == "/mine"


def test_another_package_s_functions_are_cached_where_it_wants_them(load, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    result(load())  # numba reads its environment once more if that has changed
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(other))
    result(load())
    (tmp_path / "theirs.py").write_text("import numba\n\n@numba.njit(cache=True)\ndef double(x):\n    return 2 * x\n")
    theirs = importlib.import_module("theirs")
    assert theirs.double(2) == 4
    assert Path(theirs.double.stats.cache_path).is_relative_to(other)
    del sys.modules["theirs"]


def test_first_calls_in_many_threads_compile_once(load, monkeypatch):
    module = load()
    compiled: list[object] = []
    original = kernel.compile_for

    def counted(*args: object) -> None:
        compiled.append(args)
        original(*args)

    monkeypatch.setattr(kernel, "compile_for", counted)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: result(module), range(8)))
    assert results == [30.0] * 8
    assert len(compiled) == 1


def test_the_first_use_says_that_it_compiles(load, caplog):
    """And the second says nothing."""
    result(load())
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "compiling _total for its first use on this machine")
    ]
    caplog.clear()
    result(load())
    assert not caplog.records


# --- as little as can be ---------------------------------------------------------------------------------------------


def test_literals_do_not_multiply_compilations(load):
    """`plus` is called with a float and with the literal 0: two types."""
    module = load()
    result(module)
    helpers = sys.modules["tiny.engine.helpers"]
    assert len(module.total.dispatcher.signatures) == 1
    assert len(helpers.scaled.signatures) == 1
    assert len(helpers.plus.signatures) == 2


def test_a_literal_and_a_variable_are_one_type():
    """Numba's own decorator compiles the function three times here."""

    def own(x: int) -> int:
        return x + 1

    def plain(x: int) -> int:
        return x + 2

    ours, theirs = compiled(own), numba.njit(plain)

    @numba.njit
    def caller(x: int) -> int:
        return ours(x) + ours(0) + ours(1) + theirs(x) + theirs(0) + theirs(1)

    assert caller(5) == 6 + 1 + 2 + 7 + 2 + 3
    assert len(ours.signatures) == 1
    assert len(theirs.signatures) == 3


def test_python_may_call_a_compiled_function(load):
    load()
    helpers = sys.modules["tiny.engine.helpers"]
    assert helpers.plus(1.0, 2) == 3.0


def test_not_compiled_it_is_the_function_itself(monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    assert Kernel(lambda x: x + 1)(2) == 3


# --- the engine itself -----------------------------------------------------------------------------------------------

# Prints the seconds of the first step, and the inner functions that were compiled for more than one set of types.
ENGINE = """
import sys
import time
from tessera_env.env import TesseraEnv
from tessera_env.simulation import kernels
from tessera_env.jit.compiled import InnerFunction

env = TesseraEnv("classic")
start = time.perf_counter()
env.reset(seed=0)
env.step(1)
print(time.perf_counter() - start)
print(sum(kernels.run_rows.dispatcher.stats.cache_hits.values()))
functions = {value for module in list(sys.modules.values()) if module.__name__.startswith("tessera_env.")
             for value in vars(module).values() if isinstance(value, InnerFunction)}
print(len(functions), sorted(f.py_func.__name__ for f in functions if len(f.signatures) > 1))
"""


@pytest.mark.slow
def test_the_engine_compiles_each_function_once_and_is_loaded_after_that(cache):
    def process() -> list[str]:
        done = subprocess.run([sys.executable, "-c", ENGINE], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    cold, warm = process(), process()
    count, several = cold[2].split(maxsplit=1)
    assert int(count) > 100 and several == "[]"
    assert (cold[1], warm[1]) == ("0", "1")
    assert float(warm[0]) < float(cold[0]) / 4.0

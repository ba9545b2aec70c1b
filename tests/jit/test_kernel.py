"""The cache of compiled code cannot go stale, break or block; tried on a tiny package of its own."""

import ast
import errno
import hashlib
import importlib
import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.caching import IndexDataCacheFile
from numba.core.errors import NumbaError

import tessera_env
from tessera_env.evaluation.experiment import evaluate
from tessera_env.jit.compiled import INTERPRETER, compiled
from tessera_env.jit.kernel import Kernel, cache_folder, compiled_sources, source_digest
from tests.faults import apart

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")

FILES = {
    "__init__.py": "",
    "engine/__init__.py": "",
    "engine/kinds.py": """
from enum import IntEnum

class Kind(IntEnum):
    SMALL = 1
""",
    "world/__init__.py": "",
    "world/parameters.py": """
import numpy as np

SCALE = 10.0
RECORD = np.dtype([("first", np.float64), ("second", np.float64)], align=True)
""",
    "engine/helpers.py": """
from tessera_env.jit.compiled import compiled
from tiny.engine.kinds import Kind
from tiny.world.parameters import SCALE

@compiled
def scaled(record, kind):
    return SCALE * record.first if kind == Kind.SMALL else 0.0

@compiled
def plus(x, number):
    return x + number
""",
    "simulation/__init__.py": "",
    "simulation/kernels.py": """
from pathlib import Path

from tessera_env.jit.kernel import Kernel
from tiny.engine.helpers import plus, scaled

def _total(table, kind):
    total = 0.0
    for k in range(table.shape[0]):
        total = plus(plus(total, scaled(table[k], kind)), 0)
    return total

def _failing(table):
    return table + "text"

total = Kernel(_total, Path(__file__).parents[1])
failing = Kernel(_failing, Path(__file__).parents[1])
""",
}

# Prints the result, and how often compiled code was found in the cache.
PROGRAM = """
import sys
import numpy as np
from tiny.simulation.kernels import total
from tiny.world.parameters import RECORD
import tessera_env.jit.kernel

if "--careless" in sys.argv:
    tessera_env.jit.kernel.source_digest = lambda package: "always the same"
table = np.zeros(1, RECORD).view(np.recarray)
table[0] = (1.0, 100.0)
print(total(table, 1), sum(total.dispatcher.stats.cache_hits.values()))
"""


def write(root: Path, changes: dict[str, str] | None = None) -> Path:
    """The package `tiny` in a folder."""
    for name, text in {**FILES, **(changes or {})}.items():
        path = root / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "tiny"


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


def table(module: ModuleType) -> np.recarray:
    records = np.zeros(2, sys.modules["tiny.world.parameters"].RECORD).view(np.recarray)
    records["first"] = (1.0, 2.0)
    return records


def result(module: ModuleType) -> float:
    return module.total(table(module), 1)


def cache_hits(module: ModuleType) -> int:
    return sum(module.total.dispatcher.stats.cache_hits.values())


# --- stale -----------------------------------------------------------------------------------------------------------


def run(root: Path, *flags: str) -> tuple[float, int]:
    """What a new process computes, and how often it found compiled code."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), str(Path(__file__).parents[2])))}
    command = [sys.executable, "-B", "-c", PROGRAM, *flags]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    value, hits = done.stdout.split()
    return float(value), int(hits)


EDITS = {
    "a function that is called": ("engine/helpers.py", "SCALE * record.first", "SCALE * record.first + 0.5", 10.5),
    "a constant": ("world/parameters.py", "SCALE = 10.0", "SCALE = 20.0", 20.0),
    "an enum": ("engine/kinds.py", "SMALL = 1", "SMALL = 2", 0.0),
    "a record": (
        "world/parameters.py",
        '("first", np.float64), ("second"',
        '("second", np.float64), ("first"',
        1_000.0,
    ),
}


@pytest.mark.slow
def test_an_edit_in_another_file_is_seen_by_the_next_process(tmp_path, cache):
    """Each edit gives the new result though the old code is cached, and the old source finds its old code."""
    write(tmp_path)
    assert run(tmp_path) == (10.0, 0)
    for name, old, new, expected in EDITS.values():
        assert FILES[name].count(old) == 1
        write(tmp_path, {name: FILES[name].replace(old, new)})
        assert run(tmp_path) == (expected, 0)
    write(tmp_path)
    assert run(tmp_path) == (10.0, 1)


@pytest.mark.slow
def test_without_the_digest_the_result_would_be_stale(tmp_path, cache):
    """What numba's cache does by itself: it looks at the file of the entry point alone."""
    write(tmp_path)
    assert run(tmp_path, "--careless") == (10.0, 0)
    name, old, new, _expected = EDITS["a constant"]
    write(tmp_path, {name: FILES[name].replace(old, new)})
    assert run(tmp_path, "--careless") == (10.0, 1)


def test_the_digest_is_of_the_compiled_sources_alone(tmp_path):
    package = write(tmp_path)
    digest = source_digest(package)
    (package / "cli.py").write_text("x = 1")
    (package / "engine" / "notes.md").write_text("notes")
    assert source_digest(package) == digest
    assert source_digest(write(tmp_path / "elsewhere")) == digest
    for name in (
        "engine/helpers.py",
        "engine/new.py",
        "world/market/new.py",
        "policies/rules/new.py",
        "observation/new.py",
    ):
        path = write(tmp_path / name.replace("/", "-")) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 2\n")
        assert source_digest(path.parents[name.count("/")]) != digest, name
    (package / "engine" / "helpers.py").rename(package / "engine" / "helped.py")
    assert source_digest(package) != digest


def test_bounds_checked_code_has_its_own_folder(tmp_path, monkeypatch):
    package = write(tmp_path)
    monkeypatch.delenv("NUMBA_BOUNDSCHECK", raising=False)
    plain = source_digest(package)
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    assert source_digest(package) != plain


def imports_of(file: Path) -> set[str]:
    """Modules of the package that a file imports from."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    return {node.module for node in nodes if node.module and node.module.startswith("tessera_env.")}


def test_all_that_the_kernels_reach_is_in_the_digest():
    """Whatever is imported on the way, as none of it may be forgotten: functions, records, enums, constants."""
    package = Path(tessera_env.__file__).parent
    waiting, reached = [package / "simulation" / "kernels.py"], set()
    while waiting:
        file = waiting.pop()
        reached.add(file)
        found = {package.joinpath(*module.split(".")[1:]).with_suffix(".py") for module in imports_of(file)}
        waiting += found - reached
    assert len(reached) > 20
    assert reached <= set(compiled_sources(package))


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


def test_the_places_for_the_cache(tmp_path, monkeypatch):
    """NUMBA_CACHE_DIR if there is one; else the user's cache, else the temporary folder, else none."""
    package = write(tmp_path)
    name = f"tessera_env-{source_digest(package)}-{hashlib.sha256(str(package).encode()).hexdigest()[:8]}"
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    assert cache_folder(package) == tmp_path / "numba" / name
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    assert cache_folder(package) is None  # no other root than the configured one
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert cache_folder(package) == tmp_path / "user" / name
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    folder = cache_folder(package)
    assert folder is not None and folder.is_relative_to(tmp_path / "temporary") and folder.name == name
    monkeypatch.setattr(tempfile, "tempdir", str(blocked))
    assert cache_folder(package) is None
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder(package) == tmp_path / "home" / ".cache" / name


def test_a_second_installation_is_not_taken_for_compiled(load, tmp_path, caplog):
    """numba keeps code by the path of its source: the same sources elsewhere have to be compiled, and said to be."""
    assert result(load()) == 30.0
    first, second = write(tmp_path), write(tmp_path / "elsewhere")
    assert source_digest(first) == source_digest(second)
    assert cache_folder(first) != cache_folder(second)

    def _total(table: np.recarray, kind: int) -> float:
        return float(kind)

    assert Kernel(_total, first)._is_cached()
    assert not Kernel(_total, second)._is_cached()


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
    prepared: list[object] = []
    original = Kernel._compiled

    def counted(self: Kernel, *args: object) -> object:
        prepared.append(self)
        return original(self, *args)

    monkeypatch.setattr(Kernel, "_compiled", counted)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: result(module), range(8)))
    assert results == [30.0] * 8
    assert prepared == [module.total]


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


# --- short work before anything is compiled --------------------------------------------------------------------------

INTERPRETED = """
import sys
import numba
from tessera_env.jit.kernel import interpreting_first
from tessera_env.jit.compiled import INTERPRETER
from tessera_env.evaluation.experiment import evaluate

with interpreting_first(float(sys.argv[1])):
    results = evaluate("fleet", ["greedy"], episodes=1, overrides={"task.count": 10})
assert INTERPRETER.left_s == 0.0
from tessera_env.simulation.kernels import run_rows
print(run_rows.dispatcher is None)
print(results.to_json())
"""


def test_short_work_on_a_cold_cache_runs_as_plain_python_with_the_same_bits(tmp_path):
    command, cold_cache = [sys.executable, "-c", INTERPRETED, "600"], {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    cold = subprocess.run(command, capture_output=True, text=True, check=True, env=cold_cache)
    assert cold.stdout.startswith("True\n")  # nothing compiled
    assert "compiling" not in cold.stderr
    expected = evaluate("fleet", ["greedy"], episodes=1, overrides={"task.count": 10}).to_json()
    assert cold.stdout == f"True\n{expected}\n"


def test_the_interpreter_gives_way_to_the_compiler(load, monkeypatch):
    tiny = load()
    monkeypatch.setattr(INTERPRETER, "left_s", 1e-9)
    table = np.zeros(1, importlib.import_module("tiny.world.parameters").RECORD).view(np.recarray)
    table[0] = (1.0, 100.0)
    assert (tiny.total(table, 1), tiny.total.dispatcher) == (10.0, None)
    assert INTERPRETER.left_s < 0.0 and not INTERPRETER.is_running
    assert tiny.total(table, 1) == 10.0
    assert tiny.total.dispatcher is not None
    monkeypatch.setattr(INTERPRETER, "left_s", 600.0)
    assert tiny.total(table, 1) == 10.0  # compiled code is never given up

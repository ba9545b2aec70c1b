"""The folder of compiled code: an edit anywhere gives another, and each installation has its own."""

import ast
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import pytest

import tessera_env
from tessera_env.jit.cache import cache_folder, compiled_sources, source_digest
from tests.jit.tiny import FILES, PROGRAM, write

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


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


@pytest.mark.parametrize(
    ("entry", "least"),
    [("simulation/kernels.py", 20), ("requests/events.py", 12), ("requests/published.py", 5), ("requests/draws.py", 5)],
)
def test_all_that_the_kernels_reach_is_in_the_digest(entry, least):
    """Whatever is imported on the way, as none of it may be forgotten: functions, records, enums, constants."""
    package = Path(tessera_env.__file__).parent
    waiting, reached = [package / entry], set()
    while waiting:
        file = waiting.pop()
        reached.add(file)
        found = {package.joinpath(*module.split(".")[1:]).with_suffix(".py") for module in imports_of(file)}
        waiting += found - reached
    assert len(reached) > least
    assert reached <= set(compiled_sources(package))


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


@pytest.mark.slow
def test_a_second_installation_is_not_taken_for_compiled(tmp_path, cache):
    """numba keeps code by the path of its source: the same sources elsewhere have to be compiled, and said to be."""
    first, second = write(tmp_path), write(tmp_path / "elsewhere")
    assert source_digest(first) == source_digest(second)
    assert cache_folder(first) != cache_folder(second)
    assert [run(place)[1] for place in (tmp_path, tmp_path / "elsewhere", tmp_path)] == [0, 0, 1]

"""A first use runs as plain Python while one helper of a machine compiles; tried on the tiny package."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numba
import pytest

from tessera_env.evaluation.experiment import evaluate
from tessera_env.jit import kernel
from tests.jit.tiny import cache_hits, result, write

pytestmark = [
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled"),
    pytest.mark.skipif(sys.platform == "win32", reason="no helper is started where nothing can be locked"),
]

ROOT = Path(__file__).parents[2]

# Calls the kernel until it is compiled, and prints how often as plain Python, and whether each result was right.
CALLER = """
import os, sys, time
import numpy as np
from tiny.simulation.kernels import total
from tiny.world.parameters import RECORD

if "fork" in sys.argv:
    total(np.ones(1, RECORD).view(np.recarray), 1)
    os.fork()
table, plain, values = np.ones(1, RECORD).view(np.recarray), 0, set()
while total.dispatcher is None:
    values.add(float(total(table, 1)))
    plain += total.dispatcher is None
    time.sleep(0.02)
print(plain, values, flush=True)
"""


@pytest.fixture
def beside(monkeypatch) -> None:
    """The way of users, who set nothing."""
    monkeypatch.delenv("TESSERA_COMPILE", raising=False)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def helpers(cache: Path) -> list[int]:
    """The numbers of all helper processes up to now."""
    return [int(line) for line in (cache / "helpers").read_text().split()] if (cache / "helpers").exists() else []


def lives(process: int) -> bool:
    """Whether it runs; a process that nobody has waited for yet is no longer one."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def caller(root: Path, *flags: str, **more: str) -> subprocess.Popen[str]:
    """A process that calls the kernel."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), str(ROOT))), **more}
    return subprocess.Popen(
        [sys.executable, "-B", "-c", CALLER, *flags],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def is_loaded(module: ModuleType) -> bool:
    """Call it once more; whether it has machine code by now."""
    assert result(module) == 30.0
    return module.total.dispatcher is not None


def test_calls_are_plain_python_until_the_helper_is_done(load, cache, beside, caplog, monkeypatch):
    monkeypatch.setenv("TINY_DELAY_S", "0.5")
    module = load()
    assert result(module) == 30.0
    assert module.total.dispatcher is None and module.total.is_interpreted
    until(lambda: is_loaded(module))
    assert cache_hits(module) == 1 and not module.total.is_interpreted
    assert len(helpers(cache)) == 1
    (record,) = caplog.records
    assert record.levelno == logging.WARNING and record.getMessage().startswith("compiling for the first use")


def test_what_is_cached_needs_no_helper(load, cache, beside, monkeypatch):
    with monkeypatch.context() as context:
        context.setenv("TESSERA_COMPILE", "before")
        assert result(load()) == 30.0
    module = load()
    assert result(module) == 30.0 and cache_hits(module) == 1
    assert helpers(cache) == []


@pytest.mark.slow
def test_many_processes_have_one_helper(tmp_path, cache, beside):
    write(tmp_path)
    callers = [caller(tmp_path, TINY_DELAY_S="1") for _ in range(4)]
    for process in callers:
        out, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        plain, values = out.split(maxsplit=1)
        assert int(plain) > 0 and values == "{10.0}\n"
    assert len(helpers(cache)) == 1


@pytest.mark.slow
def test_a_fork_waits_for_the_same_helper(tmp_path, cache, beside):
    write(tmp_path)
    process = caller(tmp_path, "fork", TINY_DELAY_S="1")
    out, error = process.communicate(timeout=120)  # both hold the pipe
    assert process.returncode == 0, error
    assert [line.split(maxsplit=1)[1] for line in out.splitlines()] == ["{10.0}", "{10.0}"]
    assert len(helpers(cache)) == 1


@pytest.mark.slow
def test_nothing_is_left_behind_on_ctrl_c(tmp_path, cache, beside):
    """A terminal sends it to the whole group."""
    write(tmp_path)
    process = caller(tmp_path, TINY_DELAY_S="300")
    until(lambda: len(helpers(cache)) == 1)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    until(lambda: not lives(helpers(cache)[0]))
    assert not list(cache.rglob("*.nbc"))


@pytest.mark.slow
def test_the_helper_goes_on_if_its_parent_ends_and_the_next_process_finds_it_at_work(tmp_path, cache, beside):
    write(tmp_path)
    process = caller(tmp_path, TINY_DELAY_S="2")
    until(lambda: len(helpers(cache)) == 1)
    process.kill()
    process.communicate(timeout=60)
    second = caller(tmp_path)
    out, error = second.communicate(timeout=120)
    assert out.endswith("{10.0}\n"), error
    until(lambda: not lives(helpers(cache)[0]))
    assert len(helpers(cache)) == 1


def test_a_helper_that_fails_is_not_started_again(load, cache, beside, monkeypatch, caplog):
    monkeypatch.setenv("TINY_FAILS", "1")
    monkeypatch.setitem(kernel._PATIENCE_S, True, 0.0)
    monkeypatch.setattr(kernel, "_LOOK_S", 0.0)
    module = load()
    until(lambda: is_loaded(module))
    assert len(helpers(cache)) == 1 and cache_hits(module) == 0
    assert caplog.records[-1].getMessage() == "compiling _total for its first use on this machine"


def test_where_nothing_can_be_written_it_is_compiled_here_after_a_while(load, cache, beside, monkeypatch):
    cache.write_text("")  # a file stands where the folder should be
    monkeypatch.setattr(kernel, "_LOOK_S", 0.0)
    module = load()
    assert not is_loaded(module) and not is_loaded(module)
    monkeypatch.setitem(kernel._PATIENCE_S, True, 0.0)
    assert is_loaded(module)


def test_work_of_many_rows_waits(load, cache, beside, caplog, monkeypatch):
    monkeypatch.setenv("TINY_DELAY_S", "0.3")
    module = load()
    module.total.waits = True
    assert result(module) == 30.0
    assert cache_hits(module) == 1 and len(helpers(cache)) == 1
    assert [record.getMessage().partition(":")[0] for record in caplog.records[1:]] == ["waiting for the compiler"]


def test_the_wait_is_shown_on_a_terminal(load, cache, beside, caplog, monkeypatch, capsys):
    monkeypatch.setenv("TINY_DELAY_S", "0.3")
    module = load()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    module.total.waits = True
    result(module)
    shown = capsys.readouterr().err
    assert shown.startswith("\rwaiting for the compiler, 0 s ") and shown.endswith("\r\x1b[K")
    assert len(caplog.records) == 1


def test_it_can_be_chosen_by_a_variable(load, cache, monkeypatch):
    monkeypatch.setenv("TESSERA_COMPILE", "before")
    module = load()
    assert is_loaded(module) and helpers(cache) == []
    monkeypatch.setenv("TESSERA_COMPILE", "never")
    with pytest.raises(ValueError, match=r"^TESSERA_COMPILE: unknown value 'never' \(allowed: beside, before\)$"):
        result(load())


# --- the engine itself -----------------------------------------------------------------------------------------------

COLD = """
from tessera_env.evaluation.experiment import evaluate
from tessera_env.simulation.kernels import run_rows

results = evaluate("fleet", ["greedy"], episodes=1, overrides={"task.count": 10})
print(run_rows.dispatcher is None)
print(results.to_json())
"""


def test_a_first_evaluation_is_plain_python_with_the_same_bits(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", COLD],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "TESSERA_COMPILE": "beside"},
        start_new_session=True,
    )
    try:
        out, error = process.communicate(timeout=300)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the helper, too
    assert process.returncode == 0, error
    assert error.startswith("compiling for the first use on this machine") and error.count("\n") == 1
    expected = evaluate("fleet", ["greedy"], episodes=1, overrides={"task.count": 10}).to_json()
    assert out == f"True\n{expected}\n"

"""Compiled functions are linked once, into the entry point; on a numba that was not tried, as numba does it."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from tests.jit.tiny import result, write

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")

UNTRIED = """
import numba
numba.__version__ = "0.99.0"
import numpy as np
from tiny.simulation.kernels import total
from tiny.world.parameters import RECORD
from tiny.engine.helpers import scaled

table = np.ones(3, RECORD).view(np.recarray)
print(total(table, 1), scaled(table[0], 1), type(next(iter(total.dispatcher.overloads.values())).library).__name__)
"""


def test_inner_functions_have_no_machine_code_of_their_own(load):
    module = load()
    assert result(module) == 30.0
    (entry,) = module.total.dispatcher.overloads.values()
    assert type(entry.library).__name__ == "EntryLibrary"
    (inner,) = sys.modules["tiny.engine.helpers"].scaled.overloads.values()
    assert type(inner.library).__name__ == "InnerLibrary"
    assert inner.library.get_pointer_to_function(inner.fndesc.llvm_func_name) == 0
    assert inner.library.codegen.set_env("name", None) is None


@pytest.mark.slow
def test_another_numba_links_as_it_always_does(tmp_path, cache):
    write(tmp_path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(Path(__file__).parents[2])))}
    command = [sys.executable, "-B", "-c", UNTRIED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "30.0 10.0 JITCodeLibrary\n"

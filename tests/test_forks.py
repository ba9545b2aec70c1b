"""A process that was forked goes on as its parent would, threads or not."""

import os
import subprocess
import sys

import pytest

LOCKED = """
import os, signal, threading
from tessera_env.jit import kernel

inside, leave = threading.Event(), threading.Event()

def compile_for_long():
    with kernel._FIRST_CALL:
        inside.set()
        leave.wait(1.0)

thread = threading.Thread(target=compile_for_long)
thread.start()
inside.wait()
child = os.fork()  # while another thread compiles
if child == 0:
    signal.alarm(30)
    with kernel._FIRST_CALL:
        os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
thread.join()
"""

BOTH_STEP = """
import os, signal
import numpy as np
from tessera_env.vector_env import TesseraVectorEnv

envs = TesseraVectorEnv(8, "deadline", threads=2)
envs.reset(seed=0)
envs.step(np.zeros(8, int))
reading, writing = os.pipe()
child = os.fork()
signal.alarm(60)  # a hang ends with a signal
found = b"".join(envs.step(np.full(8, k % 2))[0].tobytes() for k in range(20))
if child == 0:
    os.write(writing, found[:4096])
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert os.read(reading, 4096) == found[:4096]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.parametrize("script", [BOTH_STEP, LOCKED], ids=["threads", "compiling"])
def test_parent_and_child_go_on_alike(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr

"""Speed and memory, each as a script that prints a table; `python -m benchmarks` runs them all."""

import os

from tessera_env.jit.mode import BEFORE, VARIABLE

os.environ.setdefault(VARIABLE, BEFORE)  # what is timed is machine code

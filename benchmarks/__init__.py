"""Speed and memory, each as a script that prints a table; `python -m benchmarks` runs them all."""

import os

os.environ.setdefault("TESSERA_COMPILE", "before")  # what is timed is machine code

"""What the first use of the engine takes: compiled from nothing, and loaded from the cache."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from benchmarks.common import Report, run_alone

# The same episode twice: what the first one takes longer is compiling, or loading what was compiled. In this one
# several tasks are displaced at once, so that every kernel is called.
FIRST_USE = """
import time
entered = time.time()
import gymnasium as gym
env = gym.make("tessera_env:Tessera/Fleet-v0")
made = time.time()
def play():
    start = time.perf_counter()
    _, info = env.reset(seed=0)
    first = time.time()
    terminated, decisions = False, 0
    while not terminated:
        _, _, terminated, _, info = env.step(1 + decisions % 9)
        decisions += 1
    return first, time.perf_counter() - start
first, seconds = play()
_, seconds_again = play()
import json
from tessera_env.simulation import kernels
assert kernels.run_rows.dispatcher and kernels.describe_migration.dispatcher
print(json.dumps({"imports": made - entered, "first": first, "compiling": seconds - seconds_again}))
"""


def first_use(cache: str) -> dict[str, float]:
    """Seconds in a new process: of imports, to the first observation from the process's start on, of compiling."""
    began = time.time()
    found = subprocess.run(
        [sys.executable, "-c", FIRST_USE],
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
        check=True,
        capture_output=True,
        text=True,
    )
    seconds = json.loads(found.stdout)
    return {**seconds, "first": seconds["first"] - began}


def row(name: str, runs: Sequence[dict[str, float]], cold: dict[str, float]) -> tuple[str, ...]:
    """The quickest of some runs."""
    best = min(runs, key=lambda run: run["compiling"])
    cells = [f"{best[key]:.2f}" for key in ("compiling", "imports", "first")]
    return name, *cells, f"{best['compiling'] / cold['compiling']:.3f} x"


def measure(quick: bool) -> Report:
    """The table."""
    with tempfile.TemporaryDirectory() as cache:
        cold = first_use(cache)
        cached = [first_use(cache) for _ in range(1 if quick else 3)]
    return Report(
        "First use of the engine in a new process",
        "Compile or load: what a first episode of fleet takes longer than the same one again. First observation: from\n"
        f"the process's start on, Python and imports included. Cold: empty cache; cached: best of {len(cached)}.",
        ("cache", "s compile or load", "s imports", "s to first observation", "against cold"),
        (row("cold", [cold], cold), row("cached", cached, cold)),
    )


if __name__ == "__main__":
    run_alone(measure, __doc__)

"""Time to the first observation in a new process: engine compiled from nothing, and from the cache."""

import os
import subprocess
import sys
import tempfile
import time

from benchmarks.common import is_quick, print_table

FIRST_OBSERVATION = """
import time
start = time.perf_counter()
import gymnasium as gym
env = gym.make("tessera_env:Tessera/Classic-v0")
imported = time.perf_counter()
env.reset(seed=0)
env.step(1)
print(imported - start, time.perf_counter() - imported)
"""


def seconds(cache: str) -> tuple[float, float, float]:
    """Seconds of the imports, of the first reset and step, and of the whole process."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", FIRST_OBSERVATION],
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
        check=True,
        capture_output=True,
        text=True,
    )
    imports, first = map(float, done.stdout.split())
    return imports, first, time.perf_counter() - start


def main(quick: bool) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as cache:
        runs = {"cold": seconds(cache), "cached": min(seconds(cache) for _ in range(1 if quick else 3))}
    cold = runs["cold"][1]
    rows = [
        (name, f"{imports:.2f}", f"{first:.2f}", f"{whole:.2f}", f"{first / cold:.3f} x")
        for name, (imports, first, whole) in runs.items()
    ]
    columns = ("cache", "s of imports", "s to compile or load", "s in all", "against cold")
    print_table("First use", columns, rows)


if __name__ == "__main__":
    main(is_quick(__doc__))

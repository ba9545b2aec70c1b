"""What the first use of the engine takes: beside a helper that compiles, compiled first, and loaded from the cache."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from benchmarks.common import Report, run_alone
from tessera_env.jit.mode import BEFORE, BESIDE, VARIABLE

# From its id to the first observation, then steps until there is machine code, then a second of them.
FIRST_USE = """
import json
import time
entered = time.time()
import gymnasium as gym
env = gym.make("tessera_env:Tessera/Fleet-v0")
made = time.time()
env.reset(seed=0)
first = time.time()
from tessera_env.simulation.kernels import run_rows

def step(until):
    steps = 0
    while not until():
        _, _, terminated, _, _ = env.step(1 + steps % 9)
        steps += 1
        if terminated:
            env.reset()
    return steps

meanwhile = step(lambda: run_rows.dispatcher is not None)
compiled = time.time()
rate = step(lambda: time.time() > compiled + 1.0)
times = {"imports": made - entered, "first": first, "compiled": compiled}
print(json.dumps({**times, "meanwhile": meanwhile, "rate": rate}))
"""


def first_use(cache: str | None, way: str) -> dict[str, float]:
    """A new process, with the usual cache if none is named; seconds from its start on. Its helper is ended with it."""
    own = {} if cache is None else {"NUMBA_CACHE_DIR": cache}
    began = time.time()
    process = subprocess.Popen(
        [sys.executable, "-c", FIRST_USE],
        env={**os.environ, **own, VARIABLE: way},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate()
        found = json.loads(printed)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return {**found, "first": found["first"] - began, "compiled": found["compiled"] - began}


def row(name: str, runs: Sequence[dict[str, float]]) -> tuple[str, ...]:
    """The quickest of some runs."""
    best = min(runs, key=lambda run: run["first"])
    seconds = [f"{best[key]:.2f}" for key in ("imports", "first", "compiled")]
    return name, *seconds, f"{best['meanwhile']:,.0f}", f"{best['rate']:,.0f}"


def cold_and_warm() -> Iterator[tuple[str, ...]]:
    """With empty caches, filled in both ways, and with one of these."""
    with tempfile.TemporaryDirectory() as beside, tempfile.TemporaryDirectory() as before:
        yield row("empty, compiled beside", [first_use(beside, BESIDE)])
        yield row("empty, compiled before", [first_use(before, BEFORE)])
        yield row("filled", [first_use(before, BESIDE) for _ in range(3)])


def measure(quick: bool) -> Report:
    """The table."""
    rows = [row("filled", [first_use(None, BESIDE)])] if quick else list(cold_and_warm())
    return Report(
        "First use of the engine in a new process: fleet, by gym.make",
        "From the process's start on, Python and imports included. Beside: the environment runs as plain Python while\n"
        "a helper compiles, and steps so often until it is done; before: TESSERA_COMPILE=before. Filled: the best of\n"
        f"{1 if quick else 3}.",
        ("cache", "s imports", "s to first observation", "s until compiled", "steps meanwhile", "steps in 1 s then"),
        tuple(rows),
    )


if __name__ == "__main__":
    run_alone(measure, __doc__)

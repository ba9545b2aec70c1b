"""One episode of `classic` with 100, 10,000 and 1,000,000 tasks: cost per event, and peak memory."""

import resource
import subprocess
import sys
import time

import numpy as np

from benchmarks.common import is_quick, print_table
from tessera_env.kernels import Command
from tessera_env.scenario_files import load_scenario
from tessera_env.simulation import Simulation

MB = 1024.0 if sys.platform != "darwin" else 1024.0**2  # ru_maxrss is in kB, on macOS in bytes


def play(task_count: int) -> tuple[int, float, float]:
    """Events, seconds and peak MB of one episode in which every decision asks for spot, pool by pool in turn.

    An event is an arrival, a decision, an interruption (its notice and its end are two) or a completion.
    """
    simulation = Simulation(load_scenario("classic", **{"task.count": task_count}), 1)
    simulation.address(0, 0, 0)
    start_command, step_command = np.array([int(Command.START)]), np.array([int(Command.STEP)])
    action = np.zeros(1, dtype=np.int64)
    simulation.run(start_command)
    started = time.perf_counter()
    decisions = 0
    while not simulation.views.terminated[0]:
        action[0] = 1 + decisions % simulation.layout.pool_count
        simulation.run(step_command, action)
        decisions += 1
    seconds = time.perf_counter() - started
    metrics = simulation.metrics(np.zeros(1, dtype=np.int64))
    events = decisions + task_count + 2 * int(metrics["interruptions"][0]) + int(metrics["tasks_done"][0])
    return events, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB


def measured(task_count: int) -> tuple[int, float, float]:
    """The same in a process of its own, so that the memory is this episode's alone."""
    command = [sys.executable, "-m", "benchmarks.scale", "--play", str(task_count)]
    events, seconds, megabytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(events), float(seconds), float(megabytes)


def main(quick: bool) -> None:
    """Print the table."""
    counts = (100, 1_000) if quick else (100, 10_000, 1_000_000)
    repeats = 1 if quick else 3
    results = {n: min((measured(n) for _ in range(repeats)), key=lambda r: r[1]) for n in counts}
    middle = results[counts[1]][1] / results[counts[1]][0]
    rows = [
        (f"{n:,}", f"{e:,}", f"{s:.2f}", f"{e / s:,.0f}", f"{1e6 * s / e:.2f}", f"{s / e / middle:.2f} x", f"{m:,.0f}")
        for n, (e, s, m) in results.items()
    ]
    columns = ("tasks", "events", "s", "events/s", "us an event", f"against {counts[1]:,}", "peak MB")
    print_table(f"One episode, best of {repeats}, the call from Python included", columns, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--play"]:
        print(*play(int(sys.argv[2])))
    else:
        main(is_quick(__doc__))

"""One episode of `classic` with 100, 10,000 and 1,000,000 tasks: cost per event, and peak memory."""

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.common import Report, run_alone
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation

SHORTEST_S = 0.3  # small episodes are repeated until they take this long together
START, STEP, SKIP = (np.array([int(command)]) for command in (Command.START, Command.STEP, Command.SKIP))


@dataclass(frozen=True)
class Played:
    """Episodes of one size; one where that takes long enough."""

    episodes: int
    decisions: int
    events: int
    start_s: float  # drawing the world, up to the first decision
    play_s: float  # from there to the end
    call_s: float  # of play_s, what calling the engine from Python for each decision takes
    peak_mb: float  # of the whole process


def play(task_count: int) -> Played:
    """Episodes in which every decision asks for spot, pool by pool in turn, each from new tables."""
    scenario = load_scenario("classic", **{"task.count": task_count})
    episode(load_scenario("classic"), 0)  # compile
    totals, episodes = np.zeros(4), 0
    while episodes == 0 or totals[3] < SHORTEST_S:
        totals += episode(scenario, episodes)
        episodes += 1
    decisions, events, start_s, play_s = totals.tolist()
    call_s = decisions * seconds_of_a_call()
    return Played(episodes, int(decisions), int(events), start_s, play_s, call_s, peak_mb())


def peak_mb() -> float:
    """Most memory that this process has held.

    Linux hands `ru_maxrss` on from the process that starts another one, so that a large parent would be measured
    instead of a small child; VmHWM is the process's own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return float(status.read_text().split("VmHWM:")[1].split()[0]) / 1024.0  # kB
    unit = 1024.0**2 if sys.platform == "darwin" else 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def episode(scenario: Scenario, world: int) -> tuple[int, int, float, float]:
    """Decisions, events, seconds to start and seconds to play of one episode.

    Events: arrivals, decisions, launches (their billing starts), interruptions (notice, end and migration: three)
    and completions. What the engine drops as outdated is work too, but is not counted.
    """
    simulation = Simulation(scenario, 1)
    simulation.address(0, 0, world)
    began = time.perf_counter()
    simulation.run(START)
    started = time.perf_counter()
    action, pools, decisions = np.zeros(1, dtype=np.int64), simulation.layout.pool_count, 0
    while not simulation.views.terminated[0]:
        action[0] = 1 + decisions % pools
        simulation.run(STEP, action)
        decisions += 1
    ended = time.perf_counter()
    found = {name: int(value[0]) for name, value in simulation.metrics(np.zeros(1, dtype=np.int64)).items()}
    events = found["tasks"] + decisions + found["launches"] + 3 * found["interruptions"] + found["tasks_done"]
    return decisions, events, started - began, ended - started


def seconds_of_a_call(calls: int = 20_000) -> float:
    """Seconds of the loop above and of a call in which the engine has nothing to do."""
    simulation = Simulation(load_scenario("classic"), 1)
    simulation.address(0, 0, 0)
    simulation.run(START)
    action, decisions = np.zeros(1, dtype=np.int64), 0
    start = time.perf_counter()
    while decisions < calls and not simulation.views.terminated[0]:
        action[0] = 1 + decisions % 4
        simulation.run(SKIP, action)
        decisions += 1
    return (time.perf_counter() - start) / calls


def played(task_count: int) -> Played:
    """`play` in a process of its own, so that the peak memory is this size's alone."""
    command = [sys.executable, "-m", "benchmarks.speed.scale", "--play", str(task_count)]
    return Played(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def measure(quick: bool) -> Report:
    """The table."""
    counts, repeats = ((100, 1_000), 1) if quick else ((100, 10_000, 1_000_000), 3)
    runs = [{n: played(n) for n in counts} for _ in range(repeats)]  # sizes take turns
    best = {n: min((run[n] for run in runs), key=lambda one: one.play_s / one.events) for n in counts}
    reference = best[counts[1]].play_s / best[counts[1]].events
    rows = tuple(
        (
            f"{n:,}",
            f"{one.events / one.episodes:,.0f}",
            f"{one.start_s / one.episodes:.3f}",
            f"{one.play_s / one.episodes:.3f}",
            f"{one.events / one.play_s:,.0f}",
            f"{1e6 * one.play_s / one.events:.2f}",
            f"{1e6 * one.call_s / one.events:.2f}",
            f"{one.play_s / one.events / reference:.2f} x",
            f"{one.peak_mb:,.0f}",
        )
        for n, one in best.items()
    )
    columns = (
        "tasks", "events", "start s", "play s", "events/s", "us an event", "of it call", f"against {counts[1]:,}",
        "peak MB",
    )  # fmt: skip
    return Report(
        f"One episode of classic with many tasks, best of {repeats}",
        "Every decision asks for spot, one call from Python each, whose own cost is shown. Events: arrivals,\n"
        "decisions, launches, completions, three an interruption. Peak memory of the whole process.",
        columns,
        rows,
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--play"]:
        print(json.dumps(asdict(play(int(sys.argv[2])))))
    else:
        run_alone(measure, __doc__)

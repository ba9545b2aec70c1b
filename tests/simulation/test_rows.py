"""Rows in Python's hands: tables that grow, planners that are asked, metrics that are read, types that never change."""

import copy
import math
import pickle
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numba
import numpy as np
import pytest

from tessera_env.engine import state as tables
from tessera_env.engine.kinds import LogKind
from tessera_env.engine.state import EPISODE, TOTALS
from tessera_env.env import TesseraEnv
from tessera_env.jit.kernel import Kernel
from tessera_env.scenario.loading import load_scenario, preset_names
from tessera_env.simulation import kernels, migration
from tessera_env.simulation import rows as simulation_module
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.planners import UNASSIGNED, KuhnMunkres, NearestFirst, Planner
from tessera_env.simulation.rows import Simulation
from tessera_env.vector_env import TesseraVectorEnv
from tests.engine.play import ON_DEMAND, SPOT, WAIT, play
from tests.engine.scenarios import started, step
from tests.reference.worlds import pool, task, world

INF = math.inf
NOT_COMPILED = numba.config.DISABLE_JIT

# --- tables that grow ------------------------------------------------------------------------------------------------

POOL: dict[str, Any] = {
    "instance_type": "t",
    "gpu_memory_mb": 16_000,
    "on_demand_usd_per_h": 2.0,
    "provisioning_s": 30,
    "setup_h": {"uniform": [0.01, 0.2]},
    "price": {"source": "constant", "usd_per_h": 0.5},
    "hazard": {"model": "constant", "per_h": 0.3},
    "capacity": {
        "source": "semi_markov",
        "instances": 150,
        "up_median_h": [0.8, 0.8],
        "up_sigma": [0.5, 0.5],
        "down_median_h": [0.3, 0.3],
        "down_sigma": [0.5, 0.5],
    },
}
CROWD: dict[str, Any] = {  # 200 tasks at once on 200 instances and more, and all of them waiting now and then
    "horizon_h": 6,
    "decision_interval_s": 900,
    "notice_s": 120,
    "idle_timeout_s": 1_800,
    "reconsider_running": True,
    "task": {"count": 200, "work_h": {"uniform": [0.5, 3]}, "state_base_mb": 4_000},
    "pools": [{**POOL, "name": name, "zone": name} for name in ("a", "b")],
}


totals_of = itemgetter(*(EPISODE.names.index(name) for name in TOTALS))  # of a row as Python numbers, read much faster


def seen(simulation: Simulation, row: int = 0) -> bytes:
    """All that a row shows of itself; not what it keeps for itself, such as how many stale events it still has."""
    state, views = simulation.state, simulation.views
    totals = np.array(totals_of(state.episodes[row].item()))
    parts = (views.observations[row], views.rewards[row], state.masks[row], totals, state.episodes[row].now_s)
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def tale_of(simulation: Simulation) -> list[bytes]:
    """What all rows show after each step of random play."""
    rng, tale = np.random.default_rng(3), []
    while not simulation.views.terminated.all():
        step(simulation, *rng.integers(0, 5, simulation.row_count))
        tale.append(b"".join(seen(simulation, row) for row in range(simulation.row_count)))
    return tale


def start_again(simulation: Simulation) -> Simulation:
    """The same worlds from the beginning, in the tables as they are."""
    simulation.run(np.full(simulation.row_count, int(Command.START)))
    return simulation


@pytest.mark.parametrize("first_slots", [1, 2, tables._FIRST_SLOTS])
@pytest.mark.parametrize(("rows", "threads"), [(1, 1), (3, 1), (3, 2)])
def test_tables_grow_without_a_trace(monkeypatch, first_slots, rows, threads):
    """An episode that starts in small tables is the one that starts in tables that are large enough."""
    monkeypatch.setattr(tables, "_FIRST_SLOTS", first_slots)
    simulation = Simulation(load_scenario(CROWD), rows, threads=threads)
    first_events, first_links = simulation.state.events.shape[1], simulation.state.links.shape[1]
    assert simulation.state.instances.shape == (rows, first_slots)
    for row in range(rows):
        simulation.address(row, 6 + row, 0)
    tale = tale_of(start_again(simulation))
    grown = [table.shape for table in simulation.state]
    assert simulation.state.instances.shape[1] > 200 > first_slots
    assert simulation.state.events.shape[1] > first_events and simulation.state.links.shape[1] > first_links
    assert tale_of(start_again(simulation)) == tale
    assert [table.shape for table in simulation.state] == grown


def test_the_log_grows():
    simulation = started(CROWD, seed=6, log_events=True)
    tale_of(simulation)
    log = simulation.state.log[0][: simulation.log_count[0]]
    assert len(log) > 1_024
    metrics = simulation.metrics(np.array([0]))
    for kind, name in (
        (LogKind.LAUNCH, "launches"),
        (LogKind.NOTICE, "interruptions"),
        (LogKind.DECISION, "decisions"),
    ):
        assert (log["kind"] == kind).sum() == metrics[name][0] > 0
    assert (np.diff(log["time_s"]) >= 0.0).all()


# --- planners --------------------------------------------------------------------------------------------------------


class Fixed:
    """A planner that notes the matrix, and always answers the same."""

    def __init__(self, *columns: int):
        self.columns = list(columns)
        self.costs: list[list[list[float]]] = []

    def __call__(self, costs: np.ndarray) -> np.ndarray:
        self.costs.append(costs.tolist())
        return np.array(self.columns)


def losing(at_s: float, before: int, **fields: Any):
    """A pool that loses all its capacity."""
    return pool(capacity=((0.0, before), (at_s, 0)), **fields)


def test_the_matrix_is_seconds_until_each_task_runs_on_each_instance():
    """Three tasks are displaced at 500 s and ask for spot in pools 2, 1 and 2, where one is launched for each.

    Pool 1: 50 s of provisioning, 200 s of set-up, 1,000 MB/s. Pool 2: 300 s of set-up, 100 MB/s, too little memory
    for task 1. The tasks have 4,000, 10,000 and 0 MB of state.
    """
    pools = [
        losing(500.0, 3),
        pool(provisioning_s=50.0, setup_s=200.0),
        pool(bandwidth_gbps=0.8, setup_s=300.0, gpu_memory_mb=8_000.0),
    ]
    tasks = [
        task(2_000.0, state_mb=4_000.0, memory_mb=8_000.0),
        task(2_000.0, state_mb=10_000.0, memory_mb=12_000.0),
        task(2_000.0),
    ]
    planner = Fixed(2, 1, 0)
    run = play(world(pools, tasks, notice_s=120.0), [1, 1, 1, 3, 2, 3], planner)
    assert planner.costs == [[[340.0, 254.0, 340.0], [INF, 260.0, INF], [300.0, 250.0, 300.0]]]
    places = [(line[2], line[3], line[4]) for line in run.of("PLACE")[3:]]
    assert places == [(0, 5, 840.0), (1, 4, 760.0), (2, 3, 800.0)]


def test_what_was_idle_or_in_set_up_counts_with_what_is_left_of_it():
    """Task 2 leaves a ready instance of pool 1 idle at 300 s, which costs the load alone; a new one 200 s of set-up.

    When pool 0 is lost at 400 s, tasks 0 and 1 both ask for pool 1: the idle one is for one of them.
    """
    pools = [losing(400.0, 2), pool(setup_s=200.0)]
    tasks = [task(2_000.0, state_mb=3_000.0), task(2_000.0), task(100.0)]
    planner = Fixed(1, 0)
    run = play(world(pools, tasks, notice_s=120.0, idle_timeout_s=1_000.0), [1, 1, 2, 2, 2], planner)
    # Columns: launch 2, idle since 300 s; launch 3, made now.
    assert planner.costs == [[[3.0, 203.0], [0.0, 200.0]]]
    places = [(line[2], line[3], line[4]) for line in run.of("PLACE")]
    assert places == [(0, 0, 3.0), (1, 1, 0.0), (2, 2, 200.0), (0, 3, 603.0), (1, 2, 400.0)]


def test_each_purchase_is_planned_by_itself():
    """Two tasks ask for spot and two for on-demand: two matrices, spot first."""
    pools = [losing(500.0, 4), pool(setup_s=10.0)]
    tasks = [task(2_000.0, state_mb=1_000.0 * k) for k in range(1, 5)]
    planner = Fixed(1, 0)
    run = play(world(pools, tasks, notice_s=120.0), [1, 1, 1, 1, 2, 4, 2, 4], planner)
    assert planner.costs == [[[11.0, 11.0], [13.0, 13.0]], [[12.0, 12.0], [14.0, 14.0]]]
    # Launches 4 (spot), 5 (on-demand), 6, 7 in the order of the questions; each planner's answer is crosswise.
    assert [(line[2], line[3]) for line in run.of("PLACE")[4:]] == [(0, 6), (2, 4), (1, 7), (3, 5)]


def test_whom_a_planner_leaves_out_waits_and_what_it_leaves_is_cancelled():
    pools = [losing(500.0, 2), pool(setup_s=10.0)]
    planner = Fixed(UNASSIGNED, 0)
    run = play(world(pools, [task(1_000.0), task(1_000.0)], notice_s=120.0), [1, 1, 2, 2, 2], planner)
    assert run.of("CANCEL") == [(500.0, "CANCEL", -1, 3, 0.0, 0.0)]
    assert run.totals["cancelled_launches"] == 1 and run.totals["migrations"] == 1
    # Asked again after the interval of 100 s.
    assert [line[:4] for line in run.of("PLACE")[2:]] == [(500.0, "PLACE", 1, 2), (600.0, "PLACE", 0, 4)]


@pytest.mark.parametrize(
    ("columns", "message"), [((0, 0), "each column once"), ((0, 5), "-1 to 1"), ((0,), r"integers of shape \(2,\)")]
)
def test_a_planner_that_answers_nonsense_is_refused(columns, message):
    pools = [losing(500.0, 2), pool()]
    with pytest.raises(ValueError, match=f"^planner: .*{message}"):
        play(world(pools, [task(), task()]), [1, 1, 2, 2], Fixed(*columns))


def test_after_a_planner_s_error_the_next_episode_is_sound():
    class Failing:
        broken = True

        def __call__(self, costs: np.ndarray) -> np.ndarray:
            if self.broken:
                raise ZeroDivisionError
            return KuhnMunkres()(costs)

    planner = Failing()
    simulation, twin = started(CROWD, planner=planner), started(CROWD)
    with pytest.raises(ZeroDivisionError):
        for _ in range(2_000):
            step(simulation, 1)
    planner.broken = False
    for one in (simulation, twin):
        one.address(0, 5, 0)
        one.run(np.array([int(Command.START)]))
    for _ in range(300):
        step(simulation, 1)
        step(twin, 1)
        assert seen(simulation) == seen(twin)


def test_nearest_first_is_worse_where_it_should_be():
    """Tasks of 100,000 and 1,000 MB, pools of 1,000 and 100 MB/s: the first to choose takes the wrong one."""
    pools = [losing(500.0, 2), pool(bandwidth_gbps=0.8), pool()]
    tasks = [task(1_000.0, state_mb=1_000.0), task(1_000.0, state_mb=100_000.0)]

    def restarts(planner: Planner) -> list[float]:
        run = play(world(pools, tasks, notice_s=120.0), [1, 1, 3, 2], planner)
        return [line[4] for line in run.of("PLACE")[2:]]

    assert restarts(KuhnMunkres()) == [510.0, 600.0]
    assert restarts(NearestFirst()) == [501.0, 1_500.0]


# --- metrics ---------------------------------------------------------------------------------------------------------


def metrics_of(*answers: int, tasks: list, pools: list | None = None, **fields: Any) -> dict[str, float]:
    """The metrics of a world made by hand."""
    seen: list[Simulation] = []
    play(world(pools or [pool()], tasks, **fields), answers, look=seen.append)
    return {name: values[0].item() for name, values in seen[-1].metrics(np.array([0])).items()}


def test_metrics_of_an_episode_worked_out_by_hand():
    """$1.80/h spot is $0.0005 a second, $3.60/h on-demand $0.001.

    Task 0 runs 1,000 s on spot from 0; task 1 waits 100 s, then runs 3,600 s on on-demand; 36 s of set-up each.
    """
    metrics = metrics_of(SPOT, WAIT, ON_DEMAND, tasks=[task(1_000.0), task(3_600.0)], pools=[pool(setup_s=36.0)])
    assert metrics["spot_usd"] == pytest.approx(0.518)
    assert metrics["on_demand_usd"] == pytest.approx(3.636)
    assert metrics["cost_usd"] == metrics["spot_usd"] + metrics["on_demand_usd"]
    assert (metrics["penalty_usd"], metrics["objective_usd"]) == (0.0, metrics["cost_usd"])  # to the last bit
    assert metrics["spot_h"] == pytest.approx(1_036.0 / 3_600.0)
    assert metrics["on_demand_h"] == pytest.approx(3_636.0 / 3_600.0)
    assert metrics["setup_h"] == pytest.approx(0.02)
    assert metrics["work_done_h"] == pytest.approx(4_600.0 / 3_600.0)
    assert metrics["waiting_h"] == pytest.approx(100.0 / 3_600.0)
    assert metrics["elapsed_h"] == pytest.approx(3_736.0 / 3_600.0)
    assert metrics["scale_usd"] == pytest.approx(4.6)
    assert metrics["episode_return"] == pytest.approx(-4.154 / 4.6)
    assert (metrics["tasks"], metrics["tasks_done"], metrics["launches"], metrics["decisions"]) == (2, 2, 2, 3)
    stays_h = [1_036.0 / 3_600.0, 3_736.0 / 3_600.0]
    for percent in (50, 95, 99):
        assert metrics[f"completion_p{percent}_h"] == pytest.approx(np.percentile(stays_h, percent))


def test_metrics_where_nothing_was_done():
    """Percentiles of nothing are 0; nothing is NaN."""
    metrics = metrics_of(tasks=[task(1_000.0)], horizon_s=3_600.0)
    assert metrics["tasks_done"] == metrics["cost_usd"] == metrics["launches"] == 0
    assert metrics["completion_p50_h"] == metrics["completion_p99_h"] == 0.0
    assert metrics["waiting_h"] == 1.0
    assert all(math.isfinite(value) for value in metrics.values())


def test_metrics_of_an_episode_that_ends_first():
    """At 1,000 s task 0 has done 800 of 2,000 s, 200 s of which were set-up; task 1 has waited all the time."""
    tasks = [task(2_000.0, deadline_s=900.0), task(500.0)]
    metrics = metrics_of(SPOT, tasks=tasks, pools=[pool(setup_s=200.0)], horizon_s=1_000.0)
    assert metrics["work_done_h"] == pytest.approx(800.0 / 3_600.0)
    assert metrics["spot_usd"] == pytest.approx(0.5) and metrics["setup_h"] == pytest.approx(200.0 / 3_600.0)
    assert metrics["waiting_h"] == pytest.approx(1_000.0 / 3_600.0) and metrics["elapsed_h"] == 1_000.0 / 3_600.0
    assert (metrics["tasks"], metrics["tasks_done"], metrics["deadlines_missed"]) == (2, 0, 1)
    assert metrics["penalty_usd"] == pytest.approx(2.0 * 2.5)  # twice what all work costs on on-demand
    assert metrics["objective_usd"] == metrics["cost_usd"] + metrics["penalty_usd"]


def test_metrics_keep_the_order_of_the_rows_that_are_asked_for():
    simulation = started("classic", rows=3)
    while not simulation.views.terminated.all():
        step(simulation, 1, 5, 2)
    together = simulation.metrics(np.array([2, 0]))
    for name, values in together.items():
        assert values.tolist() == [simulation.metrics(np.array([row]))[name][0] for row in (2, 0)], name
        assert values.base is None or not np.shares_memory(values, simulation.state.episodes)


# --- one signature ---------------------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch) -> dict[str, int]:
    """Calls of each kernel, each of which must have exactly the types that the kernel was compiled for.

    Later calls go to the machine code without a look at their types, so another type would be read as if it were right.
    """
    counts: dict[str, int] = {}

    def watched(kernel: Kernel) -> Callable[..., Any]:
        name = kernel.function.__name__
        counts[name] = 0

        def call(*args: Any) -> Any:
            types = tuple(numba.typeof(argument) for argument in args)
            assert kernel.dispatcher is None or [types] == kernel.dispatcher.signatures
            counts[name] += 1
            return kernel(*args)

        return call

    monkeypatch.setattr(simulation_module, "run_rows", watched(kernels.run_rows))
    monkeypatch.setattr(migration, "describe_migration", watched(kernels.describe_migration))
    return counts


def some_steps(env: TesseraEnv | TesseraVectorEnv, count: int = 25) -> None:
    """Valid steps; a single environment is reset at its end."""
    for number in range(count):
        masks = np.atleast_2d(env.action_masks())
        actions = np.array([np.flatnonzero(mask)[number % mask.sum()] for mask in masks], dtype=np.int32)
        over = env.step(actions[0] if isinstance(env, TesseraEnv) else actions)[2]
        if isinstance(env, TesseraEnv) and over:
            env.reset()


def copies(env: Any) -> list[Any]:
    return [env, copy.deepcopy(env), pickle.loads(pickle.dumps(env))]


@pytest.mark.skipif(NOT_COMPILED, reason="nothing is compiled")
def test_every_caller_passes_the_same_types(calls):
    """All presets; one row and many, logged or not, on threads, copied, with grown tables, asking planners."""
    for preset in preset_names():
        single = TesseraEnv(preset, log_events=preset != "deadline")
        single.reset(seed=0)
        many = TesseraVectorEnv(3, preset, threads=2, max_episode_steps=20, autoreset_mode="SameStep")
        many.reset(seed=[1, 2, 3], options={"world": np.array([0, 1, 2], dtype=np.uint8)})
        for env in (*copies(single), *copies(many)):
            some_steps(env)
    crowd, rng = started(CROWD, log_events=True), np.random.default_rng(3)
    for _ in range(400):
        step(crowd, int(rng.integers(5)))
    assert crowd.state.log.shape[1] > 1_024 and crowd.state.instances.shape[1] > tables._FIRST_SLOTS
    play(world([losing(500.0, 2), pool()], [task(), task()]), [1, 1, 2, 2])
    assert calls["_run_rows"] > 1_000 and calls["_describe_migration"] == 2
    for kernel in (kernels.run_rows, kernels.describe_migration):
        assert len(kernel.dispatcher.signatures) == 1


@pytest.mark.skipif(NOT_COMPILED, reason="nothing is compiled")
def test_other_types_would_be_seen(calls):
    simulation = started("classic")
    with pytest.raises(AssertionError):
        simulation.run(np.array([int(Command.STEP)], dtype=np.int32))

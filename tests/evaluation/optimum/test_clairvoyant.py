"""The clairvoyant optimum: against a slow reference and a mixed-integer programme, the engine, and every policy."""

import ast
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import tessera_env
from tessera_env.evaluation.optimum import clairvoyant
from tessera_env.evaluation.optimum.clairvoyant import Optimum, optimal, optimum_of, solved
from tessera_env.evaluation.optimum.problem import FIRST_WINDOW, Problem, segments_of
from tessera_env.evaluation.optimum.search import PROBLEM
from tessera_env.evaluation.playing import play
from tessera_env.jit.cache import compiled_sources
from tessera_env.policies import QueuePolicy, make_policy
from tessera_env.policies.making import fitting_policies
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation
from tessera_env.vector_env import TesseraVectorEnv
from tessera_env.world.parameters import new_table
from tests.reference.clairvoyant import Ticks, least_usd, least_usd_by_milp

POINT = np.dtype([("time_s", float), ("spot_price", float), ("capacity", int)])


def spells(generator: np.random.Generator, ticks: int) -> np.ndarray:
    """(ticks,) whether spot is up: a chain that keeps its state most of the time."""
    up = np.empty(ticks, dtype=bool)
    up[0] = generator.random() < 0.5
    for tick in range(1, ticks):
        up[tick] = up[tick - 1] ^ (generator.random() < generator.choice([0.1, 0.3, 0.6]))
    return up


def random_ticks(seed: int, ticks: int = 22) -> Ticks:
    """A small world; in every other one prices change, and the deadline cuts the last tick in every third."""
    generator = np.random.default_rng(seed)
    tick_s = 60.0
    price = 0.2 + 0.1 * generator.integers(0, 12, 4) if seed % 2 else np.full(4, 0.32)
    deadline_s = ticks * tick_s - (generator.integers(1, 59) if seed % 3 == 0 else 0)
    changeover_s = float(generator.choice([0, 20, 45, 60, 90, 150]))
    work_s = float(generator.integers(3 * 60, int(deadline_s - changeover_s)))
    return Ticks(
        work_s=work_s,
        changeover_s=changeover_s,
        deadline_s=float(deadline_s),
        tick_s=tick_s,
        on_demand_usd=1.0,
        spot_usd=tuple(price[np.arange(ticks) * 4 // ticks].tolist()),
        up=tuple(spells(generator, ticks).tolist()),
    )


def problem_of_ticks(world: Ticks, exact_billing: bool = False, **changes: float) -> Problem:
    """The same world as the package sees it."""
    points = np.zeros(len(world.up), POINT)
    points["time_s"] = np.arange(len(world.up)) * world.tick_s
    points["spot_price"] = np.array(world.spot_usd) * 3600.0 / world.tick_s
    points["capacity"] = world.up
    problem = new_table(1, PROBLEM)
    problem.work_s, problem.changeover_s = world.work_s, world.changeover_s
    problem.on_demand_price = world.on_demand_usd / world.tick_s
    problem.tick_s = 0.0 if exact_billing else world.tick_s
    problem.first_window = FIRST_WINDOW
    for name, value in changes.items():
        problem[name] = value
    return Problem(problem.tobytes(), segments_of(points, world.deadline_s, float(problem.tick_s[0])).tobytes())


class TestAgainstReferences:
    """Small worlds."""

    @pytest.mark.parametrize("seed", range(50))
    def test_on_ticks(self, seed: int) -> None:
        world = random_ticks(seed)
        optimum, expected = solved(problem_of_ticks(world)), least_usd(world)
        assert optimum.lower_usd == pytest.approx(expected, abs=1e-9)
        assert optimum.upper_usd == optimum.lower_usd
        assert least_usd_by_milp(world) == pytest.approx(expected, abs=1e-6)
        assert cost_of(world, optimum) == pytest.approx(expected, abs=1e-9)

    @pytest.mark.parametrize("seed", range(24))
    def test_longer_worlds_in_which_labels_are_left_out(self, seed: int) -> None:
        world = random_ticks(seed, ticks=110)
        assert solved(problem_of_ticks(world)).lower_usd == pytest.approx(least_usd_by_milp(world), abs=1e-6)

    @pytest.mark.parametrize("seed", range(12))
    def test_per_second_against_ticks_of_five_seconds(self, seed: int) -> None:
        """Whole ticks can only cost more, and no more than a tick at the end of each run."""
        world = random_ticks(2 * seed + seed % 2, ticks=8)
        optimum = solved(problem_of_ticks(world, exact_billing=True))
        finer = 12
        fine = Ticks(
            work_s=world.work_s,
            changeover_s=world.changeover_s,
            deadline_s=world.deadline_s,
            tick_s=world.tick_s / finer,
            on_demand_usd=world.on_demand_usd / finer,
            spot_usd=tuple(np.repeat(world.spot_usd, finer) / finer),
            up=tuple(np.repeat(world.up, finer).tolist()),
        )
        coarse_usd = least_usd_by_milp(fine)
        assert optimum.lower_usd <= coarse_usd + 1e-6
        # One run of some best schedule ends off the grid, and the deadline may lie off it.
        assert coarse_usd <= optimum.upper_usd + 2 * fine.on_demand_usd + 1e-6
        assert optimum.upper_usd == pytest.approx(optimum.lower_usd, rel=1e-9)
        assert per_second_usd(world, optimum) == pytest.approx(optimum.upper_usd, abs=1e-9)

    def test_a_hand_made_world(self) -> None:
        """10 min of spot, 10 without, 10 with; 16 min of work in 30, 2 a start: both spells, and the gap waited out."""
        world = Ticks(16 * 60.0, 120.0, 30 * 60.0, 60.0, 1.0, (0.3,) * 30, (True,) * 10 + (False,) * 10 + (True,) * 10)
        optimum = solved(problem_of_ticks(world))
        assert optimum.lower_usd == pytest.approx(20 * 0.3)
        assert [(run.start_s, run.end_s, run.on_demand) for run in optimum.runs] == [
            (0.0, 600.0, False),
            (1200.0, 1800.0, False),
        ]
        # A minute more of work: on-demand for 3 min costs 3 + 20 x 0.3; holding on through the gap, more.
        more = solved(problem_of_ticks(world, work_s=17 * 60.0))
        assert more.lower_usd == pytest.approx(9.0)

    def test_without_room_for_all_labels_the_bracket_is_proven(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clairvoyant, "_ROOM", 1_500)
        solved.cache_clear()
        widths = []
        for seed in range(40):
            problem = problem_of_ticks(random_ticks(seed, ticks=300))
            narrow = solved(problem)
            with monkeypatch.context() as context:
                context.setattr(clairvoyant, "_ROOM", 1_000_000)
                solved.cache_clear()
                exact = solved(problem)
            solved.cache_clear()
            assert narrow.lower_usd <= exact.lower_usd + 1e-9
            assert exact.upper_usd <= narrow.upper_usd + 1e-9
            widths.append(narrow.upper_usd / narrow.lower_usd - 1.0)
        assert max(widths) > 0.0  # it did run out of room
        solved.cache_clear()


def lines_of_six() -> str:
    """What is solved in six worlds."""
    problems = [problem_of_ticks(random_ticks(seed), exact_billing=seed % 2 == 0) for seed in range(6)]
    return "\n".join(str(solved(problem)) for problem in problems)


class TestCompiled:
    """The kernel as the compiled code that it is."""

    @pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
    def test_plain_python_gives_the_same_bits(self) -> None:
        program = "from tests.evaluation.optimum.test_clairvoyant import lines_of_six\nprint(lines_of_six())"
        environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
        command = [sys.executable, "-c", program]
        plain = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        assert plain == lines_of_six() + "\n"
        assert plain.count("Optimum(lower_usd=") == 6

    def test_all_that_it_is_made_of_is_in_the_cache_s_digest(self) -> None:
        package = Path(tessera_env.__file__).parent
        kernel = package / "evaluation" / "optimum" / "search.py"
        nodes = [node for node in ast.walk(ast.parse(kernel.read_text())) if isinstance(node, ast.ImportFrom)]
        modules = [node.module for node in nodes if node.module and node.module.startswith("tessera_env.")]
        files = {package.joinpath(*module.split(".")[1:]).with_suffix(".py") for module in modules}
        assert {kernel, *files} <= set(compiled_sources(package))
        assert len(files) >= 3


def cost_of(world: Ticks, optimum: Optimum) -> float:
    """What a schedule costs tick for tick; that it holds only what is there, and does the work, is asserted."""
    usd = work_s = 0.0
    for run in optimum.runs:
        first, last = run.start_s / world.tick_s, math.ceil(run.end_s / world.tick_s - 1e-9)
        assert first == int(first)
        ticks = range(int(first), last)
        assert run.on_demand or all(world.up[tick] for tick in ticks)
        usd += sum(world.on_demand_usd if run.on_demand else world.spot_usd[tick] for tick in ticks)
        work_s += min(run.end_s, world.deadline_s) - run.start_s - world.changeover_s
    assert work_s >= world.work_s - 1e-6
    assert all(before.end_s <= after.start_s for before, after in zip(optimum.runs, optimum.runs[1:], strict=False))
    return usd


def per_second_usd(world: Ticks, optimum: Optimum) -> float:
    """The same, billed per second."""
    usd = work_s = 0.0
    for run in optimum.runs:
        work_s += run.end_s - run.start_s - world.changeover_s
        for tick in range(len(world.up)):
            start_s, end_s = max(run.start_s, tick * world.tick_s), min(run.end_s, (tick + 1) * world.tick_s)
            if end_s > start_s:
                assert run.on_demand or world.up[tick]
                price = world.on_demand_usd if run.on_demand else world.spot_usd[tick]
                usd += price * (end_s - start_s) / world.tick_s
    assert work_s >= world.work_s - 1e-6
    assert optimum.runs[-1].end_s <= world.deadline_s + 1e-9
    return usd


def started(simulation: Simulation, world: int, seed: int = 1) -> Optimum:
    """The optimum of a world that row 0 has just started."""
    simulation.address(0, seed, world)
    simulation.run(np.array([int(Command.START)]))
    return optimum_of(simulation, 0)


def replayed(simulation: Simulation, optimum: Optimum) -> dict[str, Any]:
    """Play the schedule in the engine; its last run ends with the job."""
    step = np.array([int(Command.STEP)])
    runs = [*optimum.runs[:-1], optimum.runs[-1]._replace(end_s=math.inf)]
    while not simulation.views.terminated[0]:
        now_s = simulation.now_s[0]
        held = next((1 + run.on_demand for run in runs if run.start_s <= now_s + 1e-9 < run.end_s), 0)
        simulation.run(step, np.array([held]))
    return {name: values[0] for name, values in simulation.metrics(np.array([0])).items()}


class TestInTheEngine:
    """The schedule costs there what the optimum says."""

    def test_on_ticks(self) -> None:
        simulation = Simulation(load_scenario("cant-be-late"), 1)
        for world in range(40):
            optimum = started(simulation, world)
            metrics = replayed(simulation, optimum)
            assert optimum.lower_usd == optimum.upper_usd
            assert metrics["cost_usd"] == pytest.approx(optimum.upper_usd, rel=1e-12)
            assert (metrics["tasks_done"], metrics["deadlines_missed"]) == (1, 0)
            assert metrics["launches"] == optimum.starts
            assert metrics["spot_h"] == pytest.approx(optimum.spot_h)
            assert metrics["on_demand_h"] == pytest.approx(optimum.on_demand_h)

    def test_per_second_with_decisions_every_second(self) -> None:
        short = {"task.work_h": 4, "task.deadline_h": 5.5, "horizon_h": 7, "decision_interval_s": 1}
        simulation = Simulation(load_scenario("deadline-aws", deadline_guard=False, **short), 1)
        for world in range(12):
            optimum = started(simulation, world)
            metrics = replayed(simulation, optimum)
            assert metrics["tasks_done"] == 1
            second_usd = 3.06 / 3600.0  # each start and each end comes up to a second late
            assert metrics["cost_usd"] == pytest.approx(optimum.upper_usd, abs=2 * optimum.starts * second_usd)
            assert metrics["launches"] == optimum.starts

    @pytest.mark.parametrize("preset", ["cant-be-late", "deadline-aws", "deadline"])
    def test_no_policy_is_below_it(self, preset: str) -> None:
        scenario, worlds = load_scenario(preset), 128
        table = optimal(scenario, worlds, 5)
        assert (table["upper_usd"] <= table["cost_usd"] * 1.002).all()
        env = TesseraVectorEnv(worlds, scenario=scenario)
        in_time_of_any = 0
        for name in fitting_policies(env.layout):
            policy = make_policy(name, env.layout, 5)
            if isinstance(policy, QueuePolicy):
                continue  # it takes a second a world
            played = play(env, policy, worlds, 5, lambda _share: None)
            in_time = (played["deadlines_missed"] == 0) & (played["tasks_done"] == 1)
            assert (played["cost_usd"] >= table["cost_usd"] * (1 - 1e-9))[in_time].all(), name
            in_time_of_any += int(in_time.sum())
        assert in_time_of_any > 5 * worlds


class TestOptimal:
    """Many worlds."""

    def test_columns(self) -> None:
        table = optimal(load_scenario("deadline"), 6, 1)
        assert all(len(values) == 6 for values in table.values())
        assert table["spot_usd"] + table["on_demand_usd"] == pytest.approx(table["upper_usd"])
        assert table["spot_usd"] == pytest.approx(table["spot_h"] * 0.9731)
        assert table["spot_h"] + table["on_demand_h"] == pytest.approx(48.0 + table["setup_h"])
        assert (table["elapsed_h"] >= 48.0 + table["setup_h"] / table["launches"] - 1e-9).all()

    def test_threads_blocks_and_the_cache_change_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scenario = load_scenario("cant-be-late")
        first = optimal(scenario, 9, 3)
        misses = solved.cache_info().misses
        again = optimal(scenario, 9, 3)
        assert solved.cache_info().misses == misses
        solved.cache_clear()
        monkeypatch.setattr(clairvoyant, "_BLOCK", 4)
        blocks = optimal(scenario, 9, 3, threads=2)
        for name, values in first.items():
            assert values.tolist() == again[name].tolist() == blocks[name].tolist()


class TestRelations:
    """What must hold between worlds."""

    @pytest.mark.parametrize("seed", range(20))
    def test_more_slack_lower_prices_more_capacity_less_work(self, seed: int) -> None:
        world = random_ticks(seed, ticks=120)
        usd = solved(problem_of_ticks(world)).lower_usd
        up = np.array(world.up)
        up[np.random.default_rng(seed).integers(0, len(up), 10)] = True
        easier = [
            {"up": tuple(up.tolist())},
            {"spot_usd": tuple(0.9 * np.array(world.spot_usd))},
            {"on_demand_usd": 0.9},
            {"work_s": 0.9 * world.work_s},
            {"changeover_s": 0.5 * world.changeover_s},
            {"up": (*world.up, False), "spot_usd": (*world.spot_usd, 0.3), "deadline_s": 121 * world.tick_s},
        ]
        for changes in easier:
            assert solved(problem_of_ticks(Ticks(**{**vars(world), **changes}))).lower_usd <= usd + 1e-9, changes
        doubled = {"spot_usd": tuple(2.0 * np.array(world.spot_usd)), "on_demand_usd": 2.0}
        assert solved(problem_of_ticks(Ticks(**{**vars(world), **doubled}))).lower_usd == pytest.approx(2 * usd)

    def test_in_the_presets(self) -> None:
        """The same worlds with other deadlines, prices and changeovers."""

        def usd(**changes: Any) -> np.ndarray:
            values = {"task.deadline_h": 60, "pools.0.setup_h": 0.1, **changes}
            return optimal(load_scenario("cant-be-late", **values), 20, 2)["cost_usd"]

        assert (usd(**{"task.deadline_h": 70}) <= usd() + 1e-9).all()
        assert (usd(**{"pools.0.setup_h": 0.02}) <= usd() + 1e-9).all()
        generated = {"market.trace": None, "market.from_h": 0}
        always = {"pools.0.capacity": {"source": "constant", "instances": 1}, "pools.0.trace_zone": None, **generated}
        ticks = math.ceil((48 + 0.1) * 3600 / 195)
        assert usd(**always) == pytest.approx(np.full(20, ticks * 195 * 0.9731 / 3600))
        never = {"pools.0.capacity": {"source": "constant", "instances": 0}, "pools.0.trace_zone": None, **generated}
        assert usd(**never) == pytest.approx(np.full(20, ticks * 195 * 3.06 / 3600))


OTHER_SCENARIOS = [
    ("classic", {}, "pools: 4 pools (allowed: one)"),
    ("deadline", {"pools.0.hazard": {"model": "constant", "per_h": 0.1}}, "pools.0.hazard.model: constant"),
    ("deadline", {"pools.0.provisioning_s": {"uniform": [0, 60]}}, "pools.0.provisioning_s: up to 60 (allowed: 0)"),
    ("deadline", {"pools.0.on_demand_failure_share": 0.1}, "pools.0.on_demand_failure_share: 0.1 (allowed: 0)"),
    ("deadline", {"pools.0.capacity.instances": 2}, "pools.0.capacity.instances: 2 (allowed: 1)"),
    (
        "deadline",
        {"pools.0.capacity": {"source": "constant"}, "reconsider_at_capacity": False},
        "pools.0.capacity.instances: none (allowed: 0 or 1)",
    ),
    ("deadline", {"task.count": 2}, "task.count: 2 (allowed: 1)"),
    ("deadline", {"task.arrivals": "uniform"}, "task.arrivals: uniform (allowed: at_start)"),
    ("deadline", {"task.state_base_mb": 8, "task.state_cap_mb": 9}, "task.state_base_mb: 8 (allowed: 0"),
    ("deadline", {"task.state_mb_per_work_h": 5, "task.state_cap_mb": 9}, "task.state_mb_per_work_h: 5 (allowed: 0"),
    ("deadline", {"task.interactive_share": 0.5}, "task.interactive_share: 0.5 (allowed: 0)"),
    ("deadline", {"task.deadline_h": None, "deadline_guard": False}, "task.deadline_h: none (allowed: a deadline)"),
    ("deadline", {"horizon_h": 60}, "horizon_h: 60 (allowed: 90, the latest deadline, or more)"),
    ("deadline", {"notice_s": 120}, "notice_s: 120 (allowed: 0)"),
    ("deadline", {"idle_timeout_s": 60}, "idle_timeout_s: 60 (allowed: 0)"),
    ("deadline", {"checkpoint.interval_h": 1}, "checkpoint.interval_h: 1 (allowed: none)"),
    ("deadline", {"checkpoint.at_notice": False}, "checkpoint.at_notice: false (allowed: true)"),
    ("deadline", {"billing.free_first_hour": True}, "billing.free_first_hour: true (allowed: false)"),
    ("deadline", {"pools.0.setup_h": 0.001}, "billing.minimum_s: 60 (allowed: 0 to 3.6, the shortest run)"),
    ("deadline", {"billing.billing_increment_s": 600}, "0 with pools.0.capacity.source = semi_markov)"),
    ("cant-be-late", {"billing.billing_increment_s": 60}, "60 (allowed: 0, or a divisor of decision_interval_s = 195"),
]


class TestRefusals:
    """One line, with the field, what it holds and what is allowed."""

    @pytest.mark.parametrize(("preset", "changes", "reason"), OTHER_SCENARIOS)
    def test_other_scenarios(self, preset: str, changes: dict[str, Any], reason: str) -> None:
        scenario = load_scenario(preset, **changes)
        with pytest.raises(ValueError) as caught:
            optimal(scenario, 1, 1)
        assert reason in str(caught.value)
        if preset != "classic":  # which has more than one thing that does not fit
            assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("preset", ["cant-be-late", "deadline", "deadline-aws"])
    def test_an_infeasible_draw_is_refused_where_deadlines_are_vowed(self, preset: str) -> None:
        """Of four changeovers the longest does not fit."""
        with pytest.raises(ValueError) as caught:
            load_scenario(preset, **{"task.deadline_h": 48.15})
        assert "task.deadline_h: must leave at least 48.2" in str(caught.value)
        assert "48 h of work" in str(caught.value)
        assert "(got 48.15 h with pools.0.setup_h = 0.02 to 0.2)" in str(caught.value)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            (
                {"task.deadline_h": 48.15},
                "task.work_h: 48 and pools.0.setup_h: 0.2 do not fit into task.deadline_h, which",
            ),
            ({"task.deadline_h": None, "task.slack": {"uniform": [0.004, 0.5]}}, "do not fit into task.slack, which"),
        ],
    )
    def test_an_infeasible_draw_where_they_are_not(self, changes: dict[str, Any], reason: str) -> None:
        scenario = load_scenario("deadline", deadline_guard=False, **changes)
        with pytest.raises(ValueError) as caught:
            optimal(scenario, 1, 1)
        assert reason in str(caught.value)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"task.work_h": 0}, "task.work_h: must lie within 0.001 to"),
            ({"task.work_h": -1}, "task.work_h: must lie within 0.001 to"),
            ({"task.work_h": {"uniform": [40, 60]}}, "task.deadline_h: must leave at least 60.2 h"),
            ({"horizon_h": 2_000}, "horizon_h: must be at most 1074.55, market.until_h or the trace's end (got 2000)"),
            ({"market.until_h": 720}, "market.until_h: must be at least from_h + horizon_h = 771 (got 720)"),
        ],
    )
    def test_what_loading_refuses(self, changes: dict[str, Any], reason: str) -> None:
        with pytest.raises(ValueError) as caught:
            Simulation(load_scenario("cant-be-late", **changes), 1)
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_capacity_in_a_trace(self, tmp_path: Path) -> None:
        assert "market.trace: capacity 2 at 0.108333 h (allowed: 0 or 1)" in self.of_trace(tmp_path, 195, [0, 1, 2, 1])

    def test_changes_within_a_tick(self, tmp_path: Path) -> None:
        text = self.of_trace(tmp_path, 100, [0, 1, 0, 1])
        assert "billing.billing_increment_s: 195 (allowed: 0, or a divisor of the times in market.trace)" in text

    @staticmethod
    def of_trace(folder: Path, gap_s: int, capacities: list[int]) -> str:
        """The refusal of a recording with these samples, over and over."""
        path = folder / "zone.csv"
        rows = [f"z,{k * gap_s},{capacities[k % len(capacities)]},0.9" for k in range(3_000)]
        path.write_text("\n".join(["zone,time_s,spot_available,spot_price", *rows]) + "\n")
        scenario = load_scenario("cant-be-late", **{"market": {"trace": str(path), "from_h": 0}})
        with pytest.raises(ValueError) as caught:
            optimal(scenario, 1, 1)
        assert "\n" not in str(caught.value)
        return str(caught.value)

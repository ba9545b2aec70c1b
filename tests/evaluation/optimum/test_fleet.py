"""The bound of many tasks on many pools: closed forms, all policies of tiny worlds, drawn ones, tightness."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import Phase, given, seed, settings

from tessera_env.evaluation.optimum import fleet, programme, worlds
from tessera_env.evaluation.optimum.clairvoyant import optimal
from tessera_env.evaluation.optimum.fleet import MOST_TASKS, check_worlds, fleet_bound_usd
from tessera_env.evaluation.optimum.programme import Programme
from tessera_env.evaluation.optimum.spot_hours import CELL, Seller, sellers_of, spot_hours
from tessera_env.evaluation.playing import play
from tessera_env.policies import make_policy
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation
from tessera_env.vector_env import TesseraVectorEnv
from tests.engine.scenarios import mappings

ROUNDING = 1e-9
RULES = ("greedy", "on_demand_only", "on_demand_fallback", "uniform_progress", "yielding", "fleet_threshold", "random")


def scenario_of(pools: list[dict[str, Any]], task: dict[str, Any], **values: Any) -> Scenario:
    """Pools of one zone at 2 $/h, spot at 1 $/h, where nothing takes time; what differs is given."""
    common = {
        "zone": "z",
        "instance_type": "t",
        "gpu_memory_mb": 16_000.0,
        "on_demand_usd_per_h": 2.0,
        "price": {"source": "constant", "usd_per_h": 1.0},
        "capacity": {"source": "constant", "instances": 1},
    }
    scenario = {"horizon_h": 24.0, "decision_interval_s": 600.0, "notice_s": 0.0, "task": {"work_h": 4.0, **task}}
    named = [{**common, "name": f"p{k}", **pool} for k, pool in enumerate(pools)]
    return load_scenario({**scenario, **values, "pools": named})


def bound_of(pools: list[dict[str, Any]], task: dict[str, Any], **values: Any) -> float:
    """Of world 0 of seed 0."""
    return float(fleet_bound_usd(scenario_of(pools, task, **values), 0, 1)[0])


def objectives(scenario: Scenario, name: str, seed: int, episodes: int) -> np.ndarray:
    """What a policy's episodes cost, penalties included, (episodes,)."""
    env = TesseraVectorEnv(episodes, scenario=scenario, autoreset_mode=AutoresetMode.DISABLED)
    played = play(env, make_policy(name, env.simulation.layout, seed), episodes, seed, lambda _share: None)
    return -played["episode_return"] * played["scale_usd"]


def assert_no_policy_is_below(scenario: Scenario, seed: int, episodes: int) -> None:
    bounds = fleet_bound_usd(scenario, seed, episodes)
    for name in RULES:
        assert (bounds <= objectives(scenario, name, seed, episodes) * (1.0 + ROUNDING) + ROUNDING).all(), name


def of_trace(folder: Path, steps: dict[int, int]) -> dict[str, Any]:
    """What a pool replays: these capacities over six hours, at 0.9 $/h."""
    rows = [f"z,{time_s},{capacity},0.9" for time_s, capacity in steps.items()]
    text = "\n".join(["zone,time_s,spot_available,spot_price", *rows, "z,21600,0,0.9"])
    (folder / "zone.csv").write_text(text + "\n")
    return {"price": {"source": "trace"}, "capacity": {"source": "trace"}, "trace_zone": "z"}


def replaying(folder: Path) -> dict[str, Any]:
    """What a scenario with such a pool needs."""
    return {"horizon_h": 6.0, "market": {"trace": str(folder / "zone.csv")}}


def traced(folder: Path, steps: dict[int, int], task: dict[str, Any] | None = None, **values: Any) -> Scenario:
    """One such pool."""
    pool = of_trace(folder, steps)
    return scenario_of([pool], task or {"count": 4}, **replaying(folder), **values)


NO_SPOT = {"capacity": {"source": "constant", "instances": 0}}
SLOW = {"setup_h": 0.1, "provisioning_s": 360.0, "bandwidth_gbps": 1.0}  # 0.1 h each; and 0.1 h to load 45,000 MB
STATE = {"state_base_mb": 45_000.0}


class TestClosedForms:
    """Worlds whose least cost is known."""

    def test_one_task_on_on_demand(self) -> None:
        """4 h of work, 0.1 h of set-up, 0.1 h of loading."""
        assert bound_of([{**NO_SPOT, **SLOW}], STATE) == pytest.approx(2.0 * 4.2)
        scenario = scenario_of([{**NO_SPOT, **SLOW}], STATE)
        assert objectives(scenario, "on_demand_only", 0, 1) == pytest.approx(2.0 * 4.2)

    def test_an_interactive_task_on_on_demand(self) -> None:
        """Down for 0.3 h until it runs, at three times the price."""
        task, penalty = {**STATE, "interactive_share": 1.0}, {"downtime_weight": 3.0}
        assert bound_of([{**NO_SPOT, **SLOW}], task, penalty=penalty) == pytest.approx(2.0 * 4.2 + 0.3 * 6.0)
        scenario = scenario_of([{**NO_SPOT, **SLOW}], task, penalty=penalty)
        assert objectives(scenario, "on_demand_only", 0, 1) == pytest.approx(2.0 * 4.2 + 0.3 * 6.0)

    def test_downtime_that_costs_little_is_borne(self) -> None:
        """To the horizon at 0.1 x 2 $/h; or never running at all where that costs nothing."""
        task = {"interactive_share": 1.0}
        assert bound_of([NO_SPOT], task, penalty={"downtime_weight": 0.1}) == pytest.approx(4.0 * 0.2 + 4.0 * 0.2)
        assert bound_of([NO_SPOT], task, penalty={"downtime_weight": 0.0}) == 0.0

    def test_work_that_cannot_be_done_is_paid_for_as_undone(self) -> None:
        scenario = scenario_of([NO_SPOT], {"work_h": 30.0})
        assert fleet_bound_usd(scenario, 0, 1) == pytest.approx(24.0 * 2.0 + 6.0 * 4.0)
        assert objectives(scenario, "on_demand_only", 0, 1) == pytest.approx(24.0 * 2.0 + 6.0 * 4.0)

    @pytest.mark.parametrize("deadline_h", [None, 6.0])
    def test_work_that_is_not_worth_its_price_is_left_undone(self, deadline_h: float | None) -> None:
        task = {"deadline_h": deadline_h}
        assert bound_of([{}], task, penalty={"missed_weight": 0.25}) == pytest.approx(4.0 * 0.5)

    def test_an_interactive_task_may_be_down_to_the_horizon(self) -> None:
        """An hour is left after the four of its work."""
        task, cheap = {"interactive_share": 1.0}, {"downtime_weight": 0.1}
        assert bound_of([NO_SPOT], task, penalty=cheap, horizon_h=5.0) == pytest.approx(5.0 * 0.2)

    def test_without_a_deadline_no_work_must_have_been_done_before(self) -> None:
        """A day's work of more than there is, and its first state is nothing."""
        growing = {"work_h": 30.0, "state_mb_per_work_h": 10_000.0}
        assert bound_of([{"bandwidth_gbps": 1.0}], growing) == pytest.approx(24.0 * 1.0 + 6.0 * 4.0)

    def test_two_tasks_share_what_one_instance_can_do(self) -> None:
        """Six hours to the deadline on spot, the other two on on-demand."""
        assert bound_of([{}], {"count": 2, "deadline_h": 6.0}) == pytest.approx(6.0 * 1.0 + 2.0 * 2.0)

    def test_a_second_pool_helps_only_whom_it_fits(self) -> None:
        task = {"count": 2, "deadline_h": 4.0, "gpu_memory_mb": 8_000.0}
        dear = {"price": {"source": "constant", "usd_per_h": 1.5}}
        assert bound_of([{}, dear], task) == pytest.approx(4.0 * 1.0 + 4.0 * 1.5)
        assert bound_of([{}, {**dear, "gpu_memory_mb": 4_000.0}], task) == pytest.approx(4.0 * 1.0 + 4.0 * 2.0)

    def test_one_task_is_in_one_place_at_a_time(self) -> None:
        """Two cheap pools do not halve the time: of 4 h to the deadline all are needed."""
        cheap = {"price": {"source": "constant", "usd_per_h": 0.5}, "capacity": {"source": "constant", "instances": 1}}
        assert bound_of([cheap, cheap], {"deadline_h": 4.0}) == pytest.approx(4.0 * 0.5)
        late = bound_of([{**cheap, "setup_h": 1.0}, {**cheap, "setup_h": 1.0}], {"deadline_h": 5.0})
        assert late == pytest.approx(5.0 * 0.5)

    def test_an_hour_of_two_pools_is_one_hour(self, tmp_path: Path) -> None:
        hour = of_trace(tmp_path, {0: 1, 3_600: 0})
        assert bound_of([hour, hour], {}, **replaying(tmp_path)) == pytest.approx(0.9 + 3.0 * 2.0)

    def test_whoever_moves_may_work_on(self, tmp_path: Path) -> None:
        """Two hours in a cheap pool, then, set up meanwhile, 2.1 h in one at 1 $/h: 1 $ and 2.2 $, done at 4.1 h."""
        cheap = of_trace(tmp_path, {0: 1, 7_200: 0}) | {"price": {"source": "constant", "usd_per_h": 0.5}}
        pools, task = [{**cheap, "setup_h": 0.1}, {"setup_h": 0.1}], {"deadline_h": 4.12}
        moving = bound_of(pools, task, make_before_break=True, reconsider_running=True, **replaying(tmp_path))
        # Of the second stay's set-up it sees what 2.1 of 4 h pay.
        assert moving == pytest.approx(3.2 - 0.1 * 1.9 / 4.0)
        assert 3.2 < bound_of(pools, task, **replaying(tmp_path)) < 4.1

    def test_the_billing_minimum_covers_what_an_interactive_task_does_late(self, tmp_path: Path) -> None:
        """Spot from 0.45 h on: 0.45 h down at 10 $/h, and half an hour of work; a full hour would be billed."""
        pool = {**of_trace(tmp_path, {0: 0, 1_620: 1}), "on_demand_usd_per_h": 100.0}
        task, penalty = {"work_h": 0.5, "interactive_share": 1.0}, {"downtime_weight": 0.1}
        bound = bound_of([pool], task, penalty=penalty, billing={"minimum_s": 3_600.0}, **replaying(tmp_path))
        assert bound == pytest.approx(0.45 * 10.0 + 0.5 * 0.9)

    def test_periodic_checkpoints_pause_what_is_billed(self) -> None:
        """Three of them between the four hours, 0.1 h each."""
        checkpoint = {"interval_h": 1.0, "cost_s": 360.0}
        assert bound_of([{**NO_SPOT, "setup_h": 0.5}], {}, checkpoint=checkpoint) == pytest.approx(2.0 * 4.8)

    def test_idle_instances_can_be_had_set_up(self) -> None:
        pools = [{**NO_SPOT, **SLOW}]
        assert bound_of(pools, STATE, idle_timeout_s=60.0) == pytest.approx(2.0 * 4.1)
        interactive = {**STATE, "interactive_share": 1.0}
        assert bound_of(pools, interactive, idle_timeout_s=60.0) == pytest.approx(2.0 * 4.1 + 2.0 * 0.1)

    def test_whoever_can_be_interrupted_in_the_first_hour_may_pay_nothing(self) -> None:
        billing = {"minimum_s": 0.0, "free_first_hour": True}
        assert bound_of([{}], {}, billing=billing) == pytest.approx(4.0)
        assert bound_of([{"hazard": {"model": "constant", "per_h": 1.0}}], {}, billing=billing) == 0.0
        assert bound_of([NO_SPOT], {}, billing=billing) == pytest.approx(8.0)


def seller(times_s: list[float], prices: list[float], capacities: list[int]) -> Seller:
    return Seller(np.array(times_s), np.array(prices), np.array(capacities), 0.0, 0.0, 1.0, 1.0)


class TestSpotHours:
    """Spells and cells, and what the grace period adds."""

    def test_spells_and_cells(self) -> None:
        sold = seller([0.0, 3_600.0, 5_400.0, 9_000.0], [1.0, 2.0, 2.0, 1.0], [2, 2, 0, 1])
        spells, cells = spot_hours([sold], np.array([0.0, 7_200.0, 14_400.0]), 2, 0.0)
        assert spells.start_s.tolist() == [0.0, 9_000.0]
        assert spells.end_s.tolist() == [5_400.0, 14_400.0]
        assert spells.room_h.tolist() == [3.0, 1.5]
        assert spells.is_scarce.tolist() == [False, True]
        assert spells.low_usd_per_h.tolist() == [1.0, 1.0]
        assert cells[["spell", "bin", "start_s", "end_s", "room_h", "usd_per_h"]].tolist() == [
            (0, 0, 0.0, 3_600.0, 2.0, 1.0),
            (0, 0, 3_600.0, 5_400.0, 1.0, 2.0),
            (1, 1, 9_000.0, 14_400.0, 1.5, 1.0),
        ]

    def test_the_billing_minimum_may_reach_cheaper_times(self) -> None:
        sold = seller([0.0, 3_600.0], [3.0, 1.0], [1, 0])
        spells, _ = spot_hours([sold], np.array([0.0, 7_200.0]), 1, 60.0)
        assert spells.low_usd_per_h.tolist() == [1.0]
        spells, _ = spot_hours([sold], np.array([0.0, 7_200.0]), 1, 0.0)
        assert spells.low_usd_per_h.tolist() == [3.0]

    def test_many_prices_of_a_bin_are_put_together_by_rank(self) -> None:
        prices = [5.0, 1.0, 4.0, 2.0, 3.0, 8.0, 7.0, 6.0]
        sold = seller([600.0 * k for k in range(8)], prices, [1] * 8)
        _, cells = spot_hours([sold], np.array([0.0, 4_800.0]), 2, 0.0)
        assert cells.usd_per_h.tolist() == [1.0, 3.0, 5.0, 7.0]
        assert cells.length_s.tolist() == [1_200.0] * 4
        assert cells.start_s.tolist() == [600.0, 1_200.0, 0.0, 3_000.0]
        assert cells.end_s.tolist() == [2_400.0, 3_000.0, 4_800.0, 4_200.0]
        assert cells.room_h == pytest.approx(np.full(4, 1.0 / 3.0))
        assert cells.dtype == CELL

    def test_in_the_grace_period_there_is_what_there_was(self, tmp_path: Path) -> None:
        """Falls to 1 at 0:30 and to 0 at 0:35, known 10 min before; rises to 2 at 1:00."""
        steps = {0: 3, 1_800: 1, 2_100: 0, 3_600: 2}
        without = only_seller(traced(tmp_path, steps, notice_s=600.0))
        assert dict(zip(without.time_s.tolist(), without.capacity.tolist(), strict=True)) == {
            0.0: 3, 1_200.0: 1, 1_500.0: 0, 3_600.0: 2
        }  # fmt: skip
        within = only_seller(traced(tmp_path, steps, notice_s=600.0, just_in_time=True))
        changes = np.append(True, np.diff(within.capacity) != 0)
        assert within.time_s[changes].tolist() == [0.0, 1_800.0, 2_100.0, 3_600.0]
        assert within.capacity[changes].tolist() == [3, 1, 0, 2]

    def test_free_hours(self, tmp_path: Path) -> None:
        """A loss at 3:00 that is known at 2:50: an instance that starts after 2:00 may be free."""
        billing = {"free_first_hour": True}
        sold = only_seller(traced(tmp_path, {0: 1, 10_800: 0, 14_400: 1}, notice_s=600.0, billing=billing))
        assert sold.usd_per_h[
            np.searchsorted(sold.time_s, [0.0, 7_199.0, 7_200.0, 10_799.0, 10_800.0], "right") - 1
        ] == (pytest.approx([0.9, 0.9, 0.0, 0.0, 0.9]))

    def test_pools_of_ample_room_are_one(self) -> None:
        pools = [
            {"price": {"source": "constant", "usd_per_h": usd}, "setup_h": setup_h, "capacity": {"source": "constant"}}
            for usd, setup_h in ((1.0, 0.2), (1.5, 0.1))
        ]
        small = {**pools[0], "gpu_memory_mb": 4_000.0}
        scarce = {**pools[0], "capacity": {"source": "constant", "instances": 1}}
        simulation = Simulation(scenario_of([*pools, small, scarce], {"count": 2}), 1)
        simulation.run(np.array([int(Command.START)]))
        sellers = sellers_of(simulation, 0)
        assert [one.gpu_memory_mb for one in sellers] == [16_000.0, 16_000.0, 4_000.0]
        assert [one.setup_s for one in sellers] == pytest.approx([720.0, 360.0, 720.0])
        assert [one.usd_per_h.tolist() for one in sellers] == [[1.0], [1.0], [1.0]]


def only_seller(scenario: Scenario) -> Seller:
    simulation = Simulation(scenario, 1)
    simulation.run(np.array([int(Command.START)]))
    (sold,) = sellers_of(simulation, 0)
    return sold


class TestProgramme:
    """The solver's answer is proven by its prices."""

    @staticmethod
    def small() -> Programme:
        """3 h of two: 1 h at 1 $, any at 4 $."""
        made = Programme()
        cheap, dear = made.columns(np.array([1.0, 4.0]), np.array([1.0, 9.0]))
        made.at_most(-3.0, (np.array([cheap, dear]), -1.0))
        return made

    def test_least(self) -> None:
        assert self.small().least_usd() == pytest.approx(9.0)

    @pytest.mark.parametrize("wrong", [-3.0, 0.5, 2.0])
    def test_wrong_prices_make_a_lower_bound(self, wrong: float, monkeypatch: pytest.MonkeyPatch) -> None:
        solve = programme.linprog

        def off(*arguments: Any, **options: Any) -> Any:
            result = solve(*arguments, **options)
            result.ineqlin.marginals *= wrong
            return result

        monkeypatch.setattr(programme, "linprog", off)
        assert self.small().least_usd() < 9.0

    def test_without_a_solution_there_is_an_error(self) -> None:
        made = self.small()
        made.at_most(-99.0, (np.array([0]), -1.0))
        with pytest.raises(RuntimeError, match="not solved"):
            made.least_usd()


def least_of_all_policies(scenario: Scenario, world: int, decisions: int) -> float:
    """The least objective of all answers to the first decisions, one a row; after them every task waits."""
    answers = np.array(list(itertools.product(range(1 + 2 * len(scenario.pools)), repeat=decisions)))
    simulation = Simulation(scenario, len(answers))
    simulation.start(np.ones(len(answers), dtype=bool), [1] * len(answers), np.full(len(answers), world))
    played = 0
    while not simulation.views.terminated.all():
        commands = np.where(simulation.views.terminated, int(Command.SKIP), int(Command.STEP))
        actions = answers[:, played] if played < decisions else np.zeros(len(answers), dtype=np.int64)
        simulation.run(commands, np.ascontiguousarray(actions))
        played += 1
    episodes = simulation.state.episodes.view(np.ndarray)
    return float((-episodes["episode_return"] * episodes["scale_usd"]).min())


SPELLS = {"source": "spells", "instances": 1, "up_h": [0.3, 0.6, 1.2], "down_h": [0.2, 0.5]}
TINY: dict[str, dict[str, Any]] = {
    "moves": {"reconsider_running": True},
    "options": {
        "reconsider_running": True,
        "make_before_break": True,
        "just_in_time": True,
        "ask_at_freed_room": True,
        "ask_order": "urgency",
    },
    "idle": {"idle_timeout_s": 900.0},
    "checkpoints": {"checkpoint": {"interval_h": 0.25, "cost_s": 120.0}},
}


class TestAllPoliciesOfTinyWorlds:
    """Every answer to every decision is tried."""

    @pytest.mark.parametrize(
        ("name", "share"), [("moves", 0.85), ("options", 0.85), ("checkpoints", 0.8), ("idle", 0.7)]
    )
    def test_none_is_below_the_bound(self, name: str, share: float) -> None:
        pool = {"capacity": SPELLS, "setup_h": 0.05, "provisioning_s": 60.0, "bandwidth_gbps": 1.0}
        task = {"count": 2, "work_h": {"uniform": [0.3, 0.9]}, "arrivals": "uniform", "arrival_share": 0.3}
        task |= {"slack": 1.5, "interactive_share": 0.3, "state_base_mb": 2_000.0, "state_mb_per_work_h": 9_000.0}
        rules = {"horizon_h": 2.5, "decision_interval_s": 1_800.0, "notice_s": 120.0, **TINY[name]}
        scenario, worlds = scenario_of([pool], task, **rules), 6
        bounds = fleet_bound_usd(scenario, 1, worlds)
        least = np.array([least_of_all_policies(scenario, world, 7) for world in range(worlds)])
        assert (bounds <= least * (1.0 + ROUNDING)).all()
        assert (bounds / least).mean() > share


class TestPoliciesInDrawnWorlds:
    """Whatever the scenario, no policy is below."""

    @given(mappings())
    @settings(max_examples=25, phases=[Phase.generate])
    def test_in_any_scenario(self, values: dict[str, Any]) -> None:
        assert_no_policy_is_below(load_scenario(values), 3, 2)

    @pytest.mark.slow
    @seed(4)
    @given(mappings())
    @settings(max_examples=200, phases=[Phase.generate], database=None)
    def test_in_many(self, values: dict[str, Any]) -> None:
        assert_no_policy_is_below(load_scenario(values), 5, 8)

    @pytest.mark.parametrize("preset", ["fleet", "fleet-mixed", "classic"])
    def test_in_the_presets(self, preset: str) -> None:
        scenario = load_scenario(preset, **{"task.count": 25})
        assert_no_policy_is_below(scenario, 1, 2)

    def test_where_capacity_falls_and_rises_in_steps(self, tmp_path: Path) -> None:
        drawn = np.random.default_rng(2)
        for just_in_time in (False, True):
            times_s = np.append(0, np.sort(drawn.choice(np.arange(60, 21_600, 60), 60, replace=False)))
            steps = dict(zip(times_s.tolist(), drawn.integers(0, 5, 61).tolist(), strict=True))
            for notice_s in (60.0, 600.0):
                scenario = traced(
                    tmp_path, steps, notice_s=notice_s, just_in_time=just_in_time, task={"count": 12, "work_h": 0.5}
                )
                assert_no_policy_is_below(scenario, 1, 1)


class TestTightness:
    """How far below the least cost it is, where that is known."""

    @pytest.mark.parametrize(("preset", "share"), [("deadline", 0.99), ("cant-be-late", 0.99), ("deadline-aws", 0.99)])
    def test_against_the_optimum_of_one_task(self, preset: str, share: float) -> None:
        scenario = load_scenario(preset)
        bounds, optimum = fleet_bound_usd(scenario, 1, 24), optimal(scenario, 24, 1)["cost_usd"]
        assert (bounds <= optimum * (1.0 + ROUNDING)).all()
        assert (bounds / optimum).mean() > share

    @pytest.mark.slow
    def test_of_the_fleet(self) -> None:
        scenario = load_scenario("fleet", **{"market.from_h": 700, "market.until_h": None})
        bounds = fleet_bound_usd(scenario, 1, 12)
        assert bounds.mean() > 620.0
        assert (bounds < objectives(scenario, "fleet_threshold", 1, 12)).all()


class TestFleetBound:
    """The function itself."""

    def test_worlds_do_not_depend_on_how_many_there_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scenario = load_scenario("fleet", **{"task.count": 8})
        bounds = fleet_bound_usd(scenario, 7, 5)
        monkeypatch.setattr(worlds, "_BLOCK", 2)
        assert fleet_bound_usd(scenario, 7, 5).tolist() == bounds.tolist()
        assert len(set(bounds.tolist())) == 5

    def test_fewer_bins_make_a_lower_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scenario = load_scenario("fleet", **{"task.count": 20})
        bounds = fleet_bound_usd(scenario, 7, 3)
        monkeypatch.setattr(fleet, "_COLUMNS", 500)
        assert (fleet_bound_usd(scenario, 7, 3) < bounds).all()

    @pytest.mark.parametrize(
        ("changes", "episodes", "reason"),
        [
            ({"task.count": MOST_TASKS + 1}, 1, f"task.count: {MOST_TASKS + 1} (allowed: 1 to {MOST_TASKS})"),
            ({}, 0, "episodes: 0 (allowed: 1 to 100000)"),
        ],
    )
    def test_what_it_refuses(self, changes: dict[str, Any], episodes: int, reason: str) -> None:
        with pytest.raises(ValueError) as caught:
            fleet_bound_usd(load_scenario("fleet", **changes), 1, episodes)
        assert reason in str(caught.value)

    def test_worlds_that_would_take_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fleet, "_MOST_COLUMNS", 100)
        scenario = load_scenario("fleet", **{"task.count": 30})
        for refuse in (fleet_bound_usd, check_worlds):
            with pytest.raises(
                ValueError, match=r"task.count: 30 tasks with \d+ times in spells .*allowed: up to 100 of"
            ):
                refuse(scenario, 1, 1)

    @pytest.mark.parametrize("preset", ["fleet", "fleet-mixed", "classic"])
    def test_what_is_refused_is_refused_at_once(self, preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever the limit: the check of all worlds says what the work would come to."""
        scenario, outcomes = load_scenario(preset, **{"task.count": 10}), set()
        monkeypatch.setattr(fleet, "_COLUMNS", 0)
        for most in (10, 100, 300, 1_000, 10_000):
            monkeypatch.setattr(fleet, "_MOST_COLUMNS", most)
            said = [refusal(lambda: act(scenario, 1, 3)) for act in (fleet_bound_usd, check_worlds)]  # noqa: B023
            assert said[0] == said[1]
            outcomes.add(bool(said[0]))
        assert outcomes == {False, True}

    def test_it_tells_after_each_world(self) -> None:
        told: list[float] = []
        fleet_bound_usd(load_scenario("fleet", **{"task.count": 4}), 1, 3, told.append)
        assert told == [1.0, 1.0, 1.0]


def refusal(act: Callable[[], object]) -> str:
    """What it says against it, if anything."""
    try:
        act()
    except ValueError as error:
        return str(error)
    return ""

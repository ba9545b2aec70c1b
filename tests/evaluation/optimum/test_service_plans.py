"""The optimum of a service through scenarios: published optima, what moves within ticks, what it refuses."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tessera_env.evaluation.optimum.replicas import Plan, least_cost
from tessera_env.evaluation.optimum.service_bound import services_bound_usd
from tessera_env.evaluation.optimum.service_plans import check_service_worlds, optimal_service, plan_of
from tessera_env.evaluation.optimum.service_ticks import tick_s_of
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation
from tests.engine.scenarios import step
from tests.evaluation.optimum.test_fleet import of_trace, replaying
from tests.evaluation.optimum.test_service_bound import DEVELOPMENT, played, scenario_of
from tests.evaluation.optimum.test_service_offers import started
from tests.policies.rules.published_services import TICK_S, runs
from tests.policies.rules.published_services import scenario_of as published_scenario

ONE = np.array([True])
TICKS = {"looks_at_events": False, "control_interval_s": 600.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zones")


class TestPublishedOptima:
    """Cost units are dollars of a spot instance for a tick."""

    @staticmethod
    def check(run: dict[str, str], folder: Path) -> None:
        optimum = optimal_service(load_scenario(published_scenario({**run, "n_extra": "0"}, folder)), 0, 1)
        assert optimum["cost_usd"][0] * 3_600.0 / TICK_S == pytest.approx(float(run["cost_units"]), abs=1e-6)
        # There, the whole cost is set against the scored time's.
        relative = optimum["cost_usd"][0] / optimum["target_usd"][0]
        assert relative == pytest.approx(float(run["relative_cost"]), abs=1e-6)

    def test_all(self, folder: Path) -> None:
        omniscient = [run for run in runs("skyserve.csv") if run["policy"] == "omniscient"]
        assert len(omniscient) == 120
        for run in omniscient:
            self.check(run, folder)


class TestTicks:
    """Ten minutes each; six hours, spot at 0.9 $/h, on-demand at 3 $/h."""

    @pytest.fixture
    def cost_of(self, tmp_path: Path) -> Callable[..., float]:
        def cost_of(steps: dict[int, int], **service: Any) -> float:
            pool, market = of_trace(tmp_path, steps), replaying(tmp_path)
            scenario = scenario_of({"target": 1, **TICKS, **service}, (pool,), **market)
            return float(optimal_service(scenario, 0, 1)["cost_usd"][0])

        return cost_of

    def test_a_tick_in_which_spot_is_lost_is_of_no_use(self, cost_of: Callable[..., float]) -> None:
        """Gone from 1:05 to 1:15: two ticks of on-demand, as if it were from 1:00 to 1:20."""
        expected = 0.9 * (6 - 1 / 3) + 3.0 / 3
        assert cost_of({0: 1, 3_900: 0, 4_500: 1}) == pytest.approx(expected)
        assert cost_of({0: 1, 3_600: 0, 4_800: 1}) == pytest.approx(expected)

    def test_a_cold_start(self, cost_of: Callable[..., float]) -> None:
        """Two ticks without spot; on-demand starts a tick before, spot another after."""
        cost = cost_of({0: 1, 3_600: 0, 4_800: 1}, setup_s=600.0, score_from_s=600.0)
        assert cost == pytest.approx(0.9 * (6 - 1 / 3) + 3.0 * 4 / 6)

    def test_a_target_that_rises_within_a_tick(self) -> None:
        """At 4:05 it is three, and two of them were there at 4:00; they stay to 5:00, the end of the tick of 4:55."""
        target = [[0.0, 1], [4.0 + 5 / 60, 3], [4.0 + 55 / 60, 1]]
        optimum = optimal_service(scenario_of({"target": target, **TICKS}), 0, 1)
        assert optimum["cost_usd"][0] == pytest.approx(10.0 + 2 * 3.0)
        assert optimum["on_demand_h"][0] == pytest.approx(2.0)

    def test_a_price_that_moves_within_a_tick(self, tmp_path: Path) -> None:
        """0.5 $/h up to 1:05, 2 $/h from then on."""
        text = "zone,time_s,spot_available,spot_price\nz,0,1,0.5\nz,3900,1,2\nz,21600,0,2\n"
        (tmp_path / "zone.csv").write_text(text)
        pool = {"price": {"source": "trace"}, "capacity": {"source": "trace"}, "trace_zone": "z"}
        scenario = scenario_of({"target": 1, **TICKS}, (pool,), **replaying(tmp_path))
        assert optimal_service(scenario, 0, 1)["cost_usd"][0] == pytest.approx(
            0.5 * 3_900 / 3_600 + 2.0 * 17_700 / 3_600
        )

    def test_what_is_held_at_most(self, tmp_path: Path) -> None:
        """With one seat there is no room for a start before the other ends, so on-demand it is from the beginning."""
        pool, market = of_trace(tmp_path, {0: 1, 3_600: 0}), replaying(tmp_path)
        service = {"target": 1, **TICKS, "setup_s": 600.0, "score_from_s": 600.0}
        assert optimal_service(scenario_of(service, (pool,), **market), 0, 1)["cost_usd"][0] < 17.0
        one = optimal_service(scenario_of({**service, "most": 1}, (pool,), **market), 0, 1)
        assert one["cost_usd"][0] == pytest.approx(18.0)

    @pytest.mark.parametrize("tick_s", [1.033, 1.04, 7.7, 600.0])
    @pytest.mark.parametrize("ulps", [-1, 0, 1])
    def test_rounding_of_the_horizon_makes_no_tick(self, tick_s: float, ulps: int) -> None:
        horizon_h = 31 * tick_s / 3_600
        if ulps:
            horizon_h = math.nextafter(horizon_h, ulps * math.inf)
        scenario = scenario_of({"target": 1, **TICKS, "control_interval_s": tick_s}, horizon_h=horizon_h)
        plan = plan_of(started(scenario), 0)
        assert len(plan.ready) == 31
        assert plan.usd == pytest.approx(31 * tick_s / 3_600)

    def test_pools_that_never_run_out_or_have_nothing(self) -> None:
        for instances, usd_per_h in ((None, 1.0), (0, 3.0)):
            pool = {"capacity": {"source": "constant", "instances": instances}}
            optimum = optimal_service(scenario_of({"target": 2, **TICKS}, (pool,)), 0, 1)
            assert optimum["cost_usd"][0] == pytest.approx(20.0 * usd_per_h)

    def test_the_horizon_may_end_within_a_tick(self) -> None:
        scenario = scenario_of({"target": 1, **TICKS}, horizon_h=1.25)
        assert optimal_service(scenario, 0, 1)["cost_usd"][0] == pytest.approx(1.25)


class TestThePlanIsPlayed:
    """The engine, told what the plan holds, bills what the plan says; the target is met, and the bound is near."""

    @staticmethod
    def figures(scenario: Scenario, seed: int) -> tuple[float, dict[str, np.ndarray]]:
        """The plan's dollars, and what following it comes to."""
        simulation = Simulation(scenario, 1)
        simulation.start(ONE, [seed], [0])
        plan = plan_of(simulation, 0)
        while not simulation.views.terminated[0]:
            step(simulation, wish(simulation, plan))
        return plan.usd, simulation.metrics(np.array([0]))

    def assert_comes_out(self, scenario: Scenario, seed: int) -> None:
        usd, played = self.figures(scenario, seed)
        assert played["cost_usd"][0] == pytest.approx(usd, rel=1e-9)
        assert played["availability"][0] == 1.0
        assert 0.9 * usd < services_bound_usd(scenario, seed, 1)[0] <= usd * (1.0 + 1e-9)

    @pytest.mark.parametrize("seed", range(4))
    def test_of_the_preset(self, seed: int) -> None:
        self.assert_comes_out(load_scenario("service-spothedge", **DEVELOPMENT), seed)

    @pytest.mark.parametrize("seed", range(12))
    def test_where_all_moves_within_ticks(self, seed: int) -> None:
        """Generated zones, without what an optimum cannot have; the target has hours of its own."""
        rules = {
            "notice_s": 0.0,
            "horizon_h": 12.3,
            "service.target": [[0.0, 2], [3.1, 4], [7.26, 1]],
            "service.drain_s": 0.0,
            "service.looks_at_events": False,
            "service.setup_s": (0.0, 300.0, 600.0)[seed % 3],
            "service.decides_before_market": seed % 2 == 0,
            "pools.*.provisioning_s": 0.0,
        }
        self.assert_comes_out(load_scenario("service-train", **rules), seed)


def wish(simulation: Simulation, plan: Plan) -> int:
    """What the plan wants of the seat that is asked."""
    state = simulation.state
    pools, service = state.service_pools[0, 0], state.services[0, 0]
    tick = int(state.episodes[0].now_s // tick_s_of(simulation.scenario))
    lacking = np.append(plan.held[:, tick] > pools["claimed"], plan.on_demand[tick] > service.claimed_on_demand)
    offers = np.append(1 + np.arange(len(pools)), 1 + len(pools))  # all pools' on-demand is alike
    held = int(state.tasks[0, state.episodes[0].focal].placement)
    wanted = offers[lacking].tolist()
    return held if held in wanted else 0 if held or not wanted else wanted[0]


class TestPreset:
    """The published simulator's, on hours for development."""

    def test_no_policy_that_is_always_available_is_cheaper(self) -> None:
        scenario = load_scenario("service-spothedge", **DEVELOPMENT)
        optimum, bounds = optimal_service(scenario, 1, 6), services_bound_usd(scenario, 1, 6)
        assert (bounds <= optimum["objective_usd"] * (1.0 + 1e-9)).all()
        for name in ("on_demand_only", "spot_hedge"):
            table = played(scenario, name, 1, 6)
            always = table["availability"] == 1.0
            assert (table["cost_usd"][always] >= optimum["cost_usd"][always]).all()
        assert (optimum["cost_usd"] < 288.0).all()

    def test_its_columns_are_those_of_played_episodes(self) -> None:
        scenario = load_scenario("service-spothedge", **DEVELOPMENT)
        columns = played(scenario, "on_demand_only", 1, 1)
        optimum = optimal_service(scenario, 1, 1)
        assert set(optimum) <= set(columns)
        assert optimum["target_usd"] == pytest.approx(columns["target_usd"])
        assert optimum["scale_usd"] == pytest.approx(columns["scale_usd"])
        assert optimum["spot_usd"] + optimum["on_demand_usd"] == pytest.approx(optimum["cost_usd"])

    def test_the_plan_is_that_of_the_worlds_ticks(self) -> None:
        simulation = started(scenario_of({"target": 2, **TICKS}))
        plan = plan_of(simulation, 0)
        ones = np.ones((1, 60), dtype=int)
        expected = least_cost(ones, ones / 6, 0.5, np.full(60, 2), 0, None, 0)
        assert plan.usd == pytest.approx(expected.usd) == pytest.approx(40.0)


class TestRefusals:
    """One line that names the field, its value and what is allowed."""

    @pytest.mark.parametrize(
        ("service", "values", "line"),
        [
            ({"drain_s": 5.0}, {}, "service.0.drain_s: 5 (allowed: 0)"),
            (
                {"setup_s": 90.0, "score_from_s": 600.0},
                {},
                "pools.0: a cold start of 90 s (allowed: whole ticks of 600 s)",
            ),
            ({"setup_s": 600.0}, {}, "service.0.score_from_s: 0 (allowed: 600, the cold start, or more)"),
            (
                {"looks_at_events": True, "launch_failure_s": 60.0},
                {},
                "service.0.launch_failure_s: 60 (allowed: whole ticks of 600 s)",
            ),
            ({}, {"notice_s": 120.0}, "notice_s: 120 (allowed: 0)"),
            ({}, {"idle_timeout_s": 60.0}, "idle_timeout_s: 60 (allowed: 0)"),
            ({}, {"billing": {"minimum_s": 900.0}}, "billing.minimum_s: 900 (allowed: 0 to 600, a tick)"),
            (
                {},
                {"billing": {"minimum_s": 0.0, "billing_increment_s": 70.0}},
                "billing.billing_increment_s: 70 (allowed: 0, or a divisor of 600)",
            ),
            ({}, {"task": {"count": 2, "work_h": 1.0}}, "task.count: 2 tasks beside services (allowed: 0)"),
            (
                {"looks_at_events": True, "target": [[0.0, 1], [0.25, 2]]},
                {},
                "service.0: a change of the target at 900 s of world 0 (allowed: at whole ticks of 600 s)",
            ),
        ],
    )
    def test_rules(self, service: dict[str, Any], values: dict[str, Any], line: str) -> None:
        with pytest.raises(ValueError) as caught:
            check_service_worlds(scenario_of({"target": 1, **TICKS, **service}, **values), 0, 2)
        assert str(caught.value) == f"no clairvoyant optimum: {line}"

    @pytest.mark.parametrize(
        ("pool", "line"),
        [
            ({"hazard": {"model": "constant", "per_h": 0.1}}, "pools.1.hazard.model: constant (allowed: none)"),
            ({"provisioning_s": 60.0}, "pools.1.provisioning_s: up to 60 (allowed: 0)"),
            ({"on_demand_failure_share": 0.1}, "pools.1.on_demand_failure_share: 0.1 (allowed: 0)"),
            ({"setup_h": {"uniform": [0.0, 0.5]}}, "pools.1.setup_h: 0 to 0.5 (allowed: one number)"),
            ({"setup_h": 1.0}, "pools.1: a cold start of 3600 s (allowed: 0 s, as in pools.0)"),
        ],
    )
    def test_pools(self, pool: dict[str, Any], line: str) -> None:
        with pytest.raises(ValueError) as caught:
            check_service_worlds(scenario_of({"target": 1, **TICKS}, ({}, pool)), 0, 1)
        assert str(caught.value) == f"no clairvoyant optimum: {line}"

    def test_two_services(self) -> None:
        services = [{"name": name, "target": 1} for name in "ab"]
        with pytest.raises(ValueError, match=r"^no clairvoyant optimum: service: 2 services \(allowed: one\)$"):
            check_service_worlds(scenario_of(services), 0, 1)

    def test_events_between_ticks(self, tmp_path: Path) -> None:
        pool, market = of_trace(tmp_path, {0: 1, 3_900: 0}), replaying(tmp_path)
        service = {"target": 1, **TICKS, "looks_at_events": True}
        with pytest.raises(ValueError, match=r"pools.0: a change of capacity at 3900 s of world 0 \(allowed: at whole"):
            check_service_worlds(scenario_of(service, (pool,), **market), 0, 1)
        assert check_service_worlds(scenario_of({**service, "looks_at_events": False}, (pool,), **market), 0, 1) is None

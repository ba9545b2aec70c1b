"""The bound of services: closed forms through scenarios, and policies in drawn and recorded worlds, none below."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import Phase, given, seed, settings

from tessera_env.evaluation.optimum import service_bound, service_offers, timeline
from tessera_env.evaluation.optimum.service_bound import services_bound_usd
from tessera_env.evaluation.playing import play
from tessera_env.policies.making import fitting_policies, make_policy
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.vector_env import TesseraVectorEnv
from tests.evaluation.optimum.service_worlds import service_mappings
from tests.evaluation.optimum.test_fleet import of_trace, replaying

ROUNDING = 1e-9
DEVELOPMENT = {"market.from_h": 0.0, "market.until_h": 700.0}


def scenario_of(service: dict[str, Any], pools: tuple[dict[str, Any], ...] = ({},), **values: Any) -> Scenario:
    """Ten hours, spot at 1 $/h and on-demand at 3 $/h, without notice; what differs is given."""
    common = {
        "zone": "z",
        "instance_type": "t",
        "gpu_memory_mb": 16_000.0,
        "on_demand_usd_per_h": 3.0,
        "price": {"source": "constant", "usd_per_h": 1.0},
        "capacity": {"source": "constant", "instances": 1},
    }
    named = [{**common, "name": f"p{k}", **pool} for k, pool in enumerate(pools)]
    rules = {"horizon_h": 10.0, "decision_interval_s": 600.0, "notice_s": 0.0, "billing": {"minimum_s": 0.0}}
    return load_scenario({**rules, "service": service, **values, "pools": named})


def bound_of(*arguments: Any, **values: Any) -> float:
    return float(services_bound_usd(scenario_of(*arguments, **values), 0, 1)[0])


def played(scenario: Scenario, name: str, seed: int, episodes: int) -> dict[str, np.ndarray]:
    env = TesseraVectorEnv(episodes, scenario=scenario, autoreset_mode=AutoresetMode.DISABLED)
    return play(env, make_policy(name, env.simulation.layout, seed), episodes, seed, lambda _share: None)


def below(scenario: Scenario, seed: int, episodes: int) -> list[str]:
    """The policies that are below the bound in some world."""
    bounds = services_bound_usd(scenario, seed, episodes)
    env = TesseraVectorEnv(1, scenario=scenario)
    names = fitting_policies(env.simulation.layout)
    assert {"spot_hedge", "random"} <= set(names)
    objectives = {name: played(scenario, name, seed, episodes)["objective_usd"] for name in names}
    return [name for name, usd in objectives.items() if (usd * (1.0 + ROUNDING) + ROUNDING < bounds).any()]


class TestClosedForms:
    """Dollars by hand."""

    def test_spot_and_the_rest_on_demand(self) -> None:
        """One of two is on spot, to the end; the cold start of a quarter of an hour is paid for, and not scored."""
        service = {"target": 2, "setup_s": 900.0, "score_from_s": 900.0, "shortfall_weight": 5.0}
        assert bound_of(service) == pytest.approx(10.0 + 30.0)

    def test_what_nobody_can_avoid_is_penalised(self) -> None:
        """A quarter of an hour goes without, for 5 x 2 replicas x 3 $/h."""
        service = {"target": 2, "setup_s": 900.0, "shortfall_weight": 5.0}
        assert bound_of(service) == pytest.approx(40.0 + 0.25 * 5.0 * 2 * 3.0)

    def test_where_it_is_cheaper_to_go_without(self) -> None:
        assert bound_of({"target": 2, "shortfall_weight": 0.5}) == pytest.approx(10.0 * 0.5 * 2 * 3.0)
        assert bound_of({"target": 2, "shortfall_weight": 0.0}) == 0.0

    def test_the_boot_is_not_billed(self) -> None:
        pools = ({"provisioning_s": 1_800.0, "setup_h": 0.25},)
        service = {"target": 1, "score_from_s": 3_600.0, "shortfall_weight": 5.0}
        assert bound_of(service, pools) == pytest.approx(9.25)

    def test_a_target_by_the_hour(self) -> None:
        """One for four hours, then three, two of them on on-demand."""
        assert bound_of({"target": [[0.0, 1], [4.0, 3]], "shortfall_weight": 9.0}) == pytest.approx(10.0 + 36.0)

    def test_pools_of_its_own(self) -> None:
        pools = ({}, {"price": {"source": "constant", "usd_per_h": 0.1}})
        assert bound_of({"target": 1, "shortfall_weight": 9.0}, pools) == pytest.approx(1.0)
        assert bound_of({"target": 1, "shortfall_weight": 9.0, "pools": ["p0"]}, pools) == pytest.approx(10.0)

    def test_several_services_add_up(self) -> None:
        """Each has the spot instance for itself."""
        services = [{"name": name, "target": 1, "shortfall_weight": 9.0} for name in "ab"]
        assert bound_of(services) == pytest.approx(20.0)

    def test_a_constant_world_is_played_for_it(self) -> None:
        service = {"target": 2, "setup_s": 900.0, "score_from_s": 900.0}
        scenario = scenario_of(service, ({"capacity": {"source": "constant", "instances": 2}},))
        bounds = services_bound_usd(scenario, 0, 1)
        assert played(scenario, "even_spread", 0, 1)["objective_usd"] == pytest.approx(bounds)


class TestPolicies:
    """All rules for services, and random play, are no cheaper."""

    @pytest.mark.parametrize("preset", ["service", "service-spothedge"])
    def test_in_recorded_worlds(self, preset: str) -> None:
        assert below(load_scenario(preset, **DEVELOPMENT), 1, 8) == []

    def test_in_generated_worlds(self) -> None:
        assert below(load_scenario("service-train"), 1, 20) == []

    @given(service_mappings())
    @settings(max_examples=25, phases=[Phase.generate], deadline=None)
    def test_in_any_scenario(self, values: dict[str, Any]) -> None:
        assert below(load_scenario(values), 3, 2) == []

    @pytest.mark.slow
    @seed(4)
    @given(service_mappings())
    @settings(max_examples=100, phases=[Phase.generate], database=None, deadline=None)
    def test_in_many(self, values: dict[str, Any]) -> None:
        assert below(load_scenario(values), 5, 4) == []


class TestPlantedBugs:
    """Mistakes that the tests above would notice."""

    def test_a_replica_that_does_not_serve_to_its_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It has notice at 1:00 and its end at 2:00, and the service goes without from then on."""
        pool = of_trace(tmp_path, {0: 1, 7_200: 0})
        service, market = {"target": 1, "shortfall_weight": 1.0}, replaying(tmp_path)
        scenario = scenario_of(service, (pool,), notice_s=3_600.0, **market)
        assert services_bound_usd(scenario, 0, 1) == pytest.approx(0.9 * 2.0 + 3.0 * 4.0)
        assert below(scenario, 0, 1) == []
        right = service_offers.seller_of
        monkeypatch.setattr(service_offers, "seller_of", lambda *which: right(*which[:-1], 0.0))
        assert "even_spread" in below(scenario, 0, 1)

    def test_a_boot_that_is_billed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pools = ({"provisioning_s": 1_800.0, "setup_h": 0.25},)
        scenario = scenario_of({"target": 1, "score_from_s": 3_600.0, "shortfall_weight": 5.0}, pools)
        right = service_offers._cold_start_s
        monkeypatch.setattr(service_offers, "_cold_start_s", lambda *which: (0.0, sum(right(*which))))
        assert "even_spread" in below(scenario, 1, 1)

    def test_starts_that_cost_too_much(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = timeline._setup_usd
        monkeypatch.setattr(timeline, "_setup_usd", lambda *which: 1.5 * right(*which))
        scenario = scenario_of({"target": 1, "setup_s": 900.0, "score_from_s": 900.0})
        assert "even_spread" in below(scenario, 1, 1)


class TestRefusals:
    """One line that names the field."""

    def test_tasks_beside(self) -> None:
        scenario = load_scenario("service-train", **{"task.count": 3, "task.work_h": 2.0})
        with pytest.raises(ValueError, match=r"^no bound: task.count: 3 tasks beside services \(allowed: 0\)$"):
            services_bound_usd(scenario, 1, 2)

    def test_no_services(self) -> None:
        with pytest.raises(ValueError, match=r"^no bound of services: service: none \(allowed: one or more\)$"):
            services_bound_usd(load_scenario("deadline"), 1, 2)

    def test_no_worlds(self) -> None:
        with pytest.raises(ValueError, match=r"^episodes: 0 \(allowed: 1 to 100000\)$"):
            services_bound_usd(load_scenario("service-train"), 1, 0)

    def test_the_world_in_which_the_solver_gave_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def give_up(_simulation: object, row: int) -> float:
            if row == 1:
                raise RuntimeError("not solved")
            return 0.0

        monkeypatch.setattr(service_bound, "world_bound_usd", give_up)
        with pytest.raises(RuntimeError, match=r"^world 1: not solved$"):
            services_bound_usd(scenario_of({"target": 1}), 1, 3)

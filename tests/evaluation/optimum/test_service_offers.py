"""What a world has to offer to a service, in figures by hand."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from tessera_env.evaluation.optimum.service_offers import demand_of, offers_of
from tessera_env.evaluation.optimum.timeline import Offer
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation
from tests.evaluation.optimum.test_fleet import of_trace, replaying
from tests.evaluation.optimum.test_service_bound import scenario_of


def started(scenario: Scenario) -> Simulation:
    simulation = Simulation(scenario, 1)
    simulation.start(np.array([True]), [0], [0])
    return simulation


def only_spot(tmp_path: Path, steps: dict[int, int], service: dict[str, Any], **values: Any) -> Offer:
    scenario = scenario_of({"target": 1, **service}, (of_trace(tmp_path, steps),), **replaying(tmp_path), **values)
    return offers_of(started(scenario), 0, 0)[0]


class TestSpot:
    """One pool that falls at 2:00 and rises at 3:00."""

    STEPS: ClassVar = {0: 2, 7_200: 0, 10_800: 1}

    def test_who_serves_to_the_end_is_there_until_the_notice_ends(self, tmp_path: Path) -> None:
        lost = only_spot(tmp_path, self.STEPS, {"at_notice": "lost"}, notice_s=600.0)
        serves = only_spot(tmp_path, self.STEPS, {"at_notice": "serves"}, notice_s=600.0)
        assert lost.time_s.tolist() == [0.0, 6_600.0, 10_800.0]
        assert serves.time_s.tolist() == [0.0, 7_200.0, 10_800.0]
        assert lost.capacity.tolist() == serves.capacity.tolist() == [2, 0, 1]

    def test_the_hour_before_a_loss_may_be_free(self, tmp_path: Path) -> None:
        billing = {"minimum_s": 0.0, "free_first_hour": True}
        free = only_spot(tmp_path, self.STEPS, {"at_notice": "lost"}, notice_s=600.0, billing=billing)
        assert dict(zip(free.time_s.tolist(), free.usd_per_h.tolist(), strict=True)) == {
            0.0: 0.9, 3_600.0: 0.0, 6_600.0: 0.0, 7_200.0: 0.9, 10_800.0: 0.9,
        }  # fmt: skip

    def test_cold_starts(self, tmp_path: Path) -> None:
        """A boot of 60 s, a set-up of 90 s, 1,250 MB at 1 Gbit/s, 120 s of its own."""
        pool = {"provisioning_s": {"uniform": [60.0, 500.0]}, "setup_h": 0.025, "bandwidth_gbps": 1.0}
        service = {"target": 1, "setup_s": 120.0, "model_mb": 1_250.0}
        for offer in offers_of(started(scenario_of(service, (pool,))), 0, 0):
            assert (offer.boot_s, offer.setup_s) == pytest.approx((60.0, 90.0 + 10.0 + 120.0))
        for offer in offers_of(started(scenario_of(service, (pool,), idle_timeout_s=60.0)), 0, 0):
            assert (offer.boot_s, offer.setup_s) == pytest.approx((0.0, 130.0))


class TestOnDemand:
    """What another pool has as cheap and as fast is left out."""

    @pytest.mark.parametrize(
        ("pools", "kept"),
        [
            ([(3.0, 60.0), (3.0, 60.0)], [(3.0, 60.0)]),
            ([(3.0, 60.0), (2.0, 60.0)], [(2.0, 60.0)]),
            ([(3.0, 60.0), (3.0, 30.0)], [(3.0, 30.0)]),
            ([(3.0, 30.0), (2.0, 60.0)], [(3.0, 30.0), (2.0, 60.0)]),
        ],
    )
    def test_which_are_kept(self, pools: list[tuple[float, float]], kept: list[tuple[float, float]]) -> None:
        named = tuple({"on_demand_usd_per_h": usd, "provisioning_s": boot_s} for usd, boot_s in pools)
        offers = offers_of(started(scenario_of({"target": 1}, named)), 0, 0)[len(pools) :]
        assert [(offer.usd_per_h[0], offer.boot_s) for offer in offers] == kept


def test_a_target_by_the_hour() -> None:
    target = demand_of(started(scenario_of({"target": [[0.0, 1], [4.0, 3], [9.0, 3], [9.5, 0]]})), 0, 0)
    assert target.time_s.tolist() == [0.0, 14_400.0, 34_200.0]
    assert target.replicas.tolist() == [1, 3, 0]

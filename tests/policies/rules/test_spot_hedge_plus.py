"""`spot_hedge_plus` on observations made by hand: four replicas needed, an extra wanted, three pools."""

from typing import Any

import numpy as np
import pytest

from tessera_env.engine.kinds import LogKind
from tessera_env.observation.layout import Layout
from tessera_env.policies.rules.choice import rule_of
from tessera_env.policies.rules.spot_hedge_plus import SpotHedgePlus
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.rows import Simulation
from tests.policies.observations import observation

POOLS = 3
LAYOUT = Layout.of(POOLS, has_tasks=False, has_services=True)
WAIT, SPOT_0, SPOT_1, SPOT_2, ON_DEMAND_0 = range(5)
POLICY = SpotHedgePlus(LAYOUT)
COUNTS = {"target", "extra", "base_on_demand", "most", "ready_spot", "ready_on_demand", "claimed_on_demand"}
COUNTS |= {"spot_here", "spot_claimed_here", "starting_here", "losses", "failures"}
HOURS = {"failed_age": 1.0, "lost_age": 1.0, "partial_age": 1.0, "up_age": 2.0, "lifetime": 2.0}  # h / (h + this)
NEVER_H = np.inf
NEW, HOUR_OLD, DAY_OLD, A_WEEK_OLD = 0.0, 1.0, 24.0, 168.0
TWO: dict[str, Any] = {"target": 2, "up_age": [0.05] * POOLS, "spot_claimed_here": [1, 1, 0], "ready_spot": 2}
FULL: dict[str, Any] = {"failed_age": [0.1] * POOLS, "up_age": [0.1] * POOLS, "ready_spot": 4}
FULL |= {name: [1, 1, 2] for name in ("spot_here", "spot_claimed_here")}  # no pool takes more


def seat(**fields: Any) -> np.ndarray:
    """An empty seat, in counts and hours; pools of an hour, with no mark, no loss and nothing in them."""
    values = {
        "is_seat": 1.0,
        "seat_empty": 1.0,
        "target": 4,
        "extra": 1,
        "most": 14,
        "cold_start": 120.0 / 420.0,
        "usable": [1, 1, 1],
        "spot_cost": [0.33, 0.33, 0.33],
        "on_demand_cost": [1.0, 1.0, 1.0],
        "failed_age": [NEVER_H] * POOLS,
        "lost_age": [NEVER_H] * POOLS,
        "partial_age": [NEVER_H] * POOLS,
        "up_age": [HOUR_OLD] * POOLS,
        "ready_spot": 4,
        **fields,
    }
    return observation(LAYOUT, **{name: squashed(name, np.array(value, float)) for name, value in values.items()})


def squashed(name: str, value: np.ndarray) -> np.ndarray:
    """As the observation has it."""
    half = 8.0 if name in COUNTS else HOURS.get(name)
    if half is None:
        return value
    return np.where(np.isinf(value), 1.0, value / np.where(np.isinf(value), 1.0, value + half))


def held(pool: int, **fields: Any) -> np.ndarray:
    """The seat of a replica on spot in the pool."""
    here = np.arange(POOLS) == pool
    return seat(**{"seat_empty": 0.0, "seat_spot": 1.0, "seat_here_spot": here, "seat_ready": 1.0, **fields})


def answer(row: np.ndarray, policy: SpotHedgePlus = POLICY) -> int:
    actions, _ = policy.predict(row, action_masks=np.ones((1, 1 + 2 * POOLS), dtype=bool))
    return int(actions[0])


class TestPlans:
    """Together where losses are rare; over pools, any of which may be lost, where they are not."""

    def test_a_pool_of_a_day_holds_all(self) -> None:
        ages = [HOUR_OLD, DAY_OLD, HOUR_OLD]
        assert answer(seat(up_age=ages, spot_claimed_here=[0, 3, 0])) == SPOT_1
        assert answer(seat(up_age=ages, spot_claimed_here=[0, 4, 0])) == WAIT

    def test_young_pools_hold_two_each_so_that_one_may_be_lost(self) -> None:
        assert answer(seat(spot_claimed_here=[2, 1, 2])) == SPOT_1
        assert answer(seat(spot_claimed_here=[2, 2, 2])) == WAIT

    def test_no_spares_where_no_extra_is_wanted(self) -> None:
        assert answer(seat(extra=0, spot_claimed_here=[3, 0, 0])) == SPOT_0
        assert answer(seat(extra=0, spot_claimed_here=[4, 0, 0])) == WAIT

    def test_no_spares_where_an_outage_is_worth_little(self) -> None:
        assert answer(seat(spot_claimed_here=[4, 0, 0]), SpotHedgePlus(LAYOUT, outage_h=0.1)) == WAIT

    def test_a_pool_that_was_lost_before_is_lost_again_rather(self) -> None:
        assert answer(seat(extra=0, losses=[2, 0, 1], spot_claimed_here=[0, 0, 0])) == SPOT_1

    def test_a_pool_that_was_lost_often_is_lost_again_rather_even_if_it_holds_as_long(self) -> None:
        """Replicas there lasted half an hour in the mean; without a loss the mean says nothing."""
        both = {"extra": 0, "lifetime": [0.5, 0.5, 8.0], "usable": [1, 1, 0], "spot_claimed_here": [0, 0, 0]}
        assert answer(seat(**both, losses=[0, 3, 0])) == SPOT_0
        assert answer(seat(**both, losses=[3, 0, 0])) == SPOT_1

    def test_where_capacity_comes_in_steps_fewer_in_a_pool_are_lost_more_rarely(self) -> None:
        """Of two replicas one each in three pools, then, not two each in two of them."""
        assert answer(seat(**TWO)) == SPOT_0
        assert answer(seat(**TWO, partial_age=[1.0] * POOLS)) == SPOT_2
        assert answer(seat(**TWO, partial_age=[7.0] * POOLS)) == SPOT_0

    def test_of_old_pools_the_cheapest(self) -> None:
        row = seat(up_age=[A_WEEK_OLD] * POOLS, spot_cost=[0.4, 0.3, 0.35], spot_claimed_here=[0, 0, 0])
        assert answer(row) == SPOT_1

    def test_pools_of_other_services_are_left_alone(self) -> None:
        row = seat(extra=0, usable=[0, 0, 1], spot_claimed_here=[0, 0, 0])
        assert answer(row) == SPOT_2


class TestMarks:
    """They expire; a pool that is not known to hold gets one replica at a time."""

    @pytest.mark.parametrize("field", ["failed_age", "lost_age"])
    def test_a_mark_lasts_twenty_minutes(self, field: str) -> None:
        def asked(minutes: float) -> int:
            marked = {field: [minutes / 60, NEVER_H, NEVER_H], "up_age": [DAY_OLD, HOUR_OLD, HOUR_OLD]}
            return answer(seat(extra=0, **marked))

        assert asked(19) == SPOT_1
        assert asked(21) == SPOT_0

    def test_what_a_marked_pool_holds_is_kept_and_the_rest_goes_elsewhere(self) -> None:
        full = {"extra": 0, "failed_age": [0.1, NEVER_H, NEVER_H], "up_age": [DAY_OLD, HOUR_OLD, HOUR_OLD]}
        assert answer(held(0, **full, spot_here=[2, 0, 0], spot_claimed_here=[1, 0, 0])) == SPOT_0
        assert answer(seat(**full, spot_here=[2, 0, 0], spot_claimed_here=[2, 0, 0])) == SPOT_1

    def test_one_probe_at_a_time(self) -> None:
        expired = {"usable": [1, 0, 0], "up_age": [NEW] * POOLS, "failed_age": [1.0, NEVER_H, NEVER_H]}
        assert answer(seat(**expired)) == SPOT_0
        assert answer(seat(**expired, spot_here=[1, 0, 0], spot_claimed_here=[1, 0, 0])) == ON_DEMAND_0
        proven = {**expired, "up_age": [0.1, NEW, NEW]}
        assert answer(seat(**proven, spot_here=[1, 0, 0], spot_claimed_here=[1, 0, 0])) == SPOT_0


class TestFallback:
    """On-demand for what is missing of the target, once all spot is asked for."""

    together: dict[str, Any] = {"extra": 0, "spot_here": [4, 0, 0], "spot_claimed_here": [4, 0, 0]}  # noqa: RUF012

    def test_for_what_is_not_ready(self) -> None:
        assert answer(seat(**self.together, ready_spot=3)) == ON_DEMAND_0
        assert answer(seat(**self.together, ready_spot=3, claimed_on_demand=1)) == WAIT
        assert answer(seat(**self.together, ready_spot=4)) == WAIT

    def test_not_for_a_spare_that_finds_room_on_spot(self) -> None:
        assert answer(seat(spot_here=[2, 2, 1], spot_claimed_here=[2, 2, 2], ready_spot=4)) == WAIT

    def test_for_a_spare_that_finds_none_where_it_is_worth_its_price(self) -> None:
        assert answer(seat(**FULL)) == ON_DEMAND_0
        assert answer(seat(**FULL, claimed_on_demand=2)) == WAIT
        assert answer(seat(**FULL), SpotHedgePlus(LAYOUT, outage_h=1.0)) == WAIT
        assert answer(seat(**FULL), SpotHedgePlus(LAYOUT, spare_worth=10.0)) == WAIT

    def test_it_goes_once_spot_is_ready(self) -> None:
        here = {"seat_empty": 0.0, "seat_on_demand": 1.0, "seat_here_on_demand": [1, 0, 0], "seat_ready": 1.0}
        assert answer(seat(**self.together, **here, ready_spot=3)) == ON_DEMAND_0
        assert answer(seat(**self.together, **here, ready_spot=4)) == WAIT

    def test_a_base_stays(self) -> None:
        here = {"seat_empty": 0.0, "seat_on_demand": 1.0, "seat_here_on_demand": [1, 0, 0], "seat_ready": 1.0}
        assert answer(seat(extra=0, base_on_demand=1, **here, ready_spot=3)) == ON_DEMAND_0
        assert answer(seat(extra=0, base_on_demand=1, spot_claimed_here=[3, 0, 0], claimed_on_demand=1)) == WAIT


class TestMoves:
    """From pools that are to hold less, without a gap."""

    ages: dict[str, Any] = {"up_age": [HOUR_OLD, DAY_OLD, HOUR_OLD], "spot_here": [2, 4, 0]}  # noqa: RUF012

    def test_a_replica_that_serves_stays_until_enough_others_do(self) -> None:
        assert answer(held(0, **self.ages, ready_spot=4)) == SPOT_0
        assert answer(held(0, **self.ages, ready_spot=5)) == WAIT

    def test_one_that_is_not_ready_stops_at_once(self) -> None:
        assert answer(held(0, **self.ages, seat_ready=0.0)) == WAIT

    def test_plans_follow_one_another_once_where_nothing_fails(self) -> None:
        spot = {"provisioning_s": 0, "price": {"source": "constant", "usd_per_h": 1}, "on_demand_usd_per_h": 3}
        machine = {"instance_type": "any", "gpu_memory_mb": 1000, "bandwidth_gbps": 1, "hazard": {"model": "none"}}
        pools = [{"name": name, "zone": name, **spot, **machine} for name in "abcde"]
        service = {"target": 4, "extra": 1, "setup_s": 120, "score_from_s": 120, "decides_before_market": True}
        metrics, launches_h = played(
            {"horizon_h": 24, "decision_interval_s": 30, "notice_s": 0, "service": service, "pools": pools}
        )
        assert metrics["availability"] == 1.0
        assert metrics["on_demand_launches"] == 4
        assert metrics["spot_launches"] < 20
        assert launches_h.max() < 10.0


def played(values: dict[str, Any]) -> tuple[dict[str, float], np.ndarray]:
    """The figures of an episode, and the hours of its launches."""
    simulation = Simulation(load_scenario(values), 1, log_events=True)
    rule, one = rule_of(SpotHedgePlus(simulation.layout)), np.ones(1, dtype=bool)
    simulation.start(one, [1], [0])
    while not simulation.views.terminated[0]:
        simulation.play(one, rule, 100_000)
    log = simulation.state.log[0, : simulation.log_count[0]]
    metrics = {name: float(value[0]) for name, value in simulation.metrics(np.arange(1)).items()}
    return metrics, log["time_s"][log["kind"] == LogKind.LAUNCH] / 3600.0


@pytest.mark.parametrize("option", ["outage_h", "young_h", "mark_s", "spare_worth"])
def test_options_out_of_range_are_refused_by_name(option: str) -> None:
    with pytest.raises(ValueError, match=f"spot_hedge_plus: {option}: -1"):
        SpotHedgePlus(LAYOUT, **{option: -1.0})

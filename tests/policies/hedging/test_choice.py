"""A rule with shifts: without any it is `spot_hedge_plus`, and each shift turns what its name says."""

from typing import Any

import numpy as np
import pytest

from tessera_env.policies import make_policy
from tessera_env.policies.hedging.figures import PoolFigure, ServiceFigure
from tessera_env.policies.hedging.policy import Hedges
from tessera_env.policies.hedging.shifts import PoolTurn, ServiceTurn
from tessera_env.policies.learned_rules import LearnedRule
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation
from tests.policies.hedging.rules import answer, rule
from tests.policies.rules.test_spot_hedge_plus import (
    A_WEEK_OLD,
    DAY_OLD,
    FULL,
    HOUR_OLD,
    NEW,
    ON_DEMAND_0,
    POOLS,
    SPOT_0,
    SPOT_1,
    TWO,
    WAIT,
    held,
    seat,
)

SPOT_2, ON_DEMAND_1 = 3, 5
ROWS = 16
LOADED = {"spot_claimed_here": [4, 0, 0], "up_age": [DAY_OLD, HOUR_OLD, HOUR_OLD]}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("service", {}),
        ("service-train", {}),
        ("service-spothedge", {"horizon_h": 3.0}),
        ("service", {"service.0.extra": 0, "service.0.base_on_demand": 2}),
        ("service", {"service.0.target": 9, "service.0.extra": 2, "service.0.make_before_break": True}),
        ("service", {"service.0.pools": ("us-east-1a", "us-east-2b")}),
    ],
)
def test_without_shifts_it_is_spot_hedge_plus(name: str, changes: dict[str, Any]) -> None:
    simulation = Simulation(load_scenario(name, **changes), ROWS)
    simulation.start(np.ones(ROWS, dtype=bool), [4242] * ROWS, np.arange(ROWS))
    plain, shifted = make_policy("spot_hedge_plus", simulation.layout), rule(layout=simulation.layout)
    compared, answered = 0, set()
    for _ in range(400):
        seen, masks, live = simulation.views.observations, simulation.state.masks, ~simulation.views.terminated
        actions, _ = plain.predict(seen, action_masks=masks)
        np.testing.assert_array_equal(shifted.predict(seen, action_masks=masks)[0][live], actions[live])
        compared += int(live.sum())
        answered |= set(actions[live].tolist())
        simulation.run(np.where(live, int(Command.STEP), int(Command.SKIP)), actions)
    assert compared > 4000 and len(answered) >= 4


@pytest.mark.parametrize(
    ("turn", "row", "plain", "shift", "shifted"),
    [
        (PoolTurn.RATE, seat(spot_claimed_here=[4, 0, 0]), SPOT_1, -3.0, WAIT),
        (PoolTurn.OPEN, seat(extra=0, lost_age=[NEW, NEW, NEW], spot_claimed_here=[0, 0, 0]), ON_DEMAND_0, 3.0, SPOT_0),
        (PoolTurn.OPEN, seat(extra=0, spot_claimed_here=[0, 0, 0]), SPOT_0, -3.0, ON_DEMAND_0),
        (PoolTurn.FILL, seat(extra=0, up_age=[NEW, NEW, NEW], spot_claimed_here=[1, 0, 0]), SPOT_1, 3.0, SPOT_0),
        (PoolTurn.FILL, seat(extra=0, spot_claimed_here=[1, 0, 0]), SPOT_0, -3.0, SPOT_1),
        (PoolTurn.TRUST, seat(**LOADED, ready_spot=3, starting_here=[1, 0, 0]), ON_DEMAND_0, 3.0, WAIT),
        (ServiceTurn.OUTAGE, seat(**LOADED), WAIT, 3.0, SPOT_1),
        (ServiceTurn.OUTAGE, seat(spot_claimed_here=[4, 0, 0]), SPOT_1, -3.0, WAIT),
        (ServiceTurn.PAIR, seat(spot_claimed_here=[4, 0, 0]), SPOT_1, 3.0, WAIT),
        (PoolTurn.STEPS, seat(**TWO), SPOT_0, 3.0, SPOT_2),
        (ServiceTurn.SPARE, seat(**FULL), ON_DEMAND_0, 3.0, WAIT),
        (ServiceTurn.STAND_BY, seat(**LOADED), WAIT, 3.0, ON_DEMAND_0),
        (ServiceTurn.STAND_BY, seat(**LOADED, claimed_on_demand=1), WAIT, 3.0, WAIT),
    ],
)
def test_each_turn(turn: Any, row: np.ndarray, plain: int, shift: float, shifted: int) -> None:
    one = PoolFigure.ONE if isinstance(turn, PoolTurn) else ServiceFigure.ONE
    assert answer(rule(), row) == plain
    assert answer(rule({(turn, one): shift}), row) == shifted


def test_what_is_added_to_prices_puts_pools_in_order() -> None:
    """A pool that is a little dearer and has been there for long."""
    row = seat(extra=0, up_age=[A_WEEK_OLD, 100.0, 100.0], spot_cost=[0.4, 0.33, 0.35], spot_claimed_here=[0, 0, 0])
    assert answer(rule(), row) == SPOT_1
    assert answer(rule({(PoolTurn.PRICE, PoolFigure.DEARER): 30.0}), row) == SPOT_1
    assert answer(rule({(PoolTurn.PRICE, PoolFigure.DEARER): -30.0}), row) == SPOT_0


def test_a_shift_is_linear_in_figures() -> None:
    """Twelve failures: 12 / 20; four: 4 / 12."""
    few, many = ([n, 0, 0] for n in (4, 12))
    policy = rule({(PoolTurn.OPEN, PoolFigure.FAILURES): -4.0})  # without a mark a pool is at 2
    row = {"extra": 0, "up_age": [DAY_OLD, HOUR_OLD, HOUR_OLD], "spot_claimed_here": [0, 0, 0]}
    assert answer(policy, seat(**row, failures=few)) == SPOT_0
    assert answer(policy, seat(**row, failures=many)) == SPOT_1


def test_a_replica_that_serves_stays_until_enough_others_do() -> None:
    """Whatever was learned about pools."""
    away = rule({(PoolTurn.OPEN, PoolFigure.ONE): -3.0})
    for policy in (rule(), away):
        assert answer(policy, held(0, extra=0, spot_claimed_here=[4, 0, 0], ready_spot=4)) == SPOT_0
        assert answer(policy, held(0, extra=0, spot_claimed_here=[4, 0, 0], ready_spot=5)) == WAIT


def test_masks_are_obeyed() -> None:
    row, mask = seat(extra=0, spot_claimed_here=[0, 0, 0]), np.ones((1, 1 + 2 * POOLS), dtype=bool)
    mask[0, [SPOT_0, SPOT_1]] = False
    assert answer(rule(), row, mask) == WAIT  # the others hold nothing by the plan
    short = seat(**LOADED, ready_spot=3)
    mask[0, ON_DEMAND_0] = False
    assert answer(rule(), short, mask) == ON_DEMAND_1


@pytest.mark.parametrize("name", ["service", "service-spothedge"])
def test_never_an_invalid_answer(name: str) -> None:
    simulation = Simulation(load_scenario(name), 64)
    simulation.start(np.ones(64, dtype=bool), [7] * 64, np.arange(64))
    flat = np.random.default_rng(0).normal(0.0, 1.0, (1, Hedges.count))
    policy, rows = LearnedRule(simulation.layout, Hedges.of(Hedges.unscaled, flat)), np.arange(64)
    for _ in range(300):
        actions, _ = policy.predict(simulation.views.observations, action_masks=simulation.state.masks)
        live = ~simulation.views.terminated
        assert simulation.state.masks[rows, actions][live].all()
        simulation.run(np.where(live, int(Command.STEP), int(Command.SKIP)), actions)

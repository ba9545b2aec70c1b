"""A rule with shifts: without any it is `yielding`, and each shift turns what its name says."""

import numpy as np
import pytest

from tessera_env.observation.fields import Field
from tessera_env.observation.layout import Layout
from tessera_env.policies import make_policy
from tessera_env.policies.learned_rules import LearnedRule
from tessera_env.policies.shifting.choice import Turn
from tessera_env.policies.shifting.figures import FIGURE_COUNT, NAMES
from tessera_env.policies.shifting.placing import CONTEXTS
from tessera_env.policies.shifting.policy import UNSCALED, WEIGHT_COUNT, Shifts
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation
from tests.policies.observations import (
    LAYOUT,
    ON_DEMAND_0,
    ON_DEMAND_1,
    SPOT_0,
    SPOT_1,
    WAIT,
    all_but,
    on_on_demand,
    on_spot,
    only,
    waiting,
)

# A changeover of 0.1 h, half an hour left of a spell on average: a save is due every 0.32 h.
SPELLS = {"spot_changeover": [0.5, 0.5], "rest_up": [0.2, 0.2], "work_left": 0.5}
WORKED = {**SPELLS, "work_left_h": 0.3, "unsaved": 0.2}
NO_SPOT = {"available": [0, 0]}
LOOSE = {"has_deadline": 1.0, "slack": 0.8, "end_slack": 0.9, "work_left_h": 0.3}
TIGHT = {"has_deadline": 1.0, "slack": 0.05, "end_slack": 0.9, "work_left_h": 0.3}


def rule(layout: Layout = LAYOUT, pools: dict[tuple[int, int], float] | None = None, **constants: float) -> LearnedRule:
    """With constants added to turns by name, and weights of (a pool's term, 0 or a context)."""
    shifts = Shifts.of(UNSCALED, np.zeros((1, WEIGHT_COUNT)))
    for name, value in constants.items():
        shifts.turns[0, Turn[name.upper()], FIGURE_COUNT] = value
    for place, value in (pools or {}).items():
        shifts.pools[0][place] = value
    return LearnedRule(layout, shifts)


def answer(policy: LearnedRule, row: np.ndarray, mask: np.ndarray | None = None) -> int:
    actions, _ = policy.predict(row, action_masks=mask)
    return int(actions[0])


@pytest.mark.parametrize("name", ["fleet", "fleet-mixed", "classic"])
def test_without_shifts_and_moves_it_is_yielding(name: str) -> None:
    """But for who is displaced and tight, with no spot anywhere: it goes on-demand at once, where `yielding` waits."""
    simulation = Simulation(load_scenario(name), 16)
    simulation.start(np.ones(16, dtype=bool), [4242] * 16, np.arange(16))
    yielding, shifted, compared = (
        make_policy("yielding", simulation.layout),
        rule(simulation.layout, move=-5.0, interactive_move=-5.0),
        0,
    )
    for _ in range(400):
        seen, masks = simulation.views.observations, simulation.state.masks
        live = ~simulation.views.terminated
        actions, _ = yielding.predict(seen, action_masks=masks)
        others, _ = shifted.predict(seen, action_masks=masks)
        odd = (seen[:, Field.ON_SPOT] > 0) & ~masks[:, 1 : 1 + simulation.layout.pool_count].any(axis=1)
        assert (actions == others)[live & ~odd].all()
        compared += int((live & ~odd).sum())
        simulation.run(np.where(live, int(Command.STEP), int(Command.SKIP)), actions)
    assert compared > 1000


@pytest.mark.parametrize(
    ("turn", "row", "plain", "shift", "shifted"),
    [
        ("on_demand", waiting(**NO_SPOT, **LOOSE), WAIT, 5.0, ON_DEMAND_1),
        ("on_demand", waiting(**NO_SPOT, **TIGHT), ON_DEMAND_1, -5.0, WAIT),
        ("yield", on_spot(0, **LOOSE), SPOT_0, 5.0, WAIT),
        (
            "yield",
            on_spot(0, **LOOSE, tighter_on_demand=0.5, longest_on_demand_h=0.5, room_for_it=0),
            WAIT,
            -5.0,
            SPOT_0,
        ),
        ("take_spot", waiting(**LOOSE), SPOT_1, -5.0, WAIT),
        ("back_to_spot", on_on_demand(0, **LOOSE), SPOT_1, -5.0, ON_DEMAND_0),
        ("stay_on_demand", on_on_demand(0, **NO_SPOT, **LOOSE), ON_DEMAND_0, -5.0, WAIT),
        ("interactive_on_demand", waiting(**NO_SPOT, interactive=1.0), ON_DEMAND_1, -5.0, WAIT),
        ("interactive_take_spot", waiting(interactive=1.0), SPOT_1, -5.0, ON_DEMAND_1),
        ("move", on_spot(0, **{**LOOSE, **WORKED}), SPOT_1, -5.0, SPOT_0),
        ("move", on_spot(0, **LOOSE, unsaved=0.01, **SPELLS), SPOT_0, 5.0, SPOT_1),
        ("interactive_move", on_spot(0, interactive=1.0, **WORKED), SPOT_1, -5.0, SPOT_0),
        ("interactive_back_to_spot", on_on_demand(0, interactive=1.0), SPOT_1, -5.0, ON_DEMAND_0),
    ],
)
def test_each_turn(turn: str, row: np.ndarray, plain: int, shift: float, shifted: int) -> None:
    assert answer(rule(), row) == plain
    assert answer(rule(**{turn: shift}), row) == shifted


def test_a_shift_is_linear_in_figures() -> None:
    shifts = Shifts.of(UNSCALED, np.zeros((1, WEIGHT_COUNT)))
    shifts.turns[0, Turn.TAKE_SPOT, NAMES.index("state")] = -2.0
    policy = LearnedRule(LAYOUT, shifts)
    assert answer(policy, waiting(**LOOSE, state=0.49)) == SPOT_1
    assert answer(policy, waiting(**LOOSE, state=0.51)) == WAIT


def test_a_forced_task_is_not_turned() -> None:
    """Whatever was learned, what could miss its deadline goes on-demand."""
    late = {**TIGHT, "wait_slack": -0.1}
    away = dict.fromkeys((turn.name.lower() for turn in Turn), -5.0)
    for policy in (rule(), rule(**away)):
        assert answer(policy, waiting(**late)) == ON_DEMAND_1
        assert answer(policy, on_on_demand(0, **late)) == ON_DEMAND_0


def test_pool_terms_choose_among_pools() -> None:
    row = waiting(**LOOSE, available_4h=[1.0, 0.0])
    assert answer(rule(), row) == SPOT_1
    assert answer(rule(pools={(0, 0): -0.5}), row) == SPOT_0


def test_what_pools_are_worth_depends_on_the_task() -> None:
    """Whose state is large pays for a pool that has been there for long."""
    policy = rule(pools={(0, 1 + CONTEXTS.index("state")): -0.5})
    for state, expected in ((0.1, SPOT_1), (0.9, SPOT_0)):
        assert answer(policy, waiting(**LOOSE, available_4h=[1.0, 0.0], state=state)) == expected


def test_a_shift_sees_the_pool_that_it_would_take() -> None:
    shifts = Shifts.of(UNSCALED, np.zeros((1, WEIGHT_COUNT)))
    shifts.turns[0, Turn.TAKE_SPOT, NAMES.index("next_rest_up")] = -2.0
    policy = LearnedRule(LAYOUT, shifts)
    assert answer(policy, waiting(**LOOSE, rest_up=[0.9, 0.1])) == SPOT_1
    assert answer(policy, waiting(**LOOSE, rest_up=[0.1, 0.9])) == WAIT


def test_masks_are_obeyed() -> None:
    assert answer(rule(), waiting(**LOOSE), all_but(SPOT_1)) == SPOT_0
    assert answer(rule(take_spot=-5.0), waiting(**LOOSE), all_but(WAIT)) == SPOT_1
    assert answer(rule(interactive_on_demand=-5.0), waiting(**NO_SPOT, interactive=1.0), all_but(WAIT)) == ON_DEMAND_1
    assert answer(rule(), waiting(**NO_SPOT, **TIGHT), only(WAIT)) == WAIT
    assert answer(rule(**{"yield": 5.0}), on_spot(0, **LOOSE), all_but(WAIT)) == SPOT_0


@pytest.mark.parametrize("name", ["fleet", "classic"])
def test_never_an_invalid_answer(name: str) -> None:
    simulation = Simulation(load_scenario(name), 64)
    simulation.start(np.ones(64, dtype=bool), [7] * 64, np.arange(64))
    flat = np.random.default_rng(0).normal(0.0, 0.5, (1, WEIGHT_COUNT))
    policy, rows = LearnedRule(simulation.layout, Shifts.of(UNSCALED, flat)), np.arange(64)
    for _ in range(200):
        actions, _ = policy.predict(simulation.views.observations, action_masks=simulation.state.masks)
        live = ~simulation.views.terminated
        assert simulation.state.masks[rows, actions][live].all()
        simulation.run(np.where(live, int(Command.STEP), int(Command.SKIP)), actions)

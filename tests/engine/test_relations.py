"""How two runs must compare: doubled prices, an added pool, a longer notice, more slack, the best that can be had."""

import copy
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config as numba_config

from tests.engine.play import play
from tests.engine.scenarios import answer, mappings, started, step
from tests.reference.worlds import pool, task, world

SEEDS = st.integers(0, 2**64 - 1)
CHOICES = st.integers(0, 1_000)


@given(mappings(), SEEDS, CHOICES)
def test_at_double_prices_a_price_blind_policy_costs_exactly_double(values, seed, choices):
    doubled = copy.deepcopy(values)
    for pool_values in doubled["pools"]:
        pool_values["on_demand_usd_per_h"] *= 2.0
        if pool_values["price"]["source"] == "constant":
            pool_values["price"]["usd_per_h"] *= 2.0
    if any(pool_values["price"]["source"] == "trace" for pool_values in values["pools"]):
        return  # a recorded price is what it is
    once, twice = started(values, seed), started(doubled, seed)
    rng = np.random.default_rng(choices)
    while not once.views.terminated[0]:
        action = answer(once, rng)
        step(once, action)
        step(twice, action)
    assert twice.views.terminated[0]
    for name in ("spot_usd", "on_demand_usd"):
        assert twice.state.episodes[0][name] == 2.0 * once.state.episodes[0][name]
    assert twice.state.episodes[0].episode_return == once.state.episodes[0].episode_return


@given(mappings(pool_counts=(1, 2)), SEEDS, CHOICES)
def test_a_pool_without_capacity_changes_nothing(values, seed, choices):
    """It may not serve the quickest fallback either, so its set-up takes longest."""
    more = copy.deepcopy(values)
    dead = {
        "name": "dead",
        "zone": "dead",
        "instance_type": "t",
        "gpu_memory_mb": 1e6,
        "on_demand_usd_per_h": 10_000.0,
        "provisioning_s": 86_400.0,
        "price": {"source": "constant", "usd_per_h": 1.0},
        "capacity": {"source": "constant", "instances": 0},
    }
    more["pools"] = [*values["pools"], dead]
    count = len(values["pools"])
    one, other = started(values, seed), started(more, seed)
    rng = np.random.default_rng(choices)
    kept = [0, *range(1, 1 + count), *range(2 + count, 2 + 2 * count)]
    while not one.views.terminated[0]:
        assert other.state.masks[0][kept].tolist() == one.state.masks[0].tolist()
        action = answer(one, rng, invalid=0.0)
        step(one, action)
        step(other, kept[action])
        assert one.views.rewards[0] == other.views.rewards[0]
    assert one.state.episodes[0].tobytes() == other.state.episodes[0].tobytes()


@given(
    st.integers(100, 900),
    st.integers(0, 200),
    st.integers(0, 200),
    st.sampled_from([0.0, 1_000.0, 50_000.0, 300_000.0]),
    st.sampled_from([math.inf, 90.0]),
)
def test_a_longer_notice_loses_no_more_work(lost_at_s, notice_s, longer_s, state_mb, interval_s):
    """One task, one loss of capacity at a known time, announced earlier or later."""

    def lost(notice):
        pools = [pool(capacity=((0.0, 1), (lost_at_s - notice, 0)) if notice < lost_at_s else ((0.0, 0),))]
        tasks = [task(1_000.0, state_growth_mb_per_s=state_mb / 1_000.0, state_cap_mb=state_mb)]
        rules = {"checkpoint_interval_s": interval_s, "checkpoint_cost_s": 5.0, "horizon_s": 3_000.0}
        return play(world(pools, tasks, notice_s=notice, **rules), [1, 2]).totals["work_lost_s"]

    # Periodic checkpoints save in steps: a notice just before one keeps less of the grace period's share.
    slack_s = 0.0 if interval_s == math.inf else interval_s
    assert lost(float(notice_s + longer_s)) <= lost(float(notice_s)) + slack_s + 1e-9


# --- the optimum of tiny worlds, by trying everything ----------------------------------------------------------------

LENGTH = 3 if numba_config.DISABLE_JIT else 4


def optimum(make_world, actions: int) -> float:
    """The best return over all sequences of answers; a world asks at most LENGTH times before its horizon."""
    best = -math.inf
    for answers in itertools.product(range(actions), repeat=LENGTH):
        run = play(make_world(), answers)
        assert len(run.decisions) <= LENGTH
        best = max(best, run.episode_return)
    return best


def tiny(spot_share: float = 0.4, deadline_s: float = 700.0, lost_at_s: float = 250.0, pools: int = 1):
    """One task of 400 s, asked every 300 s until 900; spot is lost once."""
    prices = ((0.0, 3.6 * spot_share),)
    first = pool(prices, capacity=((0.0, 1), (lost_at_s, 0), (lost_at_s + 200.0, 1)), setup_s=50.0)
    others = [pool(prices, capacity=((0.0, 1),), setup_s=100.0)] * (pools - 1)
    rules = {"decision_interval_s": 300.0, "horizon_s": 800.0 if LENGTH == 4 else 500.0, "notice_s": 20.0}
    return lambda: world([first, *others], [task(400.0, deadline_s=deadline_s, state_mb=100_000.0)], **rules)


@pytest.mark.parametrize("lost_at_s", [100.0, 250.0, 350.0])
def test_the_optimum_is_no_dearer_with_lower_prices_more_slack_or_more_pools(lost_at_s):
    base = optimum(tiny(lost_at_s=lost_at_s), 3)
    assert optimum(tiny(0.2, lost_at_s=lost_at_s), 3) >= base
    assert optimum(tiny(deadline_s=790.0, lost_at_s=lost_at_s), 3) >= base
    if LENGTH == 4:
        assert optimum(tiny(lost_at_s=lost_at_s, pools=2), 5) >= base
    assert optimum(tiny(0.6, lost_at_s=lost_at_s), 3) <= base
    assert optimum(tiny(deadline_s=450.0, lost_at_s=lost_at_s), 3) <= base


@pytest.mark.parametrize("lost_at_s", [100.0, 250.0, 350.0])
def test_no_policy_beats_the_optimum(lost_at_s):
    best, rng = optimum(tiny(lost_at_s=lost_at_s), 3), np.random.default_rng(1)
    for _ in range(30):
        run = play(tiny(lost_at_s=lost_at_s)(), lambda _decision: int(rng.integers(3)))
        assert run.episode_return <= best

"""Worlds' fields: each value out of range and each combination that makes no sense is named, in one line."""

import json

import pytest

from tessera_env.scenario.loading import load_scenario
from tests.engine.scenarios import started
from tests.scenario.test_model import INF, NAN, SMALL, problem

STEPS = {"source": "steps", "mean_share": 0.3}
SPELLS = {"source": "spells", "up_h": [0.1, 2.0], "down_h": [0.1, 1.0]}
POISSON = {"task.arrivals": "poisson", "task.arrivals_per_h": 0.5, "task.count": 100}  # 19.2 of them on average


def price(**fields) -> dict:
    """Another price of the only pool."""
    return {"pools.0.price": {**STEPS, **fields}}


def spells(**fields) -> dict:
    """Another capacity."""
    return {"pools.0.capacity": {**SPELLS, **fields}}


def bathtub(**fields) -> dict:
    """Another hazard."""
    return {"pools.0.hazard": {"model": "bathtub", **fields}}


def boot(value) -> dict:
    """Another cold start."""
    return {"pools.0.provisioning_s": value}


def failing(value) -> dict:
    """Another share of on-demand launches that fail."""
    return {"pools.0.on_demand_failure_share": value}


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (price(mean_share=0), "pools.0.price.mean_share: must be greater than 0 (got 0)"),
        ({"pools.0.price": {"source": "steps"}}, "pools.0.price.mean_share: must be given"),
        (price(changes_per_day=0), "pools.0.price.changes_per_day: must be greater than 0 (got 0)"),
        (price(changes_per_day=1e6), "pools.0.price.changes_per_day: must be less than or equal to 100000"),
        (price(step_low_share=0), "pools.0.price.step_low_share: must be greater than 0 (got 0)"),
        (price(step_high_share=1.5), "pools.0.price.step_high_share: must be less than or equal to 1 (got 1.5)"),
        (price(lowest_share=0), "pools.0.price.lowest_share: must be greater than 0 (got 0)"),
        (price(highest_share=INF), "pools.0.price.highest_share: must be a finite number (got inf)"),
        (price(step_s=60), "pools.0.price.step_s: is not a known key (allowed: source, mean_share, changes_per_day,"),
        (bathtub(scale=0), "pools.0.hazard.scale: must be greater than 0 (got 0)"),
        (bathtub(scale=1.1), "pools.0.hazard.scale: must be less than or equal to 1 (got 1.1)"),
        (bathtub(tau1_h=0), "pools.0.hazard.tau1_h: must be greater than or equal to 0.001 (got 0)"),
        (bathtub(tau2_h=NAN), "pools.0.hazard.tau2_h: must be a finite number (got nan)"),
        (bathtub(b_h=0), "pools.0.hazard.b_h: must be greater than 0 (got 0)"),
        (bathtub(cap_h=0), "pools.0.hazard.cap_h: must be greater than or equal to 0.01 (got 0)"),
        (bathtub(cap_h=20_000), "pools.0.hazard.cap_h: must be less than or equal to 10000 (got 20000)"),
        (bathtub(per_h=1), "pools.0.hazard.per_h: is not a known key (allowed: model, scale, tau1_h, tau2_h,"),
        (spells(up_h=[1]), "pools.0.capacity.up_h: must have 2 to 65 values (got 1)"),
        (spells(up_h=list(range(1, 67))), "pools.0.capacity.up_h: must have 2 to 65 values (got 66)"),
        (spells(up_h=3), "pools.0.capacity.up_h: must be a list (got 3)"),
        (spells(up_h=[2, 1]), "pools.0.capacity.up_h: must ascend within 0.0166667 to 1e+06 h (got [2.0, 1.0])"),
        (spells(down_h=[0, 1]), "pools.0.capacity.down_h: must ascend within 0.0166667 to 1e+06 h (got [0.0, 1.0])"),
        (spells(down_h=[1, 2e6]), "pools.0.capacity.down_h: must ascend within 0.0166667 to 1e+06 h"),
        (spells(down_h=[1, NAN]), "pools.0.capacity.down_h.1: must be a finite number (got nan)"),
        (spells(down_h=["1", 2]), "pools.0.capacity.down_h.0: must be a number (got '1')"),
        (spells(up_h=[True, 2]), "pools.0.capacity.up_h.0: must be a number (got True)"),
        (spells(instances=0), "pools.0.capacity.instances: must be greater than or equal to 1 (got 0)"),
        (spells(partial_share=[0.5, 0.1]), "pools.0.capacity.partial_share: must be [low, high] with low <= high"),
        (spells(partial_share=[1.5, 1.5]), "pools.0.capacity.partial_share: must lie within 0 to 1 (got [1.5, 1.5])"),
        (spells(level_mean_h=0), "pools.0.capacity.level_mean_h: must be greater than or equal to 0.01 (got 0)"),
        (spells(shock_median_h=0), "pools.0.capacity.shock_median_h: must be greater than 0 (got 0)"),
        ({"pools.0.capacity": {"source": "spells", "up_h": [1, 2]}}, "pools.0.capacity.down_h: must be given"),
        (boot(-1), "pools.0.provisioning_s: must lie within 0 to 86400 (got -1 to -1)"),
        (boot({"uniform": [0, 90_000]}), "pools.0.provisioning_s: must lie within 0 to 86400 (got 0 to 90000)"),
        (boot({"uniform": [9, 8]}), "pools.0.provisioning_s.uniform: must be [low, high] with low <= high"),
        (boot("fast"), "pools.0.provisioning_s: must be a number or exactly one of constant, uniform"),
        (failing(1), "pools.0.on_demand_failure_share: must be less than 1 (got 1)"),
        (failing(-0.1), "pools.0.on_demand_failure_share: must be greater than or equal to 0 (got -0.1)"),
        (failing(NAN), "pools.0.on_demand_failure_share: must be a finite number (got nan)"),
        ({"checkpoint.at_notice": 1}, "checkpoint.at_notice: must be true or false (got 1)"),
        (
            {**POISSON, "task.arrivals_per_h": 0},
            "task.arrivals_per_h: must be greater than or equal to 0.000001 (got 0)",
        ),
        ({**POISSON, "task.arrivals_per_h": 1e-310}, "task.arrivals_per_h: must be greater than or equal to 0.000001"),
        ({**POISSON, "task.arrivals_per_h": 1e7}, "task.arrivals_per_h: must be less than or equal to 1000000"),
        ({**POISSON, "task.daily_share": 1.1}, "task.daily_share: must be less than or equal to 1 (got 1.1)"),
        ({**POISSON, "task.daily_share": -0.1}, "task.daily_share: must be greater than or equal to 0 (got -0.1)"),
        ({**POISSON, "task.burst_size": 0.5}, "task.burst_size: must be greater than or equal to 1 (got 0.5)"),
        ({**POISSON, "task.burst_spread_s": -1}, "task.burst_spread_s: must be greater than or equal to 0 (got -1)"),
        ({**POISSON, "task.burst_spread_s": 1e5}, "task.burst_spread_s: must be less than or equal to 86400"),
    ],
)
def test_bad_values(overrides, line):
    text = problem(SMALL, **overrides)
    assert text.startswith(f"scenario: {line}")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (price(mean_share=0.05), "mean_share: must lie between lowest_share = 0.1 and highest_share = 1 (got 0.05)"),
        (price(mean_share=1), "mean_share: must lie between lowest_share = 0.1 and highest_share = 1 (got 1)"),
        (price(lowest_share=2), "lowest_share: must be less than highest_share = 1 (got 2)"),
        (price(step_low_share=0.06), "step_low_share: must be at most step_high_share = 0.05 (got 0.06)"),
        (
            {**price(changes_per_day=1e5), "horizon_h": 1e6},
            "changes_per_day: must be at most 120 for this horizon (got 100000)",
        ),
    ],
)
def test_stepped_prices_that_do_not_fit_together(overrides, line):
    assert problem(SMALL, **overrides) == f"scenario: pools.0.price.{line}"


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            spells(shocks_per_day=16),
            "pools.0.capacity.shocks_per_day: must be at most 15, one in each median up- and down-spell (got 16)",
        ),
        (
            spells(instances=1, partial_share=[0.2, 0.5]),
            "pools.0.capacity.partial_share: must be [0, 0] where instances is 1 (got [0.2, 0.5])",
        ),
        (
            {**spells(instances=2, partial_share=[0, 0.5], level_mean_h=0.02), "horizon_h": 1e6},
            "pools.0.capacity.level_mean_h: must be at least 0.4 h for this horizon (got 0.02)",
        ),
        (
            {**spells(up_h=[0.02, 0.02, 900], down_h=[0.02, 0.02]), "horizon_h": 1e6},
            "pools.0.capacity: must have medians of an up- and a down-spell that add up to at least 1.6 h for this "
            "horizon (got 0.04)",
        ),
        ({"task.arrivals_per_h": 0.5}, "task.arrivals_per_h: must be none with arrivals = 'at_start' (got 0.5)"),
        (
            {"task.arrivals": "uniform", "task.arrivals_per_h": 0.5},
            "task.arrivals_per_h: must be none with arrivals = 'uniform' (got 0.5)",
        ),
        ({"task.arrivals": "poisson"}, "task.arrivals_per_h: must be given with arrivals = 'poisson' (got none)"),
        ({"task.arrivals": "bursts"}, "task.arrivals_per_h: must be given with arrivals = 'bursts' (got none)"),
        (
            {**POISSON, "task.count": 19},
            "task.count: must be at least 20, the tasks that arrive on average: arrivals_per_h x arrival_share x "
            "horizon_h (got 19)",
        ),
        (
            {"task.slack": 0.4, **boot({"uniform": [1_800, 9_000]})},
            "task.slack: must be at least 0.5, which leaves 1.5 h to a task with 1 h of work, what it takes on "
            "on-demand (got 0.4)",
        ),
    ],
)
def test_what_does_not_fit_together(overrides, line):
    assert problem(SMALL, **overrides) == f"scenario: {line}"


def test_the_guard_demands_deadlines_that_hold_for_the_longest_cold_start():
    guarded = {"deadline_guard": True, "reconsider_running": True, "guard_margin_s": 0, **boot({"uniform": [9, 360]})}
    assert load_scenario(SMALL, **guarded, **{"task.deadline_h": 1.1})
    assert "at least 1.1 h" in problem(SMALL, **guarded, **{"task.deadline_h": 1.09})


LIMITS = [
    price(changes_per_day=1e-9),
    price(changes_per_day=5_000.0, step_low_share=1.0, step_high_share=1.0),
    price(step_low_share=0.05),  # no other size
    price(mean_share=0.100001, highest_share=10.0),
    bathtub(),
    bathtub(scale=1.0, tau1_h=0.001, tau2_h=0.001, b_h=0.001, cap_h=10_000.0),
    bathtub(scale=1e-9, tau1_h=1_000.0, tau2_h=1_000.0, b_h=10_000.0, cap_h=0.01),
    spells(up_h=[1 / 60, 1 / 60], down_h=[1 / 60, 1 / 60]),
    spells(up_h=[1.0] * 65, down_h=[0.5] * 64 + [1e6], shocks_per_day=16.0, shock_median_h=1e6),
    boot({"lognormal": {"median": 180.0, "sigma": 10.0, "low": 1e-3, "high": 86_400.0}}),
    failing(0.999),
    {**POISSON, "task.daily_share": 1.0, "task.arrivals_per_h": 1e-6},
    {**POISSON, "task.arrivals": "bursts", "task.burst_size": 100_000.0, "task.burst_spread_s": 86_400.0},
    {**POISSON, "task.arrival_share": 0.0},
    {"checkpoint.at_notice": False},
]


@pytest.mark.parametrize("overrides", LIMITS)
def test_values_at_their_limits_load_and_make_a_world(overrides):
    scenario = load_scenario(SMALL, **overrides)
    assert load_scenario(json.loads(json.dumps(scenario.model_dump(mode="json")))) == scenario
    for seed in range(3):
        simulation = started(scenario, seed)
        row, points = simulation.state.episodes[0], simulation.state.market[0, 0]
        count = int(simulation.state.pools[0, 0].point_count)
        assert 1 <= row.task_count <= scenario.task.count
        assert (points.time_s[1:count] > points.time_s[: count - 1]).all()
        assert points.time_s[count - 1] < 48.0 * 3_600.0
        assert (points.spot_price[:count] > 0.0).all() and (points.spot_price[:count] <= 30.0).all()

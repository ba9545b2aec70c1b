import json
import math

import numpy as np
import pytest

from tessera_env.recordings.traces.reading import read_series
from tessera_env.scenario.conversion import parameters_of
from tessera_env.scenario.loading import load_scenario, preset_names
from tessera_env.scenario.scenario import Scenario
from tessera_env.world.distributions import DistributionKind
from tessera_env.world.parameters import (
    NONE,
    UNLIMITED,
    Arrivals,
    CapacitySource,
    HazardModel,
    Parameters,
    PriceSource,
    Quantity,
)

# Every figure differs from its neighbours, so that a mixed-up field shows.
UNLIKE = {
    "horizon_h": 50,
    "decision_interval_s": 601,
    "reconsider_running": True,
    "reconsider_at_capacity": True,
    "reconsider_on_spot": False,
    "ask_at_freed_room": True,
    "ask_order": "urgency",
    "make_before_break": True,
    "just_in_time": True,
    "deadline_guard": False,
    "guard_margin_s": 2,
    "slack_tick_s": 7,
    "notice_s": 121,
    "idle_timeout_s": 33,
    "billing": {"minimum_s": 61, "billing_increment_s": 11, "free_first_hour": True},
    "checkpoint": {
        "full_fraction": 0.7,
        "partial_fraction": 0.2,
        "store_bandwidth_gbps": 9,
        "interval_h": 0.5,
        "cost_s": 13,
    },
    "task": {
        "count": 1700,
        "arrivals": "bursts",
        "arrival_share": 0.6,
        "arrivals_per_h": 1.75,
        "daily_share": 0.45,
        "burst_size": 5,
        "burst_spread_s": 77,
        "interactive_share": 0.3,
        "work_h": {"uniform": [1, 20]},
        "slack": {"lognormal": {"median": 0.5, "sigma": 0.8, "low": 0.1, "high": 3}},
        "gpu_memory_mb": {"choice": [4000, 8000, 2000]},
        "state_base_mb": 100,
        "state_mb_per_work_h": 200,
        "state_cap_mb": 8000,
    },
    "penalty": {"missed_weight": 3, "downtime_weight": 4},
    "market": {"trace": "aws_v100_2023", "from_h": 700, "until_h": 800},
    "pools": [
        {
            "name": "walk",
            "zone": "z1",
            "instance_type": "t",
            "gpu_memory_mb": 16000,
            "bandwidth_gbps": 5,
            "on_demand_usd_per_h": 2,
            "provisioning_s": {"lognormal": {"median": 30, "sigma": 0.5, "low": 10, "high": 90}},
            "on_demand_failure_share": 0.07,
            "setup_h": {"log_uniform": [0.01, 0.02]},
            "price": {
                "source": "ornstein_uhlenbeck",
                "mean_share": 0.3,
                "deviation_share": 0.2,
                "reversion_per_h": 0.6,
                "step_s": 300,
                "daily_share": 0.15,
                "lowest_share": 0.11,
                "highest_share": 0.95,
            },
            "hazard": {"model": "discount", "per_h": 0.05},
        },
        {
            "name": "spells",
            "zone": "z2",
            "instance_type": "t",
            "gpu_memory_mb": 24000,
            "on_demand_usd_per_h": 4,
            "setup_h": {"choice": [0.02, 0.1]},
            "price": {"source": "constant", "usd_per_h": 0.9},
            "capacity": {
                "source": "semi_markov",
                "instances": 3,
                "up_median_h": [0.3, 1.3],
                "up_sigma": [1.1, 2.1],
                "down_median_h": [0.4, 0.7],
                "down_sigma": [0.9, 1.6],
                "regime_mean_h": 24,
                "regime_factor_high": 1.5,
                "shocks_per_day": 0.25,
                "shock_median_h": 0.35,
                "partial_share": [0.1, 0.6],
                "level_mean_h": 0.4,
            },
            "hazard": {"model": "constant", "per_h": 0.06},
        },
        {
            "name": "replayed",
            "zone": "z1",
            "instance_type": "t",
            "gpu_memory_mb": 8000,
            "on_demand_usd_per_h": 3,
            "price": {"source": "trace"},
            "capacity": {"source": "trace", "instances": 2},
            "trace_zone": "us-east-1c_v100_1",
        },
        {
            "name": "steps",
            "zone": "z3",
            "instance_type": "t",
            "gpu_memory_mb": 9000,
            "on_demand_usd_per_h": 5,
            "provisioning_s": {"uniform": [20, 60]},
            "price": {
                "source": "steps",
                "mean_share": 0.4,
                "changes_per_day": 6,
                "step_low_share": 0.02,
                "step_high_share": 0.04,
                "lowest_share": 0.2,
                "highest_share": 0.8,
            },
            "capacity": {
                "source": "spells",
                "instances": 4,
                "up_h": [0.1, 1, 9],
                "down_h": [0.2, 2],
                "shocks_per_day": 0.5,
                "shock_median_h": 0.3,
                "partial_share": [0.7, 0.7],
                "level_mean_h": 0.2,
            },
            "hazard": {"model": "bathtub", "scale": 0.6, "tau1_h": 0.9, "tau2_h": 1.1, "b_h": 25, "cap_h": 23},
        },
    ],
}


@pytest.fixture(scope="module")
def unlike() -> Parameters:
    return parameters_of(load_scenario(UNLIKE))


def fields(record) -> dict:
    """A record's fields by name."""
    return {name: record[name].item() for name in record.dtype.names}


def test_every_field_of_the_configuration(unlike):
    assert fields(unlike.config[0]) == {
        "horizon_s": 180_000,
        "decision_interval_s": 601,
        "reconsider_running": 1,
        "reconsider_at_capacity": 1,
        "reconsider_on_spot": 0,
        "ask_at_freed_room": 1,
        "ask_tightest_first": 1,
        "make_before_break": 1,
        "just_in_time": 1,
        "guard_counts_saves": 0,
        "deadline_guard": 0,
        "guard_margin_s": 2,
        "invalid_waits": 0,  # the environment's, not the scenario's, like the next
        "shaped_reward": 0,
        "reward_scale": 1.0,
        "slack_tick_s": 7,
        "notice_s": 121,
        "idle_timeout_s": 33,
        "billing_minimum_s": 61,
        "billing_increment_s": 11,
        "free_first_hour": 1,
        "full_fraction": 0.7,
        "partial_fraction": 0.2,
        "saves_at_notice": 1,
        "store_bandwidth_gbps": 9,
        "checkpoint_interval_s": 1800,
        "checkpoint_cost_s": 13,
        "task_count": 1700,
        "arrivals": Arrivals.BURSTS,
        "arrival_share": 0.6,
        "arrivals_per_h": 1.75,
        "arrival_daily_share": 0.45,
        "burst_size": 5,
        "burst_spread_s": 77,
        "arrival_scale": 1,
        "job_count": 0,
        "interactive_share": 0.3,
        "state_base_mb": 100,
        "state_mb_per_work_h": 200,
        "state_cap_mb": 8000,
        "deadline_from_arrival": 0,
        "deadline_from_slack": 1,
        "missed_weight": 3,
        "downtime_weight": 4,
        "window_from_s": 2_520_180,  # 12,924 samples of 195 s: the first at or after 700 h
        "window_until_s": 2_880_000,
        "window_step_s": 195,
        "dearest_on_demand": 5,
        "largest_memory_mb": 24000,
        "series_count": 9,
    }


NO_SPELLS = dict.fromkeys(
    [
        "up_median_low_h",
        "up_median_high_h",
        "up_sigma_low",
        "up_sigma_high",
        "down_median_low_h",
        "down_median_high_h",
        "down_sigma_low",
        "down_sigma_high",
        "regime_mean_h",
        "regime_factor_high",
        "shocks_per_day",
        "shock_median_h",
        "partial_share_low",
        "partial_share_high",
        "level_mean_h",
        "up_points",
        "down_points",
    ],
    0,
)
NO_BATHTUB = dict.fromkeys(["hazard_scale", "hazard_tau1_h", "hazard_tau2_h", "hazard_b_h", "hazard_cap_h"], 0)
NO_WALK = dict.fromkeys(
    [
        "price_mean",
        "price_deviation",
        "price_reversion_per_h",
        "price_step_s",
        "price_daily_share",
        "price_lowest",
        "price_highest",
        "price_changes_per_day",
        "price_step_low",
        "price_step_high",
    ],
    0,
)


def test_every_field_of_a_pool_whose_price_walks(unlike):
    assert fields(unlike.pools[0]) == pytest.approx(
        {
            **NO_SPELLS,
            **NO_BATHTUB,
            **NO_WALK,
            "zone": 0,
            "gpu_memory_mb": 16000,
            "bandwidth_gbps": 5,
            "on_demand_price": 2,
            "provisioning_s": 30,
            "provisioning_high_s": 90,
            "on_demand_failure_share": 0.07,
            "price_source": PriceSource.ORNSTEIN_UHLENBECK,
            "price_mean": 0.6,
            "price_deviation": 0.4,
            "price_reversion_per_h": 0.6,
            "price_step_s": 300,
            "price_daily_share": 0.15,
            "price_lowest": 0.22,
            "price_highest": 1.9,
            "capacity_source": CapacitySource.CONSTANT,
            "capacity": UNLIMITED,
            "hazard_model": HazardModel.DISCOUNT,
            "hazard_per_h": 0.05,
            "series": NONE,
        }
    )


def test_every_field_of_a_pool_with_spells(unlike):
    assert fields(unlike.pools[1]) == {
        **NO_WALK,
        **NO_BATHTUB,
        **NO_SPELLS,
        "zone": 1,
        "gpu_memory_mb": 24000,
        "bandwidth_gbps": 10,
        "on_demand_price": 4,
        "provisioning_s": 0,
        "provisioning_high_s": 0,
        "on_demand_failure_share": 0,
        "price_source": PriceSource.CONSTANT,
        "price_mean": 0.9,
        "capacity_source": CapacitySource.SEMI_MARKOV,
        "capacity": 3,
        "hazard_model": HazardModel.CONSTANT,
        "hazard_per_h": 0.06,
        "series": NONE,
        "up_median_low_h": 0.3,
        "up_median_high_h": 1.3,
        "up_sigma_low": 1.1,
        "up_sigma_high": 2.1,
        "down_median_low_h": 0.4,
        "down_median_high_h": 0.7,
        "down_sigma_low": 0.9,
        "down_sigma_high": 1.6,
        "regime_mean_h": 24,
        "regime_factor_high": 1.5,
        "shocks_per_day": 0.25,
        "shock_median_h": 0.35,
        "partial_share_low": 0.1,
        "partial_share_high": 0.6,
        "level_mean_h": 0.4,
    }


def test_every_field_of_a_pool_that_replays(unlike):
    assert fields(unlike.pools[2]) == {
        **NO_WALK,
        **NO_SPELLS,
        **NO_BATHTUB,
        "zone": 0,
        "gpu_memory_mb": 8000,
        "bandwidth_gbps": 10,
        "on_demand_price": 3,
        "provisioning_s": 0,
        "provisioning_high_s": 0,
        "on_demand_failure_share": 0,
        "price_source": PriceSource.TRACE,
        "capacity_source": CapacitySource.TRACE,
        "capacity": 2,
        "hazard_model": HazardModel.NONE,
        "hazard_per_h": 0,
        "series": 1,
    }


def test_every_field_of_a_pool_with_steps_and_spells(unlike):
    assert fields(unlike.pools[3]) == pytest.approx(
        {
            **NO_WALK,
            **NO_SPELLS,
            "zone": 2,
            "gpu_memory_mb": 9000,
            "bandwidth_gbps": 10,
            "on_demand_price": 5,
            "provisioning_s": 40,
            "provisioning_high_s": 60,
            "on_demand_failure_share": 0,
            "price_source": PriceSource.STEPS,
            "price_mean": 2,
            "price_lowest": 1,
            "price_highest": 4,
            "price_changes_per_day": 6,
            "price_step_low": 0.02,
            "price_step_high": 0.04,
            "capacity_source": CapacitySource.SPELLS,
            "capacity": 4,
            "up_points": 3,
            "down_points": 2,
            "shocks_per_day": 0.5,
            "shock_median_h": 0.3,
            "partial_share_low": 0.7,
            "partial_share_high": 0.7,
            "level_mean_h": 0.2,
            "hazard_model": HazardModel.BATHTUB,
            "hazard_per_h": 0,
            "hazard_scale": 0.6,
            "hazard_tau1_h": 0.9,
            "hazard_tau2_h": 1.1,
            "hazard_b_h": 25,
            "hazard_cap_h": 23,
            "series": NONE,
        }
    )
    assert unlike.quantiles[3, :, :4].tolist() == [[0.1, 1, 9, 0], [0.2, 2, 0, 0]]
    assert not unlike.quantiles[:3].any()


def test_distributions_and_set_up_in_seconds(unlike):
    work, deadline, slack, memory, walk, boot, spells, _, replayed, _, _, drawn = unlike.distributions
    assert (work.kind, work.low, work.high) == (DistributionKind.UNIFORM, 1, 20)
    assert (deadline.kind, deadline.low) == (DistributionKind.CONSTANT, 0)
    assert (slack.kind, slack.median, slack.sigma, slack.low, slack.high) == (
        DistributionKind.LOGNORMAL,
        0.5,
        0.8,
        0.1,
        3,
    )
    assert (memory.kind, memory.choice_count) == (DistributionKind.CHOICE, 3)
    assert memory.choices[:4].tolist() == [4000, 8000, 2000, 0]
    assert (walk.kind, walk.low, walk.high) == (DistributionKind.LOG_UNIFORM, 36, 72)
    assert (spells.kind, spells.choices[:2].tolist()) == (DistributionKind.CHOICE, [72, 360])
    assert (replayed.kind, replayed.low, replayed.high) == (DistributionKind.CONSTANT, 0, 0)
    assert (boot.kind, boot.median, boot.high) == (DistributionKind.LOGNORMAL, 30, 90)
    assert (drawn.kind, drawn.low, drawn.high) == (DistributionKind.UNIFORM, 20, 60)
    assert len(unlike.distributions) == Quantity.FIRST_SETUP + 8


def test_lognormal_set_up_scales_all_but_its_sigma():
    form = {"lognormal": {"median": 0.1, "sigma": 0.5, "low": 0.05, "high": 0.3}}
    record = parameters_of(load_scenario("deadline", **{"pools.0.setup_h": form})).distributions[Quantity.FIRST_SETUP]
    assert (record.median, record.sigma, record.low, record.high) == pytest.approx((360, 0.5, 180, 1080))


def test_deadlines_from_arrival():
    config = parameters_of(load_scenario("deadline")).config[0]
    assert (config.deadline_from_arrival, config.deadline_from_slack, config.arrivals) == (1, 0, Arrivals.AT_START)
    assert (config.deadline_guard, config.reconsider_running) == (1, 1)


def test_what_is_absent_is_infinite_or_one_row():
    params = parameters_of(load_scenario("deadline", **{"pools.0.capacity.regime_mean_h": None}))
    config = params.config[0]
    assert config.checkpoint_interval_s == math.inf
    assert params.pools[0].regime_mean_h == math.inf
    assert (config.series_count, len(params.series), len(params.trace)) == (0, 1, 1)
    assert (config.window_from_s, config.window_until_s, config.window_step_s) == (0, 345_600, 1)


def test_series_and_points_are_the_traces(unlike):
    for row, series in zip(unlike.series, read_series(["aws_v100_2023"]), strict=True):
        points = unlike.trace[row.first : row.first + row.count]
        assert points["time_s"].tolist() == series.time_s.tolist()
        assert points["capacity"].tolist() == series.capacity.tolist()
        assert points["spot_price"].tolist() == series.price.tolist()
        assert row.end_s == 3_868_410
    assert len(unlike.trace) == sum(row.count for row in unlike.series)


def test_windows_end_with_the_trace_and_series_are_drawn_for_each_world():
    params = parameters_of(load_scenario("deadline-aws"))
    config = params.config[0]
    assert params.pools[0].series == NONE
    assert (config.window_from_s, config.window_until_s, config.window_step_s) == (2_520_180, 3_868_410, 195)


def with_json(folder, *documents: dict, **overrides) -> Scenario:
    """The reported job on JSON traces."""
    paths = []
    for index, document in enumerate(documents):
        paths.append(str(folder / f"zone{index}.json"))
        (folder / f"zone{index}.json").write_text(json.dumps(document))
    market = {"trace": paths, "polarity": "available", "from_h": 0}
    return load_scenario("deadline-aws", **{"market": market, **overrides})


def test_windows_fit_the_shortest_of_several_files(tmp_path):
    long = {"metadata": {"gap_seconds": 300}, "data": [1] * 2000, "prices": [1.0] * 2000}
    short = {"metadata": {"gap_seconds": 600}, "data": [0, 1] * 400, "prices": [1.0] * 800}
    config = parameters_of(with_json(tmp_path, long, short)).config[0]
    assert (config.window_until_s, config.window_step_s, config.series_count) == (480_000, 300, 2)


def test_a_trace_without_prices_needs_another_price(tmp_path):
    document = {"metadata": {"gap_seconds": 300}, "data": [1, 0] * 1000}
    with pytest.raises(ValueError, match=r"pools\.0\.price\.source: must be 'constant' or 'ornstein_uhlenbeck'"):
        with_json(tmp_path, document)
    scenario = with_json(tmp_path, document, **{"pools.0.price": {"source": "constant", "usd_per_h": 0.5}})
    assert parameters_of(scenario).trace["capacity"].tolist() == [1, 0] * 1000
    assert not parameters_of(scenario).trace["spot_price"].any()


def test_a_trace_shorter_than_the_horizon_is_refused(tmp_path):
    document = {"metadata": {"gap_seconds": 300}, "data": [1] * 1000, "prices": [1.0] * 1000}
    with pytest.raises(ValueError, match=r"horizon_h: must be at most 83\.3333, market\.until_h or the trace's end"):
        with_json(tmp_path, document)


def test_a_loaded_scenario_is_converted_from_what_was_checked(tmp_path):
    document = {"metadata": {"gap_seconds": 300}, "data": [1, 0] * 1000, "prices": [1.0] * 2000}
    scenario = with_json(tmp_path, document)
    (tmp_path / "zone0.json").unlink()
    assert parameters_of(scenario).trace["capacity"].tolist() == [1, 0] * 1000


def test_the_table_of_jobs_is_each_calls_own(tmp_path):
    path = tmp_path / "run_times.csv"
    path.write_text("runtime\n3600\n7200\n")
    recorded = {"recording": str(path), "recording_format": "run_times", "work_h": None}
    scenario = load_scenario("classic", task=recorded)
    first, second = parameters_of(scenario), parameters_of(scenario)
    assert first.jobs["work_s"].tolist() == [3600.0, 7200.0]
    assert first.config[0].job_count == 2
    assert isinstance(first.jobs, np.recarray)
    assert first.jobs.flags.writeable  # as all other tables, so that kernels see one type
    assert not np.shares_memory(first.jobs, second.jobs)


@pytest.mark.parametrize("name", preset_names())
def test_two_conversions_are_equal_and_share_nothing(name):
    scenario = load_scenario(name)
    first, second = parameters_of(scenario), parameters_of(scenario)
    for left, right in zip(first, second, strict=True):
        assert left.tobytes() == right.tobytes()
        assert not np.shares_memory(left, right)
        assert left.dtype.names is None or isinstance(left, np.recarray)

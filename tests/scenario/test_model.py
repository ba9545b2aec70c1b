import json
import os
import pickle
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tessera_env.scenario.errors import MAX_LINES, ScenarioError
from tessera_env.scenario.loading import load_scenario, parse_override, preset_names
from tessera_env.scenario.scenario import Scenario

NAN, INF = float("nan"), float("inf")

POOL = {
    "name": "a",
    "zone": "z",
    "instance_type": "t",
    "gpu_memory_mb": 16000,
    "on_demand_usd_per_h": 3,
    "price": {"source": "constant", "usd_per_h": 1},
}
SMALL = {"horizon_h": 48, "decision_interval_s": 600, "notice_s": 0, "task": {"work_h": 1}, "pools": [POOL]}
SMALL_TOML = """
horizon_h = 48
decision_interval_s = 600
notice_s = 0
[task]
work_h = 1
[[pools]]
name = "a"
zone = "z"
instance_type = "t"
gpu_memory_mb = 16000
on_demand_usd_per_h = 3
price = { source = "constant", usd_per_h = 1 }
"""


def problem(source, **overrides) -> str:
    """The text of the error that loading raises."""
    with pytest.raises(ScenarioError) as caught:
        load_scenario(source, **overrides)
    return str(caught.value)


# ---- presets


def test_presets_are_known_and_carry_their_names():
    tasks = ["cant-be-late", "classic", "deadline", "deadline-aws", "fleet", "fleet-mixed"]
    assert preset_names() == [*tasks, "service", "service-spothedge", "service-train"]
    for name in preset_names():
        scenario = load_scenario(name)
        assert scenario.name == name
        assert scenario.description


def test_classic_is_the_original_engines_world():
    scenario = load_scenario("classic")
    task, pool = scenario.task, scenario.pools[0]
    assert (scenario.horizon_h, scenario.notice_s, scenario.reconsider_running) == (48, 120, False)
    assert (task.count, task.arrivals, task.arrival_share, task.work_h.uniform) == (100, "uniform", 0.8, (1, 20))
    assert [task.final_state_mb(work_h) for work_h in (1, 20, 40, 60)] == [200, 4000, 8000, 8000]
    assert task.deadline_h is None
    assert task.slack is None
    assert (pool.on_demand_usd_per_h, pool.bandwidth_gbps, pool.gpu_memory_mb) == (1, 10, 24000)
    price = pool.price
    assert (price.mean_share, price.deviation_share, price.reversion_per_h) == (0.3, 0.2, 0.5)
    assert (price.daily_share, price.lowest_share, price.highest_share) == (0.1, 0.1, 0.95)
    assert (pool.hazard.model, pool.hazard.per_h) == ("discount", 0.05)
    assert len({other.model_copy(update={"name": "x", "zone": "x"}) for other in scenario.pools}) == 1


@pytest.mark.parametrize("name", ["deadline", "deadline-aws"])
def test_deadline_presets_are_one_job(name):
    scenario = load_scenario(name)
    task, (pool,) = scenario.task, scenario.pools
    assert (task.count, task.work_h.constant, task.deadline_h.uniform) == (1, 48, (50, 90))
    assert task.final_state_mb(48) == 0
    assert pool.setup_h.choice == (0.02, 0.05, 0.1, 0.2)
    assert (pool.on_demand_usd_per_h, pool.provisioning_s.constant, pool.hazard.model) == (3.06, 0, "none")
    assert (scenario.notice_s, scenario.decision_interval_s) == (0, 600)
    assert scenario.deadline_guard
    assert scenario.reconsider_running
    assert scenario.horizon_h > task.deadline_h.highest


def test_deadline_trains_on_generated_and_reports_on_recorded_capacity():
    train, reported = load_scenario("deadline"), load_scenario("deadline-aws")
    assert train.pools[0].capacity.source == "semi_markov"
    assert train.pools[0].price.usd_per_h == 0.9731
    assert not train.replays
    assert (reported.market.trace, reported.market.from_h, reported.market.until_h) == ("aws_v100_2023", 700, None)
    assert reported.pools[0].trace_zone == "random"
    assert reported.pools[0].price.source == reported.pools[0].capacity.source == "trace"


def test_fleet_replays_nine_zones_on_development_hours():
    scenario = load_scenario("fleet")
    task = scenario.task
    assert len({pool.trace_zone for pool in scenario.pools}) == 9
    assert all(pool.trace_zone == f"{pool.zone}_v100_1" for pool in scenario.pools)
    assert (task.count, task.interactive_share, scenario.horizon_h, scenario.notice_s) == (100, 0.2, 48, 120)
    assert (scenario.market.from_h, scenario.market.until_h) == (0, 700)
    assert load_scenario(scenario, **{"market.from_h": 700, "market.until_h": None}).market.until_h is None


def test_fleet_states_meet_all_three_checkpoint_plans():
    scenario = load_scenario("fleet")
    transferable_mb = scenario.checkpoint.store_bandwidth_gbps * 125 * scenario.notice_s
    shares = [transferable_mb / scenario.task.final_state_mb(work_h) for work_h in (3, 8, 20)]
    assert shares[0] >= scenario.checkpoint.full_fraction
    assert scenario.checkpoint.partial_fraction < shares[1] < scenario.checkpoint.full_fraction
    assert shares[2] < scenario.checkpoint.partial_fraction


def test_fleet_mixed_has_pools_of_unlike_memory_network_and_price_in_three_zones():
    scenario = load_scenario("fleet-mixed")
    figures = {(pool.gpu_memory_mb, pool.bandwidth_gbps, pool.on_demand_usd_per_h) for pool in scenario.pools}
    assert figures == {(16_000, 5, 0.526), (24_000, 2.5, 0.8048), (96_000, 40, 5.672)}
    assert len({(pool.zone, pool.instance_type) for pool in scenario.pools}) == len(scenario.pools) == 9
    for zone in {pool.zone for pool in scenario.pools}:
        shocks = {pool.capacity.shocks_per_day for pool in scenario.pools if pool.zone == zone}
        assert len(shocks) == 1 and min(shocks) > 0, "pools of a zone share its shocks"
    fitting = [
        sum(pool.gpu_memory_mb >= need for pool in scenario.pools) for need in scenario.task.gpu_memory_mb.choice
    ]
    assert fitting == [9, 9, 9, 9, 6, 6, 3, 3]


def test_fleet_mixed_states_are_saved_whole_or_not_by_the_network():
    """Work below which all is kept at a notice, by instance type, h."""
    scenario = load_scenario("fleet-mixed")
    kept = {}
    for pool in scenario.pools:
        bandwidth_gbps = min(pool.bandwidth_gbps, scenario.checkpoint.store_bandwidth_gbps)
        largest_mb = bandwidth_gbps * 125 * scenario.notice_s / scenario.checkpoint.full_fraction
        kept[pool.instance_type] = (
            largest_mb >= scenario.task.final_state_mb(5),
            largest_mb >= scenario.task.state_cap_mb,
        )
    assert kept == {"g4dn.xlarge": (True, False), "g6.xlarge": (False, False), "g5.12xlarge": (True, True)}


# ---- reading


def test_integers_count_as_floats_and_defaults_fill_the_rest():
    scenario = load_scenario(SMALL)
    assert isinstance(scenario.horizon_h, float)
    assert isinstance(scenario.task.work_h.constant, float)
    assert scenario.name == "custom"
    assert scenario.billing.minimum_s == 60
    assert scenario.pools[0].capacity.instances is None
    assert scenario.pools[0].hazard.model == "none"


@pytest.mark.parametrize("name", preset_names())
def test_a_scenario_survives_json_and_pickle(name):
    scenario = load_scenario(name)
    assert load_scenario(json.loads(json.dumps(scenario.model_dump(mode="json")))) == scenario
    assert load_scenario(json.loads(json.dumps(scenario.model_dump()))) == scenario
    assert pickle.loads(pickle.dumps(scenario)) == scenario
    assert load_scenario(scenario) == scenario


def test_all_distribution_forms_survive_json():
    for form in (
        2.0,
        {"uniform": [1.0, 2.0]},
        {"log_uniform": [1.0, 2.0]},
        {"choice": [1.0, 4.0, 2.0]},
        {"lognormal": {"median": 2.0, "sigma": 1.0, "low": 1.0, "high": 4.0}},
    ):
        scenario = load_scenario(SMALL, **{"task.work_h": form})
        dumped = scenario.model_dump(mode="json")
        assert dumped["task"]["work_h"] == form
        assert load_scenario(dumped) == scenario


def test_distributions_know_their_extremes():
    def extremes(form):
        work_h = load_scenario(SMALL, **{"task.work_h": form}).task.work_h
        return work_h.lowest, work_h.highest

    assert extremes(3) == (3, 3)
    assert extremes({"uniform": [1, 2]}) == (1, 2)
    assert extremes({"choice": [5, 4, 6]}) == (4, 6)
    assert extremes({"lognormal": {"median": 2, "sigma": 1, "low": 0.5, "high": 9}}) == (0.5, 9)


def test_a_file_works_wherever_a_presets_name_does(tmp_path, monkeypatch):
    file = tmp_path / "mine.toml"
    file.write_text(SMALL_TOML)
    scenario = load_scenario(file)
    assert scenario == load_scenario(str(file)) == load_scenario({**SMALL, "name": "mine"})
    monkeypatch.chdir(tmp_path)
    assert load_scenario("mine.toml") == load_scenario("./mine.toml") == scenario


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_byte_order_marks_and_line_ends_do_not_matter(tmp_path, prefix, line_end):
    file = tmp_path / "mine.toml"
    file.write_bytes(prefix + SMALL_TOML.encode().replace(b"\n", line_end))
    assert load_scenario(file).horizon_h == 48


def test_trace_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    folder = tmp_path / "with space"
    folder.mkdir()
    (folder / "spot.csv").write_text("zone,time_s,spot_available,spot_price\nx,0,1,0.5\nx,360000,0,0.5\n")
    (folder / "mine.toml").write_text(
        SMALL_TOML.replace('price = { source = "constant", usd_per_h = 1 }', 'price = { source = "trace" }')
        + 'trace_zone = "x"\n[market]\ntrace = "spot.csv"\n'
    )
    monkeypatch.chdir(tmp_path)
    scenario = load_scenario(folder / "mine.toml")
    assert scenario.market.trace == str(folder / "spot.csv")
    monkeypatch.chdir("/")
    assert load_scenario(scenario.model_dump()) == scenario


def test_scenarios_are_frozen():
    with pytest.raises(ValidationError):
        load_scenario("deadline").horizon_h = 1


# ---- overrides


def test_overrides_dotted_nested_and_for_all_pools():
    scenario = load_scenario(
        "classic",
        horizon_h=24,
        task={"count": 7, "work_h": {"choice": [1, 2]}},
        **{"pools.0.setup_h": 0.5, "pools.*.bandwidth_gbps": 3, "pools.1.hazard": {"model": "none"}},
    )
    assert (scenario.horizon_h, scenario.task.count, scenario.task.arrivals) == (24, 7, "uniform")
    assert scenario.task.work_h.choice == (1, 2)
    assert [pool.setup_h.constant for pool in scenario.pools] == [0.5, 0.02, 0.02, 0.02]
    assert {pool.bandwidth_gbps for pool in scenario.pools} == {3}
    assert [pool.hazard.model for pool in scenario.pools] == ["discount", "none", "discount", "discount"]
    assert scenario.name == "classic"


def test_overriding_leaves_what_the_caller_gave_alone():
    given = json.loads(json.dumps(SMALL))
    pools = [dict(POOL)]
    scenario = load_scenario(given, pools=pools, **{"pools.0.setup_h": 1, "task.work_h.uniform": [1, 2]})
    assert scenario.pools[0].setup_h.constant == 1
    assert given == SMALL
    assert pools == [POOL]


def test_a_number_becomes_a_distribution_by_a_dotted_key():
    assert load_scenario(SMALL, **{"task.work_h.uniform": [1, 2]}).task.work_h.uniform == (1, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("task.deadline_h=70", ("task.deadline_h", 70)),
        (" task.deadline_h = { uniform = [50, 90] } ", ("task.deadline_h", {"uniform": [50, 90]})),
        ("deadline_guard=true", ("deadline_guard", True)),
        ("market.until_h=none", ("market.until_h", None)),
        ("market.polarity=available", ("market.polarity", "available")),
        ('market.trace="my traces/a=b.csv"', ("market.trace", "my traces/a=b.csv")),
        ("market.trace=~/a-b/c.csv", ("market.trace", "~/a-b/c.csv")),
    ],
)
def test_parse_override(text, expected):
    assert parse_override(text) == expected


@pytest.mark.parametrize("text", ["", "x", "x=", "=3", "x=[1, 2", "x=3\ny=4", "x=" + "[" * 100_000, "x=" + "1" * 5000])
def test_parse_override_refuses_in_one_short_line(text):
    with pytest.raises(ScenarioError) as caught:
        parse_override(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


# ---- what is wrong is named: field, value, allowed


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("horizon_h", NAN, "horizon_h: must be a finite number (got nan)"),
        ("horizon_h", INF, "horizon_h: must be a finite number (got inf)"),
        ("horizon_h", True, "horizon_h: must be a number (got True)"),
        ("horizon_h", "48", "horizon_h: must be a number (got '48')"),
        ("horizon_h", -1, "horizon_h: must be greater than 0 (got -1)"),
        ("horizon_h", 2e6, "horizon_h: must be less than or equal to 1000000 (got 2000000.0)"),
        ("task.count", 1.0, "task.count: must be a whole number (got 1.0)"),
        ("task.count", False, "task.count: must be a whole number (got False)"),
        ("task.count", 0, "task.count: must be at least 1, unless there is a service (got 0)"),
        pytest.param("task.count", 10**5000, "10000000 (got a value too long to print)", id="5,000 digits"),
        ("task", 3, "task: must be a section (got 3)"),
        ("pools", 3, "pools: must be a list (got 3)"),
        ("deadline_guard", 1, "deadline_guard: must be true or false (got 1)"),
        ("pools.0.name", "../x", "pools.0.name: must be letters, digits and _ . : - only, a letter or digit first"),
        ("pools.0.name", "a/b", "pools.0.name: must be letters"),
        ("pools.0.price.usd_per_h", -1, "pools.0.price.usd_per_h: must be greater than or equal to 0 (got -1)"),
        ("pools.0.price", {"source": "moon"}, "pools.0.price: source: must be one of 'constant', 'ornstein_uhlenbeck'"),
        ("pools.0.price", {}, "pools.0.price: must have 'source' (got {})"),
        (
            "pools.0.hazard",
            {"model": "constant", "per_h": NAN},
            "pools.0.hazard.per_h: must be a finite number (got nan)",
        ),
        ("pools.0.hazard", {"model": "constant"}, "pools.0.hazard.per_h: must be given"),
        ("pools.0.hazard", {"model": "none", "per_h": 1}, "pools.0.hazard.per_h: is not a known key (allowed: model)"),
        ("pools.1.setup_h", 1, "pools.1.setup_h: must name an element by 0 to 0, or * for all (got '1')"),
        ("pools.first.setup_h", 1, "pools.first.setup_h: must name an element by 0 to 0, or * for all (got 'first')"),
        ("task.wrok_h", 1, "task.wrok_h: is not a known key (allowed: count, arrivals, arrival_share,"),
        ("tsak.work_h", 1, "tsak: is not a known key (allowed: name, description, horizon_h,"),
        ("task.arrivals", "late", "task.arrivals: must be 'at_start', 'uniform', 'poisson', 'bursts' or"),
        ("task.work_h", True, "task.work_h: must be a number or exactly one of constant, uniform"),
        ("task.work_h", "1", "task.work_h: must be a number or exactly one of constant, uniform"),
        ("task.work_h", {}, "task.work_h: must be a number or exactly one of constant, uniform"),
        ("task.work_h", {"uniform": [1, 2], "choice": [1]}, "(got uniform and choice)"),
        (
            "task.work_h",
            {"uniform": [2, 1]},
            "task.work_h.uniform: must be [low, high] with low <= high (got [2.0, 1.0])",
        ),
        ("task.work_h", {"uniform": [1]}, "task.work_h.uniform: must be [low, high] (got [1])"),
        ("task.work_h", {"uniform": [1, NAN]}, "task.work_h.uniform.1: must be a finite number (got nan)"),
        ("task.work_h", {"log_uniform": [0, 1]}, "task.work_h: log_uniform must have low > 0 (got [0.0, 1.0])"),
        ("task.work_h", {"choice": []}, "task.work_h.choice: must have 1 to 16 values (got 0)"),
        ("task.work_h", {"choice": [1] * 17}, "task.work_h.choice: must have 1 to 16 values (got 17)"),
        ("task.work_h", {"choice": [True]}, "task.work_h.choice.0: must be a number (got True)"),
        ("task.work_h", {"lognormal": {"median": 1, "sigma": 1, "low": 2, "high": 1}}, "low must be at most high"),
        ("task.work_h", 0, "task.work_h: must lie within 0.001 to 1e+06 (got 0 to 0)"),
        ("task.slack", -1, "task.slack: must lie within 0 to 1000 (got -1 to -1)"),
        ("a.b.c.d.e.f.g.h.i", 1, "must have at most 8 parts (got 9)"),
    ],
)
def test_bad_values(key, value, line):
    text = problem(SMALL, **{key: value})
    assert text.startswith("scenario: ")
    assert line in text
    assert "\n" not in text


SEMI_MARKOV = {
    "source": "semi_markov",
    "up_median_h": [0.02, 1],
    "up_sigma": [0.1, 1],
    "down_median_h": [0.02, 1],
    "down_sigma": [0.1, 1],
}
WALK = {"source": "ornstein_uhlenbeck", "mean_share": 0.3, "deviation_share": 0.1, "reversion_per_h": 1, "step_s": 60}
TRACE = {"pools.0.price": {"source": "trace"}}
BUNDLED = {**TRACE, "market.trace": "aws_v100_2023", "pools.0.trace_zone": "random"}


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            {"deadline_guard": True, "task.slack": 9},
            "deadline_guard: must be false unless reconsider_running is true (got true)",
        ),
        (
            {"checkpoint.full_fraction": 0.2, "notice_s": 30},
            "checkpoint.partial_fraction: must be at most full_fraction = 0.2 (got 0.3)",
        ),
        (
            {"task.state_base_mb": 5, "task.state_cap_mb": 4},
            "task.state_cap_mb: must be at least state_base_mb = 5 (got 4)",
        ),
        (
            {"task.gpu_memory_mb": {"choice": [1, 16001]}},
            "task.gpu_memory_mb: must be at most 16000, the largest pool's",
        ),
        ({"pools": [POOL, POOL]}, "pools.1.name: must be unique (got 'a' again)"),
        (
            {"pools.0.price": {**WALK, "lowest_share": 2}},
            "pools.0.price.lowest_share: must be at most highest_share = 1",
        ),
        (
            {"pools.0.price": {**WALK, "step_s": 1}, "horizon_h": 1e6},
            "pools.0.price.step_s: must be at least 360 for this horizon (got 1)",
        ),
        (
            {"pools.0.capacity": SEMI_MARKOV, "horizon_h": 1e5},
            "pools.0.capacity: must have medians of an up- and a down-spell that add up to at least 0.08 h",
        ),
        (
            {"pools.0.capacity": {**SEMI_MARKOV, "shocks_per_day": 601}},
            "pools.0.capacity.shocks_per_day: must be at most 600, one in each shortest up- and down-spell (got 601)",
        ),
        ({"task.deadline_h": 2, "task.slack": 1}, "task.slack: must be none where deadline_h is given (got both)"),
        (
            {"task.deadline_h": 1.4, "pools.0.setup_h": 0.5},
            "task.deadline_h: must leave at least 1.5 h to a task with 1 h of work, what it takes on on-demand (got",
        ),
        ({"task.slack": 0.4, "pools.0.provisioning_s": 1800}, "task.slack: must be at least 0.5, which leaves 1.5 h"),
        (
            {**BUNDLED, "market.from_h": 10, "market.until_h": 57},
            "market.until_h: must be at least from_h + horizon_h = 58 (got 57)",
        ),
        (
            {**BUNDLED, "market.trace": "nowhere"},
            "market.trace: must be one of aws_v100_2023, a .csv file, a .json file or a list of",
        ),
        ({**BUNDLED, "market.trace": ["a.csv", "b.csv"]}, "market.trace: must be one of"),
        ({"market.trace": ["a.json", 3]}, "market.trace: must be a bundled trace's name, the path of"),
        (
            {**BUNDLED, "market.trace": "a.json"},
            "market.polarity: must be 'available' or 'unavailable' with a JSON trace (got none)",
        ),
        (
            {**BUNDLED, "market.polarity": "unavailable"},
            "market.polarity: must be 'available' or none without a JSON trace",
        ),
        (TRACE, "market.trace: must be given, because pools.0 has a source 'trace' (got none)"),
        (
            {"pools.0.trace_zone": "x"},
            "pools.0.trace_zone: must be none unless price or capacity has the source 'trace'",
        ),
        ({**BUNDLED, "pools.0.trace_zone": None}, "pools.0.trace_zone: must be 'random' or a series of the trace"),
        (
            {**BUNDLED, "pools.0.trace_zone": "mars"},
            "pools.0.trace_zone: must be 'random' or one of us-east-1a_v100_1,",
        ),
        (
            {**BUNDLED, "market.from_h": 1030},
            "market.from_h: must be at most 1026.51, to leave a window of horizon_h = 48",
        ),
        ({**BUNDLED, "market.until_h": 1075}, "market.until_h: must be at most 1074.55, the trace's end (got 1075)"),
        ({**BUNDLED, "market.trace": "nowhere.csv"}, "nowhere.csv: no such file"),
    ],
)
def test_what_does_not_fit_together(overrides, line):
    text = problem(SMALL, **overrides)
    assert text.startswith(f"scenario: {line}")
    assert "\n" not in text


def test_the_guard_demands_deadlines_that_on_demand_always_makes():
    guarded = {"deadline_guard": True, "reconsider_running": True, "pools.0.setup_h": {"uniform": [0.1, 0.2]}}
    state = {"task.state_base_mb": 45_000, "checkpoint.store_bandwidth_gbps": 1}  # 360 s to load: 0.1 h
    periodic = {"checkpoint.interval_h": 0.25, "checkpoint.cost_s": 36}  # three or four in 1 h: 0.04 h at most
    margin = {"guard_margin_s": 36}  # 0.01 h
    everything = {**guarded, **state, **periodic, **margin}
    assert load_scenario(SMALL, **everything, **{"task.deadline_h": 1.36})
    assert "at least 1.35 h" in problem(SMALL, **everything, **{"task.deadline_h": 1.34})
    assert load_scenario(SMALL, **{**everything, "deadline_guard": False}, **{"task.deadline_h": 1.11})


def test_slack_is_checked_for_the_least_work():
    guarded = {"deadline_guard": True, "reconsider_running": True, "guard_margin_s": 0, "pools.0.setup_h": 0.1}
    work = {"task.work_h": {"uniform": [2, 40]}}
    assert load_scenario(SMALL, **guarded, **work, **{"task.slack": 0.0501})
    text = problem(SMALL, **guarded, **work, **{"task.slack": 0.0499})
    assert "must be at least 0.05, which leaves 2.1 h to a task with 2 h of work" in text


def test_slack_is_checked_where_checkpoints_fall():
    """A checkpoint after 1 h costs 0.1 h, so 0.95 h of work need less slack than 1 h, and 1.5 h less again."""
    guarded = {"deadline_guard": True, "reconsider_running": True, "guard_margin_s": 0}
    periodic = {"checkpoint.interval_h": 1, "checkpoint.cost_s": 360, "task.work_h": {"uniform": [0.95, 1.5]}}
    assert load_scenario(SMALL, **guarded, **periodic, **{"task.slack": 0.1001})
    assert "must be at least 0.1, which leaves 1.1 h to a task with 1 h" in problem(
        SMALL, **guarded, **periodic, **{"task.slack": 0.0999}
    )


def test_all_problems_are_told_at_once_but_not_more_than_twenty():
    text = problem({**SMALL, "horizon_h": -1, "notice_s": "x", "extra": 1})
    assert len(text.splitlines()) == 3
    many = problem({**SMALL, "pools": [{**POOL, "gpu_memory_mb": -1} for _ in range(30)]})
    assert len(many.splitlines()) == MAX_LINES + 1
    assert many.splitlines()[-1] == "scenario: and 10 more"


def test_missing_sections_are_named():
    assert problem({}).splitlines() == [
        f"scenario: {key}: must be given" for key in ("horizon_h", "decision_interval_s", "notice_s", "pools")
    ]


# ---- what cannot be read at all


@pytest.mark.parametrize("source", ["nope", "", "Deadline", "deadline_aws", "classic ", "..", "a\0b"])
def test_unknown_presets_list_the_presets(source):
    text = problem(source)
    assert f"must be one of {', '.join(preset_names())}, or a path, which ends in .toml" in text
    assert "\n" not in text


@pytest.mark.parametrize("source", [None, 3, b"classic", ["classic"]])
def test_other_kinds_of_source_are_refused(source):
    assert "scenario: must be a preset's name, a path, a mapping or a Scenario" in problem(source)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"# only a comment\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xff\xfeh\x00", "is UTF-16: save it as UTF-8 first"),
        (b"horizon_h = 48\n# caf\xe9\n", "byte 20: is not UTF-8 text"),
        (SMALL_TOML.encode()[:-10], "is not TOML"),
        (b"horizon_h = 48\nhorizon_h = 49\n", "is not TOML"),
        (b"horizon_h = 48,5\n", "is not TOML"),
        (b"horizon_h = " + b"1" * 5000, "is not TOML"),
        (b"x = " + b"[" * 100_000, "is nested too deeply"),
        (b"name = 'x'\n" + SMALL_TOML.encode(), "name: must not be given"),
        (SMALL_TOML.replace("48", "nan").encode(), "horizon_h: must be a finite number (got nan)"),
        (SMALL_TOML.replace("48", "1e999").encode(), "horizon_h: must be a finite number (got inf)"),
        (SMALL_TOML.replace("48", "'48'").encode(), "horizon_h: must be a number (got '48')"),
        (SMALL_TOML.replace("48", "true").encode(), "horizon_h: must be a number (got True)"),
        (SMALL_TOML.replace("48", "2024-01-01").encode(), "horizon_h: must be a number (got datetime.date"),
    ],
    ids=range(16),
)
def test_bad_files(tmp_path, content, reason):
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    text = problem(file)
    assert text.startswith(f"{file}: {reason}") or (text.startswith(f"{file}: byte") and reason in text)
    assert "\n" not in text
    assert len(text) < 400


def test_what_is_no_file(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.toml")
    assert problem(tmp_path) == f"{tmp_path}: is a directory (allowed: a file)"
    assert problem(tmp_path / "none.toml") == f"{tmp_path / 'none.toml'}: no such file"
    assert problem(tmp_path / "pipe.toml").endswith(
        "is not a regular file, but a pipe (allowed: a file; save its content to one first)"
    )
    assert problem(str(tmp_path / "a\0b\n.toml")).count("\n") == 0
    assert "cannot be read" in problem(str(tmp_path / ("x" * 300 + ".toml")))


def test_a_file_without_read_permission(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "mine.toml"
    file.write_text(SMALL_TOML)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert problem(file) == f"{file}: cannot be read (Permission denied)"


KEYS = [
    "horizon_h",
    "decision_interval_s",
    "task",
    "task.work_h",
    "task.deadline_h",
    "task.count",
    "pools",
    "pools.*",
    "pools.0.price",
    "pools.0.capacity.up_sigma",
    "market",
    "market.trace",
    "pools.0.trace_zone",
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["source", "uniform", "choice", "model", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KEYS), VALUES)
def test_any_value_loads_or_is_refused_by_lines(key, value):
    try:
        scenario = load_scenario("deadline", **{key: value})
    except ScenarioError as error:
        assert all(line.startswith("deadline.toml: ") for line in str(error).splitlines())
    else:
        assert isinstance(scenario, Scenario)
        assert load_scenario(scenario.model_dump(mode="json")) == scenario


@pytest.mark.parametrize("key", ["x" * 20_000, "pools." + "a" * 20_000, "[]" * 9_000])
@pytest.mark.parametrize("value", ["1 = 2", "[", "1"])
def test_a_long_key_of_an_override_is_cut(key, value):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(SMALL, **dict([parse_override(f"{key}={value}")]))
    assert len(str(caught.value)) < 1_500 and "\n" not in str(caught.value)


def test_too_many_pools_are_refused_before_each_is_looked_at():
    """The catalogue looks for what is near a name; a thousand times that were eleven seconds."""
    start = time.perf_counter()
    with pytest.raises(ScenarioError, match=r"^scenario: pools: must be at most 64 \(got 20000\)$"):
        load_scenario({**SMALL, "pools": [{"instance_type": f"g5.12xlage{number}"} for number in range(20_000)]})
    assert time.perf_counter() - start < 2.0


def test_what_is_not_told_is_counted():
    with pytest.raises(ScenarioError) as caught:
        load_scenario({**SMALL, "pools": [{"instance_type": f"g5.12xlage{number}"} for number in range(64)]})
    lines = str(caught.value).splitlines()
    assert len(lines) == MAX_LINES + 1 and lines[-1] == f"scenario: and {64 * 5 - MAX_LINES} more" and all(lines)

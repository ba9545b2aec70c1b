"""Every optional field: set where nothing reads it, it is refused and would change nothing; elsewhere it counts."""

import json
from typing import Any

import pytest

from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.fields import DISTRIBUTION, REQUIRED, scenario_fields
from tessera_env.scenario.loading import load_scenario, override
from tessera_env.scenario.model import ScenarioFields
from tessera_env.scenario.scenario import Scenario
from tests.engine.scenarios import digest, finish, started, world_of
from tests.scenario.test_model import POOL

PODS_HEADER = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"
)
WORLDS = 6
CONSTANT = {"source": "constant", "instances": 1}
UNLIMITED = {"source": "constant"}
SPELLS = {"source": "spells", "up_h": [0.2, 1.0, 3.0], "down_h": [0.1, 1.0]}
SEMI_MARKOV = {
    **{"source": "semi_markov", "up_median_h": [0.3, 2.0], "up_sigma": [0.1, 1.0]},
    **{"down_median_h": [0.2, 1.0], "down_sigma": [0.1, 1.0]},
}
WALK = {"source": "ornstein_uhlenbeck", "mean_share": 0.4, "deviation_share": 0.3, "reversion_per_h": 1, "step_s": 300}
STEPS = {"source": "steps", "mean_share": 0.4, "changes_per_day": 48.0}

# Tasks compete for few instances that come and go, with notice, state, deadlines and moves.
BUSY: dict[str, Any] = {
    **{"horizon_h": 12.0, "decision_interval_s": 600.0, "notice_s": 120.0, "reconsider_running": True},
    "task": {
        **{"count": 8, "arrivals": "uniform", "work_h": {"uniform": [0.5, 3.0]}, "slack": 1.0},
        **{"interactive_share": 0.3, "state_base_mb": 8_000.0, "state_mb_per_work_h": 40_000.0},
    },
    "pools": [
        {**POOL, "name": name, "zone": name, "bandwidth_gbps": 5.0, "setup_h": 0.05, "capacity": SPELLS}
        for name in ("a", "b")
    ],
}
REPLAYING = {
    **{"pools.*.capacity": {"source": "trace"}, "pools.*.trace_zone": "random"},
    **{"market.trace": "aws_v100_2023", "market.until_h": 700.0},
}
GUARDED = {"deadline_guard": True}
BURSTS = {"task.arrivals": "bursts", "task.arrivals_per_h": 0.5, "task.burst_size": 3.0}
PODS = {
    **{"task.recording": "pods.csv", "task.recording_format": "pods", "task.work_h": None},
    **{"task.interactive_share": 0.0, "task.slack": None, "task.gpu_memory_mb": 0.0},
}
RECORDED = {**PODS, "task.arrivals": "recorded"}
HARSH = {"pools.*.capacity": {**SEMI_MARKOV, "regime_factor_high": 4.0}}
ALL_INTERACTIVE = {"task.interactive_share": 1.0, "task.slack": None}

# Field: a value, where it is not read, and where it is.
CASES: dict[str, tuple[Any, list[dict[str, Any]], dict[str, Any]]] = {
    "reconsider_at_capacity": (
        True,
        [{"pools.*.capacity": CONSTANT}],  # without reconsider_running it is refused too, though it would count
        {"decision_interval_s": 7_200.0},
    ),
    "reconsider_on_spot": (False, [{"reconsider_running": False}], {}),
    "ask_at_freed_room": (True, [{"pools.*.capacity": UNLIMITED}], {"decision_interval_s": 7_200.0}),
    "make_before_break": (True, [{"reconsider_running": False}], {}),
    "just_in_time": (True, [{"notice_s": 0.0}], {}),
    "deadline_guard": (True, [{"reconsider_running": False}, {"task.slack": None}, ALL_INTERACTIVE], {}),
    "guard_counts_saves": (True, [{}], {**GUARDED, "task.work_h": 6.0, "task.slack": 0.4}),
    "guard_margin_s": (900.0, [{"task.slack": None}], {}),
    "slack_tick_s": (600.0, [{"task.slack": None}], {}),
    "penalty.missed_weight": (5.0, [ALL_INTERACTIVE], {}),
    "penalty.downtime_weight": (5.0, [{"task.interactive_share": 0.0}], {}),
    "checkpoint.full_fraction": (0.31, [{"notice_s": 0.0}, {"checkpoint.at_notice": False}], {"notice_s": 30.0}),
    "checkpoint.partial_fraction": (0.79, [{"notice_s": 0.0}, {"checkpoint.at_notice": False}], {}),
    "checkpoint.cost_s": (300.0, [{}], {"checkpoint.interval_h": 0.2}),
    "task.arrival_share": (0.4, [{"task.arrivals": "at_start"}], {}),
    "task.daily_share": (0.9, [{}], {**BURSTS, "task.arrivals": "poisson", "task.burst_size": 10.0}),
    "task.burst_size": (4.0, [{}, {"task.arrivals": "poisson", "task.arrivals_per_h": 0.5}], BURSTS),
    "task.burst_spread_s": (3_000.0, [{}, {"task.arrivals": "poisson", "task.arrivals_per_h": 0.5}], BURSTS),
    "task.arrival_scale": (2.0, [{}, PODS], RECORDED),
    "task.recording_work_h": ((0.7, 1.0), [{}], PODS),
    "task.recording_mb_per_gpu": (8_000.0, [{}, {**PODS, "task.recording": "times.csv"}], PODS),
    "task.interactive_share": (0.6, [PODS], {}),
    "task.gpu_memory_mb": (9_000.0, [PODS], {}),
    "task.deadline_h": (9.0, [ALL_INTERACTIVE], {"task.slack": None}),
    "task.slack": (2.0, [ALL_INTERACTIVE], {}),
    "market.trace": ("nosuch.csv", [{}], {}),
    "market.polarity": ("available", [{}], {}),
    "market.from_h": (300.0, [{}], REPLAYING),
    "market.until_h": (300.0, [{}], REPLAYING),
    "pools.*.capacity.regime_mean_h": (3.0, [{"pools.*.capacity": SEMI_MARKOV}], HARSH),
    "pools.*.capacity.shock_median_h": (
        5.0,
        [{}, {"pools.*.capacity": SEMI_MARKOV}],
        {"pools.*.capacity": {**SPELLS, "shocks_per_day": 6.0}},
    ),
    "pools.*.capacity.level_mean_h": (
        2.0,
        [{}, {"pools.*.capacity": SEMI_MARKOV}],
        {"pools.*.capacity": {**SPELLS, "instances": 3, "partial_share": [0.5, 0.5]}},
    ),
    "pools.*.trace_zone": ("us-east-1a_v100_1", [{}], REPLAYING),
}
LATER = {"market.trace", "market.polarity"}  # see `test_reading`: they say what is read, and a wrong one is refused
# Read whatever else the scenario says; where it takes a section of its own or another amount to show it, that.
ALWAYS: dict[str, tuple[Any, dict[str, Any]]] = {
    "reconsider_running": (False, {}),
    "ask_order": ("urgency", {"task.arrivals": "at_start"}),
    "idle_timeout_s": (900.0, {}),
    "billing.minimum_s": (7_200.0, {}),
    "billing.billing_increment_s": (3_600.0, {}),
    "billing.free_first_hour": (True, {}),
    "checkpoint.at_notice": (False, {}),
    "checkpoint.store_bandwidth_gbps": (1.0, {}),
    "checkpoint.interval_h": (0.2, {"notice_s": 0.0}),
    "task.count": (5, {}),
    "task.arrivals": ("at_start", {}),
    "task.state_base_mb": (0.0, {}),
    "task.state_mb_per_work_h": (0.0, {}),
    "task.state_cap_mb": (9_000.0, {}),
    "pools.*.bandwidth_gbps": (1.0, {}),
    "pools.*.provisioning_s": (300.0, {}),
    "pools.*.on_demand_failure_share": (0.5, {}),
    "pools.*.setup_h": (0.3, {}),
    "pools.*.price.daily_share": (0.5, {"pools.*.price": WALK}),
    "pools.*.price.lowest_share": (0.35, {"pools.*.price": WALK}),
    "pools.*.price.highest_share": (0.45, {"pools.*.price": WALK}),
    "pools.*.price.changes_per_day": (9.0, {"pools.*.price": STEPS}),
    "pools.*.price.step_low_share": (0.04, {"pools.*.price": STEPS}),
    "pools.*.price.step_high_share": (0.5, {"pools.*.price": STEPS}),
    "pools.*.capacity.source": ({"source": "constant"}, {}),
    "pools.*.capacity.instances": (2, {}),
    "pools.*.capacity.regime_factor_high": (4.0, {"pools.*.capacity": SEMI_MARKOV}),
    "pools.*.capacity.shocks_per_day": (6.0, {}),
    "pools.*.capacity.partial_share": ([0.5, 0.5], {"pools.*.capacity.instances": 3}),
    "pools.*.hazard.model": ({"model": "constant", "per_h": 0.5}, {}),
    "pools.*.hazard.scale": (0.9, {"pools.*.hazard": {"model": "bathtub"}}),
    "pools.*.hazard.tau1_h": (0.2, {"pools.*.hazard": {"model": "bathtub"}}),
    "pools.*.hazard.tau2_h": (9.0, {"pools.*.hazard": {"model": "bathtub", "b_h": 3.0, "cap_h": 4.0}}),
    "pools.*.hazard.b_h": (2.0, {"pools.*.hazard": {"model": "bathtub"}}),
    "pools.*.hazard.cap_h": (0.5, {"pools.*.hazard": {"model": "bathtub"}}),
}
# For people; or given exactly with something else, which other checks say.
ELSEWHERE = {"name", "description"} | {f"task.{name}" for name in ("arrivals_per_h", "recording", "recording_format")}
ELSEWHERE |= {"task.work_h"}
ELSEWHERE |= {row.key for group in scenario_fields() for row in group.rows if row.key.startswith("service.")}
UNREAD = [(field, value, mode) for field, (value, modes, _) in CASES.items() for mode in modes]
READ = [(field, value, mode) for field, (value, _, mode) in CASES.items() if field not in LATER]
READ += [(field, value, mode) for field, (value, mode) in ALWAYS.items()]


@pytest.fixture(scope="module", autouse=True)
def workload(tmp_path_factory):
    """A workload file of each form in the working directory."""
    folder = tmp_path_factory.mktemp("workloads")
    rows = ["old,1,1,1,1000,,BE,Succeeded,0,10,0"]  # its end marks where the recording is complete
    for k in range(12):
        qos, start_s = "LS" if k % 3 else "BE", 600 * k + 20
        rows.append(
            f"p{k},1,{900 * k + 900},1,{250 + 250 * (k % 3)},,{qos},Succeeded,{start_s},{9_000 * (k + 1)},{start_s}"
        )
    (folder / "pods.csv").write_text("\n".join([PODS_HEADER, *rows]) + "\n")
    (folder / "times.csv").write_text("runtime\n3600\n7200\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


def changed(mode: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The busy scenario's mapping in this mode; a run-time file is none of pods."""
    values = json.loads(json.dumps(BUSY))
    if mode.get("task.recording") == "times.csv":
        mode = {**mode, "task.recording_format": "run_times"}
    for key, value in {**mode, **more}.items():
        override(values, key.removesuffix(".source").removesuffix(".model"), json.loads(json.dumps(value)))
    return values


def unchecked(values: dict[str, Any]) -> Scenario:
    """As if no check looked at what belongs together."""
    fields = ScenarioFields.model_validate(values)
    return Scenario.model_construct(**dict(fields))


def played(scenario: Scenario) -> bytes:
    """Worlds, and all that random answers meet in them."""
    found = b""
    for seed in range(WORLDS):
        simulation = started(scenario, seed)
        found += world_of(simulation)
        rewards = finish(simulation, seed)
        found += repr(rewards).encode() + digest(simulation)
    return found


def test_every_optional_field_is_looked_at():
    rows = [row for group in scenario_fields() if group.title != DISTRIBUTION for row in group.rows]
    optional = {row.key for row in rows if row.default != REQUIRED}
    known = CASES.keys() | ALWAYS.keys() | ELSEWHERE
    assert optional - known == set()
    assert known <= {row.key for row in rows}


@pytest.mark.parametrize(("field", "value", "mode"), UNREAD)
def test_what_nothing_reads_is_refused_and_would_change_nothing(field, value, mode):
    plain, given = changed(mode), changed(mode, **{field: value})
    load_scenario(plain)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(given)
    named = field.replace("*", "0")
    lines = [line for line in str(caught.value).splitlines() if line.startswith(f"scenario: {named}: must be ")]
    assert len(lines) == 1, str(caught.value)
    assert " unless " in lines[0] or " with task.recording_format" in lines[0]
    assert "(got " in lines[0]
    assert played(unchecked(given)) == played(unchecked(plain))


@pytest.mark.parametrize(("field", "value", "mode"), READ)
def test_what_is_read_changes_what_happens(field, value, mode):
    plain, given = load_scenario(changed(mode)), load_scenario(changed(mode, **{field: value}))
    assert played(given) != played(plain)


def test_a_default_that_nothing_reads_says_nothing():
    every = load_scenario(changed({})).model_dump(mode="json")
    assert every["task"]["burst_size"] == 10.0
    assert load_scenario(every) == load_scenario(changed({}))

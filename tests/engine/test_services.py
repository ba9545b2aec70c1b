"""Services, by hand and by law: outages, notices, drains, moves, failed launches, targets that change."""

import json
from typing import Any

import numpy as np
import pytest
from numba import config as numba_config

from tessera_env.engine.kinds import LogKind
from tessera_env.observation.fields import ServicePoolField
from tessera_env.observation.layout import Layout
from tessera_env.policies.making import make_policy
from tessera_env.policies.rules.choice import rule_of
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.rows import Simulation

ONE = np.ones(1, dtype=bool)
QUICK_ONLY_COMPILED = pytest.mark.skipif(bool(numba_config.DISABLE_JIT), reason="takes minutes as plain Python")
H = 3600.0
SPOT, ON_DEMAND, WAIT = 1, 2, 0
FIRST_POOL_FIELD = Layout.of(1, has_tasks=False, has_services=True).first_pool_index


def scenario(**service: Any) -> dict[str, Any]:
    """One pool at $1 and $3 an hour; a replica is ready 120 s after its launch, looked at each 30 s."""
    return {
        "horizon_h": 1,
        "decision_interval_s": 30,
        "notice_s": 0,
        "billing": {"minimum_s": 0},
        "service": {"target": 1, "setup_s": 120, "score_from_s": 120, "looks_at_events": False, **service},
        "pools": [pool("a")],
    }


def pool(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "zone": name,
        "instance_type": "any",
        "gpu_memory_mb": 1000,
        "bandwidth_gbps": 1,
        "on_demand_usd_per_h": 3,
        "price": {"source": "constant", "usd_per_h": 1},
        **fields,
    }


def replayed(tmp_path: Any, capacity: list[int], gap_s: int = 30, **service: Any) -> dict[str, Any]:
    """The same with a recorded capacity, a sample each `gap_s`."""
    path = tmp_path / "zone.json"
    path.write_text(json.dumps({"metadata": {"gap_seconds": gap_s}, "data": capacity}))
    values = scenario(**service)
    values["horizon_h"] = len(capacity) * gap_s / H
    values["market"] = {"trace": [str(path)], "polarity": "available"}
    values["pools"] = [pool("a", trace_zone="zone", capacity={"source": "trace", "instances": 1})]
    return values


def run(values: dict[str, Any], policy: str, seed: int = 1) -> tuple[dict[str, float], np.ndarray]:
    """The figures of an episode, and its log."""
    simulation = Simulation(load_scenario(values), 1, log_events=True)
    rule = rule_of(make_policy(policy, simulation.layout))
    simulation.start(ONE, [seed], [0])
    while not simulation.views.terminated[0]:
        simulation.play(ONE, rule, 100_000)
    log = simulation.state.log[0, : simulation.log_count[0]]
    return {name: value[0].item() for name, value in simulation.metrics(np.arange(1)).items()}, np.array(log)


def times(log: np.ndarray, kind: LogKind) -> list[float]:
    return log["time_s"][log["kind"] == kind].tolist()


def test_on_demand_alone_costs_one_and_is_always_available():
    for before in (False, True):
        metrics, _ = run(scenario(target=3, decides_before_market=before), "on_demand_only")
        assert metrics["availability"] == 1.0 and metrics["some_ready_share"] == 1.0
        assert metrics["relative_cost"] == pytest.approx(1.0, abs=1e-12)
        assert metrics["outages"] == 0 and metrics["longest_outage_h"] == 0.0
        assert metrics["cost_usd"] == pytest.approx(9.0)


@pytest.mark.parametrize(("before", "ticks"), [(True, 5), (False, 4)])
def test_a_loss_beyond_the_spares_costs_the_cold_start_and_a_tick_if_one_decides_before_the_market(
    tmp_path, before, ticks
):
    capacity = [1] * 40 + [0] * 40 + [1] * 40
    metrics, log = run(replayed(tmp_path, capacity, decides_before_market=before), "spot_hedge")
    assert metrics["outages"] == 1
    assert metrics["longest_outage_h"] * H == pytest.approx(30.0 * ticks)
    assert metrics["preemptions"] == 1 and times(log, LogKind.NOTICE) == [1200.0]
    assert metrics["availability"] == pytest.approx(1.0 - 30.0 * ticks / (3600.0 - 120.0))


def test_that_a_pool_held_some_of_what_was_asked_for_is_seen_at_the_next_look(tmp_path):
    """Two of four are lost at 300 s, launches fail while two stay; those are lost at 900 s; then four are back."""
    values = replayed(tmp_path, [4] * 10 + [2] * 20 + [0] * 20 + [4] * 20, target=4)
    simulation = Simulation(load_scenario(values), 1)
    rule = rule_of(make_policy("spot_hedge", simulation.layout))
    simulation.start(ONE, [1], [0])
    seen = {}
    while not simulation.views.terminated[0]:
        episode, known = simulation.state.episodes[0], simulation.state.service_pools[0, 0, 0]
        field = simulation.views.observations[0, FIRST_POOL_FIELD + ServicePoolField.PARTIAL_AGE]
        assert field == pytest.approx(
            1.0 if known.partial_s < 0 else (episode.now_s - known.partial_s) / (episode.now_s - known.partial_s + H)
        )
        seen[float(episode.now_s)] = float(known.partial_s)
        simulation.play(ONE, rule, 1)
    assert {time_s: partial_s for time_s, partial_s in seen.items() if time_s < 300.0} == dict.fromkeys(
        [time_s for time_s in seen if time_s < 300.0], -np.inf
    )
    assert seen[300.0] == 300.0
    last = max(partial_s for partial_s in seen.values())
    assert 600.0 < last < 900.0 and seen[max(seen)] == last


@pytest.mark.parametrize(("at_notice", "until_s"), [("lost", 1080.0), ("serves", 1200.0)])
def test_a_noticed_replica_serves_to_its_end_or_counts_as_lost(tmp_path, at_notice, until_s):
    values = replayed(tmp_path, [1] * 40 + [0] * 80, at_notice=at_notice, looks_at_events=True) | {"notice_s": 120}
    metrics, log = run(values, "spot_hedge")
    spot = log[(log["kind"] == LogKind.UNREADY) & (log["on_demand"] == 0)]
    assert spot["time_s"].tolist() == [until_s]
    ended = log[(log["kind"] == LogKind.END) & (log["on_demand"] == 0)]
    assert ended["time_s"].tolist() == [1200.0]  # billed to its end, when the capacity falls, either way
    assert metrics["longest_outage_h"] * H == pytest.approx(0.0 if at_notice == "serves" else 120.0)


def test_a_stopped_replica_drains_billed_and_not_ready():
    values = scenario(target=[[0, 2], [0.5, 1]], drain_s=90.0, score_from_s=0)
    metrics, log = run(values, "on_demand_only")
    assert times(log, LogKind.UNREADY) == [1800.0]
    assert times(log, LogKind.STOP)[0] == 1890.0
    assert metrics["service_on_demand_h"] == pytest.approx(1.0 + 1890.0 / H)


def test_a_failed_launch_is_seen_only_later_and_the_seat_is_taken_until_then(tmp_path):
    values = replayed(tmp_path, [0] * 120, launch_failure_s=70.0, most=2)
    metrics, log = run(values, "even_spread")
    failed = times(log, LogKind.LAUNCH_FAILED)
    assert failed[:3] == [70.0, 160.0, 250.0]  # tried at 0, at the looks at 90 and at 180
    assert metrics["failed_launches"] == len(failed) and metrics["availability"] == 0.0


@pytest.mark.parametrize("looks", ["always", "when_changed"])
def test_a_seat_that_has_drained_is_used_again(looks):
    """One seat: the replica stops at 600 s, has drained at 1,000 s, and the target is 1 again since 700 s."""
    target = [[0, 1], [600 / H, 0], [700 / H, 1]]
    values = scenario(target=target, most=1, drain_s=400.0, looks=looks, score_from_s=0)
    _, log = run(values, "on_demand_only")
    assert times(log, LogKind.LAUNCH) == [0.0, 1020.0]  # at the first look after that


def test_a_replica_that_moves_serves_until_the_new_one_is_ready():
    values = scenario(make_before_break=True, most=3, score_from_s=300)
    values["pools"].append(pool("b"))
    simulation = Simulation(load_scenario(values), 1, log_events=True)
    simulation.start(ONE, [1], [0])
    answers, moved = np.zeros(1, dtype=np.int64), False
    command = np.array([2])
    while not simulation.views.terminated[0]:
        focal, now_s = simulation.state.tasks[0, simulation.state.episodes[0].focal], simulation.now_s[0]
        placement = int(focal.placement)
        held = simulation.state.services[0, 0].held_spot
        answers[0] = (2 if now_s >= 600.0 and placement == 1 else placement) if placement else int(held == 0)
        moved = moved or (placement == 1 and answers[0] == 2)
        simulation.run(command, answers)
    log = simulation.state.log[0, : simulation.log_count[0]]
    assert moved
    assert times(log, LogKind.READY) == [120.0, 720.0] and times(log, LogKind.UNREADY) == [720.0]
    metrics = {name: value[0].item() for name, value in simulation.metrics(np.arange(1)).items()}
    assert metrics["availability"] == 1.0 and metrics["ready_least"] == 1


def test_a_target_of_nothing_is_woken_by_a_request(tmp_path):
    demand = tmp_path / "demand.csv"
    demand.write_text("time_s,requests\n0,0\n1800,60\n2400,0\n3000,0\n")
    values = scenario(target=1, score_from_s=0, looks_at_events=True)
    values["service"] |= {
        "demand": {"source": "recorded", "recording": str(demand), "recording_format": "counts", "step_s": 600},
        "autoscaler": {"requests_per_replica": 1.0, "least": 0, "most": 2},
        "requests_per_replica": 1.0,
        "patience_s": None,
    }
    metrics, log = run(values, "on_demand_only")
    launched = times(log, LogKind.LAUNCH)
    assert launched[0] == 1800.0  # at once, not at a look
    assert metrics["requests_arrived"] == pytest.approx(60.0)
    assert metrics["requests_served"] + metrics["requests_waiting"] == pytest.approx(60.0)
    assert metrics["shortfall_h"] * H == pytest.approx(120.0)


def test_a_day_without_demand_is_worth_nothing_and_costs_nothing():
    values = scenario(demand={"source": "constant", "requests_per_s": 0.0})
    values["service"]["autoscaler"] = {"requests_per_replica": 1.0, "least": 0, "most": 2}
    metrics, _ = run(values, "spot_hedge")
    assert metrics["episode_return"] == 0.0 and metrics["cost_usd"] == 0.0 and metrics["availability"] == 1.0


@QUICK_ONLY_COMPILED
@pytest.mark.parametrize("policy", ["spot_hedge", "even_spread", "round_robin"])
def test_looks_left_out_where_nothing_has_changed_change_nothing(policy):
    """Rules that see no clock and no price answer alike; on generated zones."""
    values = load_scenario("service-train", horizon_h=6).model_dump(mode="json") | {"notice_s": 0, "name": "looks"}
    for looks in ("always", "when_changed"):
        values["service"][0] |= {"looks_at_events": False, "decides_before_market": True, "looks": looks}
        values["service"][0] |= {"launch_failure_s": 0, "control_interval_s": 30}
        found = [run(values | {"name": "custom"}, policy, seed)[0] for seed in range(2)]
        if looks == "always":
            expected = found
    if policy != "even_spread":  # that lacks something at every look
        assert sum(one["decisions"] for one in found) < sum(other["decisions"] for other in expected)
    for one, other in zip(found, expected, strict=True):
        for name in ("availability", "relative_cost", "preemptions", "failed_launches", "on_demand_launches", "stops"):
            assert one[name] == pytest.approx(other[name], abs=1e-9), name


@QUICK_ONLY_COMPILED
@pytest.mark.parametrize("policy", ["spot_hedge", "even_spread"])
def test_more_spares_never_lower_the_availability(policy, tmp_path):
    rng = np.random.default_rng(3)
    for _ in range(10):
        capacity = np.repeat(rng.integers(0, 4, 40), 15).tolist()
        found = [
            run(replayed(tmp_path, capacity, target=2, extra=extra, decides_before_market=True), policy)[0]
            for extra in range(3)
        ]
        shares = [one["availability"] for one in found]
        assert shares == sorted(shares)


@QUICK_ONLY_COMPILED
def test_the_log_tells_the_same_as_the_figures():
    """Availability from READY, UNREADY and DEMAND; dollars from what each instance was billed; requests conserved."""
    values = load_scenario(
        "service-train",
        **{
            "service.demand": {"source": "bursty", "requests_per_s": 0.4},
            "service.autoscaler": {"requests_per_replica": 0.2, "least": 0, "most": 6},
            "service.target": 1,
            "service.requests_per_replica": 0.2,
        },
    ).model_dump(mode="json") | {"name": "custom"}
    for policy in ("spot_hedge", "spot_hedge_plus", "static_mix"):
        metrics, log = run(values, policy, seed=5)
        assert metrics["availability"] == pytest.approx(availability_in(log, 600.0, 24 * H), abs=1e-9)
        assert metrics["cost_usd"] == pytest.approx(log["value"][log["kind"] == LogKind.END].sum())
        kept = metrics["requests_served"] + metrics["requests_dropped"] + metrics["requests_waiting"]
        assert metrics["requests_arrived"] == pytest.approx(kept, rel=1e-9)


def availability_in(log: np.ndarray, from_s: float, until_s: float) -> float:
    ready = target = 0
    since_s, good_s = from_s, 0.0
    for entry in log:
        now_s = min(max(float(entry["time_s"]), from_s), until_s)
        good_s += now_s - since_s if ready >= target else 0.0
        since_s = now_s
        ready += int(entry["kind"] == LogKind.READY) - int(entry["kind"] == LogKind.UNREADY)
        target = int(entry["value"]) if entry["kind"] == LogKind.DEMAND else target
    good_s += until_s - since_s if ready >= target else 0.0
    return good_s / (until_s - from_s)


@QUICK_ONLY_COMPILED
def test_several_services_and_tasks_share_the_market():
    values = load_scenario("service-train").model_dump(mode="json") | {"name": "custom"}
    values["service"] = [
        values["service"][0],
        values["service"][0] | {"name": "second", "target": 2, "pools": ["a", "b"]},
    ]
    values["task"] = {"count": 6, "arrivals": "uniform", "work_h": {"uniform": [1.0, 3.0]}, "slack": 2.0}
    for policy in ("spot_hedge", "random"):
        simulation = Simulation(load_scenario(values), 1, log_events=True)
        rules, rule = make_policy(policy, simulation.layout), rule_of(make_policy(policy, simulation.layout))
        simulation.start(ONE, [2], [0])
        command = np.array([2])
        for _ in range(600):
            if rule is None and not simulation.views.terminated[0]:
                masks = simulation.state.masks
                answer, _ = rules.predict(simulation.views.observations, action_masks=masks)
                simulation.run(command, answer)
        while rule is not None and not simulation.views.terminated[0]:
            simulation.play(ONE, rule, 100_000)
        observation = simulation.views.observations[0]
        layout = simulation.layout
        assert (observation >= layout.low).all() and (observation <= 1.0).all()
        pools = simulation.state.service_pools[0].view(np.ndarray)
        assert (pools["held"] >= 0).all() and not pools["held"][1, 2:].any()  # the second may use two pools

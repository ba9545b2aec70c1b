"""Random scenarios for hypothesis: every source, hazard, billing rule and option, small enough to run in no time."""

import copy
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.model import ScenarioFields
from tessera_env.scenario.scenario import Scenario
from tessera_env.scenario.unread import unread
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation

PRICES = st.one_of(
    st.builds(lambda usd: {"source": "constant", "usd_per_h": usd}, st.sampled_from([0.0, 0.5, 2.0])),
    st.builds(
        lambda step_s, daily: {
            "source": "ornstein_uhlenbeck",
            "mean_share": 0.4,
            "deviation_share": 0.2,
            "reversion_per_h": 0.5,
            "step_s": step_s,
            "daily_share": daily,
        },
        st.sampled_from([600.0, 3_600.0]),
        st.sampled_from([0.0, 0.1]),
    ),
    st.just({"source": "trace"}),
    st.just({"source": "steps", "mean_share": 0.3, "changes_per_day": 40.0, "highest_share": 0.4}),
)
CAPACITIES = st.one_of(
    st.builds(lambda count: {"source": "constant", "instances": count}, st.sampled_from([None, 0, 1, 3])),
    st.builds(
        lambda count, sigma, shocks: {
            "source": "semi_markov",
            "instances": count,
            "up_median_h": [0.3, 1.0],
            "up_sigma": [0.0, sigma],
            "down_median_h": [0.2, 0.5],
            "down_sigma": [0.0, sigma],
            "regime_mean_h": 6.0,
            "regime_factor_high": 2.0,
            "shocks_per_day": shocks,
        },
        st.sampled_from([1, 2, 5]),
        st.sampled_from([0.0, 1.0]),
        st.sampled_from([0.0, 6.0]),
    ),
    st.builds(
        lambda count, shocks: {
            "source": "spells",
            "instances": count,
            "up_h": [0.1, 0.5, 3.0],
            "down_h": [0.05, 0.4],
            "shocks_per_day": shocks,
        },
        st.sampled_from([1, 4]),
        st.sampled_from([0.0, 6.0]),
    ),
    st.builds(lambda count: {"source": "trace", "instances": count}, st.sampled_from([1, 3])),
)
HAZARDS = st.one_of(
    st.just({"model": "none"}),
    st.builds(
        lambda model, per_h: {"model": model, "per_h": per_h},
        st.sampled_from(["constant", "discount"]),
        st.sampled_from([0.05, 0.5, 5.0]),
    ),
    st.just({"model": "bathtub", "tau1_h": 0.2, "tau2_h": 0.1, "b_h": 3.2, "cap_h": 3.0}),
)
POOLS = st.fixed_dictionaries(
    {
        "gpu_memory_mb": st.sampled_from([16_000.0, 24_000.0]),
        "bandwidth_gbps": st.sampled_from([1.0, 10.0]),
        "on_demand_usd_per_h": st.sampled_from([1.0, 3.06]),
        "provisioning_s": st.sampled_from([0.0, 90.0, {"uniform": [30.0, 400.0]}]),
        "on_demand_failure_share": st.sampled_from([0.0, 0.0, 0.3]),
        "setup_h": st.sampled_from([0.0, 0.05, {"uniform": [0.01, 0.2]}]),
        "price": PRICES,
        "capacity": CAPACITIES,
        "hazard": HAZARDS,
    }
)
TASKS = st.fixed_dictionaries(
    {
        "count": st.sampled_from([1, 2, 6]),
        "arrivals": st.sampled_from(["at_start", "uniform", "poisson", "bursts"]),
        "interactive_share": st.sampled_from([0.0, 0.4]),
        "work_h": st.sampled_from([0.5, {"uniform": [0.5, 3.0]}]),
        "slack": st.sampled_from([None, 1.0, {"uniform": [1.0, 3.0]}]),  # at least what a changeover takes
        "gpu_memory_mb": st.sampled_from([0.0, {"choice": [8_000.0, 16_000.0]}]),
        "state_base_mb": st.sampled_from([0.0, 4_000.0]),
        "state_mb_per_work_h": st.sampled_from([0.0, 20_000.0]),
    }
)
OPTIONS = st.fixed_dictionaries(
    {
        "horizon_h": st.sampled_from([3.0, 8.0]),
        "decision_interval_s": st.sampled_from([300.0, 1_000.0]),
        "notice_s": st.sampled_from([0.0, 30.0, 120.0, 600.0, 7_200.0]),
        "idle_timeout_s": st.sampled_from([0.0, 900.0]),
        "reconsider_running": st.booleans(),
        "reconsider_on_spot": st.booleans(),
        "ask_order": st.sampled_from(["arrival", "urgency"]),
        "ask_at_freed_room": st.booleans(),
        "make_before_break": st.booleans(),
        "just_in_time": st.booleans(),
        "slack_tick_s": st.sampled_from([0.0, 300.0]),
        "billing": st.sampled_from([{}, {"billing_increment_s": 195.0}, {"minimum_s": 0.0, "free_first_hour": True}]),
        "checkpoint": st.sampled_from([{}, {"interval_h": 0.25, "cost_s": 30.0}, {"at_notice": False}]),
    }
)


SERVICES = st.fixed_dictionaries(
    {
        "target": st.sampled_from([1, 2]),
        "extra": st.sampled_from([0, 1]),
        "base_on_demand": st.sampled_from([0, 1]),
        "most": st.sampled_from([None, 3, 5]),
        "setup_s": st.sampled_from([0.0, 120.0]),
        "model_mb": st.sampled_from([0.0, 20_000.0]),
        "gpu_memory_mb": st.sampled_from([0.0, 16_000.0]),
        "control_interval_s": st.sampled_from([None, 400.0]),
        "looks": st.sampled_from(["always", "when_changed"]),
        "looks_at_events": st.booleans(),
        "decides_before_market": st.booleans(),
        "at_notice": st.sampled_from(["lost", "serves"]),
        "drain_s": st.sampled_from([0.0, 90.0]),
        "make_before_break": st.booleans(),
        "launch_failure_s": st.sampled_from([0.0, 60.0]),
        "score_from_s": st.sampled_from([0.0, 3_000.0]),
        "shortfall_weight": st.sampled_from([0.0, 2.0]),
        "requests_per_replica": st.sampled_from([None, 2.0]),
        "patience_s": st.sampled_from([None, 50.0]),
    }
)


@st.composite
def mappings(draw, pool_counts=(1, 2, 3)) -> dict[str, Any]:
    """A scenario as a mapping."""
    pools = [draw(POOLS) for _ in range(draw(st.sampled_from(pool_counts)))]
    for k, pool in enumerate(pools):
        pool.update(name=f"p{k}", zone="a" if k < 2 else "b", instance_type="t")
        if "trace" in (pool["price"]["source"], pool["capacity"]["source"]):
            pool["trace_zone"] = "random"
    values = {**draw(OPTIONS), "task": draw(TASKS), "pools": pools}
    if values["task"]["arrivals"] in ("poisson", "bursts"):
        few = values["task"]["count"] / 10.0  # at most one and a half times the horizon's mean
        values["task"] |= {"arrivals_per_h": few, "daily_share": 0.5, "burst_size": 2.0}
    if values["reconsider_running"]:
        values["deadline_guard"] = draw(st.booleans())
        values["guard_counts_saves"] = draw(st.booleans())
        values["reconsider_at_capacity"] = draw(st.booleans())
    if any("trace_zone" in pool for pool in pools):
        values["market"] = {"trace": "aws_v100_2023", "until_h": 700.0}
    return without_unread(values)


@st.composite
def service_mappings(draw) -> dict[str, Any]:
    """A scenario with one to three services, with and without jobs."""
    values = draw(mappings())
    names = [pool["name"] for pool in values["pools"]]
    values["service"] = [draw(SERVICES) | {"name": f"s{k}"} for k in range(draw(st.sampled_from([1, 2, 3])))]
    fits = [pool["name"] for pool in values["pools"] if pool["gpu_memory_mb"] >= 16_000.0]
    for service in values["service"]:
        service["pools"] = draw(st.sampled_from([None, names, fits[:1]]))
    if draw(st.booleans()):
        values["task"] = {"count": 0}
    return without_unread(values)


def without_unread(values: dict[str, Any]) -> dict[str, Any]:
    """The mapping less what nothing in it reads, which a scenario refuses."""
    while fields := [one.field for one in unread(ScenarioFields.model_validate(values))]:
        for field in fields:
            *sections, name = field.split(".")
            holder: Any = values
            for part in sections:
                holder = holder[int(part) if isinstance(holder, list) else part]
            holder.pop(name, None)
    return values


def assert_mask_is_what_is_accepted(simulation: Simulation) -> None:
    """Every action, and some out of range, tried on a copy of row 0."""
    mask = simulation.state.masks[0].tolist()
    assert any(mask)
    for action in range(-1, len(mask) + 1):
        tried = copy.deepcopy(simulation)
        before = int(tried.state.episodes[0].invalid_actions)
        step(tried, action)
        accepted = int(tried.state.episodes[0].invalid_actions) == before
        assert accepted == (0 <= action < len(mask) and mask[action])


def started(values: dict[str, Any] | Scenario, seed: int = 0, rows: int = 1, **options: Any) -> Simulation:
    """Rows of a scenario at their first decision; row k is world 0 of seed + k."""
    simulation = Simulation(load_scenario(values), rows, **options)
    for row in range(rows):
        simulation.address(row, seed + row, 0)
    simulation.run(np.full(rows, int(Command.START)))
    return simulation


def step(simulation: Simulation, *actions: int) -> None:
    """One decision of every row that is not at its end."""
    over = simulation.views.terminated
    commands = np.where(over, int(Command.SKIP), int(Command.STEP))
    simulation.run(commands, np.array(actions, dtype=np.int64))


def answer(simulation: Simulation, rng: np.random.Generator, invalid: float = 0.1) -> int:
    """A random answer for row 0, now and then without looking at the mask."""
    mask = simulation.state.masks[0]
    return int(rng.integers(len(mask))) if rng.random() < invalid else int(rng.choice(np.flatnonzero(mask)))


def finish(simulation: Simulation, seed: int, invalid: float = 0.1) -> list[float]:
    """Random answers to the end; the rewards."""
    rng, rewards = np.random.default_rng(seed), []
    while not simulation.views.terminated[0]:
        step(simulation, answer(simulation, rng, invalid))
        rewards.append(float(simulation.views.rewards[0]))
    return rewards


def digest(simulation: Simulation, row: int = 0) -> bytes:
    """All that a row shows of itself: observation, reward, mask, totals and clock."""
    state, views = simulation.state, simulation.views
    parts = (views.observations[row], views.rewards[row], state.masks[row], state.episodes[row])
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def world_of(simulation: Simulation, row: int = 0) -> bytes:
    """What was drawn for a row: timelines, set-up times, tasks."""
    state = simulation.state
    parts = [state.pools[row]["setup_s"]]
    for pool_id, count in enumerate(state.pools[row].point_count):
        parts.append(state.market[row, pool_id][:count])
    drawn = ("arrival_s", "work_s", "deadline_s", "gpu_memory_mb", "state_base_mb", "state_cap_mb", "interactive")
    tasks = state.tasks[row][: state.episodes[row].task_count]
    parts += [tasks[name] for name in drawn]
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)

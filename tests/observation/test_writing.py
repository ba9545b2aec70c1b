"""Each field says what the layout says it does: recomputed from the engine's tables, and by hand where signs matter."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_env.observation.fields import Field, PoolField
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.planners import KuhnMunkres
from tessera_env.simulation.rows import Simulation
from tests.engine.play import SPOT, WAIT, laid
from tests.engine.scenarios import answer, mappings, started, step
from tests.observation.expected import Moment
from tests.presets import TASK_PRESETS
from tests.reference.world import World
from tests.reference.worlds import pool, task, world

INF = math.inf

# --- all fields ------------------------------------------------------------------------------------------------------


def assert_close(value: float, expected: float, name: str) -> None:
    """As `pytest.approx(expected, rel=1e-5, abs=1e-6)` has it, which takes twenty times as long."""
    assert abs(value - expected) <= max(1e-5 * abs(expected), 1e-6), f"{name}: {value}, not {expected}"


def check(simulation: Simulation) -> None:
    """The observation against the tables."""
    moment, layout, observation = Moment(simulation), simulation.layout, simulation.views.observations[0]
    expected = {**moment.task_fields(), **moment.deadline_fields(), **moment.fleet_fields(), **moment.rival_fields()}
    assert expected.keys() == {field.name.lower() for field in Field}
    ended = simulation.views.terminated[0]
    if ended:  # the fleet is shown as it was when the end came
        expected = {**moment.task_fields(), **moment.deadline_fields()}
    for name, value in expected.items():
        assert_close(layout.read(observation, name), float(value), name)
    if ended:  # the last task may be done at the very instant of a change that has not been seen
        return
    pools = [moment.pool_fields(pool_id) for pool_id in range(moment.pool_count)]
    assert pools[0].keys() == {field.name.lower() for field in PoolField}
    for name in pools[0]:
        for value, fields in zip(layout.read(observation, name).tolist(), pools, strict=True):
            assert_close(value, float(fields[name]), name)


def check_signs(simulation: Simulation) -> None:
    """Where a rule turns on a sign: the guard allows waiting exactly where `wait_slack` is not negative."""
    config, task = simulation.params.config[0], simulation.state.tasks[0, simulation.state.episodes[0].focal]
    if config.deadline_guard and task.deadline_s < INF and not simulation.views.terminated[0]:
        wait_slack = simulation.layout.read(simulation.views.observations[0], "wait_slack")
        assert (wait_slack >= 0.0) == simulation.state.masks[0, 0]


@settings(max_examples=60)
@given(mappings(), st.integers(0, 10_000), st.integers(0, 10_000))
def test_fields_say_what_the_layout_says(values, seed, choices):
    simulation, rng = started(values, seed, log_events=True), np.random.default_rng(choices)
    for _ in range(60):
        check(simulation)
        check_signs(simulation)
        if simulation.views.terminated[0]:
            return
        step(simulation, answer(simulation, rng))


@pytest.mark.parametrize("preset", TASK_PRESETS)
def test_fields_say_what_the_layout_says_in_the_presets(preset):
    """At some moments of a long episode, and its end."""
    simulation, rng, number = started(preset, 3, log_events=True), np.random.default_rng(1), 0
    while not simulation.views.terminated[0]:
        if number % 37 == 0:
            check(simulation)
        check_signs(simulation)
        step(simulation, answer(simulation, rng))
        number += 1
    check(simulation)


@pytest.mark.parametrize("preset", TASK_PRESETS)
def test_observations_stay_in_range(preset):
    """Bounds are finite, low < high, and no value lies outside, over random play of several worlds."""
    simulation = started(preset, 10, rows=4)
    layout, rng = simulation.layout, np.random.default_rng(4)
    low, high = layout.low, layout.high
    assert np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()
    while not simulation.views.terminated.all():
        observations = simulation.views.observations
        assert observations.dtype == np.float32
        outside = ~((observations >= low) & (observations <= high))  # NaN is outside
        assert not outside.any(), np.argwhere(outside)
        step(simulation, *rng.integers(0, simulation.state.masks.shape[1], 4))


# --- worlds made by hand ---------------------------------------------------------------------------------------------


def observed(made: World, answers: Sequence[int] = ()) -> list[dict[str, Any]]:
    """The fields at each decision, up to that after the last answer."""
    simulation = laid(made, KuhnMunkres(), 0)
    simulation.run(np.array([int(Command.RESUME)]))
    seen = [fields_of(simulation)]
    for action in answers:
        simulation.run(np.array([int(Command.STEP)]), np.array([action]))
        seen.append(fields_of(simulation))
    return seen


def fields_of(simulation: Simulation) -> dict[str, Any]:
    layout, observation = simulation.layout, simulation.views.observations[0].copy()
    return {name: layout.read(observation, name).tolist() for name in layout.names}


def sign(x: float) -> int:
    return (x > 0.0) - (x < 0.0)


TICK = 2.0**-30  # a difference of one billionth of a second


@pytest.mark.parametrize("off_s", [-100.0, -TICK, 0.0, TICK, 100.0])
def test_the_sign_of_slack_is_exact(off_s):
    """1,000 s of work, and 30 s of provisioning, 60 s of set-up and 10 s of loading before: slack 0 at 1,100 s.

    That deadline can just be made by a launch now; by one after another interval of 100 s, a deadline of 1,200 s.
    """
    pools = [pool(provisioning_s=30.0, setup_s=60.0)]
    (now,) = observed(world(pools, [task(1_000.0, state_mb=10_000.0, deadline_s=1_100.0 + off_s)]))
    for name in ("slack", "slack_per_work", "slack_per_changeover"):
        assert sign(now[name]) == sign(off_s), name
    assert now["slack"] == pytest.approx(off_s / (abs(off_s) + 21_600.0))
    (now,) = observed(world(pools, [task(1_000.0, state_mb=10_000.0, deadline_s=1_200.0 + off_s)]))
    assert sign(now["wait_slack"]) == sign(off_s)
    assert now["wait_slack"] == pytest.approx(off_s / (abs(off_s) + 21_600.0))


@pytest.mark.parametrize("off_s", [-TICK, 0.0, TICK])
def test_the_margin_of_the_guard_is_part_of_slack(off_s):
    made = world([pool()], [task(1_000.0, deadline_s=1_001.0 + off_s)], guard_margin_s=1.0)
    assert sign(observed(made)[0]["slack"]) == sign(off_s)


def test_slack_shrinks_while_a_task_waits_and_not_while_it_runs():
    """Deadline 1,400 s, work 1,000 s, no changeover: 400 s of slack; 200 s are waited, then it runs."""
    made = world([pool()], [task(1_000.0, deadline_s=1_400.0)], reconsider_running=True)
    moments = observed(made, [WAIT, WAIT, SPOT, SPOT])
    slacks = [moment["slack"] for moment in moments]
    assert slacks == pytest.approx([s / (s + 21_600.0) for s in (400.0, 300.0, 200.0, 200.0, 200.0)])
    assert [moment["wait_slack"] for moment in moments][2:] == pytest.approx([100.0 / 21_700.0] * 3)


def test_the_sign_of_ahead_is_exact():
    """1,000 s of work in 2,000 s: half a second a second. Set-up of 100 s, so 100 s are done at 200 s.

    At 100 s nothing is done and 50 s should be; at 200 s it is even; from then on it gets ahead. Two changeovers
    (200 s) later, 100 s more should be done: even at 400 s.
    """
    made = world([pool(setup_s=100.0)], [task(1_000.0, deadline_s=2_000.0)], reconsider_running=True)
    moments = observed(made, [SPOT] * 5)
    ahead = [moment["ahead"] for moment in moments]
    assert ahead == pytest.approx([0.0, -0.05, 0.0, 0.05, 0.1, 0.15])
    assert [sign(x) for x in ahead] == [0, -1, 0, 1, 1, 1]
    later = [moment["ahead_after_changeover"] for moment in moments]
    assert later == pytest.approx([-0.1, -0.15, -0.1, -0.05, 0.0, 0.05])
    assert [sign(x) for x in later] == [-1, -1, -1, -1, 0, 1]


def test_after_the_deadline():
    """Nothing is left of the time; it is as far behind as can be shown."""
    made = world([pool()], [task(1_000.0, deadline_s=150.0)])
    moment = observed(made, [WAIT] * 4)[-1]
    assert moment["deadline_left"] == 0.0 and moment["ahead"] == -1.0 and moment["ahead_after_changeover"] == -1.0
    assert moment["slack"] < 0.0 and moment["has_deadline"] == 1.0


def test_without_a_deadline():
    moment = observed(world([pool()], [task(1_000.0)]))[0]
    assert moment["has_deadline"] == 0.0
    names = ("slack", "slack_per_work", "slack_per_changeover", "wait_slack", "reserve_slack", "deadline_left", "ahead")
    assert all(moment[name] == 1.0 for name in (*names, "ahead_after_changeover"))


def test_where_a_task_is_and_why_it_is_asked():
    """Arrival, retry, reconsidered on spot in pool 1 and on on-demand in pool 0, then paused."""
    pools = [pool(setup_s=36.0), pool(setup_s=36.0)]
    moments = observed(world(pools, [task(3_600.0)], reconsider_running=True), [WAIT, 2, 3, WAIT])
    events = ("event_arrival", "event_retry", "event_reconsider", "event_interruption")
    assert [[moment[name] for name in events] for moment in moments] == [
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
    ]
    places = ("on_nothing", "on_spot", "on_on_demand", "here_spot", "here_on_demand")
    nowhere: list[Any] = [1.0, 0.0, 0.0, [0.0, 0.0], [0.0, 0.0]]
    assert [[moment[name] for name in places] for moment in moments] == [
        nowhere,
        nowhere,
        [0.0, 1.0, 0.0, [0.0, 1.0], [0.0, 0.0]],
        [0.0, 0.0, 1.0, [0.0, 0.0], [1.0, 0.0]],
        nowhere,
    ]
    # 64 s of work before the move, 64 s after.
    assert [moment["work_left"] for moment in moments] == pytest.approx(
        [1.0, 1.0, 1.0 - 64.0 / 3_600.0, 1.0 - 128.0 / 3_600.0, 1.0 - 128.0 / 3_600.0]
    )
    assert [moment["running_h"] for moment in moments] == pytest.approx([0.0, 0.0, *[64.0 / 14_464.0] * 2, 0.0])


def test_changeover_left():
    """Set-up of 250 s, asked every 100 s: 150 s are left, then 50 s, then none."""
    moments = observed(world([pool(setup_s=250.0)], [task(1_000.0)], reconsider_running=True), [SPOT] * 3)
    assert [moment["changeover_left"] for moment in moments] == pytest.approx([0.0, 150.0 / 510.0, 50.0 / 410.0, 0.0])
    assert [moment["running_h"] for moment in moments] == pytest.approx([0.0, 0.0, 0.0, 50.0 / 14_450.0])


def test_what_a_periodic_checkpoint_saves():
    """A save of 10 s after each 60 s of work: at 100 s 90 s are done and 60 s saved, at 200 s 180 s done, 120 s saved.

    The third segment ends at 200 s, and its save has not begun.
    """
    rules = {"reconsider_running": True, "checkpoint_interval_s": 60.0, "checkpoint_cost_s": 10.0}
    moments = observed(world([pool()], [task(1_000.0)], **rules), [SPOT] * 2)
    assert [moment["unsaved"] for moment in moments] == pytest.approx([0.0, 0.03, 0.06])
    assert [moment["work_left"] for moment in moments] == pytest.approx([1.0, 0.91, 0.82])


def test_interruptions_are_counted_up_to_16():
    """Capacity goes every 100 s, at 50, 150, …, and comes back 50 s later."""
    steps = tuple((50.0 * k, 1 - k % 2) for k in range(60))
    moments = observed(world([pool(capacity=steps)], [task(1e6)], decision_interval_s=50.0), [SPOT] * 44)
    asked = [moment for moment in moments if moment["event_interruption"]]
    assert [moment["interruptions"] * 16 for moment in asked[:20]] == [min(n, 16.0) for n in range(1, 21)]
    seen = [moment["interruptions_seen"][0] for moment in asked[:20]]
    assert seen == pytest.approx([n / (n + 8.0) for n in range(1, 21)])


def test_a_failed_launch_is_told_until_the_next_answer():
    """No spot at all; then a wait, then on-demand."""
    moments = observed(world([pool(capacity=((0.0, 0),))], [task(150.0)], reconsider_running=True), [SPOT, WAIT, 2])
    assert [moment["launch_failed"] for moment in moments] == [0.0, 1.0, 0.0, 0.0]
    assert moments[0]["available"] == [0.0] and moments[0]["room"] == [0.0]


def test_room_and_idle_instances():
    """Three can be had: two tasks take two, one of which is idle from 50 s on; unlimited capacity shows as 1."""
    pools = [pool(capacity=((0.0, 3),)), pool(capacity=((0.0, 10**9),))]
    tasks = [task(50.0), task(1_000.0), task(1_000.0, arrival_s=60.0)]
    moments = observed(world(pools, tasks, idle_timeout_s=500.0), [SPOT, SPOT, SPOT])
    assert [moment["room"] for moment in moments[:3]] == [[3 / 16, 1.0], [2 / 16, 1.0], [1 / 16, 1.0]]
    assert moments[2]["idle_spot"] == pytest.approx([1 / 9, 0.0]) and moments[2]["idle"] == pytest.approx(1 / 9)
    assert moments[2]["held"] == pytest.approx([2 / 10, 0.0])
    assert moments[2]["done"] == pytest.approx(1 / 3) and moments[1]["arrivals_left"] == pytest.approx(1 / 3)


def test_an_idle_instance_is_available_where_no_other_can_be_had():
    """Capacity for one, which is idle; the last moment's task would take it."""
    tasks = [task(50.0), task(1_000.0, arrival_s=60.0)]
    moment = observed(world([pool(capacity=((0.0, 1),))], tasks, idle_timeout_s=500.0), [SPOT])[-1]
    assert moment["room"] == [0.0] and moment["available"] == [1.0]


def test_an_instance_that_a_displaced_task_counts_on_is_not_available_to_the_next():
    """Two tasks lose pool 0 at 500 s; pool 1 has one idle instance and no room: the first to be asked claims it."""
    pools = [pool(capacity=((0.0, 2), (500.0, 0))), pool(capacity=((0.0, 1),))]
    tasks = [task(1_000.0), task(1_000.0, state_mb=1_000.0), task(100.0)]
    made = world(pools, tasks, idle_timeout_s=1_000.0, notice_s=10.0)
    first, second, third = observed(made, [1, 1, 2, 2, 2])[3:]
    assert first["event_interruption"] == second["event_interruption"] == 1.0
    assert (first["available"], second["available"]) == ([0.0, 1.0], [0.0, 0.0])
    assert third["launch_failed"] == 1.0 and third["event_retry"] == 1.0


def test_prices_are_in_units_of_the_dearest_on_demand_price():
    """$0.9 until 100 s, then $2.7, in units of $3.6; the average up to 300 s is (100 x 0.9 + 200 x 2.7) / 300."""
    pools = [pool(prices=((0.0, 0.9), (100.0, 2.7))), pool(prices=((0.0, 7.2),), on_demand_price=1.8)]
    moments = observed(world(pools, [task(1_000.0)]), [WAIT] * 3)
    assert moments[0]["spot_price"] == moments[0]["price_average"] == pytest.approx([0.25, 1.0])
    assert moments[3]["spot_price"] == pytest.approx([0.75, 1.0])
    assert moments[3]["price_average"] == pytest.approx([2.1 / 3.6, 1.0])
    assert moments[0]["on_demand_price"] == pytest.approx([1.0, 0.5])


def test_shares_of_time_and_spells():
    """Up for an hour, down for half an hour, up since; it is 2 h now."""
    pools = [pool(capacity=((0.0, 1), (3_600.0, 0), (5_400.0, 2), (6_000.0, 1)))]
    made = world(pools, [task(1_000.0, arrival_s=7_200.0)])
    (now,) = observed(made)
    after_down = {h: math.exp(-0.5 / h) for h in (1, 4, 12)}
    for h, share in after_down.items():
        expected = 1.0 + (share - 1.0) * math.exp(-0.5 / h)
        assert now[f"available_{h}h"] == pytest.approx([expected])
    assert now["available_episode"] == pytest.approx([0.75])
    assert now["since_change"] == pytest.approx([0.5 / 2.5])
    assert now["mean_up"] == pytest.approx([1.0 / 3.0]) and now["mean_down"] == pytest.approx([0.5 / 2.5])


def test_memory_and_state_and_ways_onto_instances():
    """8,000 MB of state at 1,000 and 100 MB/s: 8 s and 80 s, after 100 s."""
    pools = [pool(provisioning_s=40.0, setup_s=60.0), pool(bandwidth_gbps=0.8, setup_s=100.0, gpu_memory_mb=8_000.0)]
    (now,) = observed(world(pools, [task(1_000.0, state_mb=8_000.0, memory_mb=12_000.0)]))
    assert now["memory"] == 0.75 and now["fits"] == [1.0, 0.0] and now["state"] == 0.5
    ways = pytest.approx([108.0 / 468.0, 180.0 / 540.0])
    assert now["spot_changeover"] == ways and now["on_demand_changeover"] == ways
    assert now["bandwidth"] == pytest.approx([8.0 / 18.0, 0.8 / 10.8])

"""Drawn tasks: arrivals, work, deadlines, memory and state, by their distributions and by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from tessera_env.engine.state import TASK
from tessera_env.world.distributions import DistributionKind
from tessera_env.world.parameters import Arrivals, Quantity, new_table
from tessera_env.world.workload.generators import draw_tasks
from tests.kept import kept
from tests.world.market.tables import fill, parameters, world, z_of_mean

HOUR_S = 3600.0


def constant(value: float) -> dict:
    """Always this."""
    return {"kind": int(DistributionKind.CONSTANT), "low": value}


def drawn(count: int, quantities: dict | None = None, seed: int = 0, episode: int = 0, **config) -> np.recarray:
    """The tasks of one world; a quantity is 2 h of work unless told."""
    state = {"state_base_mb": 0.0, "state_mb_per_work_h": 0.0, "state_cap_mb": 0.0}
    params = parameters({}, horizon_s=48 * HOUR_S, task_count=count, **{**state, **config})
    for quantity, fields in {Quantity.WORK_H: constant(2.0), **(quantities or {})}.items():
        fields = dict(fields)
        choices = fields.pop("choices", ())
        record = params.distributions[int(quantity)]
        fill(record, fields)
        record.choices[: len(choices)] = choices
        record.choice_count = len(choices)
    tasks = new_table((1, count), TASK)
    kept(draw_tasks)(params, world(seed=seed, episode=episode), tasks, 0)
    return tasks[0]


UNIFORM_WORK = {Quantity.WORK_H: {"kind": int(DistributionKind.UNIFORM), "low": 1.0, "high": 20.0}}


def test_tasks_at_the_start_arrive_at_zero():
    assert drawn(5, arrivals=int(Arrivals.AT_START)).arrival_s.tolist() == [0.0] * 5


def test_uniform_arrivals_are_sorted_and_uniform_over_their_share():
    arrivals_s = drawn(4_000, arrivals=int(Arrivals.UNIFORM), arrival_share=0.8).arrival_s
    assert (np.diff(arrivals_s) >= 0).all()
    assert stats.kstest(arrivals_s / (0.8 * 48 * HOUR_S), "uniform").pvalue > 1e-4


def test_classic_work_is_uniform_between_its_bounds():
    work_h = drawn(4_000, UNIFORM_WORK).work_s / HOUR_S
    assert stats.kstest((work_h - 1.0) / 19.0, "uniform").pvalue > 1e-4


def test_arrivals_and_work_are_independent():
    tasks = drawn(4_000, UNIFORM_WORK, arrivals=int(Arrivals.UNIFORM), arrival_share=0.8)
    assert abs(np.corrcoef(tasks.arrival_s, tasks.work_s)[0, 1]) * math.sqrt(4_000) < 4.0


def test_heavy_tailed_work_is_lognormal_and_clipped():
    fields = {"kind": int(DistributionKind.LOGNORMAL), "median": 2.0, "sigma": 1.0, "low": 0.5, "high": 40.0}
    work_h = drawn(4_000, {Quantity.WORK_H: fields}).work_s / HOUR_S
    assert (work_h.min(), work_h.max()) == (0.5, 40.0)
    inside = np.log(work_h / 2.0)[(work_h > 0.5) & (work_h < 40.0)]
    low, high = math.log(0.25), math.log(20.0)
    assert stats.kstest(inside, stats.truncnorm(low, high).cdf).pvalue > 1e-4
    assert abs(z_of_mean(work_h == 0.5, stats.norm.cdf(low))) < 4.0


def test_log_uniform_and_choice():
    log_uniform = {"kind": int(DistributionKind.LOG_UNIFORM), "low": 0.1, "high": 10.0}
    work_h = drawn(4_000, {Quantity.WORK_H: log_uniform}).work_s / HOUR_S
    assert stats.kstest(np.log10(work_h) / 2.0 + 0.5, "uniform").pvalue > 1e-4
    choice = {"kind": int(DistributionKind.CHOICE), "choices": (0.02, 0.05, 0.1, 0.2)}
    values, counts = np.unique(drawn(4_000, {Quantity.GPU_MEMORY_MB: choice}).gpu_memory_mb, return_counts=True)
    assert values.tolist() == [0.02, 0.05, 0.1, 0.2]
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(
    ("config", "quantities", "deadlines_s"),
    [
        ({}, {}, [math.inf, math.inf]),
        ({"deadline_from_arrival": 1}, {Quantity.DEADLINE_H: constant(50.0)}, [50 * HOUR_S, 50 * HOUR_S]),
        ({"deadline_from_slack": 1}, {Quantity.SLACK: constant(0.5)}, [3 * HOUR_S, 3 * HOUR_S]),  # 2 h x 1.5
    ],
)
def test_deadlines_count_from_the_arrival(config, quantities, deadlines_s):
    assert drawn(2, quantities, **config).deadline_s.tolist() == deadlines_s
    late = drawn(2, quantities, arrivals=int(Arrivals.UNIFORM), arrival_share=0.5, **config)
    assert (late.deadline_s - late.arrival_s).tolist() == pytest.approx(deadlines_s)


def test_the_share_of_interactive_tasks_which_have_no_deadline():
    tasks = drawn(4_000, {Quantity.SLACK: constant(1.0)}, deadline_from_slack=1, interactive_share=0.2)
    interactive = tasks.interactive == 1
    assert abs(z_of_mean(interactive, 0.2)) < 4.0
    assert np.isinf(tasks.deadline_s[interactive]).all()
    assert np.isfinite(tasks.deadline_s[~interactive]).all()


@pytest.mark.parametrize(
    ("work_h", "base_mb", "per_h", "cap_mb", "expected"),
    [
        (10.0, 0.0, 200.0, 8_000.0, (0.0, 2_000.0)),  # classic: min(200 MB x work_h, 8000)
        (50.0, 0.0, 200.0, 8_000.0, (0.0, 8_000.0)),
        (10.0, 500.0, 0.0, 8_000.0, (500.0, 500.0)),  # does not grow
        (10.0, 500.0, 200.0, 300.0, (300.0, 300.0)),  # the cap is below the base
    ],
)
def test_the_state_grows_linearly_to_its_final_size(work_h, base_mb, per_h, cap_mb, expected):
    quantities = {Quantity.WORK_H: constant(work_h)}
    task = drawn(1, quantities, state_base_mb=base_mb, state_mb_per_work_h=per_h, state_cap_mb=cap_mb)[0]
    assert (task.state_base_mb, task.state_cap_mb) == expected
    assert task.state_base_mb + task.state_growth_mb_per_s * task.work_s == pytest.approx(expected[1])


def test_a_world_is_a_function_of_seed_and_episode():
    config = {"arrivals": int(Arrivals.UNIFORM), "arrival_share": 0.8, "interactive_share": 0.5}
    base, again = drawn(20, UNIFORM_WORK, seed=7, **config), drawn(20, UNIFORM_WORK, seed=7, **config)
    assert base.tobytes() == again.tobytes()
    for other in ({"seed": 8}, {"seed": 7, "episode": 1}):
        different = drawn(20, UNIFORM_WORK, **other, **config)
        assert not set(base.work_s.tolist()) & set(different.work_s.tolist())
        assert not set(base.arrival_s.tolist()) & set(different.arrival_s.tolist())

"""Recorded jobs: runs of them as they came, each start equally likely; what is not recorded; jobs drawn one by one."""

import math

import numpy as np
import pytest
from numba import config as numba_config
from scipy import stats

from tessera_env.engine.state import TASK
from tessera_env.world.distributions import DistributionKind
from tessera_env.world.parameters import JOB, Arrivals, Quantity, new_table
from tessera_env.world.workload.generators import draw_tasks
from tests.world.market.tables import fill, parameters, world, z_of_mean

PLAIN = bool(numba_config.DISABLE_JIT)
WORLDS = 200 if PLAIN else 4_000
HOUR_S = 3_600.0
NAN = math.nan

RECORDED = {"arrivals": int(Arrivals.RECORDED), "arrival_share": 1.0, "arrival_scale": 1.0, "task_count": 4}
BOOTSTRAP = {"arrivals": int(Arrivals.POISSON), "arrivals_per_h": 0.5, "arrival_share": 0.8, "task_count": 100}


def jobs(count: int = 10, **columns) -> np.recarray:
    """Jobs that arrive 0, 1, 3, 6, 10 … minutes after the first, with 1, 2, 3 … hours of work; the rest unrecorded."""
    table = new_table(count, JOB)
    numbers = np.arange(count)
    table.arrival_s, table.work_s = 30.0 * numbers * (numbers + 1), HOUR_S * (numbers + 1)
    for name in ("gpu_memory_mb", "state_mb", "interactive"):
        table[name] = NAN
    for name, values in columns.items():
        table[name] = values
    return table


def drawn(recorded: np.recarray | None, episode: int = 0, seed: int = 0, **config) -> np.recarray:
    """The tasks of one world; what is not recorded is 7 h of work, memory and slack at random, state that grows."""
    state = {"state_base_mb": 10.0, "state_mb_per_work_h": 5.0, "state_cap_mb": 1_000.0}
    config = {"interactive_share": 0.3, "deadline_from_slack": 1, **state, **config}
    params = parameters({}, horizon_s=48 * HOUR_S, **config)
    if recorded is not None:
        params = params._replace(jobs=recorded)
        params.config[0].job_count = len(recorded)
    for quantity, low, high in (
        (Quantity.WORK_H, 7.0, 7.0),
        (Quantity.GPU_MEMORY_MB, 100.0, 200.0),
        (Quantity.SLACK, 0.5, 1.5),
    ):
        fill(params.distributions[quantity], {"kind": int(DistributionKind.UNIFORM), "low": low, "high": high})
    tasks = new_table((1, config["task_count"]), TASK)
    count = draw_tasks(params, world(seed=seed, episode=episode), tasks, 0)
    return tasks[0][:count]


def first_of(tasks: np.recarray) -> int:
    """Which job a world's run starts with."""
    return round(float(tasks[0].work_s) / HOUR_S) - 1


# --- runs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 0.25, 3.0])
def test_a_world_is_a_run_of_jobs_as_they_came(scale):
    table = jobs()
    for episode in range(20):
        tasks = drawn(table, episode, **{**RECORDED, "arrival_scale": scale})
        run = table[first_of(tasks) : first_of(tasks) + 4]
        assert tasks.work_s.tolist() == run.work_s.tolist()
        assert tasks.arrival_s.tolist() == ((run.arrival_s - run.arrival_s[0]) * scale).tolist()


def test_every_run_is_as_likely():
    """Seven of 4 among 10 jobs. Bug: the run may start at any job and is cut off at the last."""
    starts = np.array([first_of(drawn(jobs(), episode, **RECORDED)) for episode in range(WORLDS)])
    counts = np.bincount(starts, minlength=10)
    assert counts[7:].sum() == 0
    assert stats.chisquare(counts[:7]).pvalue > 1e-4
    if not PLAIN:
        bug = np.minimum(np.random.default_rng(0).integers(0, 10, WORLDS), 6)
        assert stats.chisquare(np.bincount(bug, minlength=7)).pvalue < 1e-15


@pytest.mark.parametrize(("most", "count"), [(10, 10), (12, 10), (1, 1)])
def test_there_are_no_more_tasks_than_jobs(most, count):
    for episode in range(10):
        tasks = drawn(jobs(), episode, **{**RECORDED, "task_count": most})
        assert len(tasks) == count
        if count == 10:
            assert tasks.work_s.tolist() == jobs().work_s.tolist()


def test_a_run_ends_with_the_arrivals_share_of_the_horizon():
    """Jobs come an hour apart times 20: at 0, 20 and 40 h of 48; the first half has two, and at 0 one at least."""
    table = jobs(10, arrival_s=HOUR_S * np.arange(10))
    for share, count in ((1.0, 3), (0.5, 2), (40 / 48, 2), (0.0, 1)):  # at 40 h is not within the first 40 h
        tasks = drawn(table, **{**RECORDED, "arrival_scale": 20.0, "arrival_share": share})
        assert tasks.arrival_s.tolist() == [0.0, 20.0 * HOUR_S, 40.0 * HOUR_S][:count]


def test_jobs_that_came_at_once_arrive_at_once():
    tasks = drawn(jobs(10, arrival_s=5.0), **RECORDED)
    assert tasks.arrival_s.tolist() == [0.0] * 4


def test_a_run_is_a_function_of_seed_and_episode():
    def starts(seed, episodes):
        return [first_of(drawn(jobs(200), episode, seed, **RECORDED)) for episode in episodes]

    assert starts(7, range(10)) == starts(7, range(10))
    assert starts(7, range(10)) != starts(8, range(10))
    assert len(set(starts(7, range(10)))) > 5


# --- what is recorded, and what is not -------------------------------------------------------------------------------


def test_what_is_recorded_holds():
    table = jobs(4, gpu_memory_mb=[1.0, 2.0, 3.0, 4.0], state_mb=[0.0, 5_000.0, 20.0, 7.0], interactive=[0, 1, 1, 0])
    tasks = drawn(table, **RECORDED)
    assert tasks.gpu_memory_mb.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert tasks.interactive.tolist() == [0, 1, 1, 0]
    assert np.isinf(tasks.deadline_s).tolist() == [False, True, True, False]
    assert tasks.state_base_mb.tolist() == tasks.state_cap_mb.tolist() == [0.0, 5_000.0, 20.0, 7.0]
    assert tasks.state_growth_mb_per_s.tolist() == [0.0] * 4


def test_a_deadline_counts_from_the_recorded_arrival_and_work():
    tasks = drawn(jobs(interactive=0), **RECORDED)
    slack = (tasks.deadline_s - tasks.arrival_s) / tasks.work_s - 1.0
    assert ((slack > 0.5) & (slack < 1.5)).all()


def test_what_is_not_recorded_is_drawn_as_without_jobs():
    """The same draws, field by field. Bug: NaN gets through."""
    names = ("work_s", "gpu_memory_mb", "interactive", "deadline_s", "state_base_mb", "state_cap_mb")
    for config in (RECORDED, BOOTSTRAP):
        blank = drawn(jobs(arrival_s=0.0, work_s=NAN), **config)
        base = drawn(None, **{**config, "arrivals": int(Arrivals.AT_START)} if config is RECORDED else config)
        for name in (*names, "state_growth_mb_per_s"):
            assert blank[name].tolist() == base[name].tolist()
            assert not np.isnan(blank[name]).any()


def test_state_that_is_not_recorded_grows_with_the_recorded_work():
    tasks = drawn(jobs(4), **RECORDED)
    assert tasks.state_base_mb.tolist() == [10.0] * 4
    assert tasks.state_cap_mb.tolist() == [15.0, 20.0, 25.0, 30.0]
    assert tasks.state_growth_mb_per_s * HOUR_S == pytest.approx([5.0] * 4)


# --- one by one ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bootstrapped():
    """Worlds whose tasks come by a process and run as long as one of 500 recorded jobs."""
    lengths_s = np.random.default_rng(3).lognormal(8.0, 1.5, 500)
    table = jobs(500, work_s=lengths_s, arrival_s=NAN)
    return lengths_s, [drawn(table, episode, **BOOTSTRAP) for episode in range(WORLDS // 8)]


def test_run_times_are_drawn_from_the_recorded_ones(bootstrapped):
    """Every task's is one of them, each equally likely. Bug: a lognormal fitted to them."""
    lengths_s, worlds = bootstrapped
    work_s = np.concatenate([tasks.work_s for tasks in worlds])
    assert set(work_s) <= set(lengths_s)
    ranks = np.searchsorted(np.sort(lengths_s), work_s)
    assert stats.chisquare(np.bincount(ranks // 10, minlength=50)).pvalue > 1e-4
    assert stats.ks_2samp(work_s, lengths_s).pvalue > 1e-4
    assert abs(z_of_mean(work_s, lengths_s.mean())) < 4.0
    if not PLAIN:
        fitted_s = np.random.default_rng(0).lognormal(8.0, 0.75, len(work_s))  # with half the log-deviation
        assert stats.ks_2samp(fitted_s, lengths_s).pvalue < 1e-6
        assert abs(z_of_mean(fitted_s, lengths_s.mean())) > 8.0


def test_tasks_of_a_world_are_drawn_independently_of_each_other(bootstrapped):
    """The first two tasks' jobs, and the first one's arrival and job. Bug: a run of jobs, one behind the other."""
    lengths_s, worlds = bootstrapped
    place = {length_s: k for k, length_s in enumerate(lengths_s)}
    pairs = np.array([[place[tasks.work_s[0]], place[tasks.work_s[1]]] for tasks in worlds])
    assert z_of_correlation(pairs[:, 0], pairs[:, 1]) < 4.0
    assert z_of_correlation(pairs[:, 0], np.array([tasks.arrival_s[0] for tasks in worlds])) < 4.0
    if not PLAIN:
        assert z_of_correlation(pairs[:, 0], pairs[:, 0] + 1) > 8.0


def z_of_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """How many standard errors the correlation lies from 0."""
    return abs(np.corrcoef(x, y)[0, 1]) * math.sqrt(len(x))


def test_one_job_serves_every_task():
    tasks = drawn(jobs(1, arrival_s=NAN), **BOOTSTRAP)
    assert len(tasks) > 5
    assert set(tasks.work_s) == {HOUR_S}

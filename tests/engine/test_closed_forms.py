"""The engine against laws that are known in closed form, each with a planted bug that the same test rejects.

Every check is a z-score over independent replications (rows of the vector environment): |z| < 4 for what the engine
does, |z| > 8 for the bug. Capacity is one spot place, hazards are constant, and the policy is "spot, always".
"""

import math

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numba import config as numba_config
from scipy import stats

from tessera_env.engine.episode import clear_episode, draw_world, open_episode
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation
from tessera_env.vector_env import TesseraVectorEnv
from tests.kept import kept
from tests.world.market.tables import z_of_mean

PLAIN = bool(numba_config.DISABLE_JIT)
ROWS = 64 if PLAIN else 1_024
RATE_PER_H = 0.5
WORK_H = 2.0
HOUR_S = 3_600.0
SPOT = 1

TINY_MB = 1e-6  # a state that no grace period of no length saves, and that loads in no time


def scenario(pool: dict | None = None, task: dict | None = None, **fields) -> dict:
    """One task, one pool with a constant hazard, no notice, no changeover, nothing saved at an interruption."""
    base_pool = {
        "name": "p",
        "zone": "z",
        "instance_type": "t",
        "gpu_memory_mb": 1.0,
        "on_demand_usd_per_h": 3.0,
        "price": {"source": "constant", "usd_per_h": 1.0},
        "hazard": {"model": "constant", "per_h": RATE_PER_H},
    }
    return {
        "horizon_h": 1_000.0,
        "decision_interval_s": 3_600.0,
        "notice_s": 0.0,
        "billing": {"minimum_s": 0.0},
        "task": {"count": 1, "work_h": WORK_H, "state_base_mb": TINY_MB, **(task or {})},
        "pools": [{**base_pool, **(pool or {})}],
        **fields,
    }


def episodes(values: dict, rows: int = ROWS, seed: int = 0) -> tuple[TesseraVectorEnv, dict[str, np.ndarray]]:
    """One episode a row under "spot, always"; the environment and its metrics."""
    env = TesseraVectorEnv(rows, values, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=seed)
    actions, over = np.full(rows, SPOT), np.zeros(rows, bool)
    while not over.all():
        _observations, _rewards, terminated, _truncated, _infos = env.step(actions)
        over |= terminated
    return env, env.episode_metrics(np.arange(rows))


def check(samples: np.ndarray, bug: np.ndarray, expected: float) -> None:
    """The law holds, and the bug would not pass for it."""
    assert abs(z_of_mean(samples, expected)) < 4.0
    if not PLAIN:
        assert abs(z_of_mean(bug, expected)) > 8.0


# --- one task under interruptions ------------------------------------------------------------------------------------


def test_restart_with_a_changeover_outside_the_hazard():
    """E[T] = (1/λ + d)(e^{λw} - 1) + d, and e^{λw} - 1 interruptions. Bug: the work is kept."""
    delay_h = 0.25
    values = scenario({"provisioning_s": delay_h * HOUR_S})
    kept = scenario({"provisioning_s": delay_h * HOUR_S}, {"state_base_mb": 0.0})
    metrics, bug = episodes(values)[1], episodes(kept)[1]
    failures = math.exp(RATE_PER_H * WORK_H) - 1.0
    check(metrics["elapsed_h"], bug["elapsed_h"], (1.0 / RATE_PER_H + delay_h) * failures + delay_h)
    check(metrics["interruptions"], bug["interruptions"], failures)
    check(metrics["work_lost_h"], bug["work_lost_h"], failures / RATE_PER_H - WORK_H)


def test_restart_under_the_hazard():
    """Set-up R under the hazard: E[T] = e^{λR}(e^{λw} - 1)/λ + first start (e^{λR} - 1)/λ. Bug: R is outside it."""
    setup_h = 0.5
    metrics = episodes(scenario({"setup_h": setup_h}))[1]
    bug = episodes(scenario({"provisioning_s": setup_h * HOUR_S}))[1]
    expected = math.exp(RATE_PER_H * setup_h) * (math.exp(RATE_PER_H * WORK_H) - 1.0) / RATE_PER_H
    expected += (math.exp(RATE_PER_H * setup_h) - 1.0) / RATE_PER_H
    assert abs(z_of_mean(metrics["elapsed_h"], expected)) < 4.0
    check(metrics["interruptions"], bug["interruptions"], math.exp(RATE_PER_H * (setup_h + WORK_H)) - 1.0)


def test_spot_is_billed_for_every_hour_before_an_interruption():
    """Set-up and all work, lost or not, cost $1/h: dollars = E[T] without provisioning. Bug: lost hours are free."""
    metrics = episodes(scenario({"provisioning_s": 900.0}))[1]
    check(metrics["cost_usd"], metrics["work_done_h"] * 1.0, (math.exp(RATE_PER_H * WORK_H) - 1.0) / RATE_PER_H)


def test_a_grace_period_that_saves_all():
    """E[T] = w(1 + λd) + d and Poisson(λw) interruptions. Bug: the work is lost."""
    delay_h = 0.25
    pool = {"provisioning_s": delay_h * HOUR_S}
    metrics = episodes(scenario(pool, {"state_base_mb": 0.0}))[1]
    bug = episodes(scenario(pool))[1]
    check(metrics["elapsed_h"], bug["elapsed_h"], WORK_H * (1.0 + RATE_PER_H * delay_h) + delay_h)
    mean = RATE_PER_H * WORK_H
    check(metrics["interruptions"], bug["interruptions"], mean)
    counts = np.bincount(metrics["interruptions"], minlength=6)
    counts = np.append(counts[:5], counts[5:].sum())
    expected = np.append(stats.poisson.pmf(range(5), mean), stats.poisson.sf(4, mean)) * ROWS
    assert stats.chisquare(counts, expected).pvalue > 1e-4


PERIODS = {"segments": 8, "cost_h": 0.05}


def periodic(interval_h: float, cost_h: float = PERIODS["cost_h"], work_h: float = WORK_H, **pool) -> dict:
    """Periodic checkpoints."""
    checkpoint = {"interval_h": interval_h, "cost_s": cost_h * HOUR_S}
    return scenario(pool, {"work_h": work_h}, checkpoint=checkpoint)


def test_periodic_checkpoints():
    """(1/λ + d)(e^{λ(τ + C)} - 1) a segment; the last one has no checkpoint. Bug: checkpoints cost nothing."""
    delay_h, tau_h, cost_h = 0.1, WORK_H / PERIODS["segments"], PERIODS["cost_h"]
    metrics = episodes(periodic(tau_h, provisioning_s=delay_h * HOUR_S))[1]
    bug = episodes(periodic(tau_h, 0.0, provisioning_s=delay_h * HOUR_S))[1]
    segments = (PERIODS["segments"] - 1) * (math.exp(RATE_PER_H * (tau_h + cost_h)) - 1.0)
    segments += math.exp(RATE_PER_H * tau_h) - 1.0
    check(metrics["elapsed_h"], bug["elapsed_h"], (1.0 / RATE_PER_H + delay_h) * segments + delay_h)


@pytest.mark.skipif(PLAIN, reason="needs many rows; the compiled run shows it")
def test_youngs_interval_is_nearly_the_best():
    """√(2CM) beats an interval four times as long or as short (Young 1974; Daly 2006 refines it)."""
    young_h = math.sqrt(2.0 * PERIODS["cost_h"] / RATE_PER_H)
    times_h = [
        episodes(periodic(young_h * factor, work_h=8.0))[1]["elapsed_h"] for factor in (0.25, 1.0, 4.0)
    ]  # common random numbers: lifetimes are keyed by launch
    for other in (0, 2):
        difference = times_h[other] - times_h[1]
        assert difference.mean() / (difference.std(ddof=1) / math.sqrt(ROWS)) > 8.0


# --- availability, hazard --------------------------------------------------------------------------------------------


def test_a_task_on_spot_whenever_it_can_runs_for_the_share_of_time_available():
    """U/(U + D) from a stationary start, asked at every change of capacity. Bug: the share of medians."""
    up_h, sigma, down_h = 1.0, 1.0, 0.5
    capacity = {
        "source": "semi_markov",
        "up_median_h": [up_h, up_h],
        "up_sigma": [sigma, sigma],
        "down_median_h": [down_h, down_h],
        "down_sigma": [0.0, 0.0],
    }
    horizon_h = 50.0
    pool = {"capacity": capacity, "hazard": {"model": "none"}}
    endless = scenario(pool, {"work_h": 1_000.0, "state_base_mb": 0.0}, horizon_h=horizon_h)
    metrics = episodes(endless)[1]
    share = metrics["spot_h"] / horizon_h
    mean_up_h = up_h * math.exp(0.5 * sigma**2)
    assert abs(z_of_mean(share, mean_up_h / (mean_up_h + down_h))) < 4.0
    if not PLAIN:
        assert abs(z_of_mean(share, up_h / (up_h + down_h))) > 8.0
    assert metrics["work_done_h"] == pytest.approx(metrics["spot_h"])


def test_lifetimes_follow_the_hazard_of_a_moving_price():
    """Λ(T) ~ Exp(1), truncated at the horizon, for `discount` on a moving price. Bug: the price is ignored."""
    price = {
        "source": "ornstein_uhlenbeck",
        "mean_share": 0.5,
        "deviation_share": 0.3,
        "reversion_per_h": 0.5,
        "step_s": 600.0,
    }
    pool = {"price": price, "hazard": {"model": "discount", "per_h": 0.4}}
    horizon_h = 12.0
    values = scenario(pool, {"work_h": 1_000.0}, horizon_h=horizon_h)
    simulation = Simulation(load_scenario(values), ROWS, log_events=True)
    for row in range(ROWS):
        simulation.address(row, 1_000 + row, 0)
    simulation.run(np.full(ROWS, int(Command.START)))
    simulation.run(np.full(ROWS, int(Command.STEP)), np.full(ROWS, SPOT))  # to the first notice, or the end
    lives_s = simulation.state.episodes["now_s"]
    lost = simulation.state.episodes["interruptions"] > 0
    assert 0.2 < lost.mean() < 0.99
    life, whole = [], []
    for row in np.flatnonzero(lost):
        points = simulation.state.market[row, 0][: simulation.state.pools[row, 0].point_count]
        hazard_per_s = np.maximum(1.0 - points.spot_price / 3.0, 0.1) * 0.4 / HOUR_S
        life.append(hazard_until(points.time_s, hazard_per_s, lives_s[row]))
        whole.append(hazard_until(points.time_s, hazard_per_s, horizon_h * HOUR_S))
    assert truncated_exponential(life, whole) > 1e-4
    if not PLAIN:
        deaf = 0.4 * lives_s[lost] / HOUR_S
        assert truncated_exponential(deaf, np.full(len(deaf), 0.4 * horizon_h)) < 1e-15


def hazard_until(times_s: np.ndarray, hazard_per_s: np.ndarray, until_s: float) -> float:
    """The cumulative hazard from 0, summed piece by piece."""
    edges_s = np.append(times_s, np.inf)
    return float((np.clip(until_s - edges_s[:-1], 0.0, np.diff(edges_s)) * hazard_per_s).sum())


def truncated_exponential(values, limits) -> float:
    """The p-value of unit-exponential draws, each given that it is below its limit."""
    return stats.kstest(-np.expm1(-np.array(values)) / -np.expm1(-np.array(limits)), "uniform").pvalue


# --- queues ----------------------------------------------------------------------------------------------------------

# A waiting task is asked every interval, so a place that comes free is found a little later: 1 % of a service at most.
SERVICE_S, INTERVAL_S = 1_000.0, 10.0
QUEUES, TASKS, WARM_UP = 128, 400, 100


def queue(
    places: int, load: float, service_s, hazard_per_h: float = 0.0, interval_s: float = INTERVAL_S
) -> tuple[np.ndarray, np.ndarray]:
    """Stays and waits (s), (queues, tasks), of a Poisson stream that brings `load` services in a SERVICE_S."""
    hazard = {"model": "constant", "per_h": hazard_per_h}
    pool = {"capacity": {"source": "constant", "instances": places}, "hazard": hazard}
    task = {"count": TASKS, "state_base_mb": TINY_MB if hazard_per_h else 0.0}
    values = scenario(pool, task, horizon_h=2_000.0, decision_interval_s=interval_s)
    simulation = Simulation(load_scenario(values), QUEUES)
    params, state, rng = simulation.params, simulation.state, np.random.default_rng(5)
    for row in range(QUEUES):
        simulation.address(row, row, 0)
        kept(clear_episode)(state, row)
        kept(draw_world)(params, state, row)
        state.tasks[row].arrival_s = np.cumsum(rng.exponential(SERVICE_S / load, TASKS))
        state.tasks[row].work_s = service_s(rng, TASKS)
        kept(open_episode)(params, state, row)
    simulation.run(np.full(QUEUES, int(Command.RESUME)))
    while not simulation.views.terminated.all():
        commands = np.where(simulation.views.terminated, Command.SKIP, Command.STEP)
        simulation.run(commands, np.full(QUEUES, SPOT))
    tasks = simulation.state.tasks
    stays_s = tasks["completion_s"] - tasks["arrival_s"]
    return stays_s[:, WARM_UP:], (stays_s - tasks["work_s"])[:, WARM_UP:]


def exponential_service(rng, count):
    """Mean SERVICE_S."""
    return rng.exponential(SERVICE_S, count)


def erlang_c(places: int, load: float) -> float:
    """Probability that an arrival has to wait."""
    last = load**places / math.factorial(places) * places / (places - load)
    return last / (sum(load**k / math.factorial(k) for k in range(places)) + last)


compiled_only = pytest.mark.skipif(PLAIN, reason="millions of decisions; plain equals compiled bit for bit elsewhere")


@compiled_only
@pytest.mark.slow
@pytest.mark.parametrize(("places", "load"), [(1, 0.5), (2, 1.2), (4, 3.0)])
def test_m_m_c_waits_as_erlang_says(places, load):
    """Mean wait C(c, a) S / (c - a). Bug: one place more than there is."""
    expected_s = erlang_c(places, load) * SERVICE_S / (places - load)
    waits_s = queue(places, load, exponential_service)[1].mean(axis=1)
    assert abs(z_of_mean(waits_s, expected_s)) < 4.0
    bug_s = queue(places + 1, load, exponential_service)[1].mean(axis=1)
    assert abs(z_of_mean(bug_s, expected_s)) > 8.0


@compiled_only
@pytest.mark.slow
def test_m_g_1_waits_as_pollaczek_and_khinchine_say():
    """Mean wait a S (1 + cv²) / (2 (1 - a)); constant work, cv = 0. Bug: the formula for exponential work."""
    load = 0.6
    waits_s = queue(1, load, lambda rng, count: np.full(count, SERVICE_S))[1].mean(axis=1)
    assert abs(z_of_mean(waits_s, load * SERVICE_S / (2.0 * (1.0 - load)))) < 4.0
    assert abs(z_of_mean(waits_s, load * SERVICE_S / (1.0 - load))) > 8.0


@compiled_only
@pytest.mark.slow
def test_m_g_1_whose_service_is_restarted_by_interruptions():
    """Both laws joined: S is the time until a run of w without interruption. Bug: its variance is that of w, none.

    E[S] = (e^{λw} - 1)/λ, Var[S] = (e^{2λw} - 1 - 2λw e^{λw})/λ².
    """
    work_s, load = 600.0, 0.35
    rate = 1.0 / 800.0
    growth = math.exp(rate * work_s)
    mean_s = (growth - 1.0) / rate
    variance = (growth**2 - 1.0 - 2.0 * rate * work_s * growth) / rate**2
    stays_s = queue(1, load, lambda rng, count: np.full(count, work_s), rate * HOUR_S)[0].mean(axis=1)
    arrivals_per_s = load / SERVICE_S
    share = arrivals_per_s * mean_s

    def stay_s(second_moment):
        return mean_s + arrivals_per_s * second_moment / (2.0 * (1.0 - share))

    assert abs(z_of_mean(stays_s, stay_s(variance + mean_s**2))) < 4.0
    assert abs(z_of_mean(stays_s, stay_s(mean_s**2))) > 8.0


@compiled_only
@pytest.mark.slow
@pytest.mark.parametrize(("places", "load"), [(2, 1.0), (5, 4.0)])
def test_erlangs_loss_formula(places, load):
    """Who finds no place never asks again: M/M/c/c. Bug: one place less than there is."""
    check(blocked(places, load), blocked(places - 1, load), erlang_b(places, load))


def erlang_b(places: int, load: float) -> float:
    """Probability that an arrival finds every place taken."""
    terms = [load**k / math.factorial(k) for k in range(places + 1)]
    return terms[-1] / sum(terms)


def blocked(places: int, load: float) -> np.ndarray:
    """Share of the arrivals behind the warm-up that find no place, by row."""
    stays_s = queue(places, load, exponential_service, interval_s=1e7)[0]
    return np.isinf(stays_s).mean(axis=1)

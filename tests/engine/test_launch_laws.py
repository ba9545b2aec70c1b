"""What is drawn while an episode runs: lifetimes by age, cold starts, on-demand launches that fail.

Laws in closed form over many rows, each with a planted bug that the same test rejects, and that no policy can change a
draw. Also what the grace period saves where it is not used.
"""

import math
from collections import Counter

import numpy as np
import pytest
from scipy import integrate, stats

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import columns_of, entries_of
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.rows import Simulation
from tessera_env.world.random_stream import Purpose
from tests.engine.play import drawn_uniform
from tests.engine.scenarios import answer, started, step
from tests.engine.test_closed_forms import (
    HOUR_S,
    PLAIN,
    RATE_PER_H,
    ROWS,
    SPOT,
    WORK_H,
    check,
    episodes,
    periodic,
    scenario,
)
from tests.world.market.tables import z_of_mean

ON_DEMAND = 2
ENDLESS = {"work_h": 10_000.0, "state_base_mb": 0.0}


def log_of(simulation: Simulation, row: int) -> np.recarray:
    """What happened in a row."""
    return simulation.state.log[row][: simulation.log_count[row]]


def play_rows(simulation: Simulation, action: int, steps: int = 10_000) -> Simulation:
    """The same answer to every question of every row, to the end or for so many steps."""
    for _ in range(steps):
        over = simulation.views.terminated
        if over.all():
            break
        commands = np.where(over, int(Command.SKIP), int(Command.STEP))
        simulation.run(commands, np.full(simulation.row_count, action))
    return simulation


# --- lifetimes by age ------------------------------------------------------------------------------------------------

BOOT_H = 0.5
BATHTUB = {"hazard": {"model": "bathtub"}, "provisioning_s": BOOT_H * HOUR_S}


def lost_by(age_h):
    """F(t), all types of Google's preemptible instances (HPDC'20), 1 from 24 h on."""
    early, late = 1.0 - np.exp(-np.asarray(age_h) / 0.963), np.exp((np.asarray(age_h) - 25.36) / 1.094)
    return np.where(np.asarray(age_h) >= 24.0, 1.0, 0.638 * (early + late))


@pytest.fixture(scope="module")
def lives_h():
    """(rows, 2): the lives of a row's first two spot instances, h of billing."""
    values = scenario(BATHTUB, ENDLESS, horizon_h=50.0)
    simulation = play_rows(started(values, 100, ROWS, log_events=True), SPOT, 2)
    lives = []
    for row in range(ROWS):
        log = log_of(simulation, row)
        starts_s, ends_s = columns_of(log, LogKind.LAUNCH).billed_from_s, log.time_s[log.kind == LogKind.NOTICE]
        assert len(ends_s) == 2
        lives.append((ends_s - starts_s[:2]) / HOUR_S)
    return np.array(lives)


@pytest.mark.parametrize("launch", [0, 1])
def test_lifetimes_follow_the_bathtub(lives_h, launch):
    """F below the cap and 1 - F(24) at it, by the age of the instance, whenever it starts. Bug: age since launch."""
    ages_h, below = lives_h[:, launch], float(lost_by(23.999_999))
    at_cap = ages_h > 24.0 - 1e-6
    expected_h = integrate.quad(lambda age_h: 1.0 - lost_by(age_h), 0.0, 24.0)[0]
    assert ages_h.max() <= 24.0 + 1e-9
    assert abs(z_of_mean(at_cap, 1.0 - below)) < 4.0
    assert abs(z_of_mean(ages_h, expected_h)) < 4.0
    assert stats.kstest(lost_by(ages_h[~at_cap]) / below, "uniform").pvalue > 1e-4
    if not PLAIN:
        bug_h = np.minimum(ages_h[~at_cap] + BOOT_H, 23.9)
        assert stats.kstest(lost_by(bug_h) / below, "uniform").pvalue < 1e-15


def test_a_constant_hazard_of_the_same_mean_is_no_bathtub():
    """The planted bug, played by the engine: too many live to 24 h by far, and too few are lost in the first hour."""
    if PLAIN:
        pytest.skip("needs many rows; the compiled run shows it")
    values = scenario({"hazard": {"model": "constant", "per_h": 1.0 / 9.10}}, ENDLESS, horizon_h=200.0)
    simulation = play_rows(started(values, 100, ROWS), SPOT, 1)
    ages_h = simulation.now_s / HOUR_S
    assert abs(z_of_mean(ages_h, 9.10)) < 4.0
    assert abs(z_of_mean(ages_h >= 24.0, 1.0 - float(lost_by(23.999_999)))) > 8.0
    assert abs(z_of_mean(ages_h < 1.0, float(lost_by(1.0)))) > 8.0


def test_lives_are_independent(lives_h):
    ranks = stats.rankdata(lives_h, axis=0)
    assert abs(np.corrcoef(ranks.T)[0, 1]) * math.sqrt(ROWS) < 4.0


# --- no use of the grace period --------------------------------------------------------------------------------------


def test_nothing_is_saved_where_the_grace_period_is_not_used():
    """No state at all, and still all is lost: E[T] = (1/λ + d)(e^{λw} - 1) + d. Bug: the grace period saves it."""
    delay_h = 0.25
    values = scenario({"provisioning_s": delay_h * HOUR_S}, {"state_base_mb": 0.0}, checkpoint={"at_notice": False})
    saving = scenario({"provisioning_s": delay_h * HOUR_S}, {"state_base_mb": 0.0})
    metrics, bug = episodes(values)[1], episodes(saving)[1]
    failures = math.exp(RATE_PER_H * WORK_H) - 1.0
    check(metrics["elapsed_h"], bug["elapsed_h"], (1.0 / RATE_PER_H + delay_h) * failures + delay_h)
    check(metrics["work_lost_h"], bug["work_lost_h"], failures / RATE_PER_H - WORK_H)
    assert metrics["checkpoints_restart"].tolist() == metrics["interruptions"].tolist()
    assert not metrics["checkpoints_full"].any() and not metrics["work_saved_h"].any()


def test_periodic_checkpoints_save_all_the_same():
    """(1/λ + d)(e^{λ(τ + C)} - 1) a segment. Bug: the grace period saves what came after the last of them."""
    delay_h, tau_h, cost_h = 0.1, 0.5, 0.05
    values = periodic(tau_h, cost_h, provisioning_s=delay_h * HOUR_S)
    values["task"]["state_base_mb"] = 0.0
    bug = episodes(values)[1]
    values["checkpoint"]["at_notice"] = False
    metrics = episodes(values)[1]
    segments = 3 * (math.exp(RATE_PER_H * (tau_h + cost_h)) - 1.0) + math.exp(RATE_PER_H * tau_h) - 1.0
    check(metrics["elapsed_h"], bug["elapsed_h"], (1.0 / RATE_PER_H + delay_h) * segments + delay_h)


# --- cold starts -----------------------------------------------------------------------------------------------------

COLD = {"lognormal": {"median": 180.0, "sigma": 0.6, "low": 60.0, "high": 500.0}}


def boots_s(action: int, seed: int = 0) -> np.ndarray:
    """(rows, 5) seconds from launch to billing of the five launches of a row at its start."""
    values = scenario({"provisioning_s": COLD, "hazard": {"model": "none"}}, {"count": 5}, horizon_h=10.0)
    simulation = play_rows(started(values, seed, ROWS), action, 5)
    return np.array(simulation.state.instances["billing_start_s"][:, :5])


@pytest.mark.parametrize("action", [SPOT, ON_DEMAND])
def test_a_cold_start_is_lognormal_within_its_bounds(action):
    """Median 180 s, log-deviation 0.6, clipped. Bug: uniform within the bounds."""
    seconds = boots_s(action).ravel()
    assert (seconds.min(), seconds.max()) == (60.0, 500.0)
    assert abs(z_of_mean(seconds < 180.0, 0.5)) < 4.0
    low, high = math.log(60.0 / 180.0) / 0.6, math.log(500.0 / 180.0) / 0.6
    assert abs(z_of_mean(seconds == 60.0, stats.norm.cdf(low))) < 4.0
    assert abs(z_of_mean(seconds == 500.0, stats.norm.sf(high))) < 4.0
    inside = np.log(seconds[(seconds > 60.0) & (seconds < 500.0)] / 180.0) / 0.6
    assert stats.kstest(inside, stats.truncnorm(low, high).cdf).pvalue > 1e-4
    if not PLAIN:
        bug = np.random.default_rng(0).uniform(60.0, 500.0, len(seconds))
        assert abs(z_of_mean(bug < 180.0, 0.5)) > 8.0


def z_of_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """How many standard errors the correlation lies from 0."""
    return abs(np.corrcoef(x, y)[0, 1]) * math.sqrt(len(x))


def test_each_launch_has_a_cold_start_of_its_own():
    """No two launches of a row go together, nor spot and on-demand. Bug: drawn once per world."""
    spot, on_demand = boots_s(SPOT), boots_s(ON_DEMAND)
    for k in range(1, 5):
        assert z_of_correlation(spot[:, 0], spot[:, k]) < 4.0
        assert z_of_correlation(on_demand[:, 0], on_demand[:, k]) < 4.0
    for k in range(5):
        assert z_of_correlation(spot[:, k], on_demand[:, k]) < 4.0
    if not PLAIN:
        assert z_of_correlation(spot[:, 0], spot[:, 0]) > 8.0


# --- on-demand launches that fail ------------------------------------------------------------------------------------

SHARE, INTERVAL_H = 0.4, 0.25


@pytest.fixture(scope="module")
def refused():
    """Metrics of rows of one task, asked every quarter of an hour, that always wants on-demand."""
    pool = {"on_demand_failure_share": SHARE, "hazard": {"model": "none"}}
    values = scenario(pool, decision_interval_s=INTERVAL_H * HOUR_S)
    return play_rows(started(values, 0, ROWS), ON_DEMAND).metrics(np.arange(ROWS))


def test_failures_before_an_on_demand_launch_are_geometric(refused):
    """f / (1 - f) failures on average, each costs an interval. Bug: a retry has the luck of the first try."""
    failures = refused["failed_launches"]
    bug = np.where(failures > 0, int(1_000.0 / INTERVAL_H), 0)  # until the horizon
    check(failures, bug, SHARE / (1.0 - SHARE))
    assert refused["waiting_h"] == pytest.approx(failures * INTERVAL_H)
    assert (refused["launches"] == 1).all() and (refused["tasks_done"] == 1).all()
    counts = np.bincount(np.minimum(failures, 4), minlength=5)
    chances = np.append((1.0 - SHARE) * SHARE ** np.arange(4), SHARE**4)
    assert stats.chisquare(counts, chances * ROWS).pvalue > 1e-4


def test_tries_of_a_world_fail_independently():
    """Of 20 at one instant as many as a binomial says: variance n f (1 - f). Bug: one luck for all of a world's."""
    pool = {"on_demand_failure_share": SHARE, "hazard": {"model": "none"}}
    simulation = play_rows(started(scenario(pool, {"count": 20}), 0, ROWS), ON_DEMAND, 20)
    failures = simulation.state.episodes["failed_launches"]
    variance = 20 * SHARE * (1.0 - SHARE)
    assert abs(z_of_mean(failures, 20 * SHARE)) < 4.0
    bug = 20 * np.random.default_rng(0).binomial(1, SHARE, ROWS)
    check((failures - 20 * SHARE) ** 2, (bug - 20 * SHARE) ** 2, variance)


def test_spot_does_not_fail_with_on_demand():
    pool = {"on_demand_failure_share": 0.99, "hazard": {"model": "none"}}
    metrics = play_rows(started(scenario(pool, {"count": 5}), 0, 20), SPOT).metrics(np.arange(20))
    assert not metrics["failed_launches"].any()


# --- whatever is answered --------------------------------------------------------------------------------------------

BUSY = {
    "horizon_h": 12.0,
    "decision_interval_s": 900.0,
    "notice_s": 60.0,
    "idle_timeout_s": 600.0,
    "reconsider_running": True,
    "task": {"count": 6, "work_h": {"uniform": [0.5, 3.0]}, "arrivals": "uniform"},
    "pools": [
        {
            **scenario({"provisioning_s": COLD, "on_demand_failure_share": 0.3})["pools"][0],
            "name": name,
            "hazard": {"model": "bathtub", "tau1_h": 0.5, "b_h": 6.0, "cap_h": 5.0},
        }
        for name in ("a", "b")
    ],
}


def draws_of(simulation: Simulation, seed: int, row: int = 0) -> dict[tuple, float]:
    """What each launch and each on-demand try of an episode got, by (what, pool, purchase, ordinal)."""
    draws, ordinals = {}, Counter()
    log = log_of(simulation, row)
    lines = log[(log.kind == LogKind.LAUNCH) | (log.kind == LogKind.LAUNCH_FAILED) & (log.on_demand == 1)]
    for time_s, kind, _, _, pool, on_demand, figures in entries_of(lines):
        key, failed = (pool, on_demand), kind == LogKind.LAUNCH_FAILED
        if on_demand:
            draws["fails", *key, ordinals[key]] = float(failed)
            assert failed == (drawn_uniform(Purpose.ON_DEMAND, key[0], ordinals[key], seed) < 0.3)
        if not failed:
            draws["boots", *key, ordinals[key]] = figures["billed_from_s"] - time_s
        ordinals[key] += 1
    return draws


def random_episode(seed: int, choices: int) -> Simulation:
    """World 0 of the seed under random answers."""
    simulation, rng = started(BUSY, seed, log_events=True), np.random.default_rng(choices)
    while not simulation.views.terminated[0]:
        step(simulation, answer(simulation, rng))
    return simulation


@pytest.mark.parametrize("seed", range(3))
def test_no_answer_changes_a_draw(seed):
    """Launch and try k of a pool and purchase are the same in any two episodes of a world that get that far."""
    tales = [draws_of(random_episode(seed, choices), seed) for choices in range(8)]
    for one in tales[1:]:
        shared = set(one) & set(tales[0])
        assert len(shared) > 5
        for key in shared:
            assert one[key] == pytest.approx(tales[0][key], abs=1e-9)
    assert len({frozenset(tale) for tale in tales}) > 4  # the episodes themselves differ
    other = draws_of(random_episode(seed + 10, 0), seed + 10)
    boots = [key for key in set(other) & set(tales[0]) if key[0] == "boots"]
    assert any(other[key] != pytest.approx(tales[0][key], abs=1e-9) for key in boots)


def test_no_row_number_changes_a_draw():
    """Three rows of one world beside others, under one answer for all, have one tale."""
    simulation = Simulation(load_scenario(BUSY), 5, log_events=True)
    for row, seed in enumerate((5, 9, 5, 8, 5)):
        simulation.address(row, seed, 0)
    simulation.run(np.full(5, int(Command.START)))
    for answers in (3, 1, 4, 2, 3):  # on-demand and spot by turns, idle or waiting in between
        play_rows(simulation, answers, 12)
    tales = [log_of(simulation, row).tolist() for row in range(5)]
    assert tales[0] == tales[2] == tales[4]
    assert tales[0] != tales[1]
    assert any(line[1] == LogKind.LAUNCH_FAILED for line in tales[0])


def test_a_world_played_again_in_its_row_draws_the_same():
    """Whatever the episode before counted."""
    simulation = started(BUSY, 5, log_events=True)
    tales = []
    for episode in (0, 1, 0):
        simulation.address(0, 5, episode)
        simulation.run(np.array([int(Command.START)]))
        tales.append(log_of(play_rows(simulation, 3), 0).tolist())
    assert tales[0] == tales[2]
    assert tales[0] != tales[1]

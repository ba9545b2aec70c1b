"""What holds in every preset, whatever is answered: books recomputed from the log, masks tried, worlds untouched."""

import math
from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import Entry, columns_of, entries_of
from tessera_env.engine.state import LOG
from tessera_env.env import TesseraEnv
from tessera_env.evaluation.episodes import Episode, play_episode
from tessera_env.observation.layout import Layout
from tessera_env.policies import make_policy
from tessera_env.policies.making import fitting_policies
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation
from tests.engine.audit import Auditor
from tests.engine.scenarios import answer, assert_mask_is_what_is_accepted, digest, finish, started, step, world_of
from tests.presets import TASK_PRESETS

PRESETS = pytest.mark.parametrize("name", TASK_PRESETS)
SEEDS = st.integers(0, 2**63)
CHOICES = st.integers(0, 1_000)
INVALID = st.sampled_from([0.0, 0.1, 0.9])
FEW = settings(max_examples=8)
EXACT = {"rel": 1e-9, "abs": 1e-6}

# Fewer tasks in less time, with all that makes the preset what it is.
SMALLER = {
    "classic": {"task.count": 8, "horizon_h": 24},
    "fleet": {"task.count": 8, "horizon_h": 24},
    "fleet-mixed": {"task.count": 8, "horizon_h": 24},
}


def small(name: str) -> Scenario:
    """The preset with few tasks."""
    return load_scenario(name, **SMALLER.get(name, {}))


class Running:
    """Seconds that each task ran, and when it was done, by the log's lines."""

    def __init__(self, simulation: Simulation):
        self.placed_s: dict[int, float] = {}
        self.ran_s: dict[int, float] = {}
        self.done_s: dict[int, float] = {}
        self.late: set[int] = set()
        self.dollars = 0.0
        for entry in entries_of(simulation.state.log[0][: simulation.state.episodes[0].log_count]):
            self.read(entry)

    def read(self, entry: Entry) -> None:
        """One line."""
        now_s, kind, task, *_, figures = entry
        if kind == LogKind.PLACE:
            self.placed_s[task] = figures["works_from_s"]
        elif kind == LogKind.STOP:
            self.ran_s[task] = self.ran_s.get(task, 0.0) + max(0.0, now_s - self.placed_s.pop(task))
        elif kind == LogKind.COMPLETION:
            self.done_s[task] = now_s
        elif kind == LogKind.MISSED:
            self.late.add(task)
        elif kind == LogKind.END:
            self.dollars += figures["usd"]


def cheapest_usd_per_h(scenario: Scenario, memory_mb: float) -> float:
    """On-demand, where the task fits."""
    return min(pool.on_demand_usd_per_h for pool in scenario.pools if pool.gpu_memory_mb >= memory_mb)


def expected_return(scenario: Scenario, simulation: Simulation) -> float:
    """The return by its definition, from the log and the drawn tasks."""
    log, now_s = Running(simulation), float(simulation.state.episodes[0].now_s)
    tasks = simulation.state.tasks[0][: simulation.state.episodes[0].task_count]
    rates = [cheapest_usd_per_h(scenario, float(task.gpu_memory_mb)) for task in tasks]
    scale_usd = math.fsum(float(task.work_s) / 3600.0 * rate for task, rate in zip(tasks, rates, strict=True))
    work_s, penalties = float(tasks.work_s.sum()), 0.0
    for number, (task, rate) in enumerate(zip(tasks, rates, strict=True)):
        is_done, done_s = number in log.done_s, log.done_s.get(number, now_s)
        is_missed = done_s > task.deadline_s + 1e-6 if is_done else now_s >= task.deadline_s
        assert is_missed == (number in log.late)
        if is_missed:
            penalties += scenario.penalty.missed_weight * task.work_s / work_s
        elif not is_done and not task.interactive:
            penalties += scenario.penalty.missed_weight * (task.work_s - task.progress_s) / work_s
        if task.interactive:
            downtime_s = max(0.0, done_s - task.arrival_s) - log.ran_s.get(number, 0.0)
            penalties += scenario.penalty.downtime_weight * downtime_s / 3600.0 * rate / scale_usd
    return -log.dollars / scale_usd - penalties


@PRESETS
@FEW
@given(seed=SEEDS, choices=CHOICES, invalid=INVALID)
def test_the_books_agree_after_every_step(name, seed, choices, invalid):
    """The auditor checks hours, dollars, work, and that time and numbers only rise; here is what they add up to."""
    scenario = small(name)
    simulation, rng, auditor = started(scenario, seed, log_events=True), np.random.default_rng(choices), Auditor()
    auditor.look(simulation)
    rewards = []
    while not simulation.views.terminated[0]:
        step(simulation, answer(simulation, rng, invalid))
        rewards.append(float(simulation.views.rewards[0]))
        auditor.look(simulation)
    totals, log = simulation.state.episodes[0], Running(simulation)
    tasks = simulation.state.tasks[0][: simulation.state.episodes[0].task_count]
    done = np.isin(np.arange(len(tasks)), list(log.done_s))
    assert (tasks.progress_s[done] == tasks.work_s[done]).all()
    assert (tasks.progress_s[~done] < tasks.work_s[~done]).all(), "work = done + remaining"
    gained_s = tasks.progress_s.sum() + totals.work_lost_s
    assert scenario.checkpoint.interval_h is None, "periodic checkpoints would take run time"
    assert gained_s == pytest.approx(sum(log.ran_s.values()), abs=1e-5), "what ran was done or lost"
    metrics = simulation.metrics(np.array([0]))
    assert metrics["cost_usd"][0] == pytest.approx(log.dollars, rel=1e-9, abs=1e-9)
    assert metrics["tasks_done"][0] == len(log.done_s) and metrics["deadlines_missed"][0] == len(log.late)
    assert sum(rewards) == pytest.approx(expected_return(scenario, simulation), rel=1e-9, abs=1e-9)
    assert metrics["episode_return"][0] == pytest.approx(sum(rewards), rel=1e-9, abs=1e-9)


@PRESETS
@FEW
@given(seed=SEEDS, choices=CHOICES, invalid=INVALID)
def test_observations_lie_in_their_space(name, seed, choices, invalid):
    simulation, rng = started(small(name), seed), np.random.default_rng(choices)
    space = Box(simulation.layout.low, simulation.layout.high, dtype=np.float32)
    while not simulation.views.terminated[0]:
        assert simulation.views.observations[0] in space
        step(simulation, answer(simulation, rng, invalid))
    assert simulation.views.observations[0] in space


@PRESETS
@FEW
@given(seed=SEEDS, choices=CHOICES, first=st.integers(0, 60))
def test_the_mask_is_what_is_accepted(name, seed, choices, first):
    """Some decisions on, every action is tried on a copy."""
    simulation, rng = started(small(name), seed), np.random.default_rng(choices)
    for _ in range(first):
        if not simulation.views.terminated[0]:
            step(simulation, answer(simulation, rng))
    if simulation.views.terminated[0]:
        return
    assert_mask_is_what_is_accepted(simulation)


@PRESETS
@FEW
@given(seed=SEEDS, invalid=INVALID)
def test_no_action_changes_the_world(name, seed, invalid):
    scenario = small(name)
    before = world_of(started(scenario, seed))
    for choices in range(2):
        simulation = started(scenario, seed)
        finish(simulation, choices, invalid)
        assert world_of(simulation) == before


@PRESETS
@FEW
@given(seed=SEEDS, choices=CHOICES)
def test_an_episode_can_be_played_again(name, seed, choices):
    first, second = started(small(name), seed), started(small(name), seed)
    assert finish(first, choices) == finish(second, choices)
    assert digest(first) == digest(second)


@PRESETS
def test_a_whole_episode_of_the_preset_itself(name):
    """Nothing made smaller; looked at now and then, and at the end."""
    scenario = load_scenario(name)
    simulation, rng, auditor = started(scenario, 7, log_events=True), np.random.default_rng(0), Auditor()
    rewards: list[float] = []
    while not simulation.views.terminated[0]:
        if len(rewards) % 500 == 0:
            auditor.look(simulation)
        step(simulation, answer(simulation, rng, invalid=0.01))
        rewards.append(float(simulation.views.rewards[0]))
    auditor.look(simulation)
    assert sum(rewards) == pytest.approx(expected_return(scenario, simulation), rel=1e-9, abs=1e-9)


def quartered(name: str) -> Scenario:
    """The preset, with a quarter of its tasks where it has many."""
    scenario = load_scenario(name)
    return scenario if scenario.task.count <= 25 else load_scenario(name, **{"task.count": 25})


@pytest.mark.parametrize("policy", [name for name in fitting_policies(Layout(1)) if name != "random"])
@PRESETS
def test_work_and_dollars_are_conserved(name, policy):
    scenario = quartered(name)
    for world in range(3):
        episode = play_episode(scenario, make_policy(policy, Layout(len(scenario.pools))), 1, world)
        assert_conserved(episode)


def assert_conserved(episode: Episode) -> None:
    """Work that arrived is done or remains; work that ran is kept or lost; dollars are those of the instances."""
    log, metrics = episode.log, episode.metrics
    tasks = episode.tasks[: int(metrics["tasks"])]
    arrived = log["task"][log["kind"] == LogKind.ARRIVAL]
    work_s, kept_s = tasks["work_s"], tasks["progress_s"]
    remaining_s = (work_s - kept_s)[arrived].sum()
    assert work_s[arrived].sum() == pytest.approx(3600.0 * metrics["work_done_h"] + remaining_s, **EXACT)
    assert (kept_s >= 0).all() and (kept_s <= work_s).all()
    stops, ends = columns_of(log, LogKind.STOP), columns_of(log, LogKind.END)
    assert stops["lost_s"].sum() == pytest.approx(3600.0 * metrics["work_lost_h"], **EXACT)
    assert ends["usd"].sum() == pytest.approx(metrics["cost_usd"], **EXACT)
    assert len(ends) == metrics["launches"] == len(np.unique(ends["launch"]))


def test_the_conservation_test_can_fail():
    episode = play_episode(quartered("classic"), make_policy("greedy", Layout(4)), 1, 0)
    log = np.array(episode.log, dtype=LOG)
    end = np.flatnonzero(log["kind"] == LogKind.END)[3]
    log["value"][end] += 0.01
    with pytest.raises(AssertionError):
        assert_conserved(replace(episode, log=log))


@PRESETS
def test_who_obeys_the_mask_is_never_late_where_the_guard_is_on(name):
    scenario = quartered(name)
    if not scenario.deadline_guard or any(pool.on_demand_failure_share for pool in scenario.pools):
        pytest.skip("no guard, or on-demand that can fail, where no mask can promise anything")
    env = TesseraEnv(scenario)
    rng = np.random.default_rng(0)
    for world in range(3):
        env.reset(seed=7, options={"world": world})
        terminated = False
        while not terminated:
            action = int(rng.choice(np.flatnonzero(env.action_masks())))
            _, _, terminated, _, info = env.step(action)
        assert (info["metrics"]["deadlines_missed"], info["invalid_actions"]) == (0, 0)

"""Every preset under every hand-coded policy: work and dollars are conserved, and who obeys the mask is not late."""

import numpy as np
import pytest

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.tables import LOG
from tessera_env.env import TesseraEnv
from tessera_env.episodes import Episode, play_episode
from tessera_env.observation import Layout
from tessera_env.policies import POLICIES, make_policy
from tessera_env.scenario_files import load_scenario, preset_names

PRESETS = preset_names()
SMALLER = {"task.count": 25}
EXACT = {"rel": 1e-9, "abs": 1e-6}


def preset(name: str):
    """The preset, with a quarter of its tasks where it has many."""
    scenario = load_scenario(name)
    return scenario if scenario.task.count <= 25 else load_scenario(name, **SMALLER)


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "random"])
@pytest.mark.parametrize("name", PRESETS)
def test_work_and_dollars_are_conserved(name, policy):
    scenario = preset(name)
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
    stops, ends = log[log["kind"] == LogKind.STOP], log[log["kind"] == LogKind.END]
    assert stops["other"].sum() == pytest.approx(3600.0 * metrics["work_lost_h"], **EXACT)
    assert ends["value"].sum() == pytest.approx(metrics["cost_usd"], **EXACT)
    assert len(ends) == metrics["launches"] == len(np.unique(ends["launch"]))


def test_the_conservation_test_can_fail():
    episode = play_episode(preset("classic"), make_policy("greedy", Layout(4)), 1, 0)
    log = np.array(episode.log, dtype=LOG)
    end = np.flatnonzero(log["kind"] == LogKind.END)[3]
    log["value"][end] += 0.01
    with pytest.raises(AssertionError):
        assert_conserved(Episode(log, episode.tasks, episode.market, episode.metrics))


@pytest.mark.parametrize("name", PRESETS)
def test_who_obeys_the_mask_is_never_late_where_the_guard_is_on(name):
    scenario = preset(name)
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

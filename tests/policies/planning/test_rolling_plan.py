"""The policy that plans: what it needs, that it repeats itself, and what it does in worlds."""

from dataclasses import replace

import numpy as np
import pytest

from tessera_env.env import TesseraEnv
from tessera_env.evaluation.episodes import play_episode
from tessera_env.evaluation.experiment import Experiment, evaluate
from tessera_env.observation.layout import Layout
from tessera_env.policies import RollingPlan, make_policy
from tessera_env.policies.protocol import Policy, QueuePolicy
from tessera_env.policies.rules.greedy import Greedy
from tessera_env.scenario.loading import load_scenario
from tests.policies.observations import LAYOUT, waiting
from tests.policies.planning.tables import queue

SMALL = {"task.count": 12, "horizon_h": 20}
AFTERNOON = {"task.count": 30, "horizon_h": 24}


def test_it_is_a_policy_that_looks_at_queues() -> None:
    assert isinstance(RollingPlan(LAYOUT), QueuePolicy)
    assert isinstance(Greedy(LAYOUT), Policy) and not isinstance(Greedy(LAYOUT), QueuePolicy)


def test_options_by_name() -> None:
    policy = make_policy("rolling_plan:theta=0.2:replan_h=1", LAYOUT)
    assert isinstance(policy, RollingPlan) and policy.name == "rolling_plan"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"theta": -0.1}, r"rolling_plan: theta: -0.1 \(allowed: 0 to 10\)"),
        ({"theta": float("nan")}, r"rolling_plan: theta: nan \(allowed: 0 to 10\)"),
        ({"replan_h": 25.0}, r"rolling_plan: replan_h: 25 \(allowed: 0 to 24\)"),
    ],
)
def test_options_out_of_range(options: dict[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        RollingPlan(LAYOUT, **options)


def test_without_the_queues_it_says_what_to_do() -> None:
    policy = RollingPlan(LAYOUT)
    with pytest.raises(RuntimeError, match=r"queues: none \(allowed: 1, one a row, by see\(envs.queues\(\)\)"):
        policy.predict(waiting())
    policy.see([queue({}), queue({})])
    with pytest.raises(RuntimeError, match="queues: 2"):
        policy.predict(waiting())
    policy.see([queue({})])
    policy.predict(waiting(room=[1 / 16, 1 / 16]))
    with pytest.raises(RuntimeError, match="queues: none"):  # those of an earlier decision are of no use
        policy.predict(waiting())


def test_spot_for_the_tight_one_of_two() -> None:
    """One instance: the loose one waits for it, and leaves it."""
    tight, loose = {"slack_h": 1.0}, {"slack_h": 30.0, "deadline_h": 34.0}
    row = waiting(room=[0.0, 1 / 16], available=[0, 1], available_episode=[0, 1])
    actions = []
    for focal in (0, 1):
        policy = RollingPlan(LAYOUT)
        policy.see([queue(tight, loose, focal=focal)])
        actions.append(int(policy.predict(row)[0][0]))
    assert actions == [2, 0]
    policy = RollingPlan(LAYOUT)
    policy.see([queue({**tight, "placement": 4}, {**loose, "placement": 2}, focal=1)])
    held = waiting(held=[0.0, 1 / 9], available=[0, 0], available_episode=[0, 1], here_spot=[0, 1])
    assert policy.predict(held)[0][0] == 0


def test_a_row_without_an_episode_waits() -> None:
    policy = RollingPlan(LAYOUT)
    policy.see([replace(queue({}), focal=-1)])
    assert policy.predict(waiting())[0].tolist() == [0]


@pytest.mark.parametrize("preset", ["fleet", "fleet-mixed", "classic", "deadline"])
def test_rows_side_by_side_are_the_single_environment(preset: str) -> None:
    changes = SMALL if preset != "deadline" else {}
    side_by_side, alone = (
        Experiment(preset, ["rolling_plan"], 3, 4242, overrides=changes, rows=rows).run().tables["rolling_plan"]
        for rows in (3, 1)
    )
    assert all((side_by_side[name] == alone[name]).all() for name in alone)
    assert not alone["invalid_actions"].any()
    scenario = load_scenario(preset, **changes)
    episode = play_episode(scenario, RollingPlan(Layout(len(scenario.pools))), 4242, world=2)
    assert episode.metrics["objective_usd"] == alone["objective_usd"][2]


def test_by_hand() -> None:
    env = TesseraEnv("fleet", overrides=SMALL)
    policy = RollingPlan(env.layout)
    observation, _ = env.reset(seed=4242)
    state, start, terminated = None, np.ones(1, dtype=bool), False
    while not terminated:
        policy.see([env.queue()])
        actions, state = policy.predict(
            observation[None], state, episode_start=start, action_masks=env.action_masks()[None]
        )
        observation, _, terminated, _, info = env.step(int(actions[0]))
        start = np.zeros(1, dtype=bool)
    played = evaluate("fleet", ["rolling_plan"], episodes=1, seed=4242, overrides=SMALL)
    assert info["metrics"]["objective_usd"] == played.tables["rolling_plan"]["objective_usd"][0]


def test_who_obeys_the_mask_is_never_late() -> None:
    tables = Experiment("fleet", ["rolling_plan", "greedy"], 4, 4242, overrides=AFTERNOON).run().tables
    plan, greedy = tables["rolling_plan"], tables["greedy"]
    assert not plan["deadlines_missed"].any()
    assert (plan["tasks_done"] >= greedy["tasks_done"] - 1).all()

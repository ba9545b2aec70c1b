"""Rules played by the engine are the same rules asked through `predict`; worlds are told apart from rows."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tessera_env.evaluation.playing import play
from tessera_env.policies import Greedy, OnDemandFallback, OnDemandOnly, Random
from tessera_env.simulation.planners import NearestFirst
from tessera_env.vector_env import TesseraVectorEnv

SMALL = {"classic": {"task.count": 30}, "fleet": {"task.count": 30}, "deadline": {}, "deadline-aws": {}}
RULES = (Greedy, OnDemandFallback, OnDemandOnly)


class Asked:
    """A policy that keeps from the engine that it is a rule."""

    def __init__(self, policy):
        self.name, self.predict = policy.name, policy.predict


def played(scenario: str, make, episodes: int = 7, rows: int = 3, asked: bool = False, **options) -> dict:
    env = TesseraVectorEnv(rows, scenario, autoreset_mode=AutoresetMode.DISABLED, overrides=SMALL[scenario], **options)
    policy = make(env.layout)
    parts: list[float] = []
    table = play(env, Asked(policy) if asked else policy, episodes, 5, parts.append)
    assert sum(parts) == pytest.approx(episodes)
    return table


def assert_equal(left: dict, right: dict) -> None:
    assert left.keys() == right.keys()
    for name, values in left.items():
        assert values.tobytes() == right[name].tobytes(), name


@pytest.mark.parametrize("make", RULES)
@pytest.mark.parametrize("scenario", SMALL)
def test_the_engine_plays_a_rule_as_predict_does(scenario, make):
    assert_equal(played(scenario, make), played(scenario, make, asked=True))


def test_rows_threads_and_slices_change_nothing(monkeypatch):
    expected = played("fleet", Greedy)
    assert_equal(played("fleet", Greedy, rows=7), expected)
    assert_equal(played("fleet", Greedy, rows=1), expected)
    assert_equal(played("fleet", Greedy, rows=4, threads=2), expected)
    monkeypatch.setattr("tessera_env.evaluation.playing.FIRST_SLICE", 1)
    monkeypatch.setattr("tessera_env.evaluation.playing.SLICE", 3)
    assert_equal(played("fleet", Greedy), expected)


def test_the_planner_is_asked_while_a_rule_plays():
    changes = {"task.count": 60, "pools.*.capacity.instances": 6, "idle_timeout_s": 3_600}
    tables = []
    for planner in (None, NearestFirst()):
        env = TesseraVectorEnv(4, "fleet", autoreset_mode=AutoresetMode.DISABLED, planner=planner, overrides=changes)
        tables.append(play(env, Greedy(env.layout), 20, 0, lambda _: None))
    assert tables[0]["migrations"].sum() > 20
    assert (tables[0]["cost_usd"] != tables[1]["cost_usd"]).any()


def test_unlike_policies_play_unlike():
    tables = [played("classic", make) for make in (*RULES, Random)]
    assert len({table["cost_usd"].tobytes() for table in tables}) == len(tables)


def test_a_world_is_that_of_its_number():
    few, many = played("classic", Greedy, episodes=2, rows=2), played("classic", Greedy, episodes=6, rows=2)
    for name, values in few.items():
        assert np.array_equal(values, many[name][:2]), name


def test_progress_moves_within_an_episode():
    env = TesseraVectorEnv(1, "classic", autoreset_mode=AutoresetMode.DISABLED, overrides={"task.count": 3_000})
    parts: list[float] = []
    play(env, Greedy(env.layout), 1, 0, parts.append)
    assert len(parts) > 5
    assert all(0.0 <= part < 0.6 for part in parts[:-1])

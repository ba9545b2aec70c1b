"""Counts in place of seats: the same rounds, dollars and worlds, and what Gymnasium and learners ask for."""

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.wrappers import FlattenObservation, TransformAction
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3 import PPO

from tessera_env.count_actions import CountActions
from tessera_env.env import MetricsAtEnd, TesseraEnv
from tessera_env.observation.fields import COUNT_HALF
from tessera_env.observation.layout import Layout
from tessera_env.policies.making import make_policy

EARLY = {"market.from_h": 0, "market.until_h": 700}
WORLDS = [("service", EARLY), ("service-spothedge", EARLY), ("service-train", {}), ("service-train", {"notice_s": 0})]
TINY: dict[str, Any] = {
    "horizon_h": 2,
    "decision_interval_s": 600,
    "notice_s": 0,
    "service": {"target": 2, "most": 4},
    "pools": [
        {
            "name": name,
            "zone": name,
            "instance_type": "gpu",
            "gpu_memory_mb": memory,
            "bandwidth_gbps": 10,
            "on_demand_usd_per_h": 3,
            "price": {"source": "constant", "usd_per_h": 1},
            "capacity": {"source": "constant", "instances": capacity},
            "hazard": {"model": "none"},
        }
        for name, memory, capacity in (("a", 8000, 4), ("b", 16000, 1))
    ],
}

SPOT, ON_DEMAND = np.array([1, 0, 0, 0]), np.array([0, 0, 1, 0])


def counts_of(scenario: Any = TINY, **settings: Any) -> CountActions:
    return CountActions(TesseraEnv(scenario, **settings))


def counted(layout: Layout, observation: np.ndarray, name: str) -> np.ndarray:
    """The count n of a field n / (n + 8)."""
    share = layout.read(observation, name).astype(float)
    return np.rint(COUNT_HALF * share / (1.0 - share)).astype(int)


def held(env: CountActions, observation: np.ndarray) -> list[int]:
    layout = env.unwrapped.layout
    return [*counted(layout, observation, "spot_here"), *counted(layout, observation, "on_demand_here")]


def wishes_of(scenario: str, overrides: dict[str, Any], rule: str) -> tuple[list[np.ndarray], dict[str, float], float]:
    """What a rule wants of each offer, round after round, as it answers seat by seat; its metrics and return."""
    env = TesseraEnv(scenario, overrides=overrides)
    policy, layout = make_policy(rule, env.layout), env.layout
    observation, _ = env.reset(seed=3)
    wishes: list[np.ndarray] = []
    terminated, total, number = False, 0.0, 0
    while not terminated:
        if env.simulation.state.services[0, 0].rounds != number:
            number = env.simulation.state.services[0, 0].rounds
            wishes.append(np.zeros(2 * layout.pool_count, dtype=np.int64))
        (action,), _ = policy.predict(observation[None], action_masks=env.action_masks()[None])
        if action > 0:
            wishes[-1][action - 1] += 1
        observation, reward, terminated, _, info = env.step(int(action))
        total += reward
    return wishes, info["metrics"], total


def spot_hedge(layout: Layout, observation: np.ndarray) -> np.ndarray:
    """SpotHedge in counts: all spot stays, what is missing goes to the emptiest zones in use, the first of them."""
    spot, on_demand = counted(layout, observation, "spot_here"), counted(layout, observation, "on_demand_here")
    target, extra, ready = (counted(layout, observation, name) for name in ("target", "extra", "ready_spot"))
    in_use = layout.read(observation, "in_use") > 0
    occupied = spot.copy()
    for _ in range(target + extra - spot.sum()):
        occupied[np.lexsort((occupied > 0, ~in_use))[0]] += 1
    on_demand[:] = 0
    on_demand[0] = min(target, max(0, target + extra - ready))
    return np.concatenate([occupied, on_demand])


def play(env: CountActions, choose: Callable[[np.ndarray], np.ndarray], seed: int = 3) -> tuple[dict[str, Any], float]:
    """An episode; its last info and return."""
    observation, info = env.reset(seed=seed)
    terminated, total = False, 0.0
    while not terminated:
        observation, reward, terminated, _, info = env.step(choose(observation))
        total += reward
    return info, total


# --- the same rounds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["spot_hedge", "round_robin", "static_mix", "on_demand_only"])
@pytest.mark.parametrize(("scenario", "overrides"), WORLDS)
def test_wishes_in_counts_are_those_seat_by_seat(scenario, overrides, rule):
    """The same metrics, number by number, and return."""
    wishes, metrics, total = wishes_of(scenario, overrides, rule)
    given = iter(wishes)
    info, returned = play(counts_of(scenario, overrides=overrides), lambda _observation: next(given))
    assert next(given, None) is None
    assert info["metrics"] == metrics
    assert returned == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(("scenario", "overrides"), WORLDS)
def test_spot_hedge_in_counts_is_spot_hedge(scenario, overrides):
    env = counts_of(scenario, overrides=overrides)
    info, total = play(env, lambda observation: spot_hedge(env.unwrapped.layout, observation))
    _, metrics, expected = wishes_of(scenario, overrides, "spot_hedge")
    assert info["metrics"] == metrics
    assert total == pytest.approx(expected, abs=1e-9)


def test_rewards_hours_and_seats_of_a_round_are_added():
    """Three hours of rounds: the clock and the decisions are those of the environment within."""
    env = counts_of("service-train", overrides={"horizon_h": 3}, reward="plain", metrics_every_step=True)
    _, info = env.reset(seed=0)
    elapsed_h, asked, total, terminated = info["elapsed_h"], info["seats_asked"], 0.0, False
    rng = np.random.default_rng(0)
    while not terminated:
        _, reward, terminated, _, info = env.step(rng.integers(0, 2, size=18))
        elapsed_h, asked, total = elapsed_h + info["elapsed_h"], asked + info["seats_asked"], total + reward
        assert info["metrics"]["decisions"] == asked
    assert elapsed_h == pytest.approx(info["time_h"]) and info["time_h"] == 3.0
    assert info["metrics"]["episode_return"] == pytest.approx(total)
    assert info["invalid_actions"] == 0 and "action_mask" not in info


# --- what counts mean ------------------------------------------------------------------------------------------------


def test_counts_are_met_and_the_newest_go_first():
    """Each step is a round; spot in b has room for one, on-demand for all."""
    env = counts_of()
    observation, info = env.reset(seed=0)
    assert held(env, observation) == [0, 0, 0, 0] and info["seats_asked"] == 0
    for wanted, got in (
        ([3, 0, 0, 0], [3, 0, 0, 0]),
        ([2, 0, 0, 1], [2, 0, 0, 1]),
        ([0, 0, 1, 1], [0, 0, 1, 1]),
        ([0, 2, 1, 0], [0, 1, 1, 0]),
        ([0, 0, 0, 0], [0, 0, 0, 0]),
        ([4, 1, 4, 4], [4, 0, 0, 0]),
    ):
        observation, *_ = env.step(np.array(wanted))
        assert held(env, observation) == got
    first = [seat.asked_s for seat in env.unwrapped.simulation.state.tasks[0, :4]]
    observation, *_ = env.step(np.array([2, 0, 0, 0]))
    kept = [seat.asked_s for seat in env.unwrapped.simulation.state.tasks[0, :4] if seat.placement == 1]
    assert held(env, observation) == [2, 0, 0, 0] and kept == first[:2]


@pytest.mark.parametrize(("makes", "below_s"), [(True, 300), (False, 900)])
def test_make_before_break_moves_a_replica_that_serves_meanwhile(makes, below_s):
    """Ready at 300 s, sent to on-demand at 1200 s, back at 2400 s: without the option each costs its set-up."""
    service = {"target": 1, "setup_s": 300, "looks_at_events": False, "make_before_break": makes}
    env = counts_of({**TINY, "service": service})
    wishes = iter([SPOT, SPOT, ON_DEMAND, ON_DEMAND, *[SPOT] * 99])
    info, _ = play(env, lambda _observation: next(wishes))
    assert info["metrics"]["shortfall_h"] == pytest.approx(below_s / 3600)


def test_offers_that_the_service_cannot_use_take_no_count():
    service = {"target": 2, "most": 4, "pools": ["a", "b"], "gpu_memory_mb": 10000}
    assert counts_of({**TINY, "service": service}).action_space.nvec.tolist() == [1, 5, 1, 5]
    env = counts_of({**TINY, "service": {"target": 3, "most": 6, "pools": ["a"]}})
    assert env.action_space.nvec.tolist() == [7, 1, 7, 1]
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"^action: 1 at 3 \(allowed: 0: the service cannot use it\)$"):
        env.step(np.array([0, 0, 0, 1]))


# --- mistakes --------------------------------------------------------------------------------------------------------


def test_other_worlds_are_refused():
    two = [{"name": "one"}, {"name": "two"}]
    for scenario, overrides, message in (
        ("classic", {}, r"service: 0 services \(allowed: 1 for CountActions\)"),
        (TINY, {"service": two}, r"service: 2 services \(allowed: 1 for CountActions\)"),
        ("classic", {"service": {"target": 1}}, r"task\.count: 100 \(allowed: 0 for CountActions\)"),
    ):
        with pytest.raises(ValueError, match=f"^{message}$"):
            counts_of(scenario, overrides=overrides)


def test_other_environments_are_refused():
    wrapped = TransformAction(TesseraEnv(TINY), int, gym.spaces.Discrete(2))
    for env in (gym.make("CartPole-v1"), wrapped):
        with pytest.raises(TypeError, match=r"^env: .* \(allowed: the single environment, TesseraEnv, with its own"):
            CountActions(env)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.zeros(3, dtype=int), r"action: shape \(3,\) \(allowed: \(4,\), a count for each offer\)"),
        (0, r"action: shape \(\) \(allowed: \(4,\), a count for each offer\)"),
        ([0, 5, 0, 0], r"action: 5 at 1 \(allowed: 0 to 4\)"),
        ([0, 0, -1, 0], r"action: -1 at 2 \(allowed: 0 to 4\)"),
        ([0.0, 1.0, 0.0, 0.0], r"action: float64 \(allowed: integers\)"),
    ],
)
def test_other_actions_are_refused(action, message):
    env = counts_of()
    env.reset(seed=0)
    with pytest.raises((TypeError, ValueError), match=f"^{message}$"):
        env.step(action)


def test_an_episode_has_to_be_there():
    env = counts_of()
    with pytest.raises(RuntimeError, match="reset"):
        env.step(np.zeros(4, dtype=int))


# --- Gymnasium and learners ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", ["Tessera/Service-v0", "Tessera/ServiceSpotHedge-v0"])
def test_gymnasium_s_checker_finds_nothing(id_):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*different from the unwrapped version")  # it is a wrapper
        env = CountActions(gym.make(id_, disable_env_checker=True, overrides=EARLY))
        check_env(env, skip_render_check=True)
    observation, *_ = env.step(env.action_space.sample())
    assert observation in env.observation_space


def test_a_spec_survives_json():
    env = MetricsAtEnd(CountActions(gym.make("Tessera/Service-v0", market={"from_h": 0, "until_h": 700})))
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.action_space == env.action_space
    wanted = np.ones(18, dtype=int)
    np.testing.assert_array_equal(again.reset(seed=4)[0], env.reset(seed=4)[0])
    assert data_equivalence(again.step(wanted), env.step(wanted), exact=True)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])
def test_a_copy_in_mid_episode_goes_on_the_same_way(copied):
    env, wanted = counts_of("service-train"), np.arange(18) % 2
    env.reset(seed=2)
    env.step(wanted)
    twin = copied(env)
    tails = [[one.step(wanted * k) for k in (1, 0, 2, 1)] for one in (env, twin)]
    assert data_equivalence(tails[0], tails[1], exact=True)


def test_a_step_limit_within_ends_the_step_too():
    """It counts seats: the round is cut off where it falls."""
    env = CountActions(gym.make("Tessera/Service-v0", max_episode_steps=3, overrides=EARLY))
    env.reset(seed=0)
    *_, truncated, info = env.step(np.full(18, 4))
    assert truncated and info["seats_asked"] == 3


def test_all_counts_are_valid():
    env = counts_of()
    env.reset(seed=0)
    assert get_action_masks(env).all() and len(get_action_masks(env)) == sum(env.action_space.nvec)


@pytest.mark.slow
def test_a_learner_runs_on_it():
    env = CountActions(gym.make("Tessera/Service-v0", overrides={**EARLY, "horizon_h": 6}))
    model = PPO("MlpPolicy", FlattenObservation(env), n_steps=64, batch_size=64, seed=0).learn(256)
    action, _ = model.predict(env.reset(seed=0)[0])
    assert action in env.action_space

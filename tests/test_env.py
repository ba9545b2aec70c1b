"""The single environment keeps Gymnasium's contract, and the promises of its docstring."""

import copy
import pickle
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.utils.env_match import check_environments_match
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3
from stable_baselines3.common.monitor import Monitor

import tessera_env
from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import columns_of
from tessera_env.engine.state import LOG
from tessera_env.env import MetricsAtEnd, TesseraEnv
from tessera_env.observation.layout import Layout
from tessera_env.vector_env import TesseraVectorEnv

IDS = sorted(tessera_env.ENVIRONMENTS)
FEW: dict[str, Any] = {"task.count": 6, "horizon_h": 16}  # an episode of classic or fleet in some 50 decisions

Step = tuple[np.ndarray, float, bool, bool, dict[str, Any]]


def started(scenario: str = "classic", seed: int = 0, **settings: Any) -> TesseraEnv:
    """An environment at its first decision."""
    env = TesseraEnv(scenario, **settings)
    env.reset(seed=seed)
    return env


def few(scenario: str = "fleet", seed: int = 0, **settings: Any) -> TesseraEnv:
    """The same with few tasks."""
    return started(scenario, seed, overrides=FEW, **settings)


def any_action(env: TesseraEnv, rng: np.random.Generator, invalid: float = 0.1) -> int:
    """A random action, now and then without looking at the mask, or out of the space."""
    mask = env.action_masks()
    return int(rng.integers(-1, len(mask) + 1) if rng.random() < invalid else rng.choice(np.flatnonzero(mask)))


def steps_to_the_end(env: TesseraEnv, choices: int = 0, invalid: float = 0.1) -> list[Step]:
    """Random play to the end."""
    rng, steps = np.random.default_rng(choices), []
    while not steps or not steps[-1][2]:
        steps.append(env.step(any_action(env, rng, invalid)))
    return steps


def same(one: Any, other: Any) -> bool:
    """Equal in type and value, bit for bit."""
    return data_equivalence(one, other, exact=True)


# --- checkers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", IDS)
def test_gymnasium_s_checker_finds_nothing(id_):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(id_, disable_env_checker=True).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("id_", IDS)
def test_stable_baselines3_s_checker_finds_nothing(id_):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env_for_sb3(gym.make(id_, disable_env_checker=True).unwrapped, warn=True, skip_render_check=True)


@pytest.mark.parametrize("id_", IDS)
def test_two_environments_match(id_):
    check_environments_match(gym.make(id_), gym.make(id_, log_events=True), num_steps=60, seed=11)


@pytest.mark.parametrize("id_", IDS)
def test_a_whole_episode_through_gym_make_warns_of_nothing(id_):
    """Gymnasium's passive checker looks at each step."""
    env, rng = gym.make(id_), np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env.reset(seed=2)
        while True:
            observation, _, terminated, truncated, _ = env.step(any_action(env.unwrapped, rng, invalid=0.0))
            assert observation in env.observation_space
            if terminated or truncated:
                break
    assert terminated and not truncated


# --- what is returned ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", sorted(tessera_env.ENVIRONMENTS.values()))
def test_types_of_what_is_returned(scenario):
    env = TesseraEnv(scenario)
    observation, info = env.reset(seed=0)
    env.action_space.seed(0)
    mask_shape = (int(env.action_space.n),)
    for _ in range(30):
        assert observation.dtype == np.float32 and observation.shape == env.observation_space.shape
        assert info.keys() == {"action_mask", "elapsed_h", "time_h", "invalid_actions"}
        assert info["action_mask"].dtype == np.int8 and info["action_mask"].shape == mask_shape
        assert env.action_masks().dtype == np.bool_ and (env.action_masks() == info["action_mask"]).all()
        assert type(info["elapsed_h"]) is float and type(info["time_h"]) is float
        assert type(info["invalid_actions"]) is int
        action = env.action_space.sample(info["action_mask"])
        observation, reward, terminated, truncated, info = env.step(action)
        assert type(reward) is float and type(terminated) is bool and type(truncated) is bool
        if terminated:  # a job on spot is asked no more, and may end soon
            break


def test_the_end():
    """The last info has the metrics, as Python numbers; nobody is asked any more; the return is of plain rewards."""
    env = few(seed=3)
    steps = steps_to_the_end(env)
    assert all("metrics" not in info for *_, info in steps[:-1])
    observation, _, terminated, truncated, info = steps[-1]
    assert terminated is True and truncated is False
    assert observation in env.observation_space
    assert info["action_mask"].tolist() == [1] + [0] * (int(env.action_space.n) - 1)
    metrics = info["metrics"]
    assert all(type(value) in (int, float) for value in metrics.values())
    assert metrics["episode_return"] == pytest.approx(sum(reward for _, reward, *_ in steps) - 1.0, abs=1e-12)
    assert metrics["decisions"] == len(steps)
    assert metrics["invalid_actions"] == info["invalid_actions"]
    assert metrics["elapsed_h"] == info["time_h"]


def shape_of(info: dict[str, Any]) -> dict[str, Any]:
    """Keys and kinds of values, as recorders compare them."""
    return {
        name: shape_of(value) if isinstance(value, dict) else (type(value), np.shape(value))
        for name, value in info.items()
    }


def test_metrics_of_every_step():
    """All infos of an episode are alike from the reset on, and end as they do without; nothing else changes."""
    env, plain = TesseraEnv("fleet", overrides=FEW, metrics_every_step=True), few(seed=3)
    _, first = env.reset(seed=3)
    assert first["metrics"]["decisions"] == 0 and first["metrics"]["elapsed_h"] == first["time_h"]
    steps, without = steps_to_the_end(env), steps_to_the_end(plain)
    for number, ((*said, info), (*expected, their_info)) in enumerate(zip(steps, without, strict=True), 1):
        assert shape_of(info) == shape_of(first)
        assert info["metrics"]["decisions"] == number and info["metrics"]["elapsed_h"] == info["time_h"]
        assert same(said, expected) and same({**info, "metrics": 0}, {**their_info, "metrics": 0})
    assert steps[-1][-1]["metrics"] == without[-1][-1]["metrics"]
    dollars = [info["metrics"]["cost_usd"] for *_, info in steps]
    assert dollars == sorted(dollars) and len(set(dollars)) > 5


def test_metrics_need_a_reset():
    with pytest.raises(RuntimeError, match="reset"):
        TesseraEnv("classic").episode_metrics()


def limited(**settings: Any) -> gym.Env:
    return gym.make("Tessera/Deadline-v0", max_episode_steps=5, **settings)


@pytest.mark.parametrize(
    "make", [lambda: MetricsAtEnd(limited()), lambda: limited(metrics_every_step=True)], ids=["wrapped", "every_step"]
)
def test_a_step_limit_s_end_has_metrics_too(make):
    """Stable-Baselines3's Monitor asks for them at each end."""
    env = Monitor(make(), info_keywords=("metrics",))
    for _ in range(2):
        env.reset(seed=0)
        for step in range(1, 6):
            *_, terminated, truncated, info = env.step(0)
            assert truncated == (step == 5) and not terminated
        assert info["metrics"] == info["episode"]["metrics"] == env.unwrapped.episode_metrics()
        assert info["metrics"]["decisions"] == 5 and info["metrics"]["elapsed_h"] == info["time_h"]


def test_a_step_limit_s_wrapper_leaves_other_steps_alone():
    env, plain = MetricsAtEnd(gym.make("Tessera/Classic-v0", overrides=FEW)), few("classic", seed=1)
    env.reset(seed=1)
    rng, over = np.random.default_rng(0), False
    while not over:
        action = any_action(plain, rng, invalid=0.0)
        expected = plain.step(action)
        assert same(env.step(action), expected)
        over = expected[2]


def test_elapsed_hours_add_up_to_the_clock():
    env = TesseraEnv("fleet", overrides=FEW)
    _, info = env.reset(seed=5)
    assert info["elapsed_h"] == info["time_h"] > 0.0  # the first arrival
    elapsed_h, rng = info["elapsed_h"], np.random.default_rng(0)
    terminated = False
    while not terminated:
        observation, _, terminated, _, info = env.step(any_action(env, rng))
        elapsed_h += info["elapsed_h"]
        assert elapsed_h == pytest.approx(info["time_h"], abs=1e-9)
        assert env.layout.read(observation, "time") == pytest.approx(info["time_h"] / 16.0)


def test_nothing_returned_is_used_again():
    """Whoever keeps what was returned, or writes into it, is not disturbed and disturbs nobody."""
    env, twin = few(seed=1), few(seed=1)
    rng = np.random.default_rng(0)
    kept, copies = [], []
    for _ in range(40):
        action = any_action(env, rng)
        observation, *_, info = env.step(action)
        other, *_, other_info = twin.step(action)
        assert same((observation, info), (other, other_info))
        kept.append((observation, info, env.action_masks()))
        copies.append(copy.deepcopy(kept[-1]))
        other.fill(7.0)
        other_info["action_mask"].fill(7)
        twin.action_masks().fill(False)
    assert same(kept, copies)


# --- seeds and worlds ------------------------------------------------------------------------------------------------


def test_seed_0_is_a_seed():
    env = TesseraEnv("classic")
    first, _ = env.reset(seed=0)
    other, _ = env.reset(seed=1)
    again, _ = env.reset(seed=0)
    assert same(first, again) and not same(first, other)


@pytest.mark.parametrize("seed", [0, 2**32, 2**63, 2**64 - 1])
def test_every_seed_of_64_bits_is_its_own_world(seed):
    env = TesseraEnv("classic")
    observation, _ = env.reset(seed=seed)
    again, _ = env.reset(seed=seed)
    neighbour, _ = env.reset(seed=seed ^ 1)
    assert same(observation, again) and not same(observation, neighbour)


def test_without_a_seed_worlds_are_random():
    one, other = TesseraEnv("classic").reset()[0], TesseraEnv("classic").reset()[0]
    assert not same(one, other)


def test_resets_without_a_seed_go_on_to_the_next_world():
    env = TesseraEnv("classic")
    worlds = [env.reset(seed=9)[0]] + [env.reset()[0] for _ in range(4)]
    assert len({world.tobytes() for world in worlds}) == 5
    for k, world in enumerate(worlds):
        assert same(env.reset(seed=9, options={"world": k})[0], world)
        assert same(env.reset(options={"world": k})[0], world)
    env.reset(options={"world": 1})
    assert same(env.reset()[0], worlds[2])  # from the picked one on
    env.reset(seed=9)
    assert same(env.reset()[0], worlds[1])


@pytest.mark.parametrize("world", [0, 2**32 - 1, np.int64(3), np.uint32(3)])
def test_worlds_from_first_to_last(world):
    env = TesseraEnv("classic")
    assert same(env.reset(seed=1, options={"world": world})[0], env.reset(seed=1, options={"world": int(world)})[0])


def test_a_world_played_again_repeats():
    """Not only its start: with the same actions, all of it; with other actions, the same world (see the engine)."""
    env = TesseraEnv("fleet", overrides=FEW)
    env.reset(seed=4, options={"world": 6})
    first = steps_to_the_end(env, choices=1)
    env.reset()
    steps_to_the_end(env, choices=2)
    env.reset(options={"world": 6})
    assert same(steps_to_the_end(env, choices=1), first)


def test_empty_options_are_no_options():
    env = TesseraEnv("classic")
    assert same(env.reset(seed=2, options={})[0], env.reset(seed=2)[0])
    assert same(env.reset(seed=2, options={"world": None})[0], env.reset(seed=2, options=None)[0])


@pytest.mark.parametrize("world", [-1, 2**32, 1.0, "1", [1]])
def test_a_world_out_of_range_is_refused(world):
    env = TesseraEnv("classic")
    with pytest.raises(ValueError, match=r"^world: .*allowed: 0 to 2\*\*32 - 1"):
        env.reset(seed=0, options={"world": world})


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match=r"^seed: .*allowed: 0 to 2\*\*64 - 1"):
        TesseraEnv("classic").reset(seed=seed)


def test_a_refused_reset_changes_nothing():
    env, twin = few(seed=3), few(seed=3)
    for options, seed in (({"world": -1}, None), ({"world": -1}, 8), ({}, -1)):
        with pytest.raises(ValueError):
            env.reset(seed=seed, options=options)
    assert same(env.step(0), twin.step(0))
    assert same(env.reset()[0], twin.reset()[0])


# --- actions ---------------------------------------------------------------------------------------------------------


def test_an_invalid_action_of_who_is_nowhere_waits_and_is_counted():
    """A placement too small for the task, and numbers that are no action."""
    pools = {"task.gpu_memory_mb": 16_000.0, "pools.0.gpu_memory_mb": 8_000.0}
    env, waiting = started(overrides=pools), started(overrides=pools)
    assert not env.action_masks()[1] and env.action_masks()[2]
    for count, action in enumerate((1, -1, 9, 2**40), start=1):
        observation, reward, *_, info = env.step(action)
        expected, expected_reward, *_, expected_info = waiting.step(0)
        assert same(observation, expected) and reward == expected_reward
        assert info.pop("invalid_actions") == count and expected_info.pop("invalid_actions") == 0
        assert same(info, expected_info)
    env.reset()
    assert env.step(0)[-1]["invalid_actions"] == 0  # an episode's count


def test_an_invalid_action_of_who_runs_is_staying_unless_waiting_is_asked_for():
    """Its first instance is on-demand; asked again, it answers what is no action."""
    made = {"overrides": {"reconsider_running": True, "task.count": 1, "task.interactive_share": 0.0}}
    stays, asked_to_wait = started(**made), started(**made, invalid_action="wait")
    for env in (stays, asked_to_wait):
        twin = started(**made)
        for one in (env, twin):
            one.step(8)
        answered = 8 if env is stays else 0
        expected, got = twin.step(answered), env.step(-1)
        assert same(got[0], expected[0]) and got[1] == expected[1]
        assert got[-1]["invalid_actions"] == 1


def test_who_answers_at_random_is_never_late_where_the_guard_is_on():
    """Whoever learns without looking at masks keeps deadlines, too."""
    for scenario, rows in (("deadline", 256), ("fleet", 16)):
        env = TesseraVectorEnv(rows, scenario, autoreset_mode="Disabled", threads=2)
        env.reset(seed=5)
        rng, done = np.random.default_rng(0), np.zeros(rows, dtype=bool)
        while not done.all():
            done |= env.step(rng.integers(env.single_action_space.n, size=rows))[2]
        metrics = env.simulation.metrics(np.arange(rows))
        assert metrics["deadlines_missed"].sum() == 0 and metrics["invalid_actions"].sum() > rows, scenario


@pytest.mark.parametrize("action", [1, -1, 9])
def test_an_invalid_action_raises_where_that_is_asked_for(action):
    """The error says what is allowed, and the episode can go on."""
    pools = {"task.gpu_memory_mb": 16_000.0, "pools.0.gpu_memory_mb": 8_000.0}
    env, twin = started(overrides=pools, invalid_action="raise"), started(overrides=pools)
    with pytest.raises(ValueError, match=rf"^action: {action} \(allowed now: \[0, 2, 3, 4, 6, 7, 8\]\)$"):
        env.step(action)
    assert same(env.step(2), twin.step(2))


def test_valid_actions_never_raise():
    env = few(seed=2, invalid_action="raise")
    steps = steps_to_the_end(env, invalid=0.0)
    assert steps[-1][-1]["invalid_actions"] == 0


@pytest.mark.parametrize("as_type", [np.int64, np.int32, np.uint8, np.array])
def test_an_action_may_be_any_integer(as_type):
    env, twin = started(), started()
    assert same(env.step(as_type(3)), twin.step(3))


@pytest.mark.parametrize("action", [1.5, 1.0, "1", None, [1]])
def test_an_action_that_is_no_integer_is_refused(action):
    env, twin = started(), started()
    with pytest.raises(TypeError):
        env.step(action)
    assert same(env.step(1), twin.step(1))


def test_stepping_needs_an_episode():
    env = TesseraEnv("classic", overrides=FEW)
    with pytest.raises(RuntimeError, match="reset"):
        env.step(0)
    env.reset(seed=0)
    steps_to_the_end(env)
    with pytest.raises(RuntimeError, match="reset"):
        env.step(0)
    env.reset()
    env.step(0)


# --- copies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])
@pytest.mark.parametrize("scenario", ["classic", "fleet", "deadline"])
def test_a_copy_in_mid_episode_goes_on_the_same_way(scenario, copied):
    """The same tail bit for bit, then the same next world; neither disturbs the other."""
    env = TesseraEnv(scenario, log_events=True, overrides=FEW if scenario == "fleet" else {})
    env.reset(seed=8)
    rng = np.random.default_rng(1)
    for _ in range(25):
        env.step(any_action(env, rng))
    twin = copied(env)
    tail, log = steps_to_the_end(env, choices=5), env.event_log()
    next_world = env.reset()
    assert same(steps_to_the_end(twin, choices=5), tail)
    assert twin.event_log().tolist() == log.tolist()
    assert same(twin.reset(), next_world)


def test_a_copy_may_be_made_at_any_moment():
    fresh = pickle.loads(pickle.dumps(TesseraEnv("classic", overrides=FEW)))
    with pytest.raises(RuntimeError, match="reset"):
        fresh.step(0)
    assert same(fresh.reset(seed=1)[0], few("classic", seed=1).reset(seed=1)[0])
    ended = few()
    steps_to_the_end(ended)
    assert same(copy.deepcopy(ended).reset(), ended.reset())


# --- the event log ---------------------------------------------------------------------------------------------------


def test_the_event_log_tells_the_episode():
    env = few("classic", seed=1, log_events=True)
    steps = steps_to_the_end(env)
    log, metrics = env.event_log(), steps[-1][-1]["metrics"]
    assert log.dtype == LOG
    assert (np.diff(log["time_s"]) >= 0).all()
    counts = {kind: int((log["kind"] == kind).sum()) for kind in LogKind}
    assert counts[LogKind.DECISION] == len(steps)
    assert counts[LogKind.ARRIVAL] == 6
    assert counts[LogKind.LAUNCH] == metrics["launches"] == counts[LogKind.END]
    assert counts[LogKind.COMPLETION] == metrics["tasks_done"]
    assert counts[LogKind.NOTICE] == metrics["interruptions"]
    assert columns_of(log, LogKind.END)["usd"].sum() == pytest.approx(metrics["cost_usd"])


def test_the_event_log_is_a_copy_and_grows_by_step():
    env = few("classic", seed=1, log_events=True)
    first = env.event_log()
    kept = first.tolist()
    env.step(1)
    second = env.event_log()
    assert len(second) > len(first) and second[: len(first)].tolist() == kept == first.tolist()
    first["time_s"] = -1.0
    assert env.event_log()[: len(first)].tolist() == kept


def test_a_reset_starts_a_new_log():
    env = few("classic", seed=1, log_events=True)
    steps_to_the_end(env)
    env.reset()
    assert env.event_log()["kind"].tolist() == [LogKind.ARRIVAL]


def test_who_does_not_log_has_no_log():
    with pytest.raises(RuntimeError, match=r"^log_events: False \(allowed: True, or a render_mode"):
        started().event_log()
    assert len(started(render_mode="ansi").event_log()) == 1


def test_logging_changes_nothing():
    assert same(steps_to_the_end(few(seed=2, log_events=True)), steps_to_the_end(few(seed=2)))


# --- the docstring ---------------------------------------------------------------------------------------------------


def test_the_docstring_is_the_specification():
    text = TesseraEnv.__doc__ or ""
    titles = [line.strip()[3:] for line in text.splitlines() if line.strip().startswith("## ")]
    assert titles == [
        "Description",
        "Action Space",
        "Observation Space",
        "Rewards",
        "Starting State",
        "Episode End",
        "Arguments",
        "Version History",
    ]
    assert "docs/reference/observation.md" in text and "layout.table()" in text
    task_size, pool_size = Layout(0).size, Layout(1).size - Layout(0).size
    assert f"({task_size} + {pool_size} P,)" in text

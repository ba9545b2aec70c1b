"""The ids: registered by an import that costs nothing, made without one, and written down as JSON."""

import json
import subprocess
import sys
from importlib.resources import files
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import tessera_env
from tessera_env.env import MetricsAtEnd, TesseraEnv
from tessera_env.scenario.loading import load_scenario, preset_names
from tessera_env.vector_env import TesseraVectorEnv
from tests.presets import TASK_PRESETS

IDS = sorted(tessera_env.ENVIRONMENTS)


def in_new_process(program: str) -> str:
    """What a program prints that starts with nothing imported."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_each_preset_has_an_id():
    to_train_on = ["service-train"]
    assert sorted([*tessera_env.ENVIRONMENTS.values(), *to_train_on]) == sorted(preset_names())
    for id_, preset in tessera_env.ENVIRONMENTS.items():
        spec = gym.spec(id_)
        assert spec.entry_point == "tessera_env.env:TesseraEnv"
        assert spec.vector_entry_point == "tessera_env.vector_env:TesseraVectorEnv"
        assert spec.kwargs == {"scenario": preset}
        assert spec.max_episode_steps is None and spec.nondeterministic is False


@pytest.mark.parametrize("id_", IDS)
def test_make_gives_the_id_s_scenario(id_):
    with gym.make(id_) as env:
        assert isinstance(env.unwrapped, TesseraEnv)
        assert env.unwrapped.scenario == load_scenario(tessera_env.ENVIRONMENTS[id_])
        assert env.action_space.n == 1 + 2 * len(env.unwrapped.scenario.pools)


def test_an_id_with_its_module_needs_no_import():
    program = """
import gymnasium as gym

env = gym.make("tessera_env:Tessera/Fleet-v0")
env.reset(seed=0)
print(type(env.unwrapped).__module__, env.unwrapped.scenario.name)
"""
    assert in_new_process(program) == "tessera_env.env fleet"


def test_the_import_is_cheap_and_reads_no_file():
    """Nothing but the package's own first file is opened once gymnasium is there, and nothing heavy is imported."""
    program = """
import sys
import gymnasium

opened = []
sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
before = set(sys.modules)
import tessera_env

heavy = ("numba", "scipy", "torch", "pydantic", "stable_baselines3", "plotly", "PIL", "safetensors", "tyro", "rich")
ours = [name for name in sys.modules if name.startswith("tessera_env")]
print([name for name in heavy if name in sys.modules], ours)
ours = ("tessera_env/__init__", "tessera_env/__pycache__/__init__")
print([path for path in opened if not any(own in path for own in ours)])
"""
    assert in_new_process(program).splitlines() == ["[] ['tessera_env']", "[]"]


SETTINGS: list[dict[str, Any]] = [
    {},
    {"invalid_action": "raise", "log_events": True},
    {"overrides": {"task.count": 7, "horizon_h": 12}},
    {"task": {"count": 7}, "notice_s": 30},
    {"metrics_every_step": True},
]


@pytest.mark.parametrize("id_", [id_ for id_ in IDS if tessera_env.ENVIRONMENTS[id_] in TASK_PRESETS])
@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "+".join(settings) or "bare")
def test_a_spec_survives_json(id_, settings):
    with gym.make(id_, **settings) as env:
        text = env.spec.to_json()
        json.loads(text)
        spec = EnvSpec.from_json(text)
        assert spec == env.spec
        with gym.make(spec) as again:
            assert again.unwrapped.scenario == env.unwrapped.scenario
            assert again.unwrapped.invalid_action == env.unwrapped.invalid_action
            np.testing.assert_array_equal(env.reset(seed=3)[0], again.reset(seed=3)[0])


def test_a_spec_with_the_wrapper_of_step_limits_survives_json():
    env = MetricsAtEnd(gym.make("Tessera/Deadline-v0", max_episode_steps=2))
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    again.reset(seed=0)
    assert "metrics" not in again.step(0)[-1] and "metrics" in again.step(0)[-1]


def test_the_scenario_may_be_another_one(tmp_path):
    """By name, path, mapping or as a Scenario, through an id or not."""
    mapping = load_scenario("deadline").model_dump(mode="json")
    file = tmp_path / "mine.toml"
    file.write_text((files("tessera_env") / "scenario" / "presets" / "deadline.toml").read_text())
    made = [gym.make("Tessera/Classic-v0", scenario=given) for given in ("deadline", str(file), file, mapping)]
    made.append(gym.make("Tessera/Classic-v0", scenario=load_scenario("deadline")))
    first = made[0].reset(seed=1)[0]
    for env in made:
        np.testing.assert_array_equal(env.reset(seed=1)[0], first)
        env.close()


def test_overrides_reach_the_scenario_in_every_form():
    forms: list[dict[str, Any]] = [
        {"overrides": {"task.deadline_h": 70, "notice_s": 30}},
        {"overrides": {"task": {"deadline_h": 70}}, "notice_s": 30},
        {"task": {"deadline_h": 70}, "notice_s": 30},
        {"task.deadline_h": 70, "notice_s": 30},
    ]
    scenarios = [gym.make("Tessera/Deadline-v0", **form).unwrapped.scenario for form in forms]
    assert scenarios[0].task.deadline_h.lowest == 70 and scenarios[0].notice_s == 30
    assert all(scenario == scenarios[0] for scenario in scenarios)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"scenario": "clasic"}, "clasic"),
        ({"task": {"cuont": 3}}, "cuont"),
        ({"overrides": {"horizon_h": -1}}, "horizon_h"),
        ({"taks.count": 3}, "taks"),
        ({"overrides": {"frameskip": 3}}, "frameskip"),
        ({"render_mode": "human"}, "render_mode"),
        ({"invalid_action": "ignore"}, "invalid_action"),
    ],
)
def test_what_does_not_exist_is_named(settings, named):
    with pytest.raises(ValueError, match=named) as refusal:
        TesseraEnv(**settings)
    assert "\n" not in str(refusal.value).strip()


def keywords_of_gym(**keywords: Any) -> gym.Env:
    return gym.make("Tessera/Fleet-v0", **keywords)


def keywords_of_gym_vectors(**keywords: Any) -> Any:
    return gym.make_vec("Tessera/Fleet-v0", num_envs=2, **keywords)


@pytest.mark.parametrize("make", [TesseraEnv, TesseraVectorEnv, keywords_of_gym, keywords_of_gym_vectors])
def test_an_unknown_keyword_is_an_error_as_pythons(make):
    """Callers such as TorchRL look for the class and the words, and try again without the keyword."""
    with pytest.raises(TypeError, match=r"Env\.__init__\(\) got an unexpected keyword argument 'frameskip'"):
        make(frameskip=1)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'horizonh'\. Did you mean 'horizon_h'\?"):
        make(horizonh=3)


# --- vector environments ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", IDS)
def test_make_vec_gives_the_native_environment(id_):
    env = gym.make_vec(id_, num_envs=3)
    assert isinstance(env.unwrapped, TesseraVectorEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert env.num_envs == 3 and env.observation_space.shape[0] == 3 and env.action_space.shape == (3,)
    assert env.unwrapped.scenario == load_scenario(tessera_env.ENVIRONMENTS[id_])
    observations, _ = env.reset(seed=4)
    assert observations in env.observation_space
    env.close()


def test_make_vec_passes_its_arguments_on():
    env = gym.make_vec(
        "Tessera/Deadline-v0", num_envs=2, autoreset_mode="SameStep", max_episode_steps=4, threads=2, notice_s=30
    ).unwrapped
    assert env.autoreset_mode is AutoresetMode.SAME_STEP and env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert env.max_episode_steps == 4 and env.simulation.threads == 2 and env.scenario.notice_s == 30


def test_a_registered_step_limit_reaches_both_kinds():
    """`max_episode_steps` of a registration truncates through a wrapper, or in the vector environment itself."""
    gym.register(
        id="TesseraTest/Short-v0",
        entry_point="tessera_env.env:TesseraEnv",
        vector_entry_point="tessera_env.vector_env:TesseraVectorEnv",
        max_episode_steps=2,
        kwargs={"scenario": "classic"},
    )
    try:
        single, many = gym.make("TesseraTest/Short-v0"), gym.make_vec("TesseraTest/Short-v0", num_envs=2)
        single.reset(seed=0)
        many.reset(seed=0)
        for step in (1, 2):
            assert single.step(0)[3] is (step == 2)
            assert many.step(np.zeros(2, np.int64))[3].tolist() == [step == 2] * 2
    finally:
        del gym.registry["TesseraTest/Short-v0"]


def test_gymnasium_s_own_vector_environment_works_too():
    env = gym.make_vec("Tessera/Classic-v0", num_envs=2, vectorization_mode="sync")
    assert isinstance(env, SyncVectorEnv)
    native = gym.make_vec("Tessera/Classic-v0", num_envs=2)
    np.testing.assert_array_equal(env.reset(seed=6)[0], native.reset(seed=6)[0])


@pytest.mark.parametrize("limit", [None, 3])
def test_both_vector_environments_say_the_same_at_the_end(limit):
    """Made by id, with the wrapper that a step limit asks for."""
    settings: dict[str, Any] = {"num_envs": 2, "max_episode_steps": limit, "task.work_h": 1.0, "task.deadline_h": 2.0}
    native = gym.make_vec("Tessera/Deadline-v0", **settings)
    sync = gym.make_vec("Tessera/Deadline-v0", vectorization_mode="sync", wrappers=[MetricsAtEnd], **settings)
    infos, expected = native.reset(seed=2)[1], sync.reset(seed=2)[1]
    for _ in range(30):
        assert infos.keys() == expected.keys()
        if "metrics" in infos:
            break
        infos, expected = native.step(np.zeros(2, np.int64))[-1], sync.step(np.zeros(2, np.int64))[-1]
    assert infos["metrics"].keys() == expected["metrics"].keys()
    for name, values in infos["metrics"].items():
        np.testing.assert_array_equal(values, expected["metrics"][name], err_msg=name)


def test_a_vector_spec_survives_json():
    env = gym.make_vec("Tessera/Fleet-v0", num_envs=2, overrides={"task.count": 5})
    spec = EnvSpec.from_json(env.unwrapped.spec.to_json())
    again = gym.make_vec(spec)
    assert again.num_envs == 2 and again.unwrapped.scenario == env.unwrapped.scenario

"""The wheel, in an empty environment without torch: it registers the ids and runs an exported policy."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tessera_env
from tessera_env.observation.layout import Layout
from tessera_env.policies.folder import save_policy

ROOT = Path(__file__).parents[1]
DATA = (".toml", ".csv", ".json", ".safetensors")
PIP = ("-m", "pip", "--disable-pip-version-check", "-q")

# By its id alone, as somebody does who has only Gymnasium imported; the package must be the installed one.
PLAY = """
import importlib.util
import sys
import gymnasium as gym
env = gym.make("tessera_env:Tessera/DeadlineAWS-v0")
import tessera_env
assert "site-packages" in tessera_env.__file__, tessera_env.__file__
for name in ("torch", "stable_baselines3", "agents"):
    assert importlib.util.find_spec(name) is None, name
from tessera_env.policies import make_policy
policy = make_policy(sys.argv[1], env.unwrapped.layout)
observation, info = env.reset(seed=0)
terminated = False
while not terminated:
    actions, _ = policy.predict(observation[None], action_masks=env.unwrapped.action_masks()[None])
    observation, reward, terminated, truncated, info = env.step(int(actions[0]))
assert info["metrics"]["tasks_done"] == 1
assert info["metrics"]["deadlines_missed"] == 0
assert info["invalid_actions"] == 0
"""

# Every id, alone and by rows, so that every preset and the bundled trace are in the wheel.
EVERY_ID = """
import sys
import gymnasium as gym
for name in sys.argv[1:]:
    env = gym.make(f"tessera_env:{name}")
    observation, info = env.reset(seed=0)
    env.step(env.action_space.sample(info["action_mask"]))
    envs = gym.make_vec(f"tessera_env:{name}", num_envs=2)
    observations, _ = envs.reset(seed=0)
    assert (observations[0] == observation).all()
    print(name)
"""


def exported_policy(folder: Path) -> Path:
    """A small network with random weights, as training exports one."""
    layout, rng = Layout(1), np.random.default_rng(0)
    shapes = [(8, layout.size), (3, 8)]
    arrays = {f"layer.{k}.weight": rng.normal(size=shape).astype(np.float32) for k, shape in enumerate(shapes)}
    arrays |= {f"layer.{k}.bias": np.zeros(shape[0], dtype=np.float32) for k, shape in enumerate(shapes)}
    card = {
        "kind": "mlp",
        "activation": "tanh",
        "pool_count": 1,
        "fields": layout.signatures,
        "scenario": "deadline",
        "masked": True,
        "versions": {},
    }
    save_policy(folder, arrays, card)
    return folder


def run(*command: str, cwd: Path, **variables: str) -> str:
    """The output of a command that must succeed; nothing of this checkout is on its path."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")} | variables
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout; needs the network, or a pip configured to do without."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, *PIP, "wheel", "--no-deps", "-w", str(folder), str(ROOT), cwd=folder)
    (built,) = folder.glob("tessera_env-*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path) -> str:
    """Of an environment that holds the wheel and what it asks for."""
    folder = wheel.parent / "venv"
    run(sys.executable, "-m", "venv", str(folder), cwd=wheel.parent)
    made = str(folder / "bin" / "python")
    run(made, *PIP, "install", "-c", str(ROOT / "constraints.txt"), str(wheel), cwd=wheel.parent)
    return made


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(wheel, python, tmp_path):
    policy = str(exported_policy(tmp_path / "policy"))
    run(python, "-c", PLAY, policy, cwd=tmp_path)
    ids, plain = list(tessera_env.ENVIRONMENTS), {"NUMBA_DISABLE_JIT": "1"}  # the first has the engine compiled
    assert run(python, "-c", EVERY_ID, *ids, cwd=tmp_path, **plain).split() == ids
    command = str(Path(python).with_name("tessera"))
    table = run(
        *(command, "evaluate", "--policies", f"greedy,{policy},pretrained/deadline", "--episodes", "2"),
        cwd=tmp_path,
        **plain,
    )
    assert f" {policy} " in table and " pretrained/deadline " in table


@pytest.mark.slow
def test_the_wheel_holds_the_package_alone(wheel):
    names = run(sys.executable, "-m", "zipfile", "-l", str(wheel), cwd=wheel.parent).splitlines()[1:]
    files = {line.split()[0] for line in names}
    assert {name.split("/")[0] for name in files} == {"tessera_env", f"tessera_env-{tessera_env.__version__}.dist-info"}
    package = ROOT / "tessera_env"
    others = {path for path in package.rglob("*") if path.suffix in DATA or path.name in ("py.typed", "LICENSE")}
    for name in (
        "py.typed",
        "scenario/presets/fleet.toml",
        "data/pretrained/deadline/policy.safetensors",
        "data/pretrained/deadline-2/policy.json",
        "data/pretrained/service/policy.json",
        "data/catalogue/instance_types.csv",
        "data/aws_v100_2023/zones.csv",
        "data/aws_v100_2023/LICENSE",
    ):
        assert package / name in others
    assert {str(path.relative_to(ROOT)) for path in others} <= files
    assert not [name for name in files if name.endswith((".nbi", ".nbc", ".pyc"))]

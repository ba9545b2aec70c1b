"""The wheel, in an empty environment without torch: it registers the ids and runs an exported policy."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tessera_env.observation import Layout
from tessera_env.policies.learned import save_policy

ROOT = Path(__file__).parents[1]

USE = """
import importlib.util
import sys
import gymnasium as gym
env = gym.make("tessera_env:Tessera/DeadlineAWS-v0")
import tessera_env
assert "site-packages" in tessera_env.__file__, tessera_env.__file__
assert importlib.util.find_spec("torch") is None
assert importlib.util.find_spec("agents") is None
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
print(sorted(i for i in gym.registry if i.startswith("Tessera/")))
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
        "layout_digest": layout.digest,
        "scenario": "deadline",
        "masked": True,
        "versions": {},
    }
    save_policy(folder, arrays, card)
    return folder


def run(*command: str, cwd: Path) -> str:
    """The output of a command that must succeed; nothing of this checkout is on its path."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(tmp_path):
    pip = ("-m", "pip", "--disable-pip-version-check", "-q")
    run(sys.executable, *pip, "wheel", "--no-deps", "-w", str(tmp_path), str(ROOT), cwd=tmp_path)
    (wheel,) = tmp_path.glob("tessera_env-*.whl")
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"), cwd=tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    run(python, *pip, "install", "-c", str(ROOT / "constraints.txt"), str(wheel), cwd=tmp_path)
    output = run(python, "-c", USE, str(exported_policy(tmp_path / "policy")), cwd=tmp_path)
    for name in ("Classic", "Deadline", "DeadlineAWS", "Fleet"):
        assert f"Tessera/{name}-v0" in output
    listed = run(python, "-m", "zipfile", "-l", str(wheel), cwd=tmp_path)
    assert "tessera_env/data/aws_v100_2023/LICENSE" in listed
    assert not [line for line in listed.splitlines() if line.startswith(("agents", "tests", "benchmarks", "train.py"))]

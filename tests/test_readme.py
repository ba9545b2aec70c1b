"""What README shows runs, and says what the code says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tessera_env.observation import Layout

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
SHELL_LINES = [
    line for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL) for line in block.splitlines() if line
]
COMMANDS = [line for line in SHELL_LINES if line.startswith("tessera ")]
LINKS = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]


def test_there_is_something_to_run():
    assert len(PYTHON_BLOCKS) >= 3
    assert len(COMMANDS) >= 1


@pytest.mark.parametrize("number", range(len(PYTHON_BLOCKS)))
def test_a_python_block_runs(number, tmp_path):
    command = [sys.executable, "-W", "error", "-c", PYTHON_BLOCKS[number]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command, tmp_path):
    words = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-m", "tessera_env", *words[1:]], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "OnDemandOnly" in done.stdout or "on_demand_only" in done.stdout
    for name in re.findall(r"--json (\S+)", command):
        assert (tmp_path / name).stat().st_size > 0


def test_every_make_target_exists():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {a or b for a, b in re.findall(r"`make (\w+)`|^make (\w+)", README, flags=re.MULTILINE)}
    assert {"train", "test", "bench", "lint"} <= named
    assert named <= targets


@pytest.mark.parametrize("link", LINKS)
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).exists()


def test_the_observation_table_is_the_code_s():
    assert Layout(1).table() in README


def test_no_figure_is_left_open():
    for placeholder in ("RESULTS", "OBSERVATION", "TRAIN", "BENCH"):
        assert not re.search(rf"^{placeholder}$", README, flags=re.MULTILINE)

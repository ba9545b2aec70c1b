"""On a scenario's way from the command line to the engine no file is opened twice."""

import builtins
import io
from collections import Counter
from pathlib import Path

import gymnasium as gym
import pytest

from tessera_env.cli.program import main
from tessera_env.recordings import workloads
from tessera_env.recordings.traces import reading
from tessera_env.scenario.loading import load_scenario
from tests.generated_traces import REPLAYING_POOL

ID = "tessera_env:Tessera/Classic-v0"
SCENARIO = f"""
horizon_h = 6
decision_interval_s = 600
notice_s = 30

[task]
count = 3
recording = "run_times.csv"
recording_format = "run_times"

[market]
trace = "spot.csv"
{REPLAYING_POOL}"""
HEADER = "zone,time_s,spot_available,spot_price"
FILES = {
    "mine.toml": SCENARIO,
    "spot.csv": f"{HEADER}\neast,0,1,0.3\neast,3600,0,0.4\neast,7200,1,0.3\neast,43200,1,0.4\n",
    "run_times.csv": "runtime\n3600\n5400\n1800\n",
}


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each of the user's own files was opened."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    counts: Counter[str] = Counter()
    plain = io.open

    def counting(file, *arguments, **options):
        if isinstance(file, str | Path) and Path(file).name in FILES:
            counts[Path(file).name] += 1
        return plain(file, *arguments, **options)

    monkeypatch.setattr(io, "open", counting)
    monkeypatch.setattr(builtins, "open", counting)
    return counts


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were parsed before are not remembered, so that nobody but the scenario can have kept them."""
    for module in (reading, workloads):
        monkeypatch.setattr(module, "_read_once", module._read_once.__wrapped__)


ONCE = dict.fromkeys(FILES, 1)


@pytest.mark.parametrize(
    "command",
    [
        "evaluate --scenario mine.toml --episodes 3 --json results.json",
        "evaluate --scenario mine.toml --episodes 3 --set task.count=2",
        "simulate --scenario mine.toml --output results.json --log events.jsonl",
        "simulate --scenario mine.toml --tasks 2 --duration 5 --episodes 2",
        "plot --scenario mine.toml --output market.png",
    ],
)
@pytest.mark.usefixtures("forgetful")
def test_commands(opened, command):
    assert main(command.split()) == 0
    assert opened == ONCE


@pytest.mark.parametrize("command", ["evaluate", "simulate"])
def test_reports_which_play_the_scenario_with_one_value_changed(opened, command):
    assert main([command, "--scenario", "mine.toml", "--episodes", "2", "--html", "report.html"]) == 0
    assert opened == ONCE


@pytest.mark.usefixtures("forgetful")
def test_environments(opened):
    gym.make(ID, scenario="mine.toml").reset(seed=1)
    assert opened == ONCE
    opened.clear()
    gym.make_vec(ID, num_envs=3, scenario="mine.toml").reset(seed=1)
    assert opened == ONCE


@pytest.mark.usefixtures("forgetful")
def test_environments_of_a_loaded_scenario(opened):
    scenario = load_scenario("mine.toml")
    gym.make(ID, scenario=scenario).reset(seed=1)
    gym.make_vec(ID, num_envs=3, scenario=scenario).reset(seed=1)
    assert opened == ONCE

"""`train.py` as people call it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import train as program
from agents.evolution.settings import load_settings
from tests.agents.small import SETTINGS
from tests.generated_traces import REPLAYING_POOL
from tests.import_path import importing_from

ROOT = Path(program.__file__).parent
SMALL = [f"--set={key}={str(value).lower()}" for key, value in SETTINGS.items()]
SHORT = ["--set=task.work_h=1.0", "--set=task.deadline_h=2.0"]


def test_train_report_and_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "REPORT_EPISODES", 5)
    assert program.main(["--name=mine", *SMALL, *SHORT]) == 0
    out, _ = capfd.readouterr()
    results = json.loads(Path("runs/latest/results.json").read_text())
    assert [policy["label"] for policy in results["policies"]] == [
        "on_demand_only",
        "on_demand_fallback",
        "greedy",
        "learned",
    ]
    assert results["scenario"]["name"] == "deadline" and results["scenario"]["task"]["work_h"] == 1.0
    assert "learned" in Path("runs/latest/report.html").read_text(encoding="utf-8").split("<body>")[1]
    assert "learned" in out and out.splitlines()[-1].startswith("Files: runs/mine, also as runs/latest")
    assert program.main(["--resume=runs/latest", "--steps=1024", "--no-report"]) == 0
    assert [score["steps"] for score in json.loads(Path("runs/mine/evaluations.json").read_text())][-1] == 1024
    assert Path("runs/latest").resolve() == Path("runs/mine").resolve()
    capfd.readouterr()
    assert program.main(["--resume=runs/latest", "--steps=0"]) == 2
    assert capfd.readouterr().err.startswith("train.py: --steps: Input should be greater")


def test_without_the_link_the_run_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    """A folder stands where it should be, as a copy of `runs/` without links has it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "train", lambda run, console: run.folder.mkdir() is None)
    Path("runs/latest").mkdir(parents=True)
    assert program.main(["--name=mine", "--no-report", *SMALL, *SHORT]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert "train.py: runs/latest: cannot be made to point to mine (Is a directory)" in lines
    assert lines[-1].startswith("Files: runs/mine (TensorBoard: ") and 'LearnedPolicy("runs/mine", ' in lines[-1]
    assert {path.name for path in Path("runs").iterdir()} == {"latest", "mine"}


FLEET = ["--scenario=fleet", "--set=task.count=12", "--set=pairs=2", "--set=rows=4", "--set=evaluation_worlds=4"]
FLEET += ["--set=drawn=none"]


def test_where_tasks_compete_it_is_a_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "REPORT_EPISODES", 3)
    assert program.main([*FLEET, "--set=beside={}", "--steps=2000", "--name=mine"]) == 0
    out, _ = capfd.readouterr()
    assert "evolution on fleet, 2,000 decisions" in out and "learned" in out
    labels = [policy["label"] for policy in json.loads(Path("runs/latest/results.json").read_text())["policies"]]
    assert labels[-1] == "learned"
    before = json.loads(Path("runs/mine/evaluations.json").read_text())[-1]["generation"]
    assert program.main(["--resume=runs/latest", "--steps=4000", "--no-report"]) == 0
    assert json.loads(Path("runs/mine/evaluations.json").read_text())[-1]["generation"] > before
    capfd.readouterr()
    assert program.main(["--resume=runs/latest", "--steps=0"]) == 2
    assert capfd.readouterr().err.startswith("train.py: --steps: Input should be greater")


def test_the_default_run_trains_a_fleet_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "REPORT_EPISODES", 2)
    short = {"total_steps": 1000, "pairs": 2, "rows": 4, "evaluation_worlds": 2}
    monkeypatch.setattr(program, "load_settings", lambda section: load_settings(section, short))
    assert program.main(["--name=mine", *SMALL]) == 0
    out, _ = capfd.readouterr()
    assert out.count(" against pretrained/") == 2
    for file in ("latest/results.json", "latest-fleet/results.json", "latest-fleet/results-classic.json"):
        assert "pretrained/" in (Path("runs") / file).read_text(encoding="utf-8")
    assert Path("runs/latest").resolve() == Path("runs/mine").resolve()
    assert Path("runs/latest-fleet").resolve() == Path("runs/mine-fleet").resolve()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenario=fleet", "--set=gamma=2"], "evolution.toml: gamma: no such hyper-parameter"),
        (["--scenario=fleet", "--set=pairs=1"], "evolution.toml: pairs:"),
        (["--resume=runs/nothing", "--method=evolution"], "--resume: keeps the run's"),
        (["--set=gamma=2"], "hyperparameters.toml: gamma:"),
        (["--set=task.deadline_hours=70"], "deadline.toml: task.deadline_hours:"),
        (["--set=gamma"], "must be KEY=VALUE"),
        (["--scenario=nonsense"], "scenario: must be one of"),
        (["--name=../mine"], "name: '../mine' (allowed:"),
        (["--name=latest"], "name: 'latest' (allowed:"),
        (["--steps=0"], "train.py: --steps: Input should be greater than or equal to 1 (got 0)"),
        (["--steps=0", "--scenario=fleet"], "train.py: --steps: Input should be greater than or equal to 1 (got 0)"),
        (["--seed=-1"], "train.py: --seed: Input should be greater than or equal to 0 (got -1)"),
        (["--set=seed=-1"], "hyperparameters.toml: seed:"),
        (["--set=n_epoch=3"], "--set n_epoch: neither a hyper-parameter (allowed: n_epochs, "),
        (["--set=n_epoch=3"], ") nor a value of a scenario (allowed: "),
        (["--set=bilings.minimum_s=3"], ") nor a value of a scenario (allowed: billing, "),
        (["--set=tau=3", "--scenario=fleet"], "--set tau: neither a hyper-parameter (allowed: "),
        (["--resume=runs/nothing"], "runs/nothing/config.json: no such file"),
        (["--resume=~/nothing"], f"{Path.home()}/nothing/config.json: no such file"),
        (["--resume=runs/nothing", "--seed=3"], "--resume: keeps the run's"),
    ],
)
def test_wrong_input_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert program.main(arguments) == 2
    out, error = capfd.readouterr()
    assert out == "" and message in error and error.startswith("train.py: ") and len(error.splitlines()) == 1
    assert not any(tmp_path.iterdir())


REPLAYED = """
horizon_h = 6
decision_interval_s = 600
notice_s = 30

[task]
work_h = 1.0
deadline_h = 3.0

[market]
trace = "spot.csv"
{window}
"""


@pytest.mark.parametrize(
    ("window", "method", "message"),
    [
        ("", "gradient", "market.from_h: 0 (allowed for training on a trace"),
        ("", "evolution", "market.from_h: 0 (allowed for training on a trace"),
        ("from_h = 8.0", "gradient", "until_h"),  # too little of it is left for training
        ("until_h = 40.0", "gradient", "from_h"),  # and here for the report
        ("until_h = 40.0", "evolution", "from_h"),
    ],
)
def test_a_trace_that_cannot_be_split_is_refused_before_a_folder_is_made(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
    window: str,
    method: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(REPLAYED.format(window=window) + REPLAYING_POOL)
    (tmp_path / "spot.csv").write_text(
        "zone,time_s,spot_available,spot_price\n" + "".join(f"east,{3600 * h},{h % 2},0.3\n" for h in range(45))
    )
    assert program.main(["--scenario=mine.toml", f"--method={method}", "--steps=1000"]) == 2
    out, error = capfd.readouterr()
    assert out == "" and message in error and error.startswith("train.py: ") and len(error.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"mine.toml", "spot.csv"}


def test_the_fleet_s_folder_is_looked_at_before_the_first_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine-fleet").mkdir(parents=True)
    assert program.main(["--name=mine", *SMALL]) == 2
    out, error = capfd.readouterr()
    assert out == "" and "runs/mine-fleet: exists already" in error
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mine-fleet"]


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "train.py"), "--name=mine", "--no-report", *SMALL, *SHORT]
    process = subprocess.Popen(
        [*command, "--steps=100000000", "--set=evaluate_every=512"],
        cwd=tmp_path,
        env=importing_from(ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        waited_s = 0.0
        while not (tmp_path / "runs/mine/best.zip").exists() and waited_s < 120 and process.poll() is None:
            time.sleep(0.2)
            waited_s += 0.2
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, out
    assert out.splitlines()[-1] == "Stopped and saved. To go on: python train.py --resume runs/mine"
    assert "Traceback" not in out
    assert not (tmp_path / "runs/latest").exists()
    done = json.loads((tmp_path / "runs/mine/evaluations.json").read_text())[-1]["steps"]
    go_on = [sys.executable, str(ROOT / "train.py"), "--resume=runs/mine", f"--steps={done + 4096}", "--no-report"]
    subprocess.run(go_on, cwd=tmp_path, env=importing_from(ROOT), check=True, timeout=120)
    assert (tmp_path / "runs/latest").exists()

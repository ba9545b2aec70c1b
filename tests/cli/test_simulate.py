"""`tessera simulate`: what it prints and writes, and how it refuses, fills disks and stops."""

import errno
import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera_env.cli.evaluate import Evaluate
from tessera_env.cli.options import shell_line
from tessera_env.cli.program import main
from tessera_env.cli.simulate import Simulate
from tessera_env.evaluation.results import Results
from tessera_env.simulate import simulate

FAST = ["simulate", "--duration", "6", "--tasks", "5"]
HEADER = "Policy                 Cost ($) Objective ($)   Completed Preemptions   Checkpoints"
ROW = re.compile(r"(\S+) +(\d+\.\d\d) +(\d+\.\d\d) +(\d+/\d+) +(\d+)   (N/A|\d+/\d+ \(\d+\.\dh saved\))")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out.splitlines()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line that says what is wrong, without the command's name."""
    assert main(["simulate", *arguments]) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if not line.startswith("compiling")]
    assert (out, len(lines)) == ("", 1), err
    assert lines[0].startswith("tessera: ")
    return lines[0].removeprefix("tessera: ")


def test_the_defaults_are_the_original_engines_world(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "simulate")
    assert lines == printed(capsys, "simulate", "--duration", "48", "--tasks", "100", "--scenario", "classic")
    assert lines[0] == HEADER
    rows = [ROW.fullmatch(line) for line in lines[1:4]]
    assert [row and row[1] for row in rows] == ["Greedy", "OnDemandFallback", "OnDemandOnly"]
    assert [row and row[4].endswith("/100") for row in rows] == [True] * 3
    assert rows[2] is not None
    assert (rows[2][5], rows[2][6]) == ("0", "N/A")
    assert float(rows[2][3]) > float(rows[2][2])  # what is left undone is penalised
    assert lines[5] == "Savings against OnDemandOnly:"
    assert re.fullmatch(r"  Greedy +\d\d\.\d %  \(\$\d+\.\d\d\)", lines[6])
    assert lines[9] == "One world of classic, 48 h, seed 0."
    assert [line.partition(":")[0] for line in lines[10:]] == ["Objective"]


def test_the_json_is_that_of_the_function(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command, function = tmp_path / "command.json", tmp_path / "function.json"
    options = ["--policies", "greedy, on_demand_only", "--seed", "4", "--episodes", "3", "--set", "task.work_h=2"]
    printed(capsys, *FAST, *options, "--output", str(command))
    overrides = {"task.work_h": 2}
    simulate(6, 5, ["greedy", "on_demand_only"], seed=4, episodes=3, overrides=overrides, output=function)
    assert command.read_bytes() == function.read_bytes()
    assert Results.from_json(command).episodes == 3


def test_what_each_task_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the function writes it, whose results hold it, too; the JSON is none the longer for it."""
    command, function, plain = tmp_path / "command.csv", tmp_path / "function.csv", tmp_path / "plain.json"
    options = ["--policies", "greedy,on_demand_only", "--episodes", "3"]
    with_tasks = tmp_path / "with.json"
    printed(capsys, *FAST, *options, "--tasks-output", str(command), "--output", str(with_tasks))
    printed(capsys, *FAST, *options, "--output", str(plain))
    assert with_tasks.read_bytes() == plain.read_bytes()
    results = simulate(6, 5, ["greedy", "on_demand_only"], episodes=3, tasks_output=function)
    assert command.read_bytes() == function.read_bytes()
    header, *rows = command.read_text().splitlines()
    assert header.startswith("policy,world,task,kind,arrival_h,")
    assert [row.split(",")[:3] for row in rows] == [
        [policy, str(world), str(task)]
        for policy in ("greedy", "on_demand_only")
        for world in range(3)
        for task in range(5)
    ]
    assert results.accounts is not None
    assert [float(row.split(",")[10]) for row in rows[:15]] == results.accounts["greedy"]["usd"].tolist()


def test_threads_change_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / name for name in ("1", "2")]
    texts = [printed(capsys, *FAST, "--episodes", "4", "--threads", path.name, "--output", str(path)) for path in paths]
    assert texts[0] == texts[1]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_scenario_of_ones_own_keeps_its_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preset = Path(sys.modules["tessera_env"].__path__[0]) / "scenario" / "presets" / "deadline.toml"
    (tmp_path / "mine.toml").write_text(preset.read_text(encoding="utf-8"), encoding="utf-8")
    lines = printed(capsys, "simulate", "--scenario", str(tmp_path / "mine.toml"), "--policies", "on_demand_only")
    assert lines[1].split()[3] == "1/1"
    assert "One world of mine, 96 h, seed 0." in lines
    assert "Missed deadlines: OnDemandOnly 0." in lines


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--duration", "0"], "duration: 0.0 (allowed: more than 0"),
        (["--duration", "-5"], "duration: -5.0 (allowed: more than 0"),
        (["--duration", "nan"], "duration: nan"),
        (["--duration", "inf"], "duration: inf"),
        (["--duration", "1e999"], "duration: inf"),
        (["--duration", "two days"], "could not convert string to float: 'two days'"),
        (["--duration"], "--duration"),
        (["--tasks", "0"], "tasks: 0 (allowed: 1 to 10,000,000)"),
        (["--tasks", "-3"], "tasks: -3"),
        (["--tasks", "1.5"], "'1.5'"),
        (["--tasks", "9" * 5_000], "--tasks"),
        (["--tasks", "99999999"], "tasks: 99999999"),
        (["--episodes", "0"], "episodes: 0"),
        (["--seed", "-1"], "seed: -1"),
        (["--threads", "0"], "threads: 0"),
        (["--policies", "gready"], "policy: 'gready' (allowed: even_spread, fleet_threshold,"),
        (["--policies", "greedy,greedy"], "'greedy' is named twice"),
        (["--policies", "runs/none"], "runs/none: no such folder"),
        (["--scenario", "clasic"], "must be one of cant-be-late, classic"),
        (["--scenario", "."], "."),
        (["--set", "task.count=3", "--tasks", "4"], "tasks: 4 (allowed: either this or task.count"),
        (["--set", "tasks=3"], "tasks: is not a known key"),
        (["--output", "."], "is a directory"),
        (["--html", "missing/report.html"], "there is no directory"),
        (["--log", "/dev/full"], "is not a regular file, but a device"),
        (["--output", "-"], "-: is no file name; tables are on standard output"),
        (["--output", "a", "--html", "./a"], "html: ./a is the same file as output's"),
        (["--output", "old", "--log", "link"], "log: link is the same file as output's"),
        (["--tasks-output", "."], "is a directory"),
        (["--tasks-output", "missing/tasks.csv"], "there is no directory"),
        (["--tasks-output", "/dev/full"], "is not a regular file"),
        (["--output", "a", "--tasks-output", "./a"], "tasks_output: ./a is the same file as output's"),
        (["--tasks", "3", "foo"], "foo"),
        (["--duratoin", "3"], "--duratoin"),
    ],
)
def test_wrong_input_is_told_in_one_line_before_any_work(
    arguments: list[str],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tessera_env.evaluation.experiment.Prepared.run", lambda *_: pytest.fail("work had begun"))
    (tmp_path / "old").write_text("kept")
    (tmp_path / "link").symlink_to("old")
    assert reason in refused(capsys, *arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "old"]
    assert (tmp_path / "old").read_text() == "kept"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o500)
    assert "Permission denied" in refused(capsys, "--output", str(tmp_path / "a"))


def test_a_file_system_that_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert "/proc/results.json: cannot be written" in refused(capsys, "--output", "/proc/results.json")


def test_a_disk_that_fills_takes_neither_the_table_nor_the_old_file_nor_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output, log = tmp_path / "results.json", tmp_path / "events.jsonl"
    output.write_text("old")
    left, fsync = [1], os.fsync

    def fill(descriptor: int) -> None:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr("tessera_env.files.writing.os.fsync", fill)
    assert main([*FAST, "--output", str(output), "--log", str(log)]) == 2
    out, err = capsys.readouterr()
    assert out.startswith(HEADER)
    assert err.splitlines()[-1] == f"tessera: {output}: cannot be written (No space left on device)"
    assert output.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "results.json"]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(tiny_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The results fit, the log does not; what was there before is whole, and no part of the new one is left."""
    output, log = tiny_disk / "results.json", tiny_disk / "events.jsonl"
    log.write_text("old")
    assert main(["simulate", "--output", str(output), "--log", str(log)]) == 2
    out, err = capsys.readouterr()
    assert out.startswith(HEADER)
    assert err.splitlines()[-1] == f"tessera: {log}: cannot be written (No space left on device)"
    assert log.read_text() == "old"
    assert list(Results.from_json(output).tables) == ["greedy", "on_demand_fallback", "on_demand_only"]
    assert sorted(path.name for path in tiny_disk.iterdir()) == ["events.jsonl", "results.json"]


def test_a_disk_that_may_only_be_read(tiny_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny_disk / "results.json").write_text("old")
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    path = str(tiny_disk / "results.json")
    assert refused(capsys, "--output", path) == f"{path}: cannot be written (Read-only file system)"
    assert (tiny_disk / "results.json").read_text() == "old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_behind_standard_output(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "tessera_env", *FAST, "--output", str(path)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "tessera: standard output: cannot be written (No space left on device)"
    assert Results.from_json(path).episodes == 1  # the work is not lost


def test_ctrl_c_while_writing_leaves_the_old_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text("old")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tessera_env.report.outputs.play_episode", interrupt)
    assert main([*FAST, "--log", str(log)]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "tessera: interrupted"
    assert (log.read_text(), [path.name for path in tmp_path.iterdir()]) == ("old", ["events.jsonl"])


def test_the_report_is_told_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    fake = type("fake", (), {"write_report": lambda *_, **options: told.append(options["command"])})
    monkeypatch.setitem(sys.modules, "tessera_env.report.html.report", fake)
    path = tmp_path / "my report.html"
    assert main([*FAST, "--set", "task.work_h=2", "--set", "notice_s=0", "--html", str(path)]) == 0
    assert told == [f"tessera simulate --duration 6.0 --tasks 5 --html '{path}' --set task.work_h=2 --set notice_s=0"]


def test_the_shell_line_has_what_differs_from_the_defaults() -> None:
    assert shell_line("simulate", Simulate()) == "tessera simulate"
    assert shell_line("simulate", Simulate(policies="a b")) == "tessera simulate --policies 'a b'"
    assert shell_line("evaluate", Evaluate(optimum=True)) == "tessera evaluate --optimum"


def test_it_imports_no_plotly_and_no_torch() -> None:
    program = (
        "import sys, tessera_env.cli.program as cli\n"
        f"assert cli.main({FAST!r}) == 0\n"
        "assert not {'torch', 'stable_baselines3', 'plotly'} & set(sys.modules), 'slow import'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize("command", ["simulate", "evaluate"])
def test_a_workload_that_is_thinned_or_bent_says_so(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error before the work, in the JSON and in the report."""
    monkeypatch.chdir(tmp_path)
    Path("hours.csv").write_text("runtime\n0.5\n2\n8\n0\n")
    values = {"task.recording": "hours.csv", "task.recording_format": "run_times", "task.work_h": "none"}
    options = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    options += ["--scenario", "classic", "--policies", "greedy", "--episodes", "1", "--set", "task.count=3"]
    results = "--output" if command == "simulate" else "--json"
    lines = ["hours.csv: 3 of 4 rows played; left out: 1 (ran for 0 s); work of 3 raised to 0.1 h"]
    lines += [
        "hours.csv: most of its work is changed, since task.recording_work_h = [0.1, 24] h; its median is 1.25 s: is "
        "the file's time in hours? It is read as seconds"
    ]
    assert main([command, *options, results, "r.json", "--html", "r.html"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("compiling")]
    assert told == [f"tessera: {line}" for line in lines]
    found = Results.from_json("r.json")
    assert found.played_rows is not None
    assert (found.played_rows.rows, found.played_rows.raised) == (4, 3)
    page = html.unescape(Path("r.html").read_text(encoding="utf-8"))
    assert all(line in page for line in lines)
    found.write_json("again.json")
    assert Path("again.json").read_bytes() == Path("r.json").read_bytes()


def test_a_generated_workload_says_nothing_of_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.json"
    assert main([*FAST, "--policies", "greedy", "--output", str(path)]) == 0
    assert "rows" not in capsys.readouterr().err
    assert "played_rows" not in path.read_text()

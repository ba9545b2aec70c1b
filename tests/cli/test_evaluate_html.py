"""`tessera evaluate --html`: the report beside the table, and what is refused before any work."""

from pathlib import Path

import pytest

import tessera_env
from tessera_env.cli.program import main

FAST = ["evaluate", "--scenario", "deadline", "--episodes", "2", "--set", "task.work_h=3", "--set", "horizon_h=8"]
FAST += ["--set", "task.deadline_h=5"]


def test_the_report_is_written_and_holds_its_command(tmp_path, capsys):
    html, json = tmp_path / "report.html", tmp_path / "results.json"
    assert main([*FAST, "--html", str(html), "--json", str(json)]) == 0
    assert "deadline: 2 episodes" in capsys.readouterr().out
    text = html.read_text(encoding="utf-8")
    assert "tessera evaluate --scenario deadline --episodes 2" in text
    assert "task.work_h=3" in text
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["report.html", "results.json"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (["--html", "same", "--json", "same"], "same file"),
        (["--html", "absent/report.html"], "no directory"),
        (["--html", "."], "is a directory"),
    ],
)
def test_unusable_files_are_refused_before_any_work(tmp_path, monkeypatch, capsys, files, reason):
    monkeypatch.chdir(tmp_path)
    assert main([*FAST, *files]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("tessera: ")
    assert reason in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not list(tmp_path.iterdir())


def test_a_scenario_s_file_is_not_written_over(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_bytes((Path(tessera_env.__file__).parent / "scenario" / "presets" / "deadline.toml").read_bytes())
    before = path.read_bytes()
    assert main(["evaluate", "--scenario", str(path), "--episodes", "1", "--html", str(path)]) == 2
    assert "which is read" in capsys.readouterr().err
    assert path.read_bytes() == before

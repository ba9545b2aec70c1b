"""`tessera scenarios`: lists, shows and explains."""

from pathlib import Path

import pytest

from tessera_env.cli.program import main
from tessera_env.scenario.fields import scenario_fields
from tessera_env.scenario.loading import load_scenario, preset_names


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["scenarios", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def words_of(lines: list[str], name: str) -> list[str]:
    return next(line for line in lines if line.startswith(f"{name} ")).split()


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "list")
    assert [line.split()[0] for line in lines] == preset_names()
    assert all(load_scenario(line.split()[0]).description in line for line in lines)


def test_show_has_the_values_beside_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "show", "classic")
    assert lines[0].split() == ["name", "value", "default", "unit", "meaning"]
    assert words_of(lines, "horizon_h") == ["horizon_h", "48", "required", "h", "longest", "episode,", "h"]
    assert words_of(lines, "count")[1:3] == ["100", "1"]
    assert words_of(lines, "idle_timeout_s")[1:4] == ["0", "0", "s"]
    assert words_of(lines, "price.source")[1] == "ornstein_uhlenbeck"
    assert any(line.startswith('[pools.*.price] source = "trace" (not used here)') for line in lines)
    assert any(line.startswith('[pools.*.price] source = "ornstein_uhlenbeck"  A mean') for line in lines)


@pytest.mark.parametrize("name", preset_names())
def test_show_has_every_row(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    firsts = [line.split(" ")[0] for line in printed(capsys, "show", name)]
    for group in scenario_fields():
        assert all(row.name in firsts for row in group.rows)


def test_show_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "tessera_env" / "scenario" / "presets" / "classic.toml").read_text(
        encoding="utf-8"
    )
    (tmp_path / "mine.toml").write_text(text.replace("horizon_h = 48", "horizon_h = 50"), encoding="utf-8")
    lines = printed(capsys, "show", str(tmp_path / "mine.toml"))
    assert words_of(lines, "horizon_h")[1] == "50"
    assert words_of(lines, "name") == ["name", "value", "default", "unit", "meaning"]


def test_fields(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "fields")
    assert lines[0].split() == ["name", "default", "unit", "allowed", "meaning"]
    assert words_of(lines, "decision_interval_s")[1:6] == ["required", "s", "1", "to", "10000000"]
    titles = [group.title for group in scenario_fields() if group.title]
    assert [title for title in titles if any(line.startswith(f"{title}  ") for line in lines)] == titles


def test_nothing_is_cut_off_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tessera_env.cli.output.terminal", lambda: (100, False))
    monkeypatch.setattr("tessera_env.cli.scenarios.terminal", lambda: (100, False))
    narrow = printed(capsys, "show", "fleet")
    assert max(map(len, narrow)) <= 100
    assert "…" not in "".join(narrow)
    assert "us-west-2c_v100_1" in "".join(line[22:50].strip() for line in narrow)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["show", "clasic"], "must be one of cant-be-late, classic"),
        (["show", "missing.toml"], "missing.toml: no such file"),
        (["show"], "NAME|FILE"),
        (["list", "x"], "x"),
        (["sow"], "sow"),
        ([], "list, show, fields"),
    ],
)
def test_wrong_input_is_one_line(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("tessera: ")
    assert reason in err

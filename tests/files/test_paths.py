"""`~` in front of a path is the home folder, wherever a path is given."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tessera_env import scenario
from tessera_env.cli.program import main
from tessera_env.files.packaged import data_folder
from tessera_env.files.paths import expanded
from tessera_env.files.writing import check_outputs, write_text
from tessera_env.observation.layout import Layout
from tessera_env.policies.folder import read_card
from tessera_env.policies.making import make_policy
from tessera_env.recordings.bundled import trace_path
from tessera_env.recordings.traces.reading import read_series
from tessera_env.recordings.workloads import read_workload
from tessera_env.scenario.loading import load_scenario, parse_override

POLICY = "pretrained/deadline"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a file of each kind; the working directory is another one and stays empty."""
    folder, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    shutil.copy(trace_path("aws_v100_2023"), folder / "spot.csv")
    (folder / "runs.csv").write_text("runtime\n3600\n7200\n")
    shutil.copytree(data_folder() / "pretrained" / "deadline", folder / "policy")
    preset = Path(scenario.__file__).parent / "presets" / "deadline-aws.toml"
    text = preset.read_text(encoding="utf-8")
    (folder / "mine.toml").write_text(text.replace('"aws_v100_2023"', '"~/spot.csv"'), encoding="utf-8")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.chdir(elsewhere)
    return folder


def test_only_a_home_that_is_known_and_in_front_counts(home: Path) -> None:
    assert expanded("~/a") == home / "a"
    for path in ("~no such user/a", "a/~", "a~"):
        assert expanded(path) == Path(path)


READS: dict[str, Callable[[], Any]] = {
    "trace": lambda: read_series(["~/spot.csv"]),
    "workload": lambda: read_workload("~/runs.csv", "run_times"),
    "scenario, and the trace in it": lambda: load_scenario("~/mine.toml"),
    "value": lambda: load_scenario("deadline-aws", **dict([parse_override("market.trace=~/spot.csv")])),
    "card": lambda: read_card("~/policy"),
    "policy": lambda: make_policy("~/policy", Layout(1)),
}


@pytest.mark.parametrize("name", READS)
def test_whatever_is_read(home: Path, name: str) -> None:
    assert READS[name]() is not None


def test_what_is_written_is_found_there(home: Path) -> None:
    write_text("~/new", "text")
    assert (home / "new").read_text() == "text"
    with pytest.raises(OSError, match=r"b: ~/new is the same file as a's"):
        check_outputs({"a": str(home / "new"), "b": "~/new"})
    with pytest.raises(OSError, match=r"a: ~/spot.csv is the same file as ~/spot.csv, which is read"):
        check_outputs({"a": "~/spot.csv"}, ["~/spot.csv"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["traces", "check", "~/spot.csv"],
        ["traces", "show", "~/spot.csv", "--json=~/out"],
        ["traces", "fit", "~/spot.csv", "--output=~/out.toml"],
        ["plot", "--trace=~/spot.csv", "--output=~/out.png"],
        ["scenarios", "show", "~/mine.toml"],
    ],
    ids=" ".join,
)
def test_commands(home: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0, capsys.readouterr().err
    assert len(list(home.glob("out*"))) == any("out" in argument for argument in arguments)
    assert list(Path().iterdir()) == []


def test_a_path_with_a_null_character_stays_as_it_is() -> None:
    for path in ("~\0", "~nobody\0/a", "a\0"):
        assert str(expanded(path)) == path

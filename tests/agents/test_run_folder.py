"""A run's folder is made once, found through a link, and says what it is."""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.run_folder import (
    free_folder,
    kept_parts,
    made_folder,
    opened_folder,
    point_latest,
    read_evaluations,
    write_config,
)
from tessera_env.scenario.loading import load_scenario
from tests.faults import faults


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    assert made_folder(tmp_path / "a" / "mine").is_dir()
    with pytest.raises(ValueError, match=r"mine: exists already \(go on with it: --resume "):
        made_folder(tmp_path / "a" / "mine")


def test_a_folder_is_free_until_something_is_there(tmp_path: Path) -> None:
    assert free_folder(tmp_path / "a" / "mine") == tmp_path / "a" / "mine" and not any(tmp_path.iterdir())
    (tmp_path / "link").symlink_to("nowhere")
    for taken in (tmp_path, tmp_path / "link"):
        with pytest.raises(ValueError, match=r"exists already \(go on with it: --resume "):
            free_folder(taken)


def test_it_is_opened_where_the_link_points_now(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_config(made_folder(tmp_path / name), {"name": name})
        (tmp_path / name / "state").touch()
        point_latest(tmp_path / name)
    folder, config = opened_folder(tmp_path / "latest", "state")
    assert folder == tmp_path / "second" and config["name"] == "second"
    assert {"versions", "commit"} <= config.keys()


@pytest.mark.parametrize("missing", ["config.json", "state"])
def test_without_its_files_it_cannot_go_on(tmp_path: Path, missing: str) -> None:
    for name in {"config.json", "state"} - {missing}:
        (tmp_path / name).write_text("{}")
    with pytest.raises(ValueError, match=f"{missing}: no such file"):
        opened_folder(tmp_path, "state")


def test_latest_moves_in_one_step(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        point_latest(tmp_path / name)
        assert (tmp_path / "latest").resolve() == tmp_path / name
    assert {path.name for path in tmp_path.iterdir()} == {"first", "second", "latest"}


def test_a_run_that_cannot_begin_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails until its config is there."""
    folder = tmp_path / "mine"
    for name in ("source_commit", "versions"):  # which ask other programs, and may fail
        monkeypatch.setattr(f"agents.run_folder.{name}", str)
    for error in faults(lambda: write_config(made_folder(folder), {}), errno.EIO):
        config, line = folder / "config.json", str(error)
        assert line.startswith((f"{folder}: ", f"{config}: "))
        assert config.is_file() == ("is written, but" in line)
        assert folder.exists() == ("is written" in line or "was to be written is in" in line)
        shutil.rmtree(folder, ignore_errors=True)
    assert (folder / "config.json").is_file()


CONFIG = {"scenario": load_scenario("deadline").model_dump(mode="json"), "hyperparameters": {"seed": 1}}


@pytest.mark.parametrize("text", ["", "[]", "1", "{", '{"a": 1, "a": 2}', "\xff"])
def test_a_config_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "state").touch()
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError) as caught:
        opened_folder(tmp_path, "state")
    assert type(caught.value) is ValueError and str(caught.value).startswith(f"{tmp_path / 'config.json'}: ")
    assert "\n" not in str(caught.value)


def test_the_parts_of_a_config(tmp_path: Path) -> None:
    assert kept_parts(tmp_path, CONFIG, "hyperparameters") == (load_scenario(CONFIG["scenario"]), {"seed": 1})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scenario": None}, "scenario: must be an object (got None)"),
        ({"scenario": "deadline"}, "scenario: must be an object (got 'deadline')"),
        ({"hyperparameters": []}, "hyperparameters: must be an object (got [])"),
        ({"scenario": {"name": "a"}}, "scenario: horizon_h: must be given"),
    ],
)
def test_parts_that_are_none(tmp_path: Path, changes: dict, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        kept_parts(tmp_path, CONFIG | changes, "hyperparameters")
    assert str(caught.value).splitlines()[0] == f"{tmp_path / 'config.json'}: {words}"


@dataclass(frozen=True)
class Kept:
    steps: int
    cost: float


def test_evaluations_are_read_back_or_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "evaluations.json"
    assert read_evaluations(tmp_path, Kept) == []
    file.write_text('[{"steps": 1, "cost": 0.5}]')
    assert read_evaluations(tmp_path, Kept) == [Kept(1, 0.5)]
    for text in ("", "{}", "[1]", '[{"steps": 1}]', '[{"steps": "a", "cost": 1}]', '[{"steps": 1, "cost": 1e999}]'):
        file.write_text(text)
        with pytest.raises(ValueError) as caught:
            read_evaluations(tmp_path, Kept)
        assert str(caught.value).startswith(f"{file}: ") and "\n" not in str(caught.value)

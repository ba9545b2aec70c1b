"""A run's folder is made once, found through a link, and says what it is."""

import errno
import shutil
from pathlib import Path

import pytest

from agents.run_folder import free_folder, made_folder, opened_folder, point_latest, write_config
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

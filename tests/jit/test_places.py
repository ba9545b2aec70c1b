"""Places for compiled code: taken only if nobody else can have put something there."""

import os
import tempfile
from pathlib import Path

import pytest

from tessera_env.jit.places import cache_place

NAME = "tessera_env-of-a-test"
needs_owners = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners here")


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No root but these."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def own_temporary(tmp_path: Path) -> Path:
    return tmp_path / f"tessera_env-{os.geteuid()}"


def without_user_cache(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "user").touch()


def test_what_is_made_is_the_user_s_alone(tmp_path: Path) -> None:
    folder = cache_place(NAME)
    assert folder == tmp_path / "user" / NAME and folder.stat().st_mode & 0o777 == 0o700
    assert cache_place(NAME) == folder


@needs_owners
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_place_that_others_can_write_to_is_none(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "user" / NAME
    folder.mkdir(parents=True)
    folder.chmod(mode)
    assert cache_place(NAME) == own_temporary(tmp_path) / NAME


@needs_owners
@pytest.mark.parametrize("place", ["user cache", "temporary"])
def test_another_s_place_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Somebody made the folder beforehand, under the name that everybody can guess."""
    if place == "temporary":
        without_user_cache(tmp_path)
    mine = cache_place(NAME)
    assert mine is not None
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    own_temporary(tmp_path).mkdir(exist_ok=True)  # of the other, too
    assert cache_place(NAME) is None


@needs_owners
def test_a_link_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / NAME).symlink_to(tmp_path / "elsewhere")
    assert cache_place(NAME) == own_temporary(tmp_path) / NAME


def test_without_home_nothing_is_left_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "~" stays as it is for a user without an entry; a relative cache is none either."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for cache in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
        folder = cache_place(NAME)
        assert folder is not None and folder.is_relative_to(tmp_path) and not list(Path().iterdir())


def test_no_temporary_folder_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(tempfile, "gettempdir", missing)
    assert cache_place(NAME) == tmp_path / "user" / NAME
    (tmp_path / "user" / NAME).rmdir()
    (tmp_path / "user").rmdir()
    without_user_cache(tmp_path)
    assert cache_place(NAME) is None


def test_where_users_have_no_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "geteuid", raising=False)
    monkeypatch.delattr(os, "getuid", raising=False)
    assert cache_place(NAME) == tmp_path / "user" / NAME

"""Atomic writes: the old file or the new one, whatever goes wrong in between."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tessera_env.files import check_writable, write_bytes, write_text


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_it_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_text(path, "old\n")
    write_text(path, "nüw\r\n")
    assert path.read_bytes() == "nüw\r\n".encode()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("broken", ["replace", "fsync", "fdopen"])
def test_a_failure_leaves_the_old_file_and_no_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "policy.json"
    write_bytes(path, b"old")

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"tessera_env.files.os.{broken}", fail)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == []


def test_the_target_is_complete_before_it_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is renamed has all its bytes, forced to disk, and lies in the same folder."""
    path = tmp_path / "a"
    seen = []
    replace, fsync = os.replace, os.fsync
    monkeypatch.setattr("tessera_env.files.os.fsync", lambda file: (seen.append("fsync"), fsync(file)))

    def watch(source: Path, target: Path) -> None:
        seen.append((Path(source).parent, Path(source).read_bytes(), Path(target).exists()))
        replace(source, target)

    monkeypatch.setattr("tessera_env.files.os.replace", watch)
    write_bytes(path, b"x" * 100_000)
    assert seen[:2] == ["fsync", (tmp_path, b"x" * 100_000, False)]


def test_a_kill_at_the_worst_moment_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"old")
    program = (
        "import os, signal, tessera_env.files as files\n"
        "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"files.write_bytes({str(path)!r}, b'new')\n"
    )
    died = subprocess.run([sys.executable, "-c", program], check=False)
    assert died.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


def test_permissions_follow_the_umask_and_then_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    before = os.umask(0o027)
    try:
        write_bytes(path, b"1")
        assert path.stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)
    path.chmod(0o604)
    write_bytes(path, b"2")
    assert path.stat().st_mode & 0o777 == 0o604


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("write", [check_writable, lambda path: write_bytes(path, b"")])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", "is a directory"),
        ("missing/a", "there is no directory"),
        ("file/a", "there is no directory"),
        ("/dev/full", "is not a regular file"),
        ("nul\0byte", "not a usable file name"),
        ("loop", "not a usable file name|cannot be written|Too many levels"),
        ("x" * 300, "cannot be written|File name too long"),
    ],
)
def test_targets_that_cannot_be_written(tmp_path: Path, write: object, name: str, reason: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match=reason):
        write(tmp_path / name)  # type: ignore[operator]
    assert Path("/dev/full").is_char_device()
    assert leftovers(tmp_path) == []


def test_checking_creates_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "new")
    (tmp_path / "old").write_bytes(b"kept")
    check_writable(tmp_path / "old")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_bytes() == b"kept"

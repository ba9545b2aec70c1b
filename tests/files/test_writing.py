"""Atomic writes: the old file or the new one, whatever goes wrong in between."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tessera_env.files.writing import check_outputs, check_writable, replacing, write_bytes, write_text


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_it_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_text(path, "old\n")
    write_text(path, "nüw\r\n")
    assert path.read_bytes() == "nüw\r\n".encode()
    assert leftovers(tmp_path) == []


def test_bytes_of_names_that_are_no_text_are_question_marks(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "caf\udce9\n")
    assert (tmp_path / "a").read_bytes() == b"caf?\n"


@pytest.mark.parametrize("broken", ["fsync", "fdopen"])
def test_a_failure_leaves_the_old_file_and_no_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "policy.json"
    write_bytes(path, b"old")

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"tessera_env.files.writing.os.{broken}", fail)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == []


def test_what_cannot_be_put_in_place_is_kept_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(b"old")
    monkeypatch.setattr("tessera_env.files.writing.os.replace", failing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left on device; what was to be written is in ") as caught:
        write_bytes(path, b"new")
    (kept,) = leftovers(tmp_path)
    assert str(caught.value) == (
        f"{path}: cannot be written (No space left on device; what was to be written is in {tmp_path / kept})"
    )
    assert (path.read_bytes(), (tmp_path / kept).read_bytes()) == (b"old", b"new")


@pytest.mark.parametrize("reason", [errno.EBUSY, errno.EPERM, errno.EACCES, errno.EXDEV])
@pytest.mark.parametrize("new", [b"longer than it was", b"-"])
def test_a_file_that_nothing_is_renamed_onto_is_written_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int, new: bytes
) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(b"old")
    inode = path.stat().st_ino
    monkeypatch.setattr("tessera_env.files.writing.os.replace", failing(reason))
    write_bytes(path, new)
    assert (path.read_bytes(), path.stat().st_ino, leftovers(tmp_path)) == (new, inode, [])
    with pytest.raises(OSError, match=r"what was to be written is in .*\.new\."):  # there is none to write into
        write_bytes(tmp_path / "new", new)
    assert not (tmp_path / "new").exists()


def failing(reason: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(reason, os.strerror(reason))

    return fail


MOUNTED = """
set -e
printf old > source; printf under > out; printf old > read_only; printf under > locked
mount --bind source out; mount --bind read_only locked; mount -o remount,bind,ro locked
{python} - <<'END'
from tessera_env.files.writing import check_outputs, check_writable, write_text
check_writable("out")
write_text("out", "new")
for check in (check_writable, lambda path: check_outputs({{"html": path}}), lambda path: write_text(path, "new")):
    try:
        check("locked")
    except OSError as error:
        print(error)
END
cat out
"""


@pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0,
    reason="needs the right to mount",
)
def test_mount_points(tmp_path: Path) -> None:
    """As files that a container is given: one is written into, a read-only one is refused beforehand."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    script = MOUNTED.format(python=sys.executable)
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    first, second, third, found = done.stdout.splitlines()
    assert first == second == "locked: cannot be written (Read-only file system)"
    assert third.startswith("locked: cannot be written (Read-only file system; what was to be written is in ")
    assert found == "new"
    assert ((tmp_path / "source").read_text(), (tmp_path / "out").read_text()) == ("new", "under")
    assert (tmp_path / leftovers(tmp_path)[0]).read_text() == "new"


def test_the_target_is_complete_before_it_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is renamed has all its bytes, forced to disk, and lies in the same folder."""
    path = tmp_path / "a"
    seen = []
    replace, fsync = os.replace, os.fsync
    monkeypatch.setattr("tessera_env.files.writing.os.fsync", lambda file: (seen.append("fsync"), fsync(file)))

    def watch(source: Path, target: Path) -> None:
        seen.append((Path(source).parent, Path(source).read_bytes(), Path(target).exists()))
        replace(source, target)

    monkeypatch.setattr("tessera_env.files.writing.os.replace", watch)
    write_bytes(path, b"x" * 100_000)
    assert seen[:2] == ["fsync", (tmp_path, b"x" * 100_000, False)]


def test_a_kill_at_the_worst_moment_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"old")
    program = (
        "import os, signal, tessera_env.files.writing as files\n"
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


@pytest.mark.parametrize("write", [check_writable, lambda path: write_bytes(path, b"")])
@pytest.mark.parametrize("name", ["-", Path("-")])
def test_a_hyphen_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object, name: str | Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="-: is no file name; tables are on standard output"):
        write(name)  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == []
    write_bytes("./-", b"")
    check_writable(tmp_path / "-")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
@pytest.mark.parametrize("write", [check_writable, lambda path: write_bytes(path, b"")])
def test_an_open_pipe_is_told_of_as_one(write: object) -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(OSError, match=r"/dev/fd/\d+: is not a regular file, but a pipe"):
            write(f"/dev/fd/{writing}")  # type: ignore[operator]
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("redirected", ["> out.txt", "2> out.txt >&2"])
@pytest.mark.parametrize("name", ["out.txt", "link", "/dev/stdout"])
def test_what_is_printed_into_is_not_replaced(tmp_path: Path, redirected: str, name: str) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    code = """
import sys
from tessera_env.files.writing import check_writable, write_text
print("a table", flush=True)
for write in (check_writable, lambda path: write_text(path, "results")):
    try:
        write(sys.argv[1])
    except OSError as error:
        print(error, flush=True)
"""
    (tmp_path / "code.py").write_text(code)
    command = f"{sys.executable} code.py {name} {redirected}"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, check=True)
    told = f"{name}: is where standard output goes (needed: a file of its own)"
    assert (tmp_path / "out.txt").read_text().splitlines() == ["a table", told, told]


def test_checking_creates_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "new")
    (tmp_path / "old").write_bytes(b"kept")
    (tmp_path / "old").chmod(0o444)  # which a new one may be renamed onto
    before = (tmp_path / "old").stat()
    check_writable(tmp_path / "old")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_bytes() == b"kept"
    assert (tmp_path / "old").stat().st_mtime_ns == before.st_mtime_ns


# --- files that are written bit by bit -----------------------------------------------------------------------------


def test_a_long_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"old")
    path.chmod(0o604)
    with replacing(path) as file:
        for _ in range(1_000):
            file.write(b"x" * 1_000)
            assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"x" * 1_000_000
    assert path.stat().st_mode & 0o777 == 0o604
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError])
def test_an_error_halfway_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path) as file:
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == []


def test_a_new_file_that_fails_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^no$"), replacing(tmp_path / "a") as file:
        file.write(b"new")
        raise ValueError("no")
    assert list(tmp_path.iterdir()) == []


# --- several outputs -------------------------------------------------------------------------------------------------


def test_outputs_of_their_own_are_fine_and_nothing_is_created(tmp_path: Path) -> None:
    check_outputs({"output": tmp_path / "a", "html": str(tmp_path / "b"), "log": None}, [tmp_path / "c", "missing"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("second", ["a", "./a", "link", "folder/../a"])
def test_two_outputs_are_not_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("a")
    with pytest.raises(OSError, match=rf"^html: {second} is the same file as output's \(allowed: a file of its own\)$"):
        check_outputs({"output": tmp_path / "a", "html": second})


def test_an_output_is_not_an_input(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"kept")
    with pytest.raises(OSError, match=r"^log: .*mine\.toml is the same file as .*mine\.toml, which is read"):
        check_outputs({"log": tmp_path / "mine.toml"}, [str(tmp_path / "mine.toml")])
    assert (tmp_path / "mine.toml").read_bytes() == b"kept"


def test_an_output_that_cannot_be_written_is_told_first(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is a directory"):
        check_outputs({"output": tmp_path, "html": tmp_path})

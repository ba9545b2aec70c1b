"""Each call of a write fails, or is the last: the old file or the new one, whole, and a line that says which."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest

from tessera_env.files.folders import WritingError, make_folder, point_link
from tessera_env.files.writing import check_writable, replacing, write_bytes
from tests.faults import apart, faults, files_up_to, kills, told_of

CODES = [errno.ENOSPC, errno.EIO, errno.EBUSY, errno.EXDEV, errno.EDQUOT, errno.EACCES]
OLD, NEW = b"old" * 1_000, b"new, and longer" * 1_000
PART = "may be written in part only"


def in_steps(path: Path) -> None:
    with replacing(path) as file:
        for start in range(0, len(NEW), 4_000):
            file.write(NEW[start : start + 4_000])


def fresh(folder: Path, old: bytes | None) -> Path:
    """The only file of the folder, or none."""
    for path in folder.iterdir():
        path.unlink()
    if old is not None:
        (folder / "out.json").write_bytes(old)
    return folder / "out.json"


def temporaries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def refuse_renaming(*paths: object) -> None:
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), *map(str, paths[:1]))


def check_line(error: BaseException | None, code: int, path: Path) -> str:
    """What it says, in one line that names the file."""
    if error is None:
        return "is written"
    assert isinstance(error, WritingError) and error.errno == code
    line = str(error)
    assert line.startswith(f"{path}: ") and "\n" not in line and os.strerror(code) in line
    return line


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("old", [OLD, None])
@pytest.mark.parametrize("write", [partial(write_bytes, data=NEW), in_steps])
def test_the_old_file_or_the_new_one(
    tmp_path: Path, write: Callable[[Path], None], old: bytes | None, code: int, lasting: bool
) -> None:
    path = fresh(tmp_path, old)
    outcomes = set()
    for error in faults(partial(write, path), code, lasting):
        line = check_line(error, code, path)
        is_new = "is written" in line
        if PART in line:  # it was being written into, as only these reasons call for
            assert code in (errno.EBUSY, errno.EXDEV, errno.EACCES)
        else:
            assert content(path) == (NEW if is_new else old), line
        for left in temporaries(tmp_path):
            assert str(left) in line
            assert f"written is in {left}" not in line or left.read_bytes() == NEW
        outcomes.add(is_new)
        path = fresh(tmp_path, old)
    assert outcomes == {False, True}  # the last faults come after the file is in place
    write(path)
    assert content(path) == NEW and temporaries(tmp_path) == []


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("code", CODES)
def test_what_is_written_into_is_kept_beside_until_it_is_whole(tmp_path: Path, code: int, lasting: bool) -> None:
    """A mount point: nothing can be renamed onto it."""
    path, seen = fresh(tmp_path, OLD), set()
    with patch.object(os, "replace", refuse_renaming):
        for error in faults(partial(write_bytes, path, NEW), code, lasting):
            line = check_line(error, code, path)
            kept = [left for left in temporaries(tmp_path) if left.read_bytes() == NEW]
            assert all(str(left) in line for left in temporaries(tmp_path))
            if PART in line:
                assert kept
            else:
                assert content(path) == (NEW if "is written" in line else OLD), line
            seen.add(PART in line)
            path = fresh(tmp_path, OLD)
        assert seen == {False, True}
        write_bytes(path, NEW)
    assert content(path) == NEW and temporaries(tmp_path) == []


def test_the_order_of_what_is_forced_to_disk(tmp_path: Path) -> None:
    """The content before it is renamed, its folder after that; and before it is copied where it cannot be renamed."""
    path = fresh(tmp_path, OLD)
    told: list[str] = []

    def order() -> list[str]:
        told.clear()
        with told_of(lambda name, *paths: told.extend([name, *(Path(one).name for one in paths[-1:])])):
            write_bytes(path, NEW)
        return [word for word in told if word in ("fsync", "replace", path.name, tmp_path.name)]

    assert order() == ["fsync", "replace", path.name, tmp_path.name, "fsync"]
    with patch.object(os, "replace", refuse_renaming):
        copied = ["replace", path.name, tmp_path.name, "fsync", path.name, "fsync"]
        assert order() == ["fsync", *copied, tmp_path.name, "fsync"]


def test_ctrl_c_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = fresh(tmp_path, OLD)
    for error in faults(partial(write_bytes, path, NEW), KeyboardInterrupt):
        assert isinstance(error, KeyboardInterrupt)
        assert content(path) in (OLD, NEW) and temporaries(tmp_path) == []
        path = fresh(tmp_path, OLD)


def killed_while_a_file_is_written(folder: Path) -> None:
    for write in (partial(write_bytes, data=NEW), in_steps):
        for old in (OLD, None):
            path, seen = fresh(folder, old), set()
            for _ in kills(partial(write, path)):
                seen.add(content(path))
                assert seen <= {old, NEW}
                write_bytes(path, OLD)  # what was left behind does not matter
                path = fresh(folder, old)
            assert seen == {old, NEW} and content(path) == NEW and not temporaries(folder)


def killed_while_a_file_is_written_into(folder: Path) -> None:
    path, seen = fresh(folder, OLD), set()
    with patch.object(os, "replace", refuse_renaming):
        for _ in kills(partial(write_bytes, path, NEW)):
            whole = [left for left in temporaries(folder) if left.read_bytes() == NEW]
            assert content(path) in (OLD, NEW) or whole
            seen.add(content(path) in (OLD, NEW))
            path = fresh(folder, OLD)
    assert seen == {False, True} and content(path) == NEW and not temporaries(folder)


def killed_while_a_link_is_moved(folder: Path) -> None:
    for name in ("first", "second"):
        (folder / name).mkdir()
    link, seen = folder / "latest", set()
    for _ in kills(lambda: (point_link(link, "first"), point_link(link, "second"))):
        seen.add(os.readlink(link) if link.is_symlink() else None)
        link.unlink(missing_ok=True)
    assert seen == {None, "first", "second"} and os.readlink(link) == "second"


def killed(folder: Path) -> None:
    for check in (killed_while_a_file_is_written, killed_while_a_file_is_written_into, killed_while_a_link_is_moved):
        (folder / check.__name__).mkdir()
        check(folder / check.__name__)


def test_kills(tmp_path: Path) -> None:
    apart(killed, tmp_path)


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("code", CODES)
def test_a_link_points_to_the_old_or_the_new(tmp_path: Path, code: int, lasting: bool) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    link = tmp_path / "latest"
    point_link(link, "first")
    for error in faults(lambda: point_link(link, "second"), code, lasting):
        line = check_line(error, code, link)
        assert os.readlink(link) == ("second" if "is written" in line else "first")
        for left in temporaries(tmp_path):
            assert f"{left} is left" in line
            left.unlink()
        point_link(link, "first")


@pytest.mark.parametrize("code", CODES)
def test_a_folder_that_cannot_be_made_is_not_there(tmp_path: Path, code: int) -> None:
    folder = tmp_path / "a" / "b"
    for error in faults(lambda: make_folder(folder), code):
        if error is None:  # where a folder cannot be forced to disk, that is no error
            assert folder.is_dir()
            folder.rmdir()
            (tmp_path / "a").rmdir()
        assert check_line(error, code, folder) and not list(tmp_path.iterdir())
    assert folder.is_dir()


@pytest.mark.parametrize("old", [OLD, None])
@pytest.mark.parametrize("code", CODES)
def test_checking_beforehand_changes_nothing(tmp_path: Path, code: int, old: bytes | None) -> None:
    path = fresh(tmp_path, old)
    for error in faults(partial(check_writable, path), code):
        if error is not None:
            assert isinstance(error, OSError) and str(error).startswith(f"{path}: cannot be written (")
        assert content(path) == old
        assert all(str(left) in str(error) for left in temporaries(tmp_path))
        path = fresh(tmp_path, old)


# --- by the system itself --------------------------------------------------------------------------------------------


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may be longer than a disk's block."""
    with files_up_to(4_096):
        yield


@pytest.mark.parametrize("write", [partial(write_bytes, data=NEW), in_steps])
def test_a_file_that_grows_too_long(tmp_path: Path, small_files: None, write: Callable[[Path], None]) -> None:
    path = fresh(tmp_path, OLD)
    with pytest.raises(OSError) as caught:
        write(path)
    assert str(caught.value) == f"{path}: cannot be written (File too large)"
    assert content(path) == OLD and temporaries(tmp_path) == []


FULL = """
set -e
mount -t tmpfs -o size=64k none disk
printf old > disk/out.json
{python} - <<'END'
from tessera_env.files.writing import write_bytes
try:
    write_bytes("disk/out.json", bytes(200_000))
except OSError as error:
    print(error)
END
cat disk/out.json; ls -A disk
"""


@pytest.mark.skipif(
    not Path("/usr/bin/unshare").exists()
    or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0,
    reason="needs the right to mount",
)
def test_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    script = ["unshare", "-m", "bash", "-c", FULL.format(python=sys.executable)]
    done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "disk/out.json: cannot be written (No space left on device)\noldout.json\n"

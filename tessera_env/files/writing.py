"""Writing files so that a crash, a kill or a full disk never destroys what was there before."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tessera_env.files.kinds import kind_of_path, stream_into
from tessera_env.files.paths import expanded
from tessera_env.files.problems import named

# Renaming fails so onto a mount point, onto another's file in a shared folder, and on Windows onto an open file.
_IN_PLACE_INSTEAD = (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES)


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """A file whose content takes the place of `path` in one step when the block ends: for what is too long to hold.

    Readers see the whole old file or the whole new one. If the block raises, or the disk fills, or the process dies,
    what was there before is untouched. A symbolic link is followed, an existing file keeps its permissions. A file that
    nothing can be renamed onto, such as a mount point, is written into.

    Raises:
        OSError: the file cannot be written; if only putting it in place failed, the content is kept beside it, and the
            error says where.
    """
    target = _target(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        with _created(temporary) as file:
            if target.exists():
                os.chmod(temporary, target.stat().st_mode & 0o777)
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _put_in_place(temporary, target)
    sync_folder(target.parent)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Put `data` into `path` in one step; see `replacing`.

    Raises:
        OSError: the file cannot be written; what was there before is untouched.
    """
    with replacing(path) as file:
        file.write(data)


def write_text(path: str | Path, text: str) -> None:
    """As `write_bytes`, in UTF-8 with the line ends that `text` has.

    What UTF-8 lacks, the bytes of a file's name that were no text, become question marks.
    """
    write_bytes(path, text.encode("utf-8", "replace"))


def check_writable(path: str | Path) -> None:
    """Find out before long work whether `path` can be written.

    A file is created and removed beside it; one that is there is opened for writing, as it will be if nothing can be
    renamed onto it. Neither changes it.

    Raises:
        OSError: one line that says why not.
    """
    target = _target(path)
    probe = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise OSError(f"{named(path)}: cannot be written ({error.strerror})") from None
    probe.unlink()
    if target.exists() and (reason := _why_not_replaced(target, probe)):
        raise OSError(f"{named(path)}: cannot be written ({reason})")


def check_outputs(outputs: Mapping[str, str | Path | None], inputs: Iterable[str | Path] = ()) -> None:
    """`check_writable` for files by the option that names them; each must be a file of its own, and none an input.

    Raises:
        OSError: one line that names the option.
    """
    taken = {_resolved(path): f"{named(path)}, which is read" for path in inputs}
    for option, path in outputs.items():
        if path is None:
            continue
        check_writable(path)
        target = _resolved(path)
        if target in taken:
            raise OSError(f"{option}: {named(path)} is the same file as {taken[target]} (allowed: a file of its own)")
        taken[target] = f"{option}'s"


def sync_folder(folder: Path) -> None:
    """Make renames in the folder survive a power cut, where the system can (not on Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_in_place(temporary: Path, target: Path) -> None:
    """Rename, or where that is not possible, copy into the target; keep what could not be put in place.

    Raises:
        OSError: neither was possible; it says where the content is.
    """
    try:
        try:
            os.replace(temporary, target)
        except OSError as error:
            if error.errno not in _IN_PLACE_INSTEAD or not target.exists():
                raise
            _copy_into(temporary, target)
            temporary.unlink()
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; what was to be written is in {temporary}") from None


def _copy_into(source: Path, target: Path) -> None:
    with source.open("rb") as file, target.open("r+b") as into:
        shutil.copyfileobj(file, into)
        into.truncate()
        into.flush()
        os.fsync(into.fileno())


def _why_not_replaced(target: Path, probe: Path) -> str:
    """Why a file can be neither renamed onto nor written into; empty if it can.

    A read-only file can be renamed onto, unless it is a mount point; one that is immutable or on a read-only file
    system cannot.
    """
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_APPEND))
    except OSError as error:
        if error.errno != errno.EACCES or _is_mount_point(target, probe):
            return error.strerror or str(error)
    return ""


def _is_mount_point(target: Path, probe: Path) -> bool:
    """Whether another file system, or part of one, lies over this file: nothing beside it can be a link to it then."""
    try:
        os.link(target, probe)
    except OSError as error:
        return error.errno == errno.EXDEV
    probe.unlink()
    return False


def _target(path: str | Path) -> Path:
    """The file behind any links.

    Devices are refused, since renaming onto /dev/full would replace the device, and so is the file that standard output
    goes into, from which it would take what is printed.
    """
    target = _resolved(path)
    if str(path) == "-":
        raise OSError("-: is no file name; tables are on standard output (needed: a file name, such as ./-)")
    if kind := kind_of_path(expanded(path)):
        raise OSError(f"{named(path)}: is not a regular file, but {kind} (needed: a file name)")
    if stream := stream_into(target):
        raise OSError(f"{named(path)}: is where {stream} goes (needed: a file of its own)")
    if target.is_dir():
        raise OSError(f"{named(path)}: is a directory (needed: a file name)")
    if not target.parent.is_dir():
        raise OSError(f"{named(path)}: there is no directory {named(target.parent)}")
    return target


def _resolved(path: str | Path) -> Path:
    try:
        return expanded(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # loops of links, null bytes
        raise OSError(f"{path!s}: not a usable file name ({error})") from None


def _created(path: Path) -> BinaryIO:
    # os.open with 0o666 lets the process's umask decide, as plain open() would; tempfile would make it 0o600.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    return os.fdopen(descriptor, "wb")

"""Writing files so that a crash, a kill or a full disk never destroys what was there before."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeGuard

from tessera_env.files.folders import WritingError, sync_folder, sync_renamed, system_reason, writing_error
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
    nothing can be renamed onto, such as a mount point, is written into, which takes more than one step: until it is
    done, whole content lies beside it as `.NAME.*.tmp`.

    Raises:
        OSError: the file cannot be written, or it is and may not last; one line that says which. If only putting it in
            place failed, the content is kept beside it, and the line says where.
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
        obstacle = _obstacle(temporary, target)
    except BaseException as error:
        left = _left_after_removing(temporary)
        if _is_about(error, temporary, target):
            raise writing_error(path, "cannot be written", error, left) from None
        raise
    if obstacle is not None:
        _write_into(temporary, target, obstacle, path)
    sync_renamed(target, path)


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
    reason = _why_not_made(probe)
    if not reason and target.exists():
        reason = _why_not_replaced(target, probe)
    if reason:
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


def _obstacle(temporary: Path, target: Path) -> OSError | None:
    """Put the file in place; why it could not be renamed, if it could not."""
    try:
        os.replace(temporary, target)
    except OSError as error:
        return error
    return None


def _write_into(temporary: Path, target: Path, obstacle: OSError, path: str | Path) -> None:
    """Copy into the target that nothing can be renamed onto; keep what could not be put in place.

    Raises:
        OSError: that was not possible; it says where the content is.
    """
    kept = f"what was to be written is in {temporary}"
    if obstacle.errno not in _IN_PLACE_INSTEAD or not target.exists():
        raise writing_error(path, "cannot be written", obstacle, kept)
    try:
        sync_folder(temporary.parent)  # whoever is cut off halfway finds all of it there
        into = target.open("r+b")
    except OSError as error:
        raise writing_error(path, "cannot be written", error, kept) from None
    try:
        with into, temporary.open("rb") as file:
            shutil.copyfileobj(file, into)
            into.truncate()
            into.flush()
            os.fsync(into.fileno())
    except OSError as error:
        raise writing_error(path, "may be written in part only", error, kept) from None
    try:
        temporary.unlink()
    except OSError as error:
        raise writing_error(path, f"is written, but {temporary} is left", error) from None


def _left_after_removing(temporary: Path) -> str:
    """What to say of a temporary file that cannot be removed; empty if it is gone."""
    with suppress(OSError):
        temporary.unlink(missing_ok=True)
    return f"{temporary} is left" if os.path.lexists(temporary) else ""


def _is_about(error: BaseException, temporary: Path, target: Path) -> TypeGuard[OSError]:
    """Whether it is the system's error about this file, and no other's."""
    if not isinstance(error, OSError) or error.errno is None or isinstance(error, WritingError):
        return False
    return error.filename is None or str(error.filename) in (str(temporary), str(target))


def _why_not_made(probe: Path) -> str:
    """Why no file can be created here and removed again; empty if one can."""
    reason = ""
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        reason = system_reason(error)
    return "; ".join(filter(None, (reason, _left_after_removing(probe))))


def _why_not_replaced(target: Path, probe: Path) -> str:
    """Why a file can be neither renamed onto nor written into; empty if it can.

    A read-only file can be renamed onto, unless it is a mount point; one that is immutable or on a read-only file
    system cannot.
    """
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_APPEND))
    except OSError as error:
        if error.errno != errno.EACCES or _is_mount_point(target, probe):
            return system_reason(error)
    return ""


def _is_mount_point(target: Path, probe: Path) -> bool:
    """Whether another file system, or part of one, lies over this file: nothing beside it can be a link to it then."""
    try:
        os.link(target, probe)
    except OSError as error:
        return error.errno == errno.EXDEV
    _left_after_removing(probe)
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
    try:
        return os.fdopen(descriptor, "wb")
    except BaseException:
        os.close(descriptor)
        raise

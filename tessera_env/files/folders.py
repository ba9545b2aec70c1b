"""Folders and what stands in them: a name is there or not, points to the old or to the new, whatever goes wrong."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from tessera_env.files.problems import named

# What systems say of a folder that cannot be forced to disk: one that may not be read, or on a network.
_NEVER_SYNCED = (errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)


class WritingError(OSError):
    """What became of a file or folder that could not be written as it should have been; one line that names it.

    `errno` says why, `filename` is the path as it was given, `strerror` says what is there now.
    """

    def __str__(self) -> str:
        """The line."""
        return f"{named(self.filename)}: {self.strerror}"


def writing_error(path: str | Path, told: str, error: OSError, more: str = "") -> WritingError:
    """`PATH: TOLD (why; MORE)`."""
    more = f"; {more}" if more else ""
    return WritingError(error.errno, f"{told} ({system_reason(error)}{more})", str(path))


def system_reason(error: OSError) -> str:
    """Why: the system's words, or the whole line where it tells more."""
    return str(error) if isinstance(error, WritingError) else error.strerror or str(error)


def make_folder(folder: Path, exist_ok: bool = False) -> None:
    """Make a folder, and those that it lies in.

    Raises:
        FileExistsError: something stands there, or if folders may, something else.
        OSError: it cannot be made; one line.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=exist_ok)
    except FileExistsError:
        raise
    except OSError as error:
        remove_empty(missing)
        raise writing_error(folder, "cannot be made", error) from None
    for one in missing:
        try:
            sync_folder(one.parent)
        except OSError as error:
            remove_empty(missing)
            raise writing_error(folder, "cannot be made", error) from None


def remove_empty(folders: list[Path]) -> None:
    """Remove folders, the inner ones first, as long as nothing lies in them."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def point_link(link: Path, target: str) -> None:
    """Let a symbolic link to a folder beside it point to another one, in one step.

    Raises:
        OSError: it cannot; it points where it did, unless the line says otherwise.
    """
    following = link.with_name(f".{link.name}.{secrets.token_hex(8)}.tmp")
    try:
        following.symlink_to(target, target_is_directory=True)
        os.replace(following, link)
    except BaseException as error:
        with suppress(OSError):
            following.unlink(missing_ok=True)
        left = f"{following} is left" if os.path.lexists(following) else ""
        if isinstance(error, OSError):
            raise writing_error(link, f"cannot be made to point to {named(target)}", error, left) from None
        raise
    sync_renamed(link, link)


def sync_renamed(target: Path, path: str | Path) -> None:
    """Make the renaming of a file that is called `path` survive a power cut.

    Raises:
        OSError: it may not; the new content is there all the same.
    """
    try:
        sync_folder(target.parent)
    except OSError as error:
        raise writing_error(path, "is written, but may be lost in a power cut", error) from None


def sync_folder(folder: Path) -> None:
    """Make renames in the folder survive a power cut, where the system can (not on Windows).

    Raises:
        OSError: the disk failed.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NEVER_SYNCED:
            raise

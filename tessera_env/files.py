"""Writing files so that a crash, a kill or a full disk never destroys what was there before."""

import os
import secrets
from pathlib import Path


def write_bytes(path: str | Path, data: bytes) -> None:
    """Put `data` into `path` in one step: readers see the whole old file or the whole new one.

    A symbolic link is followed, an existing file keeps its permissions.

    Raises:
        OSError: the file cannot be written; what was there before is untouched.
    """
    target = _target(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        _write_and_sync(temporary, data, _permissions(target))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def write_text(path: str | Path, text: str) -> None:
    """As `write_bytes`, in UTF-8 with the line ends that `text` has."""
    write_bytes(path, text.encode("utf-8"))


def check_writable(path: str | Path) -> None:
    """Find out before long work whether `path` can be written, by creating and removing a file beside it.

    Raises:
        OSError: one line that says why not.
    """
    target = _target(path)
    probe = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise OSError(f"{path}: cannot be written ({error.strerror})") from None
    probe.unlink()


def sync_folder(folder: Path) -> None:
    """Make renames in the folder survive a power cut, where the system can (not on Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _target(path: str | Path) -> Path:
    """The file behind any links; devices are refused, since renaming onto /dev/full would replace the device."""
    try:
        target = Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # loops of links, null bytes
        raise OSError(f"{path!s}: not a usable file name ({error})") from None
    if target.is_dir():
        raise OSError(f"{path}: is a directory (needed: a file name)")
    if target.exists() and not target.is_file():
        raise OSError(f"{path}: is not a regular file")
    if not target.parent.is_dir():
        raise OSError(f"{path}: there is no directory {target.parent}")
    return target


def _permissions(target: Path) -> int | None:
    return target.stat().st_mode & 0o777 if target.exists() else None


def _write_and_sync(path: Path, data: bytes, permissions: int | None) -> None:
    # os.open with 0o666 lets the process's umask decide, as plain open() would; tempfile would make it 0o600.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "wb") as file:
        if permissions is not None:
            os.chmod(path, permissions)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

"""Where compiled code may be kept: places are looked at before they are taken, since what lies there is executed."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

_OWN = 0o700
_OTHERS_WRITE = 0o022


def cache_place(name: str) -> Path | None:
    """A folder of that name which this user can write, and nobody else, made if it is missing; None: there is none.

    NUMBA_CACHE_DIR is the only root if it is given; else it is the user's cache or, if that cannot be, a folder of the
    user's own among the temporary files.
    """
    folders = (_own_folder(root, name) for root in _roots())
    return next((folder for folder in folders if folder is not None), None)


def _roots() -> Iterator[Path]:
    """The roots, the best first."""
    if configured := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(configured).absolute()
        return
    user = Path(os.environ.get("XDG_CACHE_HOME", ""))
    user = user if user.is_absolute() else Path(os.path.expanduser("~"), ".cache")
    if user.is_absolute():  # without HOME, and for a user without an entry, "~" stays what it is
        yield user
    try:
        shared = Path(tempfile.gettempdir())
    except OSError:
        return
    own = shared / ("tessera_env" if _user() is None else f"tessera_env-{_user()}")
    if _made_own(own):
        yield own


def _own_folder(root: Path, name: str) -> Path | None:
    """`root / name`; None if it cannot be written, or others could have written there."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not _made_own(root / name):
            return None
        with tempfile.TemporaryFile(dir=root / name):
            return root / name
    except OSError:
        return None


def _made_own(folder: Path) -> bool:
    """Make the folder if it is missing; whether it is one, no link to one, that nobody but this user can write to."""
    try:
        folder.mkdir(mode=_OWN, exist_ok=True)
        facts = folder.lstat()
    except OSError:
        return False
    is_private = _user() is None or (facts.st_uid == _user() and not facts.st_mode & _OTHERS_WRITE)
    return is_private and not folder.is_symlink()


def _user() -> int | None:
    """The number of the user; None where users have none."""
    return os.geteuid() if hasattr(os, "geteuid") else None

"""Who compiles into a folder: at most one process of a machine, and the system knows when it has ended."""

import os
from enum import Enum
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class Refused(Enum):
    """Why the lock of a folder could not be taken."""

    BUSY = "another process has it"
    IMPOSSIBLE = "nothing can be locked there"


def taken_lock(folder: Path, waits: bool = False) -> int | Refused:
    """Take a folder's lock, which is free again when all copies of the descriptor are closed, such as by a death.

    Args:
        folder: what is locked.
        waits: until it is free; else a lock that another process has is refused.
    """
    if fcntl is None:
        return Refused.IMPOSSIBLE
    try:
        descriptor = os.open(folder / "compiling.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return Refused.IMPOSSIBLE
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    except BaseException as error:
        os.close(descriptor)
        if not isinstance(error, OSError):
            raise
        return Refused.BUSY if isinstance(error, BlockingIOError) else Refused.IMPOSSIBLE
    return descriptor

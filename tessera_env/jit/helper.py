"""One helper process a machine that compiles a package's kernels, for all processes that wait for them."""

import logging
import os
import subprocess
import sys
from pathlib import Path

from tessera_env.jit.lock import Refused, taken_lock
from tessera_env.jit.mode import HELPER, VARIABLE

_LOGGER = logging.getLogger("tessera_env")
_STARTED: dict[Path, "_Helper"] = {}  # by the folder that they fill: a second one would fail as the first did


class _Helper(subprocess.Popen[bytes]):
    """A process that may outlive this one."""

    def __del__(self) -> None:
        """It is not waited for, and nobody is warned of that."""


def is_helped(package: Path, folder: Path) -> bool:
    """Whether another process is compiling the package's kernels into the folder; one is started if none is.

    It runs `python -m <package> compile`, holds the folder's lock until its end, goes on if this process ends, and
    ends with it at Ctrl-C, since it belongs to the same group. False: none can be started, or one has ended already.
    """
    lock = taken_lock(folder)
    if lock is Refused.BUSY:
        return True
    if isinstance(lock, Refused):
        return False
    try:
        if folder in _STARTED:
            _STARTED[folder].poll()
            return False
        return _is_started(package, folder, lock)
    finally:
        os.close(lock)


def _is_started(package: Path, folder: Path, lock: int) -> bool:
    """Start a helper that inherits the lock."""
    if not sys.executable or getattr(sys, "frozen", False):
        return False  # it would start the program that Python is part of
    # The same modules as here, the same folder, from whatever place this process was started.
    paths = os.pathsep.join(os.path.abspath(path) for path in (str(package.parent), *sys.path))
    environment = {**os.environ, VARIABLE: HELPER, "PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(folder.parent)}
    try:
        _STARTED[folder] = _Helper(
            [sys.executable, "-P", "-m", package.name, "compile"],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(lock,),
        )
    except OSError as error:
        _LOGGER.info("no process that compiles could be started (%s)", error)
        return False
    _LOGGER.warning(
        "compiling for the first use on this machine, half a minute; until then all runs as plain Python, the same bits"
    )
    return True

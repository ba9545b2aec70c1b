"""The data files inside the package, wherever it was imported from."""

import atexit
import shutil
import tempfile
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from tessera_env.files.folders import writing_error


@cache
def data_folder() -> Path:
    """Where they lie; out of a zip archive they are unpacked, for as long as the process lives."""
    folder = files("tessera_env") / "data"
    if isinstance(folder, Path):
        return folder
    unpacked = Path(tempfile.mkdtemp(prefix="tessera-data-"))
    atexit.register(shutil.rmtree, unpacked, ignore_errors=True)
    _copy(folder, unpacked)
    return unpacked


def _copy(source: Traversable, target: Path) -> None:
    """The process's own copy, which need not outlive it.

    Raises:
        OSError: there is no room for it; one line.
    """
    for entry in source.iterdir():
        if entry.is_dir():
            (target / entry.name).mkdir()
            _copy(entry, target / entry.name)
        else:
            content = entry.read_bytes()
            try:
                (target / entry.name).write_bytes(content)
            except OSError as error:
                raise writing_error(target / entry.name, "cannot be unpacked", error) from None

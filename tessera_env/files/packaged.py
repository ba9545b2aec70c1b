"""The data files inside the package, wherever it was imported from."""

import atexit
import shutil
import tempfile
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


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
    for entry in source.iterdir():
        if entry.is_dir():
            (target / entry.name).mkdir()
            _copy(entry, target / entry.name)
        else:
            (target / entry.name).write_bytes(entry.read_bytes())

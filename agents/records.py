"""TensorBoard's records of a run, without which training goes on if they cannot be written."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from stable_baselines3.common.logger import KVWriter, TensorBoardOutputFormat

from tessera_env.files.folders import make_folder, system_reason
from tessera_env.files.problems import named


class Records(KVWriter):
    """Stable-Baselines3's records in a folder; on a full disk they end with one line."""

    def __init__(self, folder: Path, console: Console) -> None:
        self._folder, self._console = folder, console
        self._inner: TensorBoardOutputFormat | None = None
        self._threads_told = threading.excepthook
        threading.excepthook = self._tell_of_thread
        with self._ending():
            make_folder(folder, exist_ok=True)
            self._inner = TensorBoardOutputFormat(str(folder))

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Add values."""
        with self._ending():
            if self._inner is not None:
                self._inner.write(key_values, key_excluded, step)

    def close(self) -> None:
        """Write what is not written yet."""
        with self._ending():
            if self._inner is not None:
                self._inner.close()
        threading.excepthook = self._threads_told

    @contextmanager
    def _ending(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._inner = None
            line = (
                f"{named(self._folder)}: cannot be written ({system_reason(error)}); training goes on without records"
            )
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _tell_of_thread(self, failed: Any) -> None:
        """The writer's thread keeps its error for whoever writes next; printed there it would be a traceback."""
        if not type(failed.thread).__module__.startswith("tensorboard."):
            self._threads_told(failed)

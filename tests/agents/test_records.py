"""Training does not end where its records do."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from stable_baselines3.common.logger import Logger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.records import Records
from tests.faults import files_up_to


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may be longer than TensorBoard's first words."""
    with files_up_to(100):
        yield


def record(folder: Path, console: Console) -> None:
    logger = Logger(str(folder), [Records(folder, console)])
    for step in range(3):
        for name in ("a", "b", "c"):
            logger.record(name, float(step))
        logger.dump(step)
    logger.close()


def test_they_are_what_tensorboard_reads(tmp_path: Path) -> None:
    record(tmp_path / "run" / "tb", Console(quiet=True))
    found = EventAccumulator(str(tmp_path / "run" / "tb")).Reload()
    assert [event.step for event in found.Scalars("b")] == [0, 1, 2]


def test_a_full_disk_ends_them_with_one_line(
    tmp_path: Path, full_disk: None, capfd: pytest.CaptureFixture[str]
) -> None:
    shown = io.StringIO()
    record(tmp_path / "tb", Console(file=shown, width=20))
    folder = tmp_path / "tb"
    assert shown.getvalue() == f"{folder}: cannot be written (File too large); training goes on without records\n"
    assert capfd.readouterr() == ("", "")


def test_a_file_in_their_place_does_too(tmp_path: Path) -> None:
    (tmp_path / "tb").write_bytes(b"")
    shown = io.StringIO()
    record(tmp_path / "tb", Console(file=shown, width=20))
    assert shown.getvalue().endswith("/tb: cannot be written (File exists); training goes on without records\n")

"""What a reader must not do is found out, and told."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.fuzz import __main__ as fuzz
from benchmarks.fuzz import judging
from benchmarks.fuzz.judging import LONGEST_LINE, MOST_BYTES, Fault, Reader, judged, plain


def reader(read: Any) -> Reader:
    return Reader("mine", "json", (b'{"a": [1, 2]}',), read, ValueError, 2, "mine.json")


def refused(text: str) -> Any:
    def read(path: Path) -> None:
        raise ValueError(text)

    return read


def endless(path: Path) -> None:
    while True:
        with suppress(Exception):
            time.sleep(0.001)


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda path: {}["a"], "raised KeyError"),
        (lambda path: path.read_bytes().decode("utf-16"), "let UnicodeDecodeError through"),
        (lambda path: Path("/none").read_bytes(), "raised FileNotFoundError"),
        (lambda path: np.ones(MOST_BYTES // 4), "took 1"),
        (endless, "took more than 0.2 s"),
        (refused("is wrong"), "without the file's name"),
        (refused("mine.json\n" * 3), "in 4 lines"),
        (refused("mine.json" * LONGEST_LINE), "characters"),
        (refused("mine.json \x1b[31m"), "not printable"),
    ],
)
def test_faults(tmp_path: Path, read: Any, words: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(judging, "MOST_S", 0.2)
    with pytest.raises(Fault, match=words):
        judged(reader(read), tmp_path, b"\xff\xfe\x00", 1, measures_memory="took 1" in words)


def test_what_is_read_and_what_is_refused(tmp_path: Path) -> None:
    found = judged(reader(lambda path: path.read_bytes()), tmp_path, b"a", 1, measures_memory=True)
    assert (found.value, found.refusal) == (b"a", None) and found.peak_bytes > 0
    assert judged(reader(refused("mine.json: is wrong")), tmp_path, b"a", 2).refusal == "mine.json: is wrong"


def test_plain_values_equal_where_the_readings_do() -> None:
    assert plain({"a": np.array([np.nan, 1.0])}) == plain({"a": np.array([np.nan, 1.0])})
    assert plain(np.array([1.0])) != plain(np.array([1])) and plain([-0.0]) != plain([0.0]) and plain(1) != plain(True)


def test_the_script_counts_and_keeps_what_is_faulty(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(fuzz, "readers", lambda: (reader(lambda path: path.read_bytes().decode()["a"]),))
    assert fuzz.main(["--files", "3", "--keep", str(tmp_path / "kept")]) == 1
    shown = capsys.readouterr().out
    assert "mine: 3 files, 3 faults" in shown and len([*(tmp_path / "kept").iterdir()]) == 3
    monkeypatch.setattr(fuzz, "readers", lambda: (reader(lambda path: None),))
    assert fuzz.main(["--files", "3", "--readers", "mi"]) == 0
    assert "mine" in capsys.readouterr().out


def test_a_file_is_told_by_seed_reader_and_number() -> None:
    made = [fuzz.file_of(reader(None), seed, number) for seed in (0, 1) for number in range(5)]
    assert made == [fuzz.file_of(reader(None), seed, number) for seed in (0, 1) for number in range(5)]
    assert len(set(made)) > 5

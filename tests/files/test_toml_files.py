"""TOML is read, or refused in one short line in little time."""

import time
from pathlib import Path

import pytest

from tessera_env.files.toml_files import read_toml, toml_of


def refused(text: str) -> str:
    with pytest.raises(ValueError) as caught:
        toml_of(text, "mine.toml", ValueError)
    line = str(caught.value)
    assert line.startswith("mine.toml: ") and len(line) < 300 and line.isprintable()
    return line.removeprefix("mine.toml: ")


def test_what_a_file_says(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\n[b]\r\nc.d = 'x.y'\r\n")
    assert read_toml(tmp_path / "a.toml", ValueError) == {"a": 1, "b": {"c": {"d": "x.y"}}}


@pytest.mark.parametrize("begin", ["", "\na = 1\n", "[", "[[", "b = { ", "b = {c = 1, "])
@pytest.mark.parametrize("part", ["a.", "'a' . ", '"a b".'])
def test_a_key_of_many_parts_takes_no_time(begin: str, part: str) -> None:
    """Python's parser takes the square of them: half a minute, and gigabytes, for these."""
    start = time.perf_counter()
    assert "has a key of too many parts (allowed: up to 64)" in refused(f"{begin}{part * 20_000}a = 1")
    assert time.perf_counter() - start < 2.0


def test_dots_elsewhere_are_no_parts() -> None:
    dots = "a." * 500
    assert toml_of(f"a.b.c.d = '{dots}'  # {dots}", "mine.toml", ValueError)["a"]["b"]["c"]["d"] == dots


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = 1\na = 2\n\n", "is not TOML: Cannot overwrite a value (at line 2"),
        ("a = {" + "x" * 10_000 + " = 1, " + "x" * 10_000 + " = 2}", "is not TOML: Duplicate inline table key 'xxx"),
        ("a = " + "[" * 100_000, "is nested too deeply"),
        ("a = " + "9" * 5_000, "is not TOML: "),
        ("a\x1b[31m = 1", "is not TOML: "),
    ],
)
def test_what_is_no_toml(text: str, words: str) -> None:
    assert words in refused(text)

"""What is wrong with a file, in lines for people."""

from pathlib import Path

import pytest

from tessera_env.files.problems import MAX_LINES, Problems, named, reason_of, shown_key


def test_an_error_tells_the_first_and_how_many_more() -> None:
    problems = Problems(Path("a.csv"), ValueError)
    problems.raise_any()
    for number in range(100_000):
        problems.note(f"line {number}: is wrong")
    assert len(problems.lines) == MAX_LINES, "what nobody is told takes no memory"
    with pytest.raises(ValueError) as caught:
        problems.raise_any()
    lines = str(caught.value).splitlines()
    assert lines[0] == "a.csv: line 0: is wrong" and lines[-1] == f"a.csv: and {100_000 - MAX_LINES} more"


def test_a_check_keeps_all() -> None:
    problems = Problems(Path("a.csv"), ValueError, keeps_all=True)
    for number in range(100):
        problems.note(f"line {number}: is wrong")
    assert len(problems.lines) == 100


@pytest.mark.parametrize(
    ("key", "told"),
    [("setup_h", "setup_h"), ("", "''"), ("\x1b[31m", "'\\x1b[31m'"), ("x" * 61, "'" + "x" * 56 + "...")],
)
def test_keys(key: str, told: str) -> None:
    assert shown_key(key) == told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("a\n b\tc"), "a b c"),
        (ValueError(""), "ValueError"),
        (ValueError("\x1b[31m"), "\\x1b[31m"),
        (ValueError("x" * 10_000), "x" * 197 + "..."),
    ],
)
def test_what_others_say(error: Exception, told: str) -> None:
    assert reason_of(error) == told


def test_a_path_is_told_in_full_unless_it_can_be_none() -> None:
    assert named("a" * 700) == "a" * 700 and named("a\n") == "'a\\n'"
    assert len(named("a" * 10_000)) == 800

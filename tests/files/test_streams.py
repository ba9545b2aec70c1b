"""Standard output that cannot show everything, or that is not there."""

import io
import sys
from collections.abc import Iterator

import pytest

from tessera_env.files.streams import take_any_text


@pytest.fixture(autouse=True)
def streams(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back afterwards what the test replaces."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    yield


def printed(text: str, encoding: str, errors: str = "strict") -> bytes:
    """The bytes that arrive."""
    bytes_written = io.BytesIO()
    sys.stdout = io.TextIOWrapper(bytes_written, encoding=encoding, errors=errors, newline="")
    take_any_text()
    print(text, end="", flush=True)
    return bytes_written.getvalue()


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "● ○ é ─ 日".encode()),
        ("ascii", b"* o ? - ?"),
        ("latin-1", b"* o \xe9 - ?"),
        ("cp1252", b"* o \xe9 - ?"),
        ("cp437", b"* o \x82 \xc4 ?"),
    ],
)
def test_what_an_encoding_lacks_is_replaced_one_for_one(encoding: str, shown: bytes) -> None:
    assert printed("● ○ é ─ 日", encoding) == shown


def test_bytes_of_names_that_are_no_text() -> None:
    """Under the C locale Python writes them as they were; elsewhere they cannot be written."""
    assert printed("caf\udce9", "utf-8") == b"caf?"
    assert printed("caf\udce9", "utf-8", "surrogateescape") == b"caf\xe9"
    assert printed("caf\udce9 ─", "ascii", "surrogateescape") == b"caf? -"


def test_what_a_caller_chose_to_do_stays() -> None:
    assert printed("─", "ascii", "backslashreplace") == b"\\u2500"


@pytest.mark.parametrize("is_there", [False, True])
def test_a_closed_output_takes_what_is_printed(is_there: bool) -> None:
    sys.stdout = io.TextIOWrapper(io.BytesIO()) if is_there else None  # type: ignore[assignment]
    if is_there:
        sys.stdout.close()
    take_any_text()
    with sys.stdout:
        print("●", flush=True)
        assert not sys.stdout.isatty()

"""What is wrong with a file, collected line by line, so that one error tells all."""

from pathlib import Path
from typing import Any, NoReturn

MAX_LINES = 20
MAX_SHOWN = 60
MAX_REASON = 200
MAX_PATH = 800


class Problems:
    """Lines about one file in the order in which they were noted; an error tells the first of them.

    Attributes:
        lines: those that an error tells, or all: a file of bad rows then takes a hundred times its size in memory.
        count: of all.
    """

    def __init__(self, path: Path, error: type[ValueError], keeps_all: bool = False):
        self.name, self.error = named(path), error
        self.lines: list[str] = []
        self.count = 0
        self._keeps_all = keeps_all

    def note(self, text: str) -> None:
        """Note what is wrong."""
        self.count += 1
        if self._keeps_all or self.count <= MAX_LINES:
            self.lines.append(f"{self.name}: {text}")

    def add(self, place: str, allowed: str, value: Any) -> None:
        """Note that a value is not what is allowed in its place, such as `line 3: time_s`."""
        self.note(f"{place}: must be {allowed} (got {shown(value)})")

    def refuse(self, text: str) -> NoReturn:
        """Give up at once, with what is wrong with the file as a whole."""
        raise self.error(f"{self.name}: {text}")

    def raise_any(self) -> None:
        """Raise one error of all that was noted, if anything was."""
        if self.lines:
            raise self.error_of_all()

    def error_of_all(self) -> ValueError:
        """One error of the first that were noted."""
        told = self.lines[:MAX_LINES]
        if self.count > MAX_LINES:
            told.append(f"{self.name}: and {self.count - MAX_LINES} more")
        return self.error("\n".join(told))


def named(path: str | Path) -> str:
    """The path, or another name, as text of one line that no terminal takes for a command; too long a one is cut."""
    text = str(path) if str(path).isprintable() else repr(str(path))
    return text if len(text) <= MAX_PATH else text[: MAX_PATH - 3] + "..."


def shown_key(key: str) -> str:
    """A key or a name as it stands; quoted where it is none for people, and short enough for one line."""
    return key if key and key.isprintable() and len(key) <= MAX_SHOWN else shown(key)


def reason_of(error: BaseException) -> str:
    """What somebody else's code says is wrong, as a part of one line: it may quote the whole file."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 3] + "..."


def shown(value: Any) -> str:
    """The value, short enough for one line."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # an integer of thousands of digits, endless nesting
        return "a value too long to print"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."

"""What is wrong with a file, collected line by line, so that one error tells all."""

from pathlib import Path
from typing import Any, NoReturn

MAX_LINES = 20
MAX_SHOWN = 60


class Problems:
    """Lines about one file in the order in which they were noted; an error tells the first of them."""

    def __init__(self, path: Path, error: type[ValueError]):
        self.name, self.error = named(path), error
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        """Note what is wrong."""
        self.lines.append(f"{self.name}: {text}")

    def add(self, place: str, allowed: str, value: Any) -> None:
        """Note that a value is not what is allowed in its place, such as `line 3: time_s`."""
        self.note(f"{place}: must be {allowed} (got {shown(value)})")

    def refuse(self, text: str) -> NoReturn:
        """Give up at once, with what is wrong with the file as a whole."""
        raise self.error(f"{self.name}: {text}")

    def raise_any(self) -> None:
        """Raise one error of all that was noted, if anything was."""
        told = self.lines[:MAX_LINES]
        if len(self.lines) > MAX_LINES:
            told.append(f"{self.name}: and {len(self.lines) - MAX_LINES} more")
        if told:
            raise self.error("\n".join(told))


def named(path: str | Path) -> str:
    """The path, or another name, as text of one line that no terminal takes for a command."""
    return str(path) if str(path).isprintable() else repr(str(path))


def shown(value: Any) -> str:
    """The value, short enough for one line."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # an integer of thousands of digits, endless nesting
        return "a value too long to print"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."

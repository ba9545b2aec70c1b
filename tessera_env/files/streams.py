"""Standard output that takes whatever is printed: what it cannot show is no reason to fail after the work."""

import codecs
import os
import sys

# What tables and charts are drawn with, for encodings that lack it; a character each, so that columns stay aligned.
_ALIKE = str.maketrans("─│┌┐└┘├┤┬┴┼╭╮╯╰━●○◉×±−–…≥≤", "-|+++++++++++++-*o@x~--~><")
_REPLACED = "tessera_replaced"


def take_any_text() -> None:
    """Replace on standard output the characters that its encoding lacks; where it is closed, print into nothing.

    To be called before anything is printed, by whatever has a command line.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or getattr(stream, "closed", False):  # a service's, or pythonw's
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (as long as the process lives)
        elif hasattr(stream, "reconfigure") and _may_fail(stream.encoding, stream.errors):
            stream.reconfigure(errors=_REPLACED)


def _may_fail(encoding: str, errors: str | None) -> bool:
    """Of standard error nothing may: Python writes what it lacks with backslashes."""
    return errors == "strict" or (errors == "surrogateescape" and codecs.lookup(encoding).name != "utf-8")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """ASCII for what cannot be encoded, and where to go on."""
    assert isinstance(error, UnicodeEncodeError), "only output is replaced"
    lacking = error.object[error.start : error.end].translate(_ALIKE)
    return "".join(character if character.isascii() else "?" for character in lacking), error.end


codecs.register_error(_REPLACED, _replaced)

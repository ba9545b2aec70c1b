"""TOML that a user names: what is not is told in one line, and read in no more time than its length deserves."""

import re
import tomllib
from pathlib import Path
from typing import Any

from tessera_env.files.problems import named, reason_of
from tessera_env.files.reading import read_text

_MOST_PARTS = 64  # of a dotted key: Python's parser takes time and memory with their square, 40 kB were 37 s
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_LONG_KEY = re.compile(rf"(?:^|[\[{{,])[ \t]*(?:{_PART}){{{_MOST_PARTS}}}", re.MULTILINE)


def read_toml(path: Path, error: type[ValueError]) -> dict[str, Any]:
    """The values that a file holds.

    Raises:
        error: the file cannot be read, or is not TOML; one line naming the file.
    """
    return toml_of(read_text(path, error), named(path), error)


def toml_of(text: str, name: str, error: type[ValueError]) -> dict[str, Any]:
    """The values that a text holds.

    Raises:
        error: it is not TOML; one line that begins with `name`.
    """
    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.end()) + 1
        raise error(f"{name}: line {line}: has a key of too many parts (allowed: up to {_MOST_PARTS})")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise error(f"{name}: is nested too deeply") from None
    except ValueError as problem:  # also an integer of thousands of digits
        raise error(f"{name}: is not TOML: {reason_of(problem)}") from None

"""JSON that a user names, read strictly: one document, each member once, numbers that are finite, text that is text."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tessera_env.files.problems import named, reason_of, shown
from tessera_env.files.reading import read_text

Kept = TypeVar("Kept")

# Only where one of these stands can a number be infinite, or a text hold half a character: most files need no look.
_DOUBTFUL = re.compile(r"[eE]\+?\d{3}|\d{309}|\\u[dD][89a-fA-F]")


def read_json(path: Path, error: type[ValueError]) -> Any:
    """The document that a file holds.

    Raises:
        error: the file cannot be read, or holds none; one line naming the file.
    """
    return json_of(read_text(path, error), named(path), error)


def read_object(path: Path, error: type[ValueError]) -> dict[str, Any]:
    """Likewise, of a file whose document has members.

    Raises:
        error: as `read_json`, or the document is something else.
    """
    document = read_json(path, error)
    if not isinstance(document, dict):
        raise error(f"{named(path)}: must be a JSON object (got {shown(document)})")
    return document


def parsed_object(path: Path, parse: Callable[[dict[str, Any]], Kept], error: type[ValueError], what: str) -> Kept:
    """What `parse` makes of a file's document, which is to hold `what`.

    Raises:
        error: as `read_object`, or whatever `parse` finds wrong; one line naming the file.
    """
    values = read_object(path, error)
    try:
        return parse(values)
    except error as problem:
        raise error(f"{named(path)}: {problem}") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as problem:
        reason = f"{type(problem).__name__}: {reason_of(problem)}"
        raise error(f"{named(path)}: holds no {what} ({reason})") from None


def json_of(text: str, name: str, error: type[ValueError]) -> Any:
    """The document that a text is.

    Raises:
        error: it is none; one line that begins with `name`.
    """
    try:
        document = json.loads(text, object_pairs_hook=_members, parse_constant=_refused_constant)
        if _DOUBTFUL.search(text):
            _check(document)
        return document
    except RecursionError:
        raise error(f"{name}: is not JSON (nested too deeply)") from None
    except ValueError as problem:
        raise error(f"{name}: is not JSON ({reason_of(problem)})") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"has the member {shown(twice)} twice")
    return members


def _refused_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _check(node: Any) -> None:
    """Raises ValueError: somewhere is an infinite number, or a text that UTF-8 cannot hold."""
    if isinstance(node, float) and not math.isfinite(node):
        raise ValueError("has a number that is too large")
    if isinstance(node, int) and abs(node) > 10**308:
        raise ValueError("has a number that is too large")
    if isinstance(node, str) and not _is_text(node):
        raise ValueError(f"has half a character in {shown(node)}")
    inner = node if isinstance(node, list) else [*node.keys(), *node.values()] if isinstance(node, dict) else []
    for one in inner:
        _check(one)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

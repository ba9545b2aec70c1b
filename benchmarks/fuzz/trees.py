"""Mutations of JSON and TOML by their structure: one value, key or list changed, the rest as it was."""

import copy
import json
import tomllib
from datetime import date, datetime, time
from functools import lru_cache
from random import Random
from typing import Any

from benchmarks.fuzz import odd

_KEYS = ("", "a", "a.b", "x" * odd.LONG, "é", "\x1b[31m", "\n", "name", "source", "label", "\0")


def json_mutated(data: bytes, random: Random) -> bytes:
    """A JSON file with one value changed; the same bytes if it is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return data
    changed = changed_tree(document, random)
    text = json.dumps(changed, ensure_ascii=random.random() < 0.8)
    if text.startswith("{") and len(text) > 2 and random.random() < 0.05:
        text = json.dumps({random.choice([*changed]): random.choice(odd.VALUES)})[:-1] + "," + text[1:]
    return text.encode("utf-8", "replace")


def toml_mutated(data: bytes, random: Random) -> bytes:
    """A TOML file with one value changed, without its comments; the same bytes if it is none."""
    document = _toml(data)
    if document is None:
        return data
    return _toml_text(changed_tree(copy.deepcopy(document), random)).encode("utf-8", "replace")


@lru_cache(maxsize=64)
def _toml(data: bytes) -> dict[str, Any] | None:
    """Parsed once: that takes longer than all else here."""
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return None


def changed_tree(document: Any, random: Random) -> Any:
    """The document, changed in place in one of its lists and mappings; another one if it is neither."""
    owners = _owners(document)
    if not owners:
        return random.choice(odd.VALUES)
    owner = random.choice(owners)
    if isinstance(owner, dict):
        _change_mapping(owner, random)
    else:
        _change_list(owner, random)
    return document


def _owners(node: Any) -> list[Any]:
    """All lists and mappings with something in them; of a list of many alike, a few."""
    if not isinstance(node, dict | list) or not node:
        return []
    inner = list(node.values()) if isinstance(node, dict) else [*node[:3], *node[-1:]]
    return [node, *(owner for one in inner for owner in _owners(one))]


def _change_mapping(owner: dict[str, Any], random: Random) -> None:
    key = random.choice([*owner])
    match random.randrange(6):
        case 0:
            del owner[key]
        case 1:
            owner[random.choice(_KEYS)] = random.choice([*odd.VALUES, owner[key]])
        case 2:
            owner[random.choice([*_KEYS, *owner])] = owner.pop(key)
        case 3:
            owner[key] = [owner[key]] if random.random() < 0.5 else {key: owner[key]}
        case _:
            owner[key] = _other(owner[key], random)


def _change_list(owner: list[Any], random: Random) -> None:
    place = random.randrange(len(owner))
    match random.randrange(6):
        case 0:
            del owner[place]
        case 1:
            owner.insert(place, copy.deepcopy(owner[place]))
        case 2:
            owner.insert(place, random.choice(odd.VALUES))
        case 3:
            owner.extend(owner[: random.choice((1, 50, 500))] if len(str(owner)) < 10_000 else [])
        case _:
            owner[place] = _other(owner[place], random)


def _other(value: Any, random: Random) -> Any:
    """Mostly near the value: its text, its neighbours, its negative."""
    near = [str(value), [value], value]
    if isinstance(value, int | float):
        near += [-value, value + 1, value / 2, value * 1000, not value, int(value) if abs(value) < 1e9 else 0]
    return random.choice(near if random.random() < 0.3 else odd.VALUES)


def _toml_text(document: Any) -> str:
    """A mapping as TOML, its sections inline; none is left out, lone surrogates go."""
    if not isinstance(document, dict):
        return f"value = {_toml_value(document)}\n"
    return "".join(f"{_quoted(key)} = {_toml_value(value)}\n" for key, value in document.items() if value is not None)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml_value(one) for one in value if one is not None)}]"
    if isinstance(value, dict):
        inner = (f"{_quoted(key)} = {_toml_value(one)}" for key, one in value.items() if one is not None)
        return f"{{ {', '.join(inner)} }}"
    return value.isoformat() if isinstance(value, date | datetime | time) else _quoted(str(value))


def _quoted(text: str) -> str:
    """JSON's texts are TOML's, but for a character above the first 65,536, which JSON writes as two, and delete."""
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")

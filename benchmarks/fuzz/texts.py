"""Mutations of any text file: bytes, words, lines and the file as a whole."""

import re
from collections.abc import Callable
from random import Random

from benchmarks.fuzz import odd

Mutation = Callable[[bytes, Random], bytes]

_WORD = re.compile(rb"[\w.+-]+")
_NUMBER = re.compile(rb"(?<![\w.])[+-]?\d[\w.+-]*")
_NESTINGS = (b"[", b"{", b"(", b'{"a":', b"{a=", b"[[", b'"', b"a.", b"'a'.", b"[]", b"[a]\n", b",", b"=", b"\\", b"#")
_REPEATS = (2, 30, 1_000, 20_000)


def text_mutated(data: bytes, random: Random) -> bytes:
    """The file with one thing changed."""
    return random.choice(MUTATIONS)(data, random)


def _flip(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data) + 1)
    return data[:place] + bytes([random.randrange(256)]) + data[place + 1 :]


def _delete(data: bytes, random: Random) -> bytes:
    first, last = _span(data, random)
    return data[:first] + data[last:]


def _insert(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data) + 1)
    return data[:place] + random.choice(odd.WORDS).encode() + data[place:]


def _duplicate(data: bytes, random: Random) -> bytes:
    first, last = _span(data, random)
    return data[:last] + data[first:]


def _move(data: bytes, random: Random) -> bytes:
    first, last = _span(data, random)
    rest, place = data[:first] + data[last:], random.randrange(len(data) + 1)
    return rest[:place] + data[first:last] + rest[place:]


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _twice(data: bytes, random: Random) -> bytes:
    return data + random.choice((b"", b"\n", data[: random.randrange(len(data) + 1)])) + data


def _begin(data: bytes, random: Random) -> bytes:
    return random.choice(odd.BEGINNINGS) + data


def _encode(data: bytes, random: Random) -> bytes:
    encoding = random.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-7"))
    return data.decode("utf-8", "replace").encode(encoding, "replace")


def _end_lines(data: bytes, random: Random) -> bytes:
    return data.replace(b"\n", random.choice((b"\r\n", b"\r", b"\n\n", b" \n", b"\x0b", b"\xe2\x80\xa8", b"\0", b"")))


def _nest(data: bytes, random: Random) -> bytes:
    place = random.choice((0, random.randrange(len(data) + 1)))
    return data[:place] + random.choice(_NESTINGS) * random.choice(_REPEATS) + data[place:]


def _number(data: bytes, random: Random) -> bytes:
    return _replaced(_NUMBER, random.choice(odd.WORDS).encode(), data, random)


def _word(data: bytes, random: Random) -> bytes:
    return _replaced(_WORD, random.choice(odd.WORDS).encode(), data, random)


def _other_word(data: bytes, random: Random) -> bytes:
    """A word by another of the file."""
    found = _match(_WORD, data, random)
    return data if found is None else _replaced(_WORD, found, data, random)


def _drop_line(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    del lines[random.randrange(len(lines))]
    return b"\n".join(lines)


def _repeat_line(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
    return b"\n".join(lines)


def _swap_lines(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _repeat_long(data: bytes, random: Random) -> bytes:
    """A line, or a word, as often as fits some tens of kilobytes."""
    part = random.choice(data.split(b"\n")) + random.choice((b"", b"\n"))
    return data + part * (20_000 // (len(part) + 1))


def _span(data: bytes, random: Random) -> tuple[int, int]:
    """A part that is mostly short."""
    first = random.randrange(len(data) + 1)
    return first, min(len(data), first + random.choice((1, 1, 2, 5, 30, 200)))


def _match(pattern: re.Pattern[bytes], data: bytes, random: Random) -> bytes | None:
    """The first match from a random place on, or from the beginning."""
    found = pattern.search(data, random.randrange(len(data) + 1)) or pattern.search(data)
    return found and found.group()


def _replaced(pattern: re.Pattern[bytes], by: bytes, data: bytes, random: Random) -> bytes:
    found = pattern.search(data, random.randrange(len(data) + 1)) or pattern.search(data)
    return data if found is None else data[: found.start()] + by + data[found.end() :]


MUTATIONS: tuple[Mutation, ...] = (
    *(_flip, _delete, _insert, _duplicate, _move, _truncate, _twice, _begin, _encode, _end_lines, _nest),
    *(_number, _number, _number, _word, _word, _other_word, _other_word),
    *(_drop_line, _repeat_line, _swap_lines, _repeat_long),
)

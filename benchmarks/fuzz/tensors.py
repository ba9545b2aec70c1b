"""Mutations of safetensors files: the header by its structure, its length, and the bytes below."""

import json
from random import Random

from benchmarks.fuzz import odd
from benchmarks.fuzz.texts import text_mutated
from benchmarks.fuzz.trees import changed_tree

_TYPES = ("F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "F4", "C64", "")
_NAMES = ("", "layer.99.weight", "x" * odd.LONG, "layer.0.weight", "\x1b[31m")
_SHAPES = ([], [0], [1], [2**32, 2**32], [-1], [2**63])
_ODD_FLOATS = (b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f")  # NaN, infinity, the largest
_LENGTH = 8  # bytes in front that say how long the header is


def tensors_mutated(data: bytes, random: Random) -> bytes:
    """The file with one thing changed; the length in front then mostly fits."""
    size = int.from_bytes(data[:_LENGTH], "little")
    header, values = data[_LENGTH : _LENGTH + size], data[_LENGTH + size :]
    match random.randrange(5):
        case 0:
            return text_mutated(data, random)
        case 1:
            length = random.choice((0, 1, max(size - 1, 0), size + 1, 2**32, 2**63, 2**64 - 2)) % 2**64
            return length.to_bytes(_LENGTH, "little") + data[_LENGTH:]
        case 2:
            place = 4 * random.randrange(len(values) // 4 + 1)
            values = values[:place] + random.choice(_ODD_FLOATS) + values[place + 4 :]
        case 3:
            header = text_mutated(header, random)
        case _:
            header = _header_changed(header, random)
    return len(header).to_bytes(_LENGTH, "little") + header + values


def _header_changed(header: bytes, random: Random) -> bytes:
    document = json.loads(header)
    name = random.choice([*document])
    match random.randrange(4):
        case 0 if "dtype" in document[name]:
            document[name]["dtype"] = random.choice(_TYPES)
        case 1 if "shape" in document[name]:
            document[name]["shape"] = random.choice((*_SHAPES, document[name]["shape"][::-1]))
        case 2:
            document[random.choice(_NAMES)] = document.pop(name)
        case _:
            document = changed_tree(document, random)
    return json.dumps(document).encode("utf-8", "replace")

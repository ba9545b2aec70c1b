"""Changes of a good file that say the same: another byte order mark, line end, comment, order or space."""

import json
from random import Random

from benchmarks.fuzz.mutating import Form

_MARK = b"\xef\xbb\xbf"


def reworded(data: bytes, form: Form, random: Random) -> bytes:
    """The same file in other words."""
    changed = {"toml": _toml, "json": _json, "csv": _csv}[form](data, random)
    if random.random() < 0.5:
        changed = changed.replace(b"\n", b"\r\n")
    return _MARK + changed if random.random() < 0.5 else changed


def _toml(data: bytes, random: Random) -> bytes:
    """Comments and spaces where a line ends: none of these files has a list or a text of several lines."""
    additions = (b"", b"  ", b"\t# a note", b"\n", b"\n# a = 1\n")
    return b"\n".join(line + random.choice(additions) for line in data.split(b"\n"))


def _json(data: bytes, random: Random) -> bytes:
    def shuffled(node: object) -> object:
        if isinstance(node, dict):
            items = [*node.items()]
            random.shuffle(items)
            return {key: shuffled(value) for key, value in items}
        return [shuffled(one) for one in node] if isinstance(node, list) else node

    text = json.dumps(shuffled(json.loads(data)), indent=random.choice((None, 0, 1, "\t")), ensure_ascii=False)
    return (random.choice(("", "\n", "  ")) + text + random.choice(("", "\n\n"))).encode()


def _csv(data: bytes, random: Random) -> bytes:
    """Spaces around fields, quotes, blank lines, columns in another order, a first column without a name."""
    rows = [line.split(",") for line in data.decode().splitlines() if line]
    order = list(range(len(rows[0])))
    random.shuffle(order)
    is_numbered = random.random() < 0.3
    lines = []
    for number, row in enumerate(rows):
        fields = [random.choice(("{}", " {}", "{}\t", '"{}"')).format(row[place]) for place in order]
        lines.append(",".join([(str(number) if number else ""), *fields] if is_numbered else fields))
        lines += [""] * random.choice((0, 0, 1, 2))
    return "\n".join(lines).encode()

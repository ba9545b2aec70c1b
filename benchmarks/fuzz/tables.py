"""Mutations of CSV by fields and columns."""

from random import Random

from benchmarks.fuzz import odd

_QUOTINGS = ('"{}"', '"{}', '{}"', '"a\n{}"', '"{}"x', '"{}""')


def table_mutated(data: bytes, random: Random) -> bytes:
    """A CSV file without quoted commas, with a field or a column changed."""
    rows = [line.split(",") for line in data.decode("utf-8", "replace").split("\n")]
    place = random.randrange(len(rows))
    row = rows[place]
    column = random.randrange(len(row))
    match random.randrange(9):
        case 0:
            del row[column]
        case 1:
            row.insert(column, random.choice(odd.WORDS))
        case 2:
            other = random.randrange(len(row))
            row[column], row[other] = row[other], row[column]
        case 3:
            row[column] = random.choice(_QUOTINGS).format(row[column])
        case 4:
            row[column] = random.choice(random.choice(rows))
        case 5:
            _change_column(rows, column, random)
        case _:
            row[column] = random.choice(odd.WORDS)
    return "\n".join(map(",".join, rows)).encode()


def _change_column(rows: list[list[str]], column: int, random: Random) -> None:
    """Left out, repeated, moved to the front, or another one put before all."""
    change = random.randrange(4)
    for number, row in enumerate(rows):
        if column >= len(row) or row == [""]:
            continue
        match change:
            case 0:
                del row[column]
            case 1:
                row.append(row[column])
            case 2:
                row.insert(0, row.pop(column))
            case _:
                row.insert(0, str(number) if number else "")

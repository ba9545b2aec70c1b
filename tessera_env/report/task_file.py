"""What each task cost, of every policy and world, as a CSV file: a header, then a row a task, world and policy.

Numbers are written so that they read back as the very same number; a field is empty where a task has no such figure.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tessera_env.files.writing import replacing
from tessera_env.simulation.accounts import COLUMNS, Accounts, plain_chunks

HEADER = ("policy", "world", *COLUMNS)
_TRUTHS = {False: "false", True: "true"}  # as JSON has them


def write_tasks(path: str | Path, accounts: Mapping[str, Accounts]) -> None:
    """Write the accounts of each policy, so that `path` holds the old file or all of the new rows.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path) as file:
        file.write(_lines([HEADER]))
        for label, columns in accounts.items():
            for chunk in plain_chunks(columns):
                file.write(_lines(_rows(label, chunk)))


def _rows(label: str, chunk: dict[str, list[Any]]) -> Iterator[tuple[Any, ...]]:
    chunk["late"] = [_TRUTHS[late] for late in chunk["late"]]
    return zip([label] * len(chunk["task"]), *(chunk[name] for name in HEADER[1:]), strict=True)


def _lines(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)  # None is an empty field
    return text.getvalue().encode("utf-8", "replace")

"""Trace files for tests: two good ones, and what reading and checking say about others."""

import json
from pathlib import Path

import pytest

from tessera_env.files.problems import MAX_LINES
from tessera_env.recordings.traces.reading import problems_of_trace, read_series
from tessera_env.recordings.traces.series import TraceError

HEADER = "zone,time_s,spot_available,spot_price\n"
CSV = HEADER + "east,0,0,0.9\neast,390,1,0.9\nwest,0,1,1.5\neast,585,1,0.8\nwest,975,3,1.5\n"
JSON = {"metadata": {"gap_seconds": 300}, "data": [0, 0, 2, 2, 1], "prices": [1.0, 1.0, 1.0, 1.5, 1.5]}


def written(folder: Path, content: str | bytes | dict, name: str = "spot.csv") -> str:
    """The path of a new file."""
    file = folder / name
    if isinstance(content, dict):
        content = json.dumps(content)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(file)


def listed(folder: Path, content: str | bytes | dict, name: str = "spot.csv", polarity=None) -> list[str]:
    """The problems that a check lists, without the file's name."""
    path = written(folder, content, "spot.json" if isinstance(content, dict) else name)
    return _without_name(problems_of_trace(path, polarity), path)


def refused(path: str, polarity=None) -> list[str]:
    """The lines of the error that reading raises, without the file's name; all of them are listed by a check."""
    with pytest.raises(TraceError) as caught:
        read_series([path], polarity)
    lines = str(caught.value).splitlines()
    assert len(lines) <= MAX_LINES + 1
    return _without_name(lines, path)


def _without_name(lines: list[str], path: str) -> list[str]:
    assert all(line.startswith(f"{path}: ") and len(line) < len(path) + 250 for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]

"""Kept tables are read back, or refused in one line."""

import json
from pathlib import Path

import pytest

from benchmarks.common import Report, Reports, ReportsError

KEPT = Reports("a machine", False, (Report("Speed", "per core", ("what", "steps/s"), (("a", "1"), ("b", "2"))),))


def test_there_and_back(tmp_path: Path) -> None:
    KEPT.write_json(tmp_path / "kept.json")
    assert Reports.from_json(tmp_path / "kept.json") == KEPT


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("machine"),
        lambda values: values.update(quick=None),
        lambda values: values.update(reports=1),
        lambda values: values["reports"][0].pop("title"),
        lambda values: values["reports"][0].update(note=1),
        lambda values: values["reports"][0]["rows"].append(["one"]),
        lambda values: values["reports"][0]["rows"].append([1, 2]),
        lambda values: values.clear(),
    ],
)
def test_other_files(tmp_path: Path, change) -> None:
    KEPT.write_json(tmp_path / "kept.json")
    values = json.loads((tmp_path / "kept.json").read_text())
    change(values)
    (tmp_path / "kept.json").write_text(json.dumps(values))
    with pytest.raises(ReportsError) as caught:
        Reports.from_json(tmp_path / "kept.json")
    assert str(caught.value).startswith(f"{tmp_path / 'kept.json'}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"{"])
def test_what_is_no_json(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "kept.json").write_bytes(data)
    with pytest.raises(ReportsError, match=r"kept\.json: "):
        Reports.from_json(tmp_path / "kept.json")

"""What is no text, or no file, is one line, whoever reads it."""

import bz2
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tessera_env.evaluation.results import Results
from tessera_env.files.kinds import kind_of_content, kind_of_path
from tessera_env.policies.folder import read_card
from tessera_env.recordings.catalogue import read_instance_types
from tessera_env.recordings.traces.reading import problems_of_trace, read_series
from tessera_env.recordings.workloads import read_workload
from tessera_env.scenario.loading import load_scenario

TEXT = "zone,time_s,spot_available,spot_price\n" + "east,0,1,0.9\n" * 50


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("t.csv", TEXT)
    return file.getvalue()


KINDS = {
    "gzip: unpack it first": gzip.compress(TEXT.encode()),
    "bzip2: unpack it first": bz2.compress(TEXT.encode()),
    "xz: unpack it first": lzma.compress(TEXT.encode()),
    "zstd: unpack it first": b"\x28\xb5\x2f\xfd" + b"\x04\x00",
    "a zip archive, or a workbook: unpack it, or save it as text, first": zipped(),
    "Parquet: save it as text first": b"PAR1\x15\x04",
    "PDF: save it as text first": b"%PDF-1.7\n",
    "UTF-16: save it as UTF-8 first": TEXT.encode("utf-16"),
    "UTF-32: save it as UTF-8 first": TEXT.encode("utf-32"),
    "a web page: save the file that it shows instead": f"\n<!DOCTYPE html>\n<html>{TEXT}".encode(),
    "no text, it has null bytes: save it as text first": b"SQLite format 3\0\x10\0\1\1" + TEXT.encode(),
}


def read_as_card(path: Path) -> None:
    path.rename(path.parent / "policy.json")
    read_card(path.parent)


READERS: dict[str, Callable[[Path], object]] = {
    "t.csv": lambda path: read_series([str(path)]),
    "t.json": lambda path: read_series([str(path)], "available"),
    "c.csv": lambda path: problems_of_trace(str(path)),
    "p.csv": lambda path: read_workload(path, "pods"),
    "r.csv": lambda path: read_workload(path, "run_times"),
    "i.csv": read_instance_types,
    "s.toml": load_scenario,
    "e.json": Results.from_json,
    "policy.json": read_as_card,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_reader_says_what_a_file_is(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(KINDS[kind])
    with pytest.raises(ValueError) as caught:
        READERS[name](tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: is {kind}"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_without_a_byte_order_mark(encoding: str) -> None:
    assert kind_of_content(TEXT.encode(encoding)) == "UTF-16: save it as UTF-8 first"


@pytest.mark.parametrize("data", [b"", b"a", TEXT.encode(), TEXT.encode("utf-8-sig"), b"x" * 2000 + b"\0", b"<a>"])
def test_what_may_be_text(data: bytes) -> None:
    """A null further down is a line's own fault."""
    assert kind_of_content(data) == ""


@pytest.mark.parametrize("name", READERS)
def test_every_reader_refuses_a_pipe(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match="is not a regular file, but a pipe") as caught:
        READERS[name](tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
def test_kinds_of_paths(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    assert kind_of_path(Path(f"/dev/fd/{reading}")) == "a pipe"  # as a shell's <(command)
    os.close(reading)
    os.close(writing)
    assert kind_of_path(Path("/dev/null")) == "a device"
    for path in (tmp_path, tmp_path / "none", Path(__file__), Path("a\0b")):
        assert kind_of_path(path) == ""

"""The commands that read a trace write over nothing that they read."""

import shutil

import pytest

from tessera_env.cli.program import main
from tessera_env.recordings.bundled import trace_path

OWN = "which is read (allowed: a file of its own)"


@pytest.fixture
def trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(trace_path("aws_v100_2023"), "trace.csv")
    (tmp_path / "link.html").symlink_to("trace.csv")
    (tmp_path / "link.toml").symlink_to("trace.csv")
    return tmp_path / "trace.csv"


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ("traces show trace.csv --json trace.csv", f"json: trace.csv is the same file as trace.csv, {OWN}"),
        ("traces show trace.csv --output link.html", f"output: link.html is the same file as trace.csv, {OWN}"),
        ("traces fit trace.csv --output link.toml", f"output: link.toml is the same file as trace.csv, {OWN}"),
        ("plot --trace trace.csv --output link.html", f"output: link.html is the same file as trace.csv, {OWN}"),
        ("traces show trace.csv --json a.html --output ./a.html", "json: a.html is the same file as output's"),
    ],
)
def test_a_trace_is_not_written_over(trace, capsys, arguments, wrong):
    before = trace.read_bytes()
    assert main(arguments.split()) == 2
    assert wrong in capsys.readouterr().err
    assert trace.read_bytes() == before

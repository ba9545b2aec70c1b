"""The commands that read a trace write over nothing that they read; a check tells how long the last row holds."""

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


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "a,0,1,1\na,86400,1,1\n", "1 zone, 24.0 h, 1 change point; the last row holds 0.00 h"),
        (
            "a.csv",
            "a,0,1,1\nb,0,1,1\na,5400,0,1\nb,9000,1,1\n",
            "2 zones, 2.5 h, 3 change points; the last row holds 1.00 h in zone a",
        ),
        (
            "a.json",
            '{"metadata": {"gap_seconds": 1800}, "data": [1, 1, 1, 1]}',
            "1 zone, 2.0 h, 1 change point; the last row holds 0.50 h",
        ),
    ],
)
def test_a_check_tells_how_long_the_last_row_holds(tmp_path, monkeypatch, capsys, name, content, told):
    monkeypatch.chdir(tmp_path)
    header = "zone,time_s,spot_available,spot_price\n" if name.endswith(".csv") else ""
    (tmp_path / name).write_text(header + content)
    assert main(["traces", "check", name]) == 0
    assert capsys.readouterr().out == f"{name}: no problems: {told}\n"

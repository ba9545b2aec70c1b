"""Every command where standard output cannot show its characters, or is closed: as under UTF-8, files and all."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tessera_env.cli.program import main
from tests.cli.test_program import EVERY_COMMAND, FAST, LEAVES, without_compiling

ARGUMENTS = {
    "simulate": ["--duration", "4", "--tasks", "2", "--policies", "greedy", "--output", "results.json"],
    "evaluate": [*FAST[1:], "--policies", "greedy,on_demand_only", "--json", "results.json"],
    "plot": ["--scenario", "deadline", "--output", "market.png"],
    "compile": ["--help"],  # it tells seconds
    "traces list": [],
    "traces show": ["aws_v100_2023", "--zone", "us-east-1a_v100_1", "--json", "figures.json"],
    "traces check": ["aws_v100_2023"],
    "traces fit": ["aws_v100_2023", "--zone", "us-east-1a_v100_1"],
    "scenarios list": [],
    "scenarios show": ["classic"],
    "scenarios fields": [],
}
RUNS = [[*words, *ARGUMENTS.get(" ".join(words), ["--help"])] for words in LEAVES]
RUNS += [[*words, "--help"] for words in EVERY_COMMAND]


def run(arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> tuple[int, str]:
    """Exit code and output of a command in a folder of its own."""
    folder.mkdir()
    written = io.BytesIO()
    with monkeypatch.context() as patched:
        patched.chdir(folder)
        patched.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding, newline=""))
        return main(arguments), written.getvalue().decode(encoding)


def test_every_command_has_arguments_here() -> None:
    assert {" ".join(words) for words in LEAVES} == set(ARGUMENTS)


@pytest.mark.parametrize("arguments", RUNS, ids=" ".join)
def test_an_encoding_that_lacks_characters(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code and the files are the same, and so is every line that is ASCII."""
    code, text = run(arguments, tmp_path / "utf-8", monkeypatch, "utf-8")
    files = {path.name: path.read_bytes() for path in (tmp_path / "utf-8").iterdir()}
    assert code == 0
    for encoding in ("ascii", "latin-1", "cp1252"):
        found, shown = run(arguments, tmp_path / encoding, monkeypatch, encoding)
        assert found == code
        assert {path.name: path.read_bytes() for path in (tmp_path / encoding).iterdir()} == files
        if "--help" not in arguments:  # whose frames fit the encoding
            lines = zip(text.splitlines(), shown.splitlines(), strict=True)
            assert all(plain == line for line, plain in lines if line.isascii())


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_output_loses_no_file(closed: str, tmp_path: Path) -> None:
    options = "--duration 4 --tasks 2 --policies greedy --output r.json"
    command = f"{sys.executable} -m tessera_env simulate {options} {closed}"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, without_compiling(done.stderr)) == (0, "", "")
    assert (tmp_path / "r.json").read_text().startswith("{")


def test_ascii_in_a_process_of_its_own() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "tessera_env", "traces", "list"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"aws_v100_2023" in done.stdout
    assert done.stdout.isascii()

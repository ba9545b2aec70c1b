"""Bad files on the command line: exit code and lines, never a traceback."""

from pathlib import Path
from random import Random

import pytest

from benchmarks.fuzz import samples
from benchmarks.fuzz.mutating import mutated
from tessera_env.cli.program import main
from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.loading import load_scenario


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    return code, *capsys.readouterr()


@pytest.mark.parametrize("number", range(15))
@pytest.mark.parametrize(("name", "form", "sample"), [
    ("spot.csv", "csv", samples.SERIES),
    ("spot.json", "json", samples.SAMPLES.encode()),
])  # fmt: skip
def test_checking_a_trace(tmp_path: Path, capsys, name, form, sample, number) -> None:
    file = tmp_path / name
    file.write_bytes(mutated(sample, form, Random(f"{name} {number}")))
    code, out, err = run(capsys, "traces", "check", str(file), "--polarity", "available")
    assert code in (0, 1, 2) and "Traceback" not in out + err
    assert (str(file) in err and not out) if code == 2 else (str(file) in out and not err)


@pytest.mark.parametrize("number", range(15))
def test_evaluating_on_a_bad_scenario(tmp_path: Path, capsys, number) -> None:
    file = tmp_path / "mine.toml"
    random = Random(number)
    while True:
        file.write_bytes(mutated(samples.presets()[1], "toml", random))
        try:
            load_scenario(file)
        except ScenarioError:
            break
    code, out, err = run(capsys, "evaluate", "--scenario", str(file))
    assert code == 2 and not out and "Traceback" not in err
    assert all(line.startswith("tessera: ") and str(file) in line for line in err.splitlines())

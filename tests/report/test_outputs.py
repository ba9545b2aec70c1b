"""The files that a run leaves: which are checked against what, and what is written into them."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from tessera_env.cli.output import write_all
from tessera_env.evaluation.experiment import Experiment, Prepared
from tessera_env.report.event_log import write_events
from tessera_env.report.outputs import Outputs, first_world_events
from tessera_env.report.task_file import write_tasks
from tessera_env.simulation.planners import KuhnMunkres
from tests.faults import faults


@pytest.fixture
def prepared() -> Prepared:
    return Experiment("classic", ["greedy", "on_demand_only"], 2, 3, overrides={"task.count": 5}).prepare()


def test_an_error_names_the_option_that_asked_for_the_file(prepared: Prepared, tmp_path: Path) -> None:
    same = tmp_path / "a"
    with pytest.raises(OSError, match=r"html: .* is the same file as output's"):
        Outputs(same, same).check(prepared)
    with pytest.raises(OSError, match=r"html: .* is the same file as json's"):
        Outputs(same, same, results_option="json").check(prepared)
    assert not any(tmp_path.iterdir())


def test_what_is_not_wanted_is_not_written(prepared: Prepared, tmp_path: Path) -> None:
    results, log = prepared.run(), tmp_path / "events.jsonl"
    assert Outputs().writers(prepared, results, "") == {}
    outputs = Outputs(log=log)
    outputs.check(prepared)
    assert list(outputs.writers(prepared, results, "")) == [str(log)]
    outputs.write(prepared, results, "")
    assert [json.loads(line) for line in log.read_text().splitlines()] == list(first_world_events(prepared))
    assert list(tmp_path.iterdir()) == [log]


def test_the_log_is_of_the_same_run_as_the_results(prepared: Prepared) -> None:
    """Its seed, its first world, its policies in their order."""
    results, lines = prepared.run(), list(first_world_events(prepared))
    for label, table in results.tables.items():
        usd = sum(line["usd"] for line in lines if line["policy"] == label and line["event"] == "END")
        assert usd == pytest.approx(table["cost_usd"][0])
    assert list(dict.fromkeys(line["policy"] for line in lines)) == list(prepared.policies)


def test_the_log_is_of_the_planner_that_was_asked_for() -> None:
    asked: list[int] = []

    def watched(costs: np.ndarray) -> np.ndarray:
        asked.append(len(costs))
        return KuhnMunkres()(costs)

    prepared = Experiment("fleet", ["greedy"], 1, 3, planner=watched).prepare()
    assert any(line["event"] == "NOTICE" for line in first_world_events(prepared))
    assert asked


@pytest.mark.parametrize("name", ["results", "log", "tasks"])
def test_a_fault_leaves_the_old_file_or_the_new_one(tmp_path: Path, name: str) -> None:
    """At each call that writing makes; the line on the terminal says which."""
    experiment = Experiment("classic", ["greedy"], 1, 3, overrides={"task.count": 2}, accounts=True)
    results, path = experiment.prepare().run(), tmp_path / name
    assert results.accounts is not None
    writers = {
        "results": lambda: results.write_json(path),
        "log": lambda: write_events(path, ({"event": f"{k}"} for k in range(3))),
        "tasks": lambda: write_tasks(path, results.accounts),
    }
    writers[name]()
    new, told = path.read_bytes(), []
    path.write_bytes(b"old")
    for error in faults(lambda: told.extend(write_all({str(path): writers[name]})), errno.ENOSPC):
        (line,) = told
        assert error is None and "No space left on device" in line
        assert line.startswith(
            (f"{path}: cannot be written (", f"{path}: is written, but may be lost in a power cut (")
        )
        assert path.read_bytes() == (b"old" if "cannot be written" in line else new)
        for left in tmp_path.glob(".*"):
            assert str(left) in line
            left.unlink()
        path.write_bytes(b"old")
        told.clear()
    assert path.read_bytes() == new

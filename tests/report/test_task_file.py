"""The CSV file of what each task cost: every figure as it was, written as a whole or not at all."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tessera_env.evaluation.experiment import evaluate
from tessera_env.evaluation.results import Results
from tessera_env.report.task_file import HEADER, write_tasks
from tessera_env.simulation import accounts as accounts_module
from tessera_env.simulation.accounts import COLUMNS

SMALL = {"task.count": 7, "horizon_h": 24}


@pytest.fixture(scope="module")
def results() -> Results:
    return evaluate("fleet-mixed", ["greedy", "on_demand_fallback:count=1"], 3, 1, overrides=SMALL, accounts=True)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_task_of_every_world_and_policy_has_its_row(results: Results, tmp_path: Path) -> None:
    assert results.accounts is not None
    write_tasks(tmp_path / "tasks.csv", results.accounts)
    rows = rows_of(tmp_path / "tasks.csv")
    assert list(rows[0]) == list(HEADER) == ["policy", "world", *COLUMNS]
    places = [(row["policy"], int(row["world"]), int(row["task"])) for row in rows]
    assert places == [(label, world, task) for label in results.tables for world in range(3) for task in range(7)]


def test_numbers_read_back_as_they_were(results: Results, tmp_path: Path) -> None:
    assert results.accounts is not None
    write_tasks(tmp_path / "tasks.csv", results.accounts)
    rows = [row for row in rows_of(tmp_path / "tasks.csv") if row["policy"] == "greedy"]
    for name, values in results.accounts["greedy"].items():
        texts = [row[name] for row in rows]
        if name == "kind":
            assert texts == values.tolist()
            assert set(texts) == {"BATCH", "INTERACTIVE"}
        elif name == "late":
            assert texts == ["true" if value else "false" for value in values]
        else:
            assert np.array_equal([float(text) if text else np.nan for text in texts], values, equal_nan=True), name
    for k, table in enumerate(results.tables["greedy"]["cost_usd"]):
        assert sum(float(row["usd"]) for row in rows if row["world"] == str(k)) == pytest.approx(table, rel=1e-9)


def test_chunks_are_of_no_account(results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert results.accounts is not None
    write_tasks(tmp_path / "one", results.accounts)
    monkeypatch.setattr(accounts_module, "_CHUNK", 4)
    write_tasks(tmp_path / "many", results.accounts)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "many").read_bytes()


def test_labels_are_quoted_where_they_must_be(results: Results, tmp_path: Path) -> None:
    assert results.accounts is not None
    label = 'runs/a,"b"\ud800'  # a file name that is not UTF-8 has such letters
    write_tasks(tmp_path / "tasks.csv", {label: results.accounts["greedy"]})
    assert {row["policy"] for row in rows_of(tmp_path / "tasks.csv")} == {'runs/a,"b"?'}


def test_the_file_is_written_in_one_step(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "tasks.csv"
    path.write_text("old")
    assert results.accounts is not None
    with pytest.raises(KeyError):
        write_tasks(path, {"greedy": results.accounts["greedy"], "broken": {"task": np.arange(2)}})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]

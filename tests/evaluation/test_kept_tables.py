"""Results that were changed by hand are refused in one line, before anything is worked out from them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tessera_env.evaluation.results import Results, ResultsError
from tessera_env.recordings.played_rows import PlayedRows
from tests.results_samples import results

PLAYED = PlayedRows("jobs.csv", 4, {"ran for 0 s": 1}, (0.1, 20.0), 1, 0, 0, 60.0).to_values()


def refused(folder: Path, values: dict[str, Any]) -> str:
    (folder / "a.json").write_text(json.dumps(values))
    with pytest.raises(ResultsError) as caught:
        Results.from_json(folder / "a.json")
    line = str(caught.value)
    assert line.startswith(f"{folder / 'a.json'}: ") and len(line) < len(str(folder)) + 500 and line.isprintable()
    return line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": -1}, "seed: must be a whole number"),
        ({"seed": "1"}, "seed: must be a whole number"),
        ({"seed": 1.0}, "seed: must be a whole number"),
        ({"seed": True}, "seed: must be a whole number"),
        ({"baseline": "nobody"}, "baseline: must be null or one of the policies"),
        ({"baseline": {}}, "baseline: must be null or one of the policies"),
        ({"scenario": []}, "scenario: must be an object"),
        ({"versions": "2"}, "versions: must be an object"),
        ({"schema": "x" * 9_000}, "schema: "),
        ({"policies": [{"label": "greedy"}, {"label": "greedy"}]}, "policies: label: must be a text"),
        ({"policies": [{"label": 1}]}, "policies: label: must be a text"),
        ({"policies": [{"label": "\x1b[31m"}]}, "policies: label: must be a text"),
        ({"policies": [{"label": "x" * 9_000}]}, "episodes: policy: must be one of the policies"),
        ({"played_rows": {**PLAYED, "played": 10**400}}, "is not JSON"),
        ({"played_rows": {**PLAYED, "played": 1e15}}, "must be a whole number of rows"),
        ({"played_rows": {**PLAYED, "played": "4"}}, "must be a whole number of rows"),
        ({"played_rows": {**PLAYED, "file": "\x1b[31m"}}, "must be a text"),
        ({"played_rows": {**PLAYED, "median_work_s": None}}, "must be a number"),
        ({"played_rows": []}, "holds no results of an evaluation"),
    ],
)
def test_parts(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    assert words in refused(tmp_path, {**json.loads(results(episodes=2).to_json()), **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cost_usd": None}, "cost_usd: must be a number in each world (got null)"),
        ({"objective_usd": None}, "objective_usd: must be a number in each world (got null)"),
        ({"cost_usd": "5"}, "must be numbers up to"),
        ({"cost_usd": True}, "must be numbers up to"),
        ({"cost_usd": [5.0]}, "must be numbers up to"),
        ({"cost_usd": 1e200}, "must be numbers up to"),
        ({"spot_h": 10**30}, "must be numbers up to"),
        ({"spot_h": {"x": "y" * 9_000}}, "must be numbers up to"),
        ({"tasks_done": None}, "tasks_done: must be a whole number in each world"),
        ({"invalid_actions": 0.5}, "invalid_actions: must be a whole number in each world"),
        ({"policy": ["greedy"]}, "episodes: policy: must be one of the policies"),
        ({"world": 7}, "must be one for each world from 0 on"),
    ],
)
def test_figures(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    values = json.loads(results(episodes=2).to_json())
    values["episodes"][1] |= changes
    assert words in refused(tmp_path, values)


@pytest.mark.parametrize("metric", ["tasks", "tasks_done", "invalid_actions"])
def test_figures_that_tables_need(tmp_path: Path, metric: str) -> None:
    values = json.loads(results(episodes=2).to_json())
    for row in values["episodes"]:
        del row[metric]
    assert f"must have {metric}" in refused(tmp_path, values)

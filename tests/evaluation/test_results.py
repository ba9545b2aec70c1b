"""Results: comparisons on paired worlds, and JSON that comes back as it went."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tessera_env.evaluation.experiment import evaluate
from tessera_env.evaluation.results import Results, ResultsError
from tests.results_samples import COSTS, results, table


class TestSummary:
    """Means, intervals, differences, savings."""

    def test_cost(self) -> None:
        cost = results().summary["greedy"].cost_usd
        assert cost.mean == pytest.approx(50.0)
        half = 1.96 * COSTS["greedy"].std() / math.sqrt(40)
        assert (cost.low, cost.high) == pytest.approx((50 - half, 50 + half), abs=0.1)

    def test_differences_are_paired_and_minus_the_baseline(self) -> None:
        summary = results().summary
        learned, twin = summary["runs/latest"].difference_usd, summary["twin"].difference_usd
        assert learned is not None
        assert twin is not None
        assert learned.mean == pytest.approx(-10.0)
        assert -10.5 < learned.low < learned.high < -9.5  # unpaired it would be some 2 wide to each side
        assert learned.is_clear_of_zero
        assert not twin.is_clear_of_zero
        assert summary["greedy"].difference_usd is None

    def test_differences_are_of_the_objective_and_savings_of_the_cost(self) -> None:
        made, plain = results(), results().summary
        penalised = COSTS["twin"] + np.tile([0.0, 40.0], 20)
        made.tables["twin"]["objective_usd"] = penalised
        twin, learned = made.summary["twin"], made.summary["runs/latest"]
        assert (twin.cost_usd, twin.savings) == (plain["twin"].cost_usd, plain["twin"].savings)
        assert twin.objective_usd.mean == pytest.approx(penalised.mean())
        assert twin.difference_usd is not None
        assert twin.difference_usd.mean == pytest.approx((penalised - COSTS["greedy"]).mean())
        assert twin.difference_usd.low == pytest.approx(20.0 - 1.96 * 21.0 / math.sqrt(40), abs=0.5)
        assert learned == plain["runs/latest"]  # a policy's figures do not depend on another's penalties

    def test_where_nothing_is_penalised_the_objective_is_the_cost(self) -> None:
        assert all(summary.objective_usd == summary.cost_usd for summary in results().summary.values())

    def test_without_a_baseline(self) -> None:
        assert all(summary.difference_usd is None for summary in results(baseline=None).summary.values())

    def test_savings(self) -> None:
        summary = results().summary
        assert summary["greedy"].savings is not None
        assert summary["greedy"].savings.mean == pytest.approx(0.5)
        assert summary["on_demand_only"].savings is None
        assert results(labels=("greedy", "twin")).summary["twin"].savings is None

    def test_a_policys_numbers_do_not_depend_on_the_others(self) -> None:
        assert results().summary["twin"].cost_usd == results(labels=("greedy", "twin")).summary["twin"].cost_usd

    def test_means_leave_out_what_episodes_lack(self) -> None:
        columns = table(np.ones(3), completion_p50_h=np.array([10.0, math.nan, 20.0]), nothing=np.full(3, math.nan))
        made = Results({}, 1, None, {}, {"a": {"name": "a"}}, {"a": columns})
        assert made.summary["a"].means["completion_p50_h"] == 15.0
        assert made.summary["a"].means["nothing"] is None
        assert made.summary["a"].means["interruptions"] == 3.0


class TestJson:
    """The file."""

    def test_there_and_back(self, tmp_path: Path) -> None:
        made, path = results(), tmp_path / "results.json"
        made.write_json(path)
        read = Results.from_json(path)
        assert read.to_json() == made.to_json()
        assert list(read.tables) == list(COSTS)
        assert read.summary == made.summary
        assert np.array_equal(read.tables["twin"]["cost_usd"], COSTS["twin"])
        assert read.tables["twin"]["interruptions"].dtype == np.int64

    def test_what_it_holds(self) -> None:
        text = results().to_json()
        values = json.loads(text)
        assert list(values) == sorted(values)
        assert values["schema"] == 1
        assert values["scenario"] == {"name": "deadline-aws", "horizon_h": 100.0}
        assert [policy["label"] for policy in values["policies"]] == list(COSTS)
        assert len(values["episodes"]) == 4 * 40
        assert values["episodes"][41]["policy"] == "greedy"
        assert values["episodes"][41]["world"] == 1
        assert values["episodes"][41]["cost_usd"] == COSTS["greedy"][1]
        assert values["episodes"][41]["objective_usd"] == COSTS["greedy"][1]
        assert values["summary"]["greedy"]["objective_usd"] == values["summary"]["greedy"]["cost_usd"]
        assert values["summary"]["runs/latest"]["difference_usd"]["clear_of_zero"] is True
        assert sum(line.startswith('{"completion') for line in text.splitlines()) == 160  # an episode a line

    def test_a_file_from_before_there_was_an_objective(self, tmp_path: Path) -> None:
        """It follows from the return; rounding is no penalty; what has no return, such as the optimum, has none."""
        made, scale = results(episodes=3), np.full(3, 100.0)
        returns = -COSTS["greedy"][:3] / 100.0 + np.array([0.0, 1e-15, -0.25])
        made.tables["greedy"] |= {"episode_return": returns, "scale_usd": scale}
        for table_ in made.tables.values():
            del table_["objective_usd"]
        rows = [
            {"policy": label, "world": k, **{name: values[k].item() for name, values in table_.items()}}
            for label, table_ in made.tables.items()
            for k in range(3)
        ]
        policies = [{"label": label} for label in made.tables]
        values = {"schema": 1, "scenario": {}, "seed": 1, "baseline": "greedy", "versions": {}}
        path = tmp_path / "old.json"
        path.write_text(json.dumps({**values, "policies": policies, "episodes": rows}))
        read = Results.from_json(path)
        greedy, twin = read.tables["greedy"], read.tables["twin"]
        assert greedy["penalty_usd"][:2].tolist() == [0.0, 0.0]
        assert greedy["penalty_usd"][2] == pytest.approx(25.0)
        assert greedy["objective_usd"].tolist() == (greedy["cost_usd"] + greedy["penalty_usd"]).tolist()
        assert twin["objective_usd"].tolist() == twin["cost_usd"].tolist()
        assert read.summary["greedy"].objective_usd.mean == pytest.approx(COSTS["greedy"][:3].mean() + 25.0 / 3.0)

    def test_accounts_go_there_and_back(self, tmp_path: Path) -> None:
        overrides = {"task.count": 4, "horizon_h": 12, "task.arrivals": "poisson", "task.arrivals_per_h": 0.2}
        made = evaluate("fleet", ["greedy", "on_demand_only"], 4, 1, overrides=overrides, accounts=True)
        made.write_json(tmp_path / "a.json")
        text = (tmp_path / "a.json").read_text()
        assert made.accounts is not None
        assert sum(line.startswith('{"arrival_h"') for line in text.splitlines()) == sum(
            len(accounts["task"]) for accounts in made.accounts.values()
        )
        read = Results.from_json(tmp_path / "a.json")
        assert read.to_json() == text
        assert read.accounts is not None
        assert list(read.accounts) == list(made.accounts)
        for label, accounts in made.accounts.items():
            for name, values in accounts.items():
                found = read.accounts[label][name]
                assert np.array_equal(found, values, equal_nan=values.dtype.kind == "f"), name
                assert found.dtype == values.dtype, name

    @pytest.mark.parametrize(
        "change",
        [
            {"policy": "nobody"},
            {"task": 1},
            {"task": None},
            {"world": 4},
            {"world": -1},
            {"late": "no"},
            {"usd": "much"},
            {"kind": {}},
        ],
    )
    def test_accounts_that_are_none(self, tmp_path: Path, change: dict[str, object]) -> None:
        made = evaluate("deadline", ["greedy"], 2, 1, overrides={"task.work_h": 1, "horizon_h": 4}, accounts=True)
        values = json.loads(made.to_json())
        values["tasks"][0] |= change
        (tmp_path / "a.json").write_text(json.dumps(values))
        with pytest.raises(ResultsError, match=r"^[^\n]*a\.json: [^\n]+$"):
            Results.from_json(tmp_path / "a.json")

    def test_no_nan_and_no_infinity(self, tmp_path: Path) -> None:
        columns = table(np.array([5.0]), completion_p50_h=np.array([math.nan]))
        made = Results({}, 1, "b", {}, {"a": {}, "b": {}}, {"a": columns, "b": columns})
        made.write_json(tmp_path / "a.json")
        text = (tmp_path / "a.json").read_text()
        assert "NaN" not in text
        assert "Infinity" not in text
        assert json.loads(text)["episodes"][0]["completion_p50_h"] is None
        assert json.loads(text)["summary"]["a"]["cost_usd"] == {
            "mean": 5.0,
            "low": None,
            "high": None,
            "clear_of_zero": False,
        }
        assert np.isnan(Results.from_json(tmp_path / "a.json").tables["a"]["completion_p50_h"]).all()

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "3",
            "{}",
            "{" * 50_000,
            '{"schema": 2}',
            '{"schema": 1, "policies": [{"label": "a"}], "episodes": []}',
            '{"schema": 1, "policies": [{"label": "a"}], "episodes": [{"policy": "a", "world": 1, "cost_usd": 1.0}]}',
            '{"schema": 1, "policies": [{"label": "a"}], "episodes": [{"policy": "a", "world": 0}]}',
            '{"schema": 1, "policies": [{"label": "clairvoyant"}], "scenario": {}, "seed": 1, "baseline": null, '
            '"versions": {}, "episodes": [{"policy": "clairvoyant", "world": 0, "cost_usd": 1.0}]}',
            '{"schema": 1, "policies": [{"label": "clairvoyant"}], "scenario": {}, "seed": 1, "baseline": null, '
            '"versions": {}, "episodes": [{"policy": "clairvoyant", "world": 0, "cost_usd": 1.0}], '
            '"reference_usd": [1, 2]}',
            '{"schema": 1, "policies": [{"label": "bound"}], "scenario": {}, "seed": 1, "baseline": null, '
            '"versions": {}, "episodes": [{"policy": "bound", "world": 0, "objective_usd": 1.0}]}',
            '{"schema": 1, "policies": [{"label": "a"}, {"label": "bound"}, {"label": "clairvoyant"}], "scenario": {}, '
            '"seed": 1, "baseline": null, "versions": {}, "reference_usd": [1], "episodes": ['
            '{"policy": "a", "world": 0, "cost_usd": 1.0}, {"policy": "bound", "world": 0, "objective_usd": 1.0}, '
            '{"policy": "clairvoyant", "world": 0, "cost_usd": 1.0}]}',
            '{"schema": 1, "policies": [{"label": "a"}], "scenario": {}, "seed": 1, "baseline": null, '
            '"versions": {}, "episodes": [{"policy": "a", "world": 0, "objective_usd": 1.0}]}',
            '{"schema": 1, "policies": [], "episodes": [], "scenario": {}, "seed": 1, "baseline": null}',
        ],
    )
    def test_files_that_hold_no_results(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "a.json"
        path.write_text(text)
        with pytest.raises(ResultsError) as caught:
            Results.from_json(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ResultsError, match="no such file"):
            Results.from_json(tmp_path / "none.json")

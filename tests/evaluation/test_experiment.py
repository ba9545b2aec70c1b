"""Evaluation: every policy in every world once, the same results however it is run."""

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.progress import Progress

from tessera_env.evaluation import experiment as module
from tessera_env.evaluation.experiment import Experiment, NoFloorError, evaluate
from tessera_env.evaluation.floors import BOUND, SERVICE_BOUND, SERVICE_CLAIRVOYANT, Floor
from tessera_env.evaluation.optimum import fleet, programme
from tessera_env.evaluation.optimum.clairvoyant import optimal
from tessera_env.evaluation.optimum.fleet import fleet_bound_usd
from tessera_env.evaluation.optimum.service_bound import services_bound_usd
from tessera_env.evaluation.optimum.service_plans import optimal_service
from tessera_env.evaluation.playing import play
from tessera_env.evaluation.results import Results
from tessera_env.evaluation.statistics import Estimate, bootstrap_means, percentile_interval
from tessera_env.observation.layout import Layout
from tessera_env.policies import Greedy, OnDemandOnly, save_policy
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

# Episodes of a quarter of the usual length, on one pool or on nine.
SHORT = {"task.work_h": 6, "task.deadline_h": {"uniform": [7.0, 12.0]}, "horizon_h": 13}
NAMES = ["on_demand_only", "greedy", "on_demand_fallback:count=1", "random"]


class LengthsEnv:
    """A stand-in for the vector environment: world k lasts 1 + 7 k mod 5 steps and costs 100 + k."""

    def __init__(self, num_envs: int) -> None:
        self.num_envs = num_envs
        self.world = np.zeros(num_envs, dtype=np.int64)
        self.left = np.zeros(num_envs, dtype=np.int64)
        self.starts: list[int] = []  # worlds in the order in which they were begun

    def reset(self, *, seed: list[int], options: dict[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
        assert seed == [5] * self.num_envs
        rows = options.get("reset_mask", np.ones(self.num_envs, dtype=bool))
        self.world[rows] = options["world"][rows]
        self.left[rows] = 1 + 7 * self.world[rows] % 5
        self.starts += self.world[rows].tolist()
        return self._observation(), {}

    def action_masks(self) -> np.ndarray:
        return np.ones((self.num_envs, 3), dtype=bool)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        self.left = np.maximum(self.left - 1, 0)  # a row whose episode has ended rests
        ended = self.left == 0
        return self._observation(), np.zeros(self.num_envs), ended, np.zeros_like(ended), {}

    def episode_metrics(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        assert (self.left[rows] == 0).all()
        return {"cost_usd": 100.0 + self.world[rows], "tasks": self.world[rows] % 3}

    def _observation(self) -> np.ndarray:
        return self.world[:, None].astype(np.float32)


class Watcher:
    """A policy that remembers which worlds' starts it was told of, and carries a state."""

    name = "watcher"

    def __init__(self) -> None:
        self.started: list[int] = []

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
        action_masks: Any = None,
    ) -> tuple[np.ndarray, Any]:
        assert deterministic
        assert action_masks.shape == (len(observation), 3)
        assert (state is None) == (not self.started)
        self.started += observation[episode_start, 0].astype(int).tolist()
        return np.zeros(len(observation), dtype=np.int64), "state"


class TestPlay:
    """Which row plays which world, and when."""

    @pytest.mark.parametrize("rows", [1, 2, 3, 7, 23])
    def test_every_world_once_and_in_order(self, rows: int) -> None:
        env, policy, done = LengthsEnv(rows), Watcher(), []
        table = play(env, policy, 23, 5, done.append)  # type: ignore[arg-type]
        assert table["cost_usd"].tolist() == [100.0 + world for world in range(23)]
        assert table["tasks"].tolist() == [world % 3 for world in range(23)]
        assert table["tasks"].dtype == np.int64
        assert sum(done) == 23
        assert env.starts == list(range(23))

    def test_policies_with_memory_hear_of_every_start(self) -> None:
        env, policy = LengthsEnv(4), Watcher()
        play(env, policy, 11, 5, lambda _count: None)  # type: ignore[arg-type]
        assert policy.started == list(range(11))


@pytest.fixture(scope="module")
def short() -> Results:
    return evaluate("deadline", NAMES, 10, 3, overrides=SHORT)


class TestEvaluate:
    """On the engine."""

    def test_what_comes_back(self, short: Results) -> None:
        assert list(short.tables) == NAMES
        assert short.baseline == "greedy"
        assert short.episodes == 10
        assert short.scenario == load_scenario("deadline", **SHORT).model_dump(mode="json")
        assert set(short.versions) == {"tessera_env", "numpy", "numba", "gymnasium", "python"}
        for label, table in short.tables.items():
            assert set(table) == set(short.tables["greedy"])
            assert all(values.shape == (10,) for values in table.values())
            assert (table["cost_usd"] > 0).all(), label
            assert table["invalid_actions"].sum() == 0, label
            assert table["deadlines_missed"].sum() == 0, label  # the guard is on
            assert (table["tasks_done"] == 1).all(), label

    def test_policies_do_what_they_are_named_for(self, short: Results) -> None:
        on_demand, greedy = short.tables["on_demand_only"], short.tables["greedy"]
        assert on_demand["spot_h"].sum() == 0
        assert on_demand["on_demand_h"] == pytest.approx(6.0 + on_demand["setup_h"], abs=1e-6)
        assert greedy["spot_h"].sum() > 0
        assert greedy["cost_usd"].mean() < on_demand["cost_usd"].mean()

    @pytest.mark.parametrize(("rows", "threads"), [(1, 1), (3, 1), (10, 2), (64, 1)])
    def test_rows_and_threads_change_nothing(self, short: Results, rows: int, threads: int) -> None:
        again = evaluate("deadline", NAMES, 10, 3, overrides=SHORT, rows=rows, threads=threads)
        assert again.to_json() == short.to_json()

    def test_more_episodes_keep_the_first_ones(self, short: Results) -> None:
        more = evaluate("deadline", ["greedy"], 13, 3, overrides=SHORT)
        assert np.array_equal(more.tables["greedy"]["cost_usd"][:10], short.tables["greedy"]["cost_usd"])

    def test_another_seed_is_another_set_of_worlds(self, short: Results) -> None:
        other = evaluate("deadline", ["greedy"], 10, 4, overrides=SHORT)
        assert not (other.tables["greedy"]["elapsed_h"] == short.tables["greedy"]["elapsed_h"]).any()

    def test_the_order_of_policies_changes_nothing_but_the_order(self, short: Results) -> None:
        turned = evaluate("deadline", NAMES[::-1], 10, 3, overrides=SHORT)
        assert list(turned.tables) == NAMES[::-1]
        assert turned.summary == short.summary

    def test_accounts_of_tasks(self) -> None:
        """Of every policy and world, whoever plays them in how many rows; without them all else is the same."""
        players = ["greedy", "random"]  # a rule, which the engine plays, and one that it does not
        asked = {"episodes": 5, "seed": 3, "overrides": {"task.count": 6}}
        one, many = (evaluate("fleet", players, **asked, accounts=True, rows=rows) for rows in (1, 4))
        assert one.accounts is not None
        assert one.to_json() == many.to_json()
        for label, accounts in one.accounts.items():
            assert accounts["world"].tolist() == np.repeat(np.arange(5), 6).tolist()
            of_worlds = np.bincount(accounts["world"], accounts["usd"])
            assert of_worlds == pytest.approx(one.tables[label]["cost_usd"], rel=1e-9)
        plain = evaluate("fleet", players, **asked)
        assert plain.accounts is None
        assert plain.to_json() == one.to_json(accounts=False)

    def test_an_exported_policy(self, tmp_path: Path) -> None:
        """A network with a large logit for on-demand plays as OnDemandOnly does; rows still change nothing."""
        layout = Layout(1)
        arrays = {
            "layer.0.weight": np.random.default_rng(0).normal(0, 0.1, (64, layout.size)).astype(np.float32),
            "layer.0.bias": np.zeros(64, np.float32),
            "layer.1.weight": np.random.default_rng(1).normal(0, 0.1, (3, 64)).astype(np.float32),
            "layer.1.bias": np.array([0, 0, 50], np.float32),
        }
        facts = {"kind": "mlp", "activation": "tanh", "pool_count": 1, "fields": layout.signatures}
        card = save_policy(tmp_path / "p", arrays, {**facts, "scenario": "deadline", "masked": True, "versions": {}})
        label = str(tmp_path / "p")
        players = [tmp_path / "p", "on_demand_only"]
        one, many = (evaluate("deadline", players, 5, 3, overrides=SHORT, rows=rows) for rows in (1, 5))
        assert one.to_json() == many.to_json()
        assert one.baseline == label
        assert one.policies[label] == {"name": "p", "trained_on": "deadline", "masked": True, "sha256": card.sha256}
        assert np.array_equal(one.tables[label]["cost_usd"], one.tables["on_demand_only"]["cost_usd"])

    def test_policy_objects(self, short: Results) -> None:
        made = evaluate("deadline", [Greedy(Layout(1)), OnDemandOnly(Layout(1))], 10, 3, None, overrides=SHORT)
        assert list(made.tables) == ["greedy", "on_demand_only"]
        assert made.baseline is None
        assert np.array_equal(made.tables["greedy"]["cost_usd"], short.tables["greedy"]["cost_usd"])

    @pytest.mark.slow
    def test_two_processes_write_the_same_bytes(self, tmp_path: Path) -> None:
        program = (
            "import sys\nfrom tessera_env.evaluation.experiment import evaluate\n"
            f"evaluate('deadline', {NAMES}, 4, 2, overrides={SHORT}).write_json(sys.argv[1])\n"
        )
        for name in ("a.json", "b.json"):
            subprocess.run([sys.executable, "-c", program, str(tmp_path / name)], check=True)
        assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
        assert Results.from_json(tmp_path / "a.json").to_json() == (tmp_path / "a.json").read_text()

    def test_many_tasks_on_many_pools(self) -> None:
        overrides = {"task.count": 12, "horizon_h": 24}
        made = evaluate("fleet", ["on_demand_only", "greedy", "random"], 3, 1, overrides=overrides)
        for label, table in made.tables.items():
            assert (table["tasks"] == 12).all()
            assert table["invalid_actions"].sum() == 0, label
        again = evaluate("fleet", ["greedy", "random"], 3, 1, overrides=overrides, rows=1)
        for label in again.tables:
            assert np.array_equal(again.tables[label]["cost_usd"], made.tables[label]["cost_usd"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"episodes": 0}, "episodes: 0 (allowed: 1 to"),
        ({"episodes": 2.5}, "episodes: 2.5"),
        ({"episodes": True}, "episodes: True"),
        ({"seed": -1}, "seed: -1 (allowed: 0 to"),
        ({"seed": 2**64}, "seed: 18446744073709551616"),
        ({"rows": 0}, "rows: 0"),
        ({"threads": 0}, "threads: 0"),
        ({"policies": []}, "policies: none"),
        ({"policies": ["greedy", "greedy"]}, "'greedy' is named twice"),
        ({"policies": ["gready"]}, "'gready' (allowed: even_spread, fleet_threshold"),
        ({"policies": ["greedy:count=1"]}, "allowed: no options"),
        ({"baseline": "random"}, "baseline: 'random' (allowed: one of the policies: greedy)"),
        ({"scenario": "deadlines"}, "deadlines"),
        ({"overrides": {"task.nonsense": 1}}, "task.nonsense"),
    ],
)
def test_refusals(changes: dict[str, Any], reason: str) -> None:
    arguments = {"scenario": "deadline", "policies": ["greedy"], "episodes": 2, "seed": 1, **changes}
    with pytest.raises(ValueError) as caught:
        Experiment(**arguments).prepare()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("policies", "baseline", "expected"),
    [
        (["random", "greedy"], "auto", "greedy"),
        (["random", "on_demand_only"], "auto", "random"),
        (["random", "greedy"], "random", "random"),
        (["random", "greedy"], None, None),
        ("greedy", "auto", "greedy"),
    ],
)
def test_the_baseline(policies: Any, baseline: str | None, expected: str | None) -> None:
    assert Experiment("deadline", policies, 2, 1, baseline).prepare().baseline == expected


def test_the_function_takes_what_an_experiment_is_made_of() -> None:
    """In the same order, with the same defaults; what it hands on is stated once."""
    taken = inspect.signature(evaluate)
    assert taken.parameters == inspect.signature(Experiment).parameters
    assert taken.return_annotation is Results
    assert list(taken.parameters) == [field.name for field in fields(Experiment)]


def test_nothing_is_checked_until_it_is_asked_for() -> None:
    asked = Experiment("no-such-scenario", ["nobody"], episodes=-1)
    with pytest.raises(ValueError, match="episodes: -1"):
        asked.prepare()
    with pytest.raises(ValueError, match="episodes: -1"):
        asked.run()


def test_what_is_prepared_can_be_played_again(short: Results) -> None:
    prepared = Experiment("deadline", NAMES, 10, 3, overrides=SHORT).prepare()
    assert prepared.scenario == load_scenario("deadline", **SHORT)
    assert list(prepared.policies) == NAMES
    assert prepared.env.num_envs == 10
    assert [prepared.run().to_json() for _ in range(2)] == [short.to_json()] * 2


def test_many_tasks_are_played_in_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory does not grow with the episodes; the results are the same."""
    asked = Experiment("classic", ["greedy"], 4, 1, overrides={"horizon_h": 6, "task.count": 5})
    whole = asked.run().to_json()
    monkeypatch.setattr(module, "_MOST_TASKS_AT_ONCE", 10)
    assert asked.prepare().env.num_envs == 2
    assert replace(asked, overrides={"task.count": 50}).prepare().env.num_envs == 1
    assert replace(asked, rows=3).prepare().env.num_envs == 3  # what is asked for holds
    assert asked.run().to_json() == whole


class TestOptimum:
    """What a clairvoyant would have paid, and the gap to it."""

    def test_the_row_and_the_gap(self) -> None:
        made = evaluate("deadline", ["greedy", "uniform_progress"], 10, 3, overrides=SHORT, optimum=True)
        assert list(made.tables) == ["greedy", "uniform_progress", "clairvoyant"]
        assert made.policies["clairvoyant"] == {"name": "clairvoyant"}
        expected = optimal(load_scenario("deadline", **SHORT), 10, 3)["cost_usd"]
        assert np.array_equal(made.tables["clairvoyant"]["cost_usd"], expected)
        greedy, uniform = (made.summary[label] for label in ("greedy", "uniform_progress"))
        gap = uniform.cost_usd.mean - expected.mean()
        assert greedy.gap_closed is not None
        assert greedy.gap_closed.mean == pytest.approx((uniform.cost_usd.mean - greedy.cost_usd.mean) / gap)
        assert greedy.gap_closed.low < greedy.gap_closed.mean < greedy.gap_closed.high
        assert uniform.gap_closed == Estimate(0.0, 0.0, 0.0)

    def test_the_reference_is_played_unseen(self, short: Results) -> None:
        """The gap is the same, whether uniform_progress has a row of its own; all else is as without the optimum."""
        both = evaluate("deadline", ["greedy", "uniform_progress"], 10, 3, overrides=SHORT, optimum=True)
        alone = evaluate("deadline", ["greedy"], 10, 3, overrides=SHORT, optimum=True, rows=3, threads=2)
        assert list(alone.tables) == ["greedy", "clairvoyant"]
        assert alone.summary["greedy"] == both.summary["greedy"]
        assert alone.summary["greedy"].cost_usd == short.summary["greedy"].cost_usd
        assert short.summary["greedy"].gap_closed is None
        assert "gap_closed" not in short.to_json()
        assert "reference_usd" not in short.to_json()

    def test_it_comes_back_from_its_file_byte_for_byte(self, tmp_path: Path) -> None:
        made = evaluate("deadline", ["greedy"], 4, 3, overrides=SHORT, optimum=True)
        made.write_json(tmp_path / "a.json")
        read = Results.from_json(tmp_path / "a.json")
        assert read.to_json() == (tmp_path / "a.json").read_text() == made.to_json()
        assert read.summary == made.summary
        again = evaluate("deadline", ["greedy"], 4, 3, overrides=SHORT, optimum=True, rows=1, threads=2)
        assert again.to_json() == made.to_json()

    def test_refusals_come_before_any_work(self) -> None:
        with pytest.raises(ValueError, match="no clairvoyant optimum: pools: 4 pools"):
            Experiment("classic", ["greedy"], 2, 1, optimum=True).prepare()
        named = Greedy(Layout(1))
        named.name = "clairvoyant"
        for optimum in (True, False):
            with pytest.raises(ValueError, match="policies: 'clairvoyant'"):
                Experiment("deadline", [named], 2, 1, optimum=optimum).prepare()


DEVELOPMENT = {"market.from_h": 0.0, "market.until_h": 700.0, "horizon_h": 6.0}


class TestServices:
    """What is least possible for services, and the gap from on_demand_only to it."""

    @pytest.mark.parametrize(
        ("asked", "floor", "expected"),
        [
            ({"optimum": True}, SERVICE_CLAIRVOYANT, lambda scenario: optimal_service(scenario, 3, 4)["objective_usd"]),
            ({"bound": True}, SERVICE_BOUND, lambda scenario: services_bound_usd(scenario, 3, 4)),
        ],
    )
    def test_the_row_and_the_gap(
        self, asked: dict[str, bool], floor: Floor, expected: Callable[[Scenario], np.ndarray], tmp_path: Path
    ) -> None:
        made = evaluate("service-spothedge", ["spot_hedge"], 4, 3, overrides=DEVELOPMENT, **asked)
        assert list(made.tables) == ["spot_hedge", floor.label]
        least = expected(load_scenario("service-spothedge", **DEVELOPMENT))
        assert np.array_equal(made.tables[floor.label]["objective_usd"], least)
        full = evaluate("service-spothedge", ["on_demand_only"], 4, 3, overrides=DEVELOPMENT)
        full_usd, hedge_usd = (
            full.summary["on_demand_only"].objective_usd.mean,
            made.tables["spot_hedge"]["objective_usd"],
        )
        closed = made.summary["spot_hedge"].gap_closed
        assert closed is not None
        assert closed.mean == pytest.approx((full_usd - hedge_usd.mean()) / (full_usd - least.mean()))
        made.write_json(tmp_path / "a.json")
        read = Results.from_json(tmp_path / "a.json")
        assert read.to_json() == made.to_json()
        assert read.floor is made.floor is floor

    def test_refusals_come_before_any_work(self) -> None:
        beside = {"task.count": 3, "task.work_h": 2.0}
        with pytest.raises(ValueError, match=r"^no bound: task.count: 3 tasks beside services \(allowed: 0\)$"):
            Experiment("service-train", ["spot_hedge"], 2, 1, overrides=beside, bound=True).prepare()
        with pytest.raises(ValueError, match=r"^no clairvoyant optimum: task.count: 3 tasks beside services"):
            Experiment("service-train", ["spot_hedge"], 2, 1, overrides=beside, optimum=True).prepare()
        with pytest.raises(ValueError, match=r"^no clairvoyant optimum: notice_s: 120 \(allowed: 0\)"):
            Experiment("service-train", ["spot_hedge"], 2, 1, optimum=True).prepare()


FEW_TASKS = {"task.count": 12}


class TestBound:
    """What no policy's objective is below, and the gap from greedy to it."""

    def test_the_row_and_the_gap(self) -> None:
        made = evaluate("fleet", ["fleet_threshold", "greedy"], 12, 3, overrides=FEW_TASKS, bound=True)
        assert list(made.tables) == ["fleet_threshold", "greedy", "bound"]
        assert made.played == ["fleet_threshold", "greedy"]
        assert made.policies["bound"] == {"name": "bound"}
        expected = fleet_bound_usd(load_scenario("fleet", **FEW_TASKS), 3, 12)
        assert {metric: values.tolist() for metric, values in made.tables["bound"].items()} == {
            "objective_usd": expected.tolist()
        }
        rule, greedy, bound = made.summary.values()
        gap = greedy.objective_usd.mean - expected.mean()
        assert rule.gap_closed is not None
        assert rule.gap_closed.mean == pytest.approx((greedy.objective_usd.mean - rule.objective_usd.mean) / gap)
        assert rule.gap_closed.low < rule.gap_closed.mean < rule.gap_closed.high
        assert greedy.gap_closed == Estimate(0.0, 0.0, 0.0)
        assert bound.gap_closed == Estimate(1.0, 1.0, 1.0)
        assert (bound.cost_usd, bound.savings) == (None, None)
        assert bound.difference_usd is not None and bound.difference_usd.mean == pytest.approx(-gap)

    def test_the_interval_is_that_of_the_resampled_worlds(self) -> None:
        made = evaluate("fleet", ["fleet_threshold", "greedy"], 12, 3, overrides=FEW_TASKS, bound=True)
        columns = np.column_stack([table["objective_usd"] for table in made.tables.values()])
        rule, greedy, bound = bootstrap_means(columns, 3).T
        found = made.summary["fleet_threshold"].gap_closed
        assert found is not None
        assert (found.low, found.high) == percentile_interval((greedy - rule) / (greedy - bound))

    @pytest.mark.parametrize("preset", ["fleet", "classic", "fleet-mixed"])
    def test_no_policy_is_below_it(self, preset: str) -> None:
        policies = ["greedy", "fleet_threshold", "yielding", "random"]
        made = evaluate(preset, policies, 6, 2, overrides={"task.count": 15}, bound=True)
        bounds = made.tables["bound"]["objective_usd"]
        assert (bounds > 0.0).all()
        for label in policies:
            assert (made.tables[label]["objective_usd"] >= bounds).all(), label

    def test_the_reference_is_played_unseen(self) -> None:
        """The gap is the same, whether greedy has a row of its own; all else is as without the bound."""
        both = evaluate("fleet", ["yielding", "greedy"], 6, 3, None, overrides=FEW_TASKS, bound=True)
        alone = evaluate("fleet", ["yielding"], 6, 3, None, overrides=FEW_TASKS, bound=True, rows=2, threads=2)
        plain = evaluate("fleet", ["yielding"], 6, 3, None, overrides=FEW_TASKS)
        assert list(alone.tables) == ["yielding", "bound"]
        assert alone.summary["yielding"] == both.summary["yielding"]
        assert replace(alone.summary["yielding"], gap_closed=None) == plain.summary["yielding"]
        assert "gap_closed" not in plain.to_json()

    def test_it_comes_back_from_its_file_byte_for_byte(self, tmp_path: Path) -> None:
        made = evaluate("fleet", ["yielding"], 3, 3, overrides=FEW_TASKS, bound=True, accounts=True)
        made.write_json(tmp_path / "a.json")
        read = Results.from_json(tmp_path / "a.json")
        assert read.to_json() == (tmp_path / "a.json").read_text() == made.to_json()
        assert read.summary == made.summary
        assert read.floor is made.floor is BOUND
        values = json.loads(made.to_json())
        assert values["summary"]["bound"]["cost_usd"] is None
        assert values["episodes"][-1].keys() == {"policy", "world", "objective_usd"}
        again = evaluate("fleet", ["yielding"], 3, 3, overrides=FEW_TASKS, bound=True, accounts=True, rows=1, threads=2)
        assert again.to_json() == made.to_json()

    def test_refusals_come_before_any_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ValueError, match=r"^no fleet bound: task.count: 1001 \(allowed: 1 to 1000\)$"):
            Experiment("fleet", ["greedy"], 2, 1, overrides={"task.count": 1001}, bound=True).prepare()
        with pytest.raises(ValueError, match=r"^bound: with the optimum \(allowed: one of them"):
            Experiment("deadline", ["greedy"], 2, 1, optimum=True, bound=True).prepare()
        named = Greedy(Layout(9))
        named.name = "bound"
        with pytest.raises(ValueError, match="policies: 'bound'"):
            Experiment("fleet", [named], 2, 1, overrides=FEW_TASKS).prepare()
        monkeypatch.setattr(fleet, "_MOST_COLUMNS", 50)
        with pytest.raises(ValueError, match=r"task.count: 12 tasks with \d+ times in spells .*allowed: up to 50 of"):
            Experiment("fleet", ["greedy"], 2, 1, overrides=FEW_TASKS, bound=True).prepare()

    def test_where_the_solver_gives_up_all_else_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        solve, solved = programme.linprog, []

        def tired(*arguments: Any, **options: Any) -> Any:
            result = solve(*arguments, **options)
            solved.append(result)
            if len(solved) == 3:
                result.status, result.message = 4, "Numerical difficulties encountered."
            return result

        monkeypatch.setattr(programme, "linprog", tired)
        reason = "bound: world 2: the linear programme was not solved: Numerical difficulties encountered."
        with pytest.raises(NoFloorError) as caught:
            evaluate("fleet", ["yielding"], 6, 3, overrides=FEW_TASKS, bound=True, accounts=True)
        assert str(caught.value) == reason
        plain = evaluate("fleet", ["yielding"], 6, 3, overrides=FEW_TASKS, accounts=True)
        assert caught.value.results.to_json() == plain.to_json()

    @pytest.mark.parametrize("asked", [{"bound": True}, {"optimum": True}])
    def test_the_bar_goes_to_its_end(self, asked: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
        bars: list[Progress] = []
        monkeypatch.setattr(module, "_bar", lambda shown: bars.append(Progress(disable=True)) or bars[0])
        evaluate("deadline", ["greedy"], 5, 1, overrides=SHORT, **asked)
        assert [task.completed for task in bars[0].tasks] == [5.0] * len(bars[0].tasks)
        assert bars[0].tasks[-1].description == ("bound" if "bound" in asked else "clairvoyant")

"""Policies from outside the package, by `module:Class`, and rules: one more is one file."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tessera_env
from tessera_env.evaluation.experiment import evaluate
from tessera_env.observation.layout import Layout
from tessera_env.policies import PolicyError, make_policy
from tessera_env.policies.rules.choice import RULES, record_of, rule_of
from tessera_env.policies.rules.on_demand_fallback import OnDemandFallback
from tessera_env.policies.rules.rule_policy import RulePolicy
from tests.import_path import importing_from
from tests.policies.observations import LAYOUT, ON_DEMAND_1, SPOT_1, random_rows, waiting

PLAIN = """
import numpy as np

class Cheapest:
    name = "cheapest"

    def __init__(self, layout, tolerance: float = 0.0, seed: int = 0):
        self.layout, self.tolerance, self.seed = layout, tolerance, seed

    def predict(self, observation, state=None, episode_start=None, deterministic=True, action_masks=None):
        return np.full(len(observation), 1 + self.layout.pool_count), state

class Nothing:
    def __init__(self, layout):
        pass

class Unmade(Nothing):
    def __init__(self, layout):
        raise ValueError("no such file\\nanywhere")

class Demanding:
    def __init__(self, layout, wish):
        pass

number = 3
"""

RULE = """
\"\"\"On-demand for what is short of slack, else waiting.\"\"\"

from tessera_env.jit.compiled import compiled
from tessera_env.observation.layout import Field, Layout
from tessera_env.policies.rules.ranking import FIRST, SECOND, THIRD, on_demand_rank
from tessera_env.policies.rules.rule_policy import RulePolicy


@compiled
def patient_rank(options, observations, env: int, action: int, pool_count: int) -> float:
    \"\"\"The action's place; the lowest comes first.\"\"\"
    if action <= pool_count:
        return SECOND if action == 0 else THIRD
    is_short = observations[env, Field.SLACK_PER_WORK] < options.patience
    return on_demand_rank(observations, env, action - 1 - pool_count, FIRST if is_short else THIRD)


class Patient(RulePolicy):
    \"\"\"Waits, until slack / work left is below `patience`.\"\"\"

    name = "patient"
    rank = patient_rank

    def __init__(self, layout: Layout, patience: float = 0.5) -> None:
        super().__init__(layout, patience=patience)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules of one's own, which can be imported from there."""
    (tmp_path / "mine.py").write_text(PLAIN)
    (tmp_path / "rule.py").write_text(RULE)
    (tmp_path / "broken.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("mine", "rule", "broken"):
        sys.modules.pop(name, None)


def test_a_class_of_ones_own_with_options(own: Path) -> None:
    policy = make_policy("mine:Cheapest:tolerance=0.5", LAYOUT, seed=7)
    assert type(policy).__module__ == "mine"
    assert (policy.name, policy.tolerance, policy.seed) == ("mine:Cheapest:tolerance=0.5", 0.5, 7)
    assert policy.predict(waiting())[0].tolist() == [1 + LAYOUT.pool_count]


def test_a_rule_of_ones_own_is_compiled_and_played_by_its_predict(own: Path) -> None:
    policy = make_policy("rule:Patient:patience=0.25", LAYOUT)
    assert rule_of(policy) is None
    assert policy.predict(waiting(slack_per_work=0.2))[0].tolist() == [ON_DEMAND_1]
    assert policy.predict(waiting(slack_per_work=0.3))[0].tolist() == [0]
    mask = np.zeros((1, 1 + 2 * LAYOUT.pool_count), dtype=bool)
    mask[0, SPOT_1] = True
    assert policy.predict(waiting(slack_per_work=0.3), action_masks=mask)[0].tolist() == [SPOT_1]


def test_it_is_compared_like_any_other(own: Path) -> None:
    results = evaluate("deadline", ["on_demand_only", "rule:Patient", "rule:Patient:patience=100"], episodes=2)
    costs = {label: table["cost_usd"].tolist() for label, table in results.tables.items()}
    assert costs["rule:Patient:patience=100"] == costs["on_demand_only"]
    assert results.policies["rule:Patient"] == {"name": "rule:Patient"}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("absent:Class", "importing absent failed (ModuleNotFoundError: No module named 'absent')"),
        ("broken:Class", "importing broken failed (ZeroDivisionError: division by zero)"),
        ("mine:Absent", "mine has no class Absent"),
        ("mine:number", "mine has no class number"),
        ("mine:Nothing", "Nothing has no predict"),
        ("mine:Unmade", "'mine:Unmade': making it failed (ValueError: no such file anywhere)"),
        ("mine:Demanding", "mine:Demanding: cannot be made from a layout alone (missing a required argument: 'wish')"),
        ("mine:Cheapest:tolerance=x", "mine:Cheapest: tolerance: 'x' (allowed: a number such as 0.05)"),
        ("mine:Cheapest:layout=1", "mine:Cheapest: option 'layout=1' (allowed: tolerance=X, seed=N)"),
    ],
)
def test_refusals_in_one_line(own: Path, spec: str, reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        make_policy(spec, LAYOUT)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_line_finds_it_in_the_working_directory(own: Path) -> None:
    command = ["-m", "tessera_env", "evaluate", "--scenario", "deadline", "--episodes", "2", "--json", "results.json"]
    environment = importing_from(Path(tessera_env.__file__).parents[1], PYTHONSAFEPATH="1")
    policies = ["--policies", "mine:Cheapest,on_demand_only"]
    subprocess.run([sys.executable, *command, *policies], cwd=own, env=environment, check=True, capture_output=True)
    assert [one["label"] for one in json.loads((own / "results.json").read_text())["policies"]] == [
        "mine:Cheapest",
        "on_demand_only",
    ]


def test_one_more_rule_is_one_file(tmp_path: Path) -> None:
    """A file in the folder of the rules, and nothing else: it has a name, options, and the engine plays it."""
    package = tmp_path / "tessera_env"
    shutil.copytree(Path(tessera_env.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "policies" / "rules" / "patient.py").write_text(RULE)
    program = (
        "from tessera_env.observation.layout import Layout\n"
        "from tessera_env.policies import make_policy\n"
        "from tessera_env.policies.rules.choice import rule_of\n"
        "from tessera_env.simulate import simulate\n"
        "rule = rule_of(make_policy('patient:patience=0.25', Layout(1)))\n"
        "results = simulate(6, 5, ['patient:patience=0.25', 'on_demand_only'])\n"
        "print(float(rule[0].patience), *[table['decisions'].sum() > 0 for table in results.tables.values()])"
    )
    environment = importing_from(tmp_path, NUMBA_DISABLE_JIT="1")
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["0.25", "True", "True"]


def test_an_option_that_is_a_float_for_one_rule_is_cut_for_none(own: Path) -> None:
    """The engine has one place for options of one name."""

    class Halved(OnDemandFallback):
        name = "halved"

        def __init__(self, layout: Layout, count: float = 0.5) -> None:
            RulePolicy.__init__(self, layout, count=count)

    for rules in ([OnDemandFallback, Halved], [Halved, OnDemandFallback]):
        assert record_of(rules)["count"] == np.float64
    assert record_of([OnDemandFallback])["count"] == np.int64


def test_every_file_that_names_a_rule_is_found() -> None:
    folder = Path(tessera_env.__file__).parent / "policies" / "rules"
    with_a_name = {path.stem for path in folder.glob("*.py") if "(RulePolicy):" in path.read_text(encoding="utf-8")}
    assert {rule.name for rule in RULES} == with_a_name


def test_the_engine_s_rule_is_the_rule_s_own_predict() -> None:
    """One function ranks for both; see also the evaluation's tests, which play whole episodes."""
    rows = random_rows(50)
    for rule in (rule for rule in RULES if rule.for_tasks_alone):
        policy = rule(LAYOUT)
        record = rule_of(policy)
        assert record is not None and record[0].kind == RULES.index(rule)
        assert {name: record[0][name] for name in policy.options} == policy.options
        assert policy.predict(rows)[0].shape == (50,)

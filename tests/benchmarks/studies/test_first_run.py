"""The study of first training runs: what is varied, and a table from runs made by hand."""

import pytest

from benchmarks.studies import first_run
from benchmarks.studies.first_run import ALGORITHMS, SCENARIOS, VARIANTS, Job, Size, kinds_of, row_of, variants_of

RUN = {"objective_usd": 75.0, "deadlines_missed": 0.0, "tasks": 1.0, "invalid_actions": 1.0, "decisions": 4.0}


def test_each_variant_changes_one_thing() -> None:
    for variant in VARIANTS[1:]:
        assert len(variant.arguments) + len(variant.environment) == 1
    assert not VARIANTS[0].arguments and not VARIANTS[0].environment
    assert variants_of("DQN", False) == variants_of("PPO", True) == [VARIANTS[0]]
    assert len(kinds_of(list(ALGORITHMS), False)) == len(VARIANTS) + 3


def test_a_row_is_of_all_seeds() -> None:
    runs = [RUN, RUN | {"objective_usd": 85.0, "deadlines_missed": 0.5}]
    assert row_of("PPO", VARIANTS[0], runs, 100.0) == (
        *("PPO", "defaults", "80.0 [75.0, 85.0]", "-20 % [-25, -15]", "25.0 % [0.0, 50.0]", "25 %"),
    )


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["PPO", "MaskablePPO", "DQN"])
def test_a_short_run_keeps_deadlines(algorithm: str) -> None:
    """Whatever it has learned: the guard's promise holds for whoever acts."""
    found = Job("deadline", algorithm, VARIANTS[0], 0, Size(1_024, 20, 1)).run()
    assert found["deadlines_missed"] == 0.0 and found["tasks"] == 1.0
    assert (found["invalid_actions"] == 0.0) or algorithm != "MaskablePPO"


def test_worlds_are_those_of_the_presets() -> None:
    assert set(SCENARIOS) == {"deadline", "classic", "fleet"} and first_run.KEPT.name == "first_run.json"

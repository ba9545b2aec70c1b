"""Training, development and reports never share a world."""

from itertools import pairwise

import pytest

import train as program
from agents.worlds import (
    DEVELOPMENT_SEEDS,
    MOST_ROWS,
    REPORT_SEEDS,
    TRAINING_SEEDS,
    development_scenario,
    development_seed,
    report_scenario,
    split_h,
    training_scenario,
    training_seed,
)
from tessera_env.scenario.loading import load_scenario


def test_seeds_are_disjoint() -> None:
    parts = (REPORT_SEEDS, DEVELOPMENT_SEEDS, TRAINING_SEEDS)
    assert [part.stop for part in parts[:-1]] == [part.start for part in parts[1:]]
    assert development_seed() in DEVELOPMENT_SEEDS
    assert program.REPORT_SEED in REPORT_SEEDS


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31, 2**64 - 1])
@pytest.mark.parametrize("steps_done", [0, 1, 65_536, 10**12])
def test_every_row_of_a_training_trains_on_training_worlds(seed: int, steps_done: int) -> None:
    first = training_seed(seed, steps_done)
    assert first in TRAINING_SEEDS and first + MOST_ROWS - 1 in TRAINING_SEEDS


def test_seeds_and_resumptions_train_on_different_worlds() -> None:
    firsts = sorted(training_seed(seed, steps) for seed in range(20) for steps in (0, 65_536, 131_072))
    assert min(b - a for a, b in pairwise(firsts)) > 512


@pytest.mark.parametrize("preset", ["fleet", "deadline-aws"])
def test_replayed_hours_are_disjoint_and_reports_begin_at_700(preset: str) -> None:
    scenario = load_scenario(preset)
    training, development = training_scenario(scenario).market, development_scenario(scenario).market
    report = report_scenario(scenario).market
    assert (training.from_h, training.until_h) == (0.0, 500.0)
    assert (development.from_h, development.until_h) == (500.0, 700.0)
    assert (report.from_h, report.until_h) == (700.0, None)


def test_scenarios_without_a_trace_stay_as_they_are() -> None:
    scenario = load_scenario("deadline")
    assert training_scenario(scenario) is development_scenario(scenario) is report_scenario(scenario) is scenario


def test_a_later_window_of_a_report_is_kept() -> None:
    scenario = load_scenario("deadline-aws", market={"from_h": 800, "until_h": 1000})
    assert report_scenario(scenario) is scenario


def test_own_trace_needs_an_hour_to_split_at() -> None:
    class Market:
        trace, from_h, until_h = "mine.csv", 0.0, None

    class Whole:
        name, market = "mine", Market()

    with pytest.raises(ValueError, match=r"mine: market.from_h: 0 \(allowed"):
        split_h(Whole())  # type: ignore[arg-type]

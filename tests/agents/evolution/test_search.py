"""The search on functions whose slopes are known, and its settings."""

from dataclasses import replace

import numpy as np
import pytest

from agents.evolution.search import Search
from agents.evolution.settings import SHORT, Settings, load_settings

COUNT, PAIRS, DEVIATION = 12, 400, 0.1
BOTTOM = np.linspace(-0.5, 0.5, COUNT)


def settings(**changes: object) -> Settings:
    return load_settings("nothing", {"deviation": DEVIATION, "decay": 0.0, **changes})


def bowl(sets: np.ndarray, noise: np.ndarray | float = 0.0) -> np.ndarray:
    """Lowest at BOTTOM; a pair shares its noise, as it shares its world."""
    return ((sets - BOTTOM) ** 2).sum(axis=1) + noise


def differences(search: Search, changes: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(search.generation).normal(0.0, 5.0, len(changes))
    sets = search.weights + DEVIATION * changes, search.weights - DEVIATION * changes
    return (bowl(sets[0], noise) - bowl(sets[1], noise)) / 2.0


def test_the_slope_points_uphill() -> None:
    search = Search.start(COUNT)
    changes = search.changes(0, 0, PAIRS)
    slope = search.slope_of("bowl", differences(search, changes), changes, DEVIATION)
    steepest = 2.0 * (search.weights - BOTTOM)
    assert slope @ steepest / np.linalg.norm(slope) / np.linalg.norm(steepest) > 0.95


def test_slopes_are_in_units_of_the_spread() -> None:
    """A scenario of thousands of dollars counts as much as one of some."""
    one, other = Search.start(COUNT), Search.start(COUNT)
    changes = one.changes(0, 0, PAIRS)
    found = differences(one, changes)
    np.testing.assert_allclose(
        one.slope_of("a", found, changes, DEVIATION), other.slope_of("a", 1000.0 * found, changes, DEVIATION)
    )


def test_it_finds_the_bottom() -> None:
    search, chosen = Search.start(COUNT), settings(learning_rate=0.02, final_learning_rate=0.002, averaging=0.9)
    for generation in range(200):
        changes = search.changes(0, 0, PAIRS)
        slope = search.slope_of("bowl", differences(search, changes), changes, DEVIATION)
        search.move({"bowl": slope}, {"bowl": 1.0}, chosen, generation / 200)
    assert np.abs(search.mean - BOTTOM).max() < 0.03
    assert bowl(search.mean[None])[0] < 0.01 * bowl(np.zeros((1, COUNT)))[0]


def test_weights_say_what_counts() -> None:
    up, down = np.ones(COUNT), -np.ones(COUNT)
    search = Search.start(COUNT)
    search.move({"one": up, "other": down}, {"one": 1.0, "other": 0.25}, settings(), 0.0)
    assert (search.weights < 0.0).all()


def test_the_rate_falls() -> None:
    chosen = settings(learning_rate=0.1, final_learning_rate=0.01)
    for progress, step in ((0.0, 0.1), (0.5, 0.055), (1.0, 0.01), (2.0, 0.01)):
        search = Search.start(COUNT)
        search.move({"one": np.ones(COUNT)}, {"one": 1.0}, chosen, progress)
        np.testing.assert_allclose(search.weights, -step, rtol=1e-6)


def test_changes_are_told_apart_by_seed_generation_and_scenario() -> None:
    search = Search.start(COUNT)
    later = replace(search, generation=1)
    drawn = [search.changes(0, 0, 3), search.changes(1, 0, 3), search.changes(0, 1, 3), later.changes(0, 0, 3)]
    assert len({array.tobytes() for array in drawn}) == 4
    np.testing.assert_array_equal(drawn[0], Search.start(COUNT).changes(0, 0, 3))


@pytest.mark.parametrize("section", ["nothing", "fleet", SHORT])
def test_every_section_is_valid(section: str) -> None:
    assert load_settings(section).pairs >= 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pairs": 1}, "evolution.toml: pairs: "),
        ({"deviation": 0.0}, "evolution.toml: deviation: "),
        ({"nonsense": 1}, "evolution.toml: nonsense: no such hyper-parameter (allowed: total_steps, "),
        ({"drawn": {"fleets": 0, "pairs": 2, "weight": 1.0}}, "evolution.toml: drawn.fleets: "),
        ({"beside": {"classic": {"pairs": 4}}}, "evolution.toml: beside.classic.weight: "),
    ],
)
def test_settings_that_are_wrong(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        load_settings("fleet", changes)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_one_beside_is_like_another_but_for_its_own_changes() -> None:
    settings = load_settings("service-train", is_service=True)
    ticks, six, three = (settings.beside[name].changes for name in ("ticks", "six", "three"))
    assert set(ticks) < set(six) < set(three)
    assert six["decision_interval_s"] == three["decision_interval_s"] == ticks["decision_interval_s"] == 30
    assert (six["service.0.shortfall_weight"], ticks["service.0.shortfall_weight"]) == (6, 75)
    assert three["service.0.pools"] == ["b", "e", "h"] != six["service.0.pools"]
    other = {"one": {"pairs": 2, "weight": 1.0, "like": "nobody"}}
    with pytest.raises(ValueError, match=r"beside: one: like: 'nobody' \(allowed: one that stands before it\)"):
        load_settings("service-train", {"beside": other}, is_service=True)

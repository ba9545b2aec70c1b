"""The table: what it says of each policy, and that nothing is cut off."""

from dataclasses import replace

import numpy as np

from tessera_env.evaluation.results import Results
from tessera_env.report.text import results_text
from tests.results_samples import COSTS, results, table


def line_of(text: str, label: str) -> str:
    return next(line for line in text.splitlines() if f" {label} " in line)


def test_every_policy_has_its_line() -> None:
    text = results_text(results())
    assert "deadline-aws: 40 episodes, seed 1" in text
    learned = line_of(text, "runs/latest")
    assert "40.00 [38." in learned
    assert "-10.00 [-10." in learned
    assert learned.count("*") == 1
    assert "60.0 [5" in learned
    assert "40/40" in learned
    assert "18.2" in learned
    assert "~" in line_of(text, "twin")
    assert "baseline" in line_of(text, "greedy")
    assert "…" not in text


def test_totals_are_totals() -> None:
    columns = table(
        np.full(40, 10.0),
        deadlines_missed=np.repeat([0, 2], 20),
        tasks_done=np.full(40, 48),
        tasks=np.full(40, 50),
        invalid_actions=np.repeat([0, 1], [39, 1]),
    )
    text = results_text(Results({"name": "fleet"}, 3, None, {}, {"a": {}}, {"a": columns}))
    assert {"40", "1,920/2,000", "1"} <= set(line_of(text, "a").split())


def test_costs_of_unlike_work_are_called_so() -> None:
    made = results()
    assert "unlike numbers of tasks" not in results_text(made)
    made.tables["twin"]["tasks_done"][3] = 0
    assert "unlike numbers of tasks" in results_text(made)


def test_a_narrow_table_is_stacked_and_not_cut_off() -> None:
    wide, narrow = results_text(results(), width=200), results_text(results(), width=125)
    assert max(map(len, wide.splitlines())) > 125 >= max(map(len, narrow.splitlines()))
    numbers = [sorted(word for word in text.split() if "─" not in word) for text in (wide, narrow)]
    assert numbers[0] == numbers[1]
    lower = results_text(results(), width=max(map(len, narrow.splitlines())) - 1)
    assert max(map(len, lower.splitlines())) < max(map(len, narrow.splitlines()))
    assert lower.splitlines()[0] == narrow.splitlines()[0]
    assert [sum(" policy " in line for line in text.splitlines()) for text in (wide, narrow, lower)] == [1, 1, 2]
    cells = set(wide.partition("Means over")[0].split()) - {word for word in wide.split() if "─" in word}
    assert cells <= set(lower.split())
    assert results_text(results(), width=20) == lower


def test_few_episodes_are_called_few() -> None:
    assert "too narrow" in results_text(results(episodes=29))
    assert "too narrow" not in results_text(results(episodes=40))


def test_one_episode_has_no_interval() -> None:
    text = results_text(results(episodes=1))
    assert "1 episode, seed" in text
    assert "[" not in line_of(text, "greedy")
    assert "*" not in line_of(text, "runs/latest")


def test_a_label_is_text_and_not_markup() -> None:
    columns = table(np.full(40, 10.0))
    text = results_text(Results({}, 3, None, {}, {"runs/[red]": {}}, {"runs/[red]": columns}))
    assert "runs/[red]" in text


def test_plain_unless_colour_is_wanted() -> None:
    assert "\x1b" not in results_text(results())
    assert "\x1b" in results_text(results(), colour=True)


def with_optimum(reference_usd: np.ndarray, upper: float = 1.0) -> Results:
    """Greedy and the optimum; the reference has no row."""
    least = COSTS["greedy"] - 5.0
    optimum = {**table(least), "upper_usd": upper * least}
    tables = {"greedy": table(COSTS["greedy"]), "clairvoyant": optimum}
    return Results({"name": "deadline"}, 1, None, {}, {label: {} for label in tables}, tables, reference_usd)


def test_the_gap_that_is_closed() -> None:
    text = results_text(with_optimum(COSTS["greedy"] + 5.0))
    assert "closed %" in text
    assert "50.0 [50.0, 50.0]" in line_of(text, "greedy")
    assert "optimum" in line_of(text, "clairvoyant")
    assert "gap: from uniform_progress to that" in text
    assert "cheapest schedule found" not in text
    assert "0.15 % below the cheapest schedule found" in results_text(with_optimum(COSTS["greedy"] + 5.0, 1.0015))
    assert "closed" not in results_text(results())


def with_bound() -> Results:
    """Greedy, a policy that closes half of its gap, and the bound."""
    bound = {"objective_usd": COSTS["greedy"] - 20.0}
    tables = {"greedy": table(COSTS["greedy"]), "half": table(COSTS["greedy"] - 10.0), "bound": bound}
    return Results({"name": "fleet"}, 1, "greedy", {}, {label: {} for label in tables}, tables, COSTS["greedy"])


def test_the_bound_has_its_objective_and_nothing_that_it_does_not_say() -> None:
    text = results_text(with_bound())
    assert line_of(text, "bound").split() == ["bound", "30.00", "-20.00", "[-20.00,", "-20.00]", "*", "bound"]
    assert "50.0 [50.0, 50.0]" in line_of(text, "half")
    assert "0.0 [0.0, 0.0]" in line_of(text, "greedy")
    assert "bound: no policy's objective is less, as is proven; gap: from greedy to that." in text
    assert "unlike numbers of tasks" not in text
    assert sum(" bound " in line for line in results_text(with_bound(), width=20).splitlines()) == 1  # no empty row


def test_without_a_gap_nothing_is_closed() -> None:
    assert " - " in line_of(results_text(with_optimum(COSTS["greedy"] - 5.0)), "greedy")


def test_a_label_is_shown_letter_by_letter():
    """`:A:` would be an emoji to rich."""
    made = results(labels=("on_demand_only", "greedy"))
    labelled = replace(
        made,
        tables={"on_demand_only": made.tables["on_demand_only"], "opt:A:ratio=2": made.tables["greedy"]},
        policies={"on_demand_only": {"name": "on_demand_only"}, "opt:A:ratio=2": {"name": "opt:A"}},
        baseline=None,
    )
    assert "opt:A:ratio=2" in results_text(labelled)

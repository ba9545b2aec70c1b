"""The table of a simulation: its form to the character, and what is said below it."""

import re

import numpy as np
import pytest

from tessera_env.evaluation.results import Results, Table
from tessera_env.report.simulation_text import policy_title, simulation_text

HEADER = "Policy                 Cost ($) Objective ($)   Completed Preemptions   Checkpoints"


def table(cost: object, **changes: object) -> Table:
    """A policy's episodes."""
    usd = np.atleast_1d(np.asarray(cost, dtype=float))
    columns = {
        "cost_usd": usd,
        "objective_usd": usd,
        "tasks": np.full(len(usd), 100),
        "tasks_done": np.full(len(usd), 93),
        "interruptions": np.full(len(usd), 40),
        "checkpoints_full": np.full(len(usd), 30),
        "checkpoints_partial": np.full(len(usd), 5),
        "checkpoints_restart": np.full(len(usd), 4),
        "work_saved_h": np.full(len(usd), 312.44),
        "work_done_h": np.full(len(usd), 900.0),
        "deadlines_missed": np.zeros(len(usd), dtype=np.int64),
        "invalid_actions": np.zeros(len(usd), dtype=np.int64),
    }
    return columns | {key: np.broadcast_to(np.asarray(value), len(usd)) for key, value in changes.items()}


CALM = {"interruptions": 0, "checkpoints_full": 0, "checkpoints_partial": 0, "checkpoints_restart": 0}


def results(tables: dict[str, Table], **task: object) -> Results:
    scenario = {"name": "classic", "horizon_h": 48.0, "task": task}
    return Results(scenario, 0, None, {}, {label: {"name": label} for label in tables}, tables)


def three(episodes: int = 1) -> Results:
    spread = np.linspace(0.9, 1.1, episodes) if episodes > 1 else np.ones(1)
    return results(
        {
            "greedy": table(259.634 * spread),
            "on_demand_fallback": table(284.416 * spread, interruptions=33, work_saved_h=5.0),
            "on_demand_only": table(942.68 * spread, work_saved_h=0.0, **CALM),
        }
    )


def test_the_table_people_know() -> None:
    assert simulation_text(three()).splitlines() == [
        HEADER,
        "Greedy                   259.63        259.63      93/100          40   35/39 (312.4h saved)",
        "OnDemandFallback         284.42        284.42      93/100          33   35/39 (5.0h saved)",
        "OnDemandOnly             942.68        942.68      93/100           0   N/A",
        "",
        "Savings against OnDemandOnly:",
        "  Greedy                   72.5 %  ($683.05)",
        "  OnDemandFallback         69.8 %  ($658.26)",
        "",
        "One world of classic, 48 h, seed 0.",
    ]


def test_wide_figures_and_long_names_widen_their_columns() -> None:
    tables = {"runs/learned/on/many/worlds": table(1234567890.5, tasks=1_000_000, tasks_done=1_000_000)}
    header, row = simulation_text(results(tables)).splitlines()[:2]
    dollars = ["1234567890.50"] * 2
    assert row.split()[:5] == ["runs/learned/on/many/worlds", *dollars, "1000000/1000000", "40"]
    assert header.split() == HEADER.split()
    ends = [
        [match.end() for match in re.finditer(pattern, header)] for pattern in (r"\(\$\)", "Completed", "Preemptions")
    ]
    assert ends == [[match.end() for match in re.finditer(rf"(?<= ){cell}(?= )", row)] for cell in row.split()[2:5]]
    assert row.index("35/39") == header.index("Checkpoints")


def test_several_episodes_are_means_with_intervals() -> None:
    lines = simulation_text(three(episodes=40)).splitlines()
    assert lines[0].split() == HEADER.split()
    assert lines[1].split() == ["Greedy", "259.63", "259.63", "93.0/100", "40.0", "35.0/39.0", "(312.4h", "saved)"]
    cost = lines[2].split("]")[0].strip(" [").split(", ")
    assert 250.0 < float(cost[0]) < 259.634 < float(cost[1]) < 269.0
    assert lines[2].count("[") == 6
    assert lines[5].split()[:5] == ["OnDemandOnly", "942.68", "942.68", "93.0/100", "0.0"]
    assert lines[5].endswith("N/A")
    assert lines[6].count("[") == 4  # no intervals of what was never decided
    ends = {line.index("]") for line in (lines[2], lines[4], lines[6])}
    assert ends == {lines[0].index("($)") + 2}
    assert any("72.5 % [7" in line for line in lines)
    assert "Means of 40 worlds of classic, 48 h, seed 0, the same for all; [95 % bootstrap interval]." in lines


def test_the_intervals_are_those_of_the_results() -> None:
    made = three(episodes=40)
    cost = made.summary["greedy"].cost_usd
    assert f"[{cost.low:.2f}, {cost.high:.2f}]" in simulation_text(made)


@pytest.mark.parametrize(("episodes", "few"), [(1, False), (2, True), (29, True), (30, False)])
def test_few_episodes_are_called_few(episodes: int, few: bool) -> None:
    assert ("too narrow" in simulation_text(three(episodes))) == few


def test_tasks_that_worlds_draw_are_a_mean() -> None:
    text = simulation_text(results({"greedy": table([1.0, 2.0], tasks=[100, 101], tasks_done=[90, 91])}))
    assert "90.5/100.5" in text


def test_savings_of_long_names_stand_in_one_column() -> None:
    made = results(
        {"greedy": table(250.0), "on_demand_fallback:count=12": table(300.0), "on_demand_only": table(1000.0)}
    )
    lines = [line for line in simulation_text(made).splitlines() if line.startswith("  ")]
    assert len({line.index(" %") for line in lines}) == 1 and len(lines) == 2


def test_without_on_demand_only_it_says_how_to_get_savings() -> None:
    made = three()
    del made.tables["on_demand_only"]
    text = simulation_text(made)
    assert "Savings against" not in text
    assert "Name on_demand_only among the policies too for savings against OnDemandOnly." in text


def test_on_demand_only_alone_has_nothing_to_be_compared_with() -> None:
    assert "avings" not in simulation_text(results({"on_demand_only": table(9.0, **CALM)}))


def test_nothing_is_saved_of_nothing() -> None:
    text = simulation_text(results({"greedy": table(0.0), "on_demand_only": table(0.0)}))
    assert "OnDemandOnly cost nothing" in text
    assert "nan" not in text


def test_dearer_than_on_demand_is_a_negative_saving() -> None:
    text = simulation_text(results({"greedy": table(15.0), "on_demand_only": table(10.0)}))
    assert "-50.0 %  ($-5.00)" in text


def test_missed_deadlines_are_told_where_tasks_have_any() -> None:
    assert "deadlines" not in simulation_text(results({"greedy": table(1.0)}))
    assert "Missed deadlines: Greedy 0." in simulation_text(results({"greedy": table(1.0)}, slack=0.5))
    many = {"greedy": table([1.0, 1.0], deadlines_missed=[2, 1]), "on_demand_only": table([1.0, 1.0])}
    assert "Missed deadlines: Greedy 3, OnDemandOnly 0." in simulation_text(results(many, deadline_h=50))


@pytest.mark.parametrize(
    ("changes", "unlike"),
    [({}, False), ({"work_done_h": 899.0}, False), ({"work_done_h": 890.0}, True), ({"tasks_done": 92}, True)],
)
def test_costs_of_unlike_work_are_called_so(changes: dict[str, float], unlike: bool) -> None:
    text = simulation_text(results({"greedy": table(1.0, **changes), "on_demand_only": table(2.0)}))
    assert ("Costs are of unlike amounts of work (Greedy" in text) == unlike


def test_the_objective_has_its_column_and_its_interval() -> None:
    usd = np.linspace(9.0, 11.0, 40)
    made = results(
        {"greedy": table(usd, objective_usd=usd + np.tile([0.0, 30.0], 20)), "on_demand_only": table(np.full(40, 60.0))}
    )
    cost, objective = made.summary["greedy"].cost_usd, made.summary["greedy"].objective_usd
    lines = simulation_text(made).splitlines()
    assert lines[1].split()[:3] == ["Greedy", "10.00", "25.00"]
    assert [f"[{one.low:.2f}, {one.high:.2f}]" in lines[2] for one in (cost, objective)] == [True, True]
    assert objective.low < 21.0 < 29.0 < objective.high
    assert "Objective: cost and penalties" in lines[-1]
    assert "Objective: " not in simulation_text(three())


def test_invalid_actions_are_told() -> None:
    text = simulation_text(results({"runs/a": table(1.0, invalid_actions=3), "greedy": table(1.0)}))
    assert "Invalid actions, in whose place the nearest valid ones were taken: runs/a 3." in text


@pytest.mark.parametrize(
    ("label", "title"),
    [
        ("greedy", "Greedy"),
        ("on_demand_fallback:count=3", "OnDemandFallback:count=3"),
        ("on_demand_only", "OnDemandOnly"),
        ("random", "Random"),
        ("runs/latest", "runs/latest"),
        ("C:folder", "C:folder"),
    ],
)
def test_titles(label: str, title: str) -> None:
    assert policy_title(label) == title

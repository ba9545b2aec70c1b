"""What each task cost in the world shown: the table's figures, what is left out, and the histogram."""

import re
from html import unescape

import numpy as np
import pytest

from tessera_env.evaluation.experiment import Experiment, Prepared, evaluate
from tessera_env.evaluation.results import Results
from tessera_env.report.html import report_html
from tessera_env.report.html import tasks as module
from tessera_env.report.html.shown_world import middling_world, play_shown_world
from tessera_env.report.html.tasks import SHOWN, accounts_shown, spread, task_costs
from tessera_env.simulation.accounts import Accounts, of_world

POLICIES = ["on_demand_only", "greedy"]


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return Experiment("fleet", POLICIES, 3, 1, overrides={"task.count": 20}, accounts=True).prepare()


@pytest.fixture(scope="module")
def results(prepared: Prepared) -> Results:
    return prepared.run()


@pytest.fixture(scope="module")
def accounts(prepared: Prepared, results: Results) -> dict[str, Accounts]:
    found = accounts_shown(results, play_shown_world(results, prepared))
    assert found is not None
    return found


def table_of(html: str) -> list[list[str]]:
    """The cells of the page's sortable table, row by row."""
    (table,) = re.findall(r'<div class="sortable">.*?<tbody>(.*?)</tbody>', html, flags=re.DOTALL)
    rows = re.findall("<tr>(.*?)</tr>", table)
    return [[unescape(cell) for cell in re.findall("<td>(.*?)</td>", row)] for row in rows]


def test_the_table_is_of_the_world_shown(accounts: dict[str, Accounts], results: Results, prepared: Prepared) -> None:
    rows = table_of(report_html(results, prepared=prepared))
    assert [row[:2] for row in rows] == [[label, str(task)] for label in POLICIES for task in range(20)]
    place = 1 + [*SHOWN].index("$")
    assert [row[place] for row in rows] == [f"{usd:.2f}" for label in POLICIES for usd in accounts[label]["usd"]]
    shown = sum(float(row[place]) for row in rows if row[0] == "greedy")
    assert shown == pytest.approx(results.tables["greedy"]["cost_usd"][middling_world(results)], abs=0.2)


def test_it_is_the_same_from_the_results_alone(accounts: dict[str, Accounts], results: Results) -> None:
    assert results.accounts is not None
    for label, columns in accounts.items():
        kept = of_world(results.accounts[label], middling_world(results))
        for name, values in columns.items():
            assert np.array_equal(values, kept[name], equal_nan=values.dtype.kind == "f"), name
    assert len(table_of(report_html(results))) == 40
    assert accounts_shown(evaluate("deadline", ["greedy"], 1, 1, overrides={"task.work_h": 1}), None) is None


def test_a_heading_is_a_button_and_policies_can_be_chosen(results: Results) -> None:
    html = report_html(results)
    assert [f'<th scope="col"><button type="button">{heading}</button></th>' in html for heading in SHOWN] == [
        True
    ] * 18
    assert re.findall('<option value="(.*?)">', html) == ["", *POLICIES]


def test_of_many_tasks_the_dearest_are_shown(
    accounts: dict[str, Accounts], results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 11)
    html = report_html(results)
    for label in POLICIES:
        dearest = np.sort(np.argsort(-accounts[label]["usd"], kind="stable")[:5])
        assert [row[1] for row in table_of(html) if row[0] == label] == [str(task) for task in dearest]
    assert "Of each policy the 5 dearest of 20 tasks; all: tessera simulate --tasks-output." in html


def account(**columns: list) -> Accounts:
    """Two tasks or more, of which all is 0 but what is given."""
    count = len(next(iter(columns.values())))
    zeros = {name: np.zeros(count) for name, _ in SHOWN.values()}
    texts = {"kind": np.array(["BATCH"] * count, dtype=object), "late": np.zeros(count, dtype=bool)}
    return zeros | texts | {name: np.array(values) for name, values in columns.items()}


def test_rounding_shows_no_minus_before_nothing_and_nan_is_a_dash(results: Results) -> None:
    html = "".join(
        map(str, task_costs(results, {"greedy": account(idle_usd=[-1e-9, -2.5], usd_per_work_h=[np.nan, 1234.5])}))
    )
    (first, second), idle, rate = table_of(html), 1 + [*SHOWN].index("Idle $"), 1 + [*SHOWN].index("$/h of work")
    assert (first[idle], second[idle]) == ("0.00", "-2.50")
    assert (first[rate], second[rate]) == ("–", "1,234.500")


def test_every_task_with_work_is_in_the_histogram(accounts: dict[str, Accounts]) -> None:
    figure = spread(accounts)
    assert not isinstance(figure, str)
    for label, bars in zip(POLICIES, figure.data, strict=True):
        assert sum(bars.y) == np.isfinite(accounts[label]["usd_per_work_h"]).sum()
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range


def test_a_bin_holds_what_it_says() -> None:
    rates = [*np.full(98, 1.0), 50.0, 1.9]
    figure = spread({"greedy": account(usd_per_work_h=rates, usd=rates, work_done_h=np.ones(100))})
    assert not isinstance(figure, str)
    (bars,) = figure.data
    filled = {text: count for text, count in zip(bars.hovertext, bars.y, strict=True) if count}
    assert sorted(filled.values()) == [2, 98]
    assert [text.endswith("and more $/h: 2 tasks") for text, count in filled.items() if count == 2] == [True]
    assert figure.layout.annotations[0].text == "greedy: $1.50 an hour of work"


def test_one_task_has_no_histogram() -> None:
    assert "too few tasks" in spread({"greedy": account(usd_per_work_h=[1.0])})
    assert "too few tasks" in spread({"greedy": account(usd_per_work_h=[np.nan, np.nan])})

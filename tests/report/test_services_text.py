"""Services in tables and in the page: what they show, and what they leave out where there are no tasks."""

import re

import pytest

from tessera_env.evaluation.experiment import Experiment
from tessera_env.evaluation.results import Results
from tessera_env.report.columns import columns_of
from tessera_env.report.html.report import ACCOUNTS, AVAILABILITY, COMPLETION, IDEAS, READY, report_html
from tessera_env.report.simulation_text import simulation_text
from tessera_env.report.text import results_text

POLICIES = ["on_demand_only", "spot_hedge"]
TASKS = {"count": 4, "arrivals": "uniform", "work_h": {"uniform": [1.0, 2.0]}}


@pytest.fixture(scope="module")
def played() -> dict[str, tuple[Results, str]]:
    found = {}
    for name, changes in {"services": {}, "both": {"task": TASKS}}.items():
        prepared = Experiment("service-train", POLICIES, 3, 1, overrides={"horizon_h": 6, **changes}).prepare()
        results = prepared.run()
        found[name] = results, report_html(results, prepared=prepared)
    return found


def test_columns_are_of_what_there_is(played):
    alone, both = ([column.name for column in columns_of(played[name][0])] for name in ("services", "both"))
    assert {"available %", "of ondemand %", "outages", "longest min"} <= {*alone} & {*both}
    assert not {"missed deadlines", "tasks done"} & {*alone}
    assert {"missed deadlines", "tasks done"} <= {*both}
    assert "time below the target" in results_text(played["services"][0])


def test_the_simulation_s_table_says_how_available(played):
    results, _ = played["services"]
    text = simulation_text(results)
    assert "Completed" not in text and "Completed" in simulation_text(played["both"][0])
    shown = dict(re.findall(r"^(\w+) +([\d.]+) % +[\d.]+ % ", text, re.MULTILINE))
    assert shown["OnDemandOnly"] == "100.000"
    assert float(shown["SpotHedge"]) == pytest.approx(
        100 * results.tables["spot_hedge"]["availability"].mean(), abs=1e-3
    )


def test_the_page_has_the_sections_of_what_there_is(played):
    titles = {name: re.findall(r"<h2[^>]*>(.*?)</h2>", html) for name, (_, html) in played.items()}
    assert {AVAILABILITY, READY} <= {*titles["services"]} & {*titles["both"]}
    assert not {ACCOUNTS, COMPLETION, IDEAS} & {*titles["services"]}
    assert {ACCOUNTS, COMPLETION, IDEAS} <= {*titles["both"]}
    assert "of the time" in played["services"][1] and "below target" in played["services"][1]

"""What stands in a report, read from its file."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from tessera_env.evaluation.experiment import Experiment
from tessera_env.report.html import report_html, write_report
from tests import results_samples

POLICIES = ["on_demand_only", "greedy"]


def text_of(html: str) -> str:
    """What one reads, without scripts and styles, spaces made one."""
    without = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", without)))


def figures(html: str) -> list[dict]:
    """The charts' data and layout."""
    return [json.loads(found) for found in re.findall(r'-figure">(.*?)</script>', html)]


def prepared_and_results(scenario: str = "classic", episodes: int = 3, **overrides: object):
    prepared = Experiment(scenario, POLICIES, episodes, 1, overrides=overrides).prepare()
    return prepared, prepared.run()


def test_all_sections_are_there():
    prepared, results = prepared_and_results()
    html = report_html(results, prepared=prepared, command="tessera evaluate --episodes 3")
    assert re.findall("<h2>(.*?)</h2>", html) == [
        "Policies",
        "Cost by purchase",
        "One world under each policy",
        "What did each task cost?",
        "Differences, world by world",
        "Savings against completion",
        "What the grace period and migration saved",
        "How this was made",
    ]
    text = text_of(html)
    assert "tessera evaluate --episodes 3" in text
    assert "Over 3 worlds of classic, greedy has the least objective: $" in text
    assert "checkpoint.full_fraction 0.8" in text
    assert "Fewer than 30 worlds" in text
    assert results.versions["numba"] in text


def test_the_table_holds_the_results_figures():
    prepared, results = prepared_and_results()
    greedy = results.summary["greedy"]
    text = text_of(report_html(results, prepared=prepared))
    assert f"{greedy.cost_usd.mean:,.2f}" in text
    assert f"[{greedy.cost_usd.low:,.2f}, {greedy.cost_usd.high:,.2f}]" in text
    assert f"{int(results.tables['greedy']['tasks_done'].sum())}/300" in text
    assert greedy.savings is not None
    assert f"{100 * greedy.savings.mean:.1f} %" in text


def test_everything_is_inside():
    prepared, results = prepared_and_results(episodes=2)
    html = report_html(results, prepared=prepared)
    assert html.count("plotly.js v") == 1
    assert not re.findall(r"<(?:script|img|iframe|link)[^>]+(?:src|href)=\"(?!data:)", html)


def test_the_same_inputs_give_the_same_text():
    assert report_html(prepared_and_results()[1]) == report_html(prepared_and_results()[1])
    prepared, results = prepared_and_results("fleet", 2, **{"task.count": 10})
    assert report_html(results, prepared=prepared) == report_html(results, prepared=prepared)


def test_names_are_not_markup():
    bad = "</script><img src=x onerror=alert(1)>%{x}"
    sample = results_samples.results()
    tables = {bad if label == "twin" else label: table for label, table in sample.tables.items()}
    policies = {label: {"name": bad} for label in tables}
    html = report_html(
        replace(sample, tables=tables, policies=policies, scenario={"name": bad, "description": bad}), command=bad
    )
    assert "<img" not in html.split("<body>")[1]
    assert bad in text_of(html)


def test_one_world_says_what_it_cannot_show():
    prepared, results = prepared_and_results(episodes=1)
    text = text_of(report_html(results, prepared=prepared))
    assert "There is one world, so there is no distribution to show." in text
    assert "One world says nothing about how much others differ." in text
    assert "clear of 0" not in text.split("What the grace period")[0]
    assert "inf" not in text.replace("info", "").replace("infer", "")
    assert "nan" not in text


def test_results_alone_are_enough_for_the_rest():
    html = report_html(results_samples.results())
    assert len(figures(html)) == 2
    assert text_of(html).count("no world was played for this report") == 3
    assert "do not say what was paid for which purchase" in text_of(html)


def test_many_tasks_are_not_played_again(monkeypatch):
    from tessera_env.report.html import report

    monkeypatch.setattr(report, "MOST_TASKS", 99)
    prepared, results = prepared_and_results(episodes=1)
    assert text_of(report_html(results, prepared=prepared)).count("Not shown for more than 99 tasks") == 3


def test_without_a_baseline_nothing_is_compared():
    text = text_of(report_html(results_samples.results(baseline=None)))
    assert "No policy was compared with another one." in text


def test_bars_are_the_dollars_of_each_purchase():
    _prepared, results = prepared_and_results()
    bars = {trace["name"]: trace["x"] for trace in figures(report_html(results))[0]["data"] if trace["type"] == "bar"}
    for name, metric in (("spot", "spot_usd"), ("on-demand", "on_demand_usd")):
        assert bars[name] == pytest.approx([table[metric].mean() for table in results.tables.values()])


def test_points_of_the_differences_are_the_worlds():
    _prepared, results = prepared_and_results()
    paired = results.tables["on_demand_only"]["objective_usd"] - results.tables["greedy"]["objective_usd"]
    (box,) = [trace for trace in figures(report_html(results))[1]["data"] if trace["type"] == "box"]
    assert box["median"] == pytest.approx([np.median(paired)])


def test_a_policy_that_leads_by_chance_is_said_so():
    sample = results_samples.results(labels=("greedy", "twin"))
    assert "not clear of 0" in text_of(report_html(sample))


def test_the_file_is_written_in_one_step(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(results_samples.results(), path)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(OSError, match="no directory"):
        write_report(results_samples.results(), tmp_path / "absent" / "report.html")


def test_only_the_report_imports_plotly():
    code = "import sys, tessera_env.cli, tessera_env.evaluation.ablation; sys.exit('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_command_that_is_not_utf_8_is_written_all_the_same(tmp_path):
    _, results = prepared_and_results("deadline", 2)
    path = tmp_path / "report.html"
    write_report(results, path, command="tessera evaluate --html caf\udce9.html")  # as Python reads such a name
    assert "caf?.html" in path.read_text(encoding="utf-8")


def test_worlds_without_a_task_done_have_no_completion_time():
    _, results = prepared_and_results("classic", 3, horizon_h=0.5)
    assert not any(table["tasks_done"].any() for table in results.tables.values())
    assert "median hours from arrival to completion" not in report_html(results)


def test_without_a_notice_nothing_is_said_to_be_saved_in_it():
    """Tasks without state keep their work there, but no grace period is to be thanked for it."""
    prepared, results = prepared_and_results("deadline-aws", 3)
    text = text_of(report_html(results, prepared=prepared))
    assert "saving at notice against not saving" not in text
    assert "This scenario has no notice" in text
    prepared, results = prepared_and_results("classic", 3)
    text = text_of(report_html(results, prepared=prepared))
    assert "saving at notice against not saving" in text
    assert "This scenario has no notice" not in text


def test_differences_share_one_scale():
    """So that a look tells which policy is how much cheaper."""
    layouts = [figure["layout"] for figure in figures(report_html(results_samples.results()))]
    (layout,) = (one for one in layouts if "xaxis3" in one)
    assert layout["xaxis"]["range"] == layout["xaxis2"]["range"] == layout["xaxis3"]["range"]
    low, high = layout["xaxis"]["range"]
    assert low < -10.0 and high > 52.0


def test_the_optimum_is_a_row_and_no_winner():
    prepared = Experiment("deadline", POLICIES, 3, 1, optimum=True).prepare()
    text = text_of(report_html(prepared.run(), prepared=prepared))
    assert "Gap closed %" in text
    assert "clairvoyant: the least cost of who knows the world; gap closed" in text
    assert "Over 3 worlds of deadline, greedy cost least" in text
    assert "Who had known the world could have paid $" in text
    assert "of the gap from uniform_progress to that" in text
    assert "Gap closed %" not in text_of(report_html(prepared_and_results("deadline")[1]))


def test_the_bound_is_a_row_and_no_winner():
    prepared = Experiment("fleet", ["greedy", "yielding"], 3, 1, overrides={"task.count": 12}, bound=True).prepare()
    results = prepared.run()
    html = report_html(results, prepared=prepared)
    text = text_of(html)
    least = results.summary["bound"].objective_usd.mean
    assert f"It is proven that no policy's objective is less than ${least:,.2f}" in text
    assert "of the gap from greedy to that" in text
    assert "bound: no policy's objective is less, as is proven; gap closed: the share of the way" in text
    assert "bound has the least" not in text and "bound cost least" not in text
    assert re.search(rf"<td>bound</td><td>–</td><td>{least:,.2f}</td>", html)
    (bars,) = (one for one in figures(html) if one["data"][0]["type"] == "bar" and one["data"][0].get("name") == "spot")
    assert bars["layout"]["yaxis"]["ticktext"] == ["greedy", "yielding"]


@pytest.mark.parametrize(
    ("asked", "sentence", "meaning"),
    [
        (
            "optimum",
            "Who had known the world could have been at the target all the time for $",
            "is never below the target",
        ),
        (
            "bound",
            "It is proven that no policy is cheaper, penalties included, than $",
            "no policy is cheaper, penalties",
        ),
    ],
)
def test_what_is_least_possible_for_a_service(asked, sentence, meaning):
    hours = {"market.from_h": 0.0, "market.until_h": 700.0, "horizon_h": 4.0}
    policies = ["spot_hedge", "even_spread"]
    prepared = Experiment("service-spothedge", policies, 3, 1, overrides=hours, **{asked: True}).prepare()
    text = text_of(report_html(prepared.run(), prepared=prepared))
    assert sentence in text
    assert meaning in text
    assert "of the gap from on_demand_only to that" in text
    assert "the share of the way from on_demand_only's mean objective to that" in text


def test_the_least_objective_leads_where_cost_would_not():
    """A policy that pays less because it left work undone is not called the best."""
    sample = results_samples.results(labels=("greedy", "runs/latest"))
    assert "runs/latest cost least: $40.00 a world." in text_of(report_html(sample))
    sample = results_samples.results(labels=("greedy", "runs/latest"))
    learned = sample.tables["runs/latest"]
    learned["objective_usd"] = learned["cost_usd"] + 25.0
    text = text_of(report_html(sample))
    assert "greedy has the least objective: $50.00 a world, a cost of $50.00 and $0.00 of penalties." in text
    assert "Its lead over runs/latest is $15.00 [14." in text

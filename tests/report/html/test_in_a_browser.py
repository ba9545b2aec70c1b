"""Reports opened in a real browser: nothing goes wrong, every chart is drawn."""

import re
from pathlib import Path

import pytest

from tessera_env.evaluation.experiment import Experiment
from tessera_env.report.html import write_report
from tessera_env.report.html.tasks import SHOWN
from tests.browser import open_page

pytestmark = pytest.mark.slow

POLICIES = ["on_demand_only", "on_demand_fallback", "greedy"]


def report(path: Path, scenario: str, episodes: int, **overrides: object) -> Path:
    prepared = Experiment(scenario, POLICIES, episodes, 1, overrides=overrides).prepare()
    write_report(prepared.run(), path, prepared=prepared, command="tessera evaluate")
    return path


@pytest.mark.parametrize(
    ("scenario", "episodes", "charts"), [("classic", 1, 4), ("fleet", 3, 5), ("deadline-aws", 5, 4)]
)
def test_every_chart_is_drawn_without_an_error(tmp_path, scenario, episodes, charts):
    page = open_page(report(tmp_path / "report.html", scenario, episodes))
    assert (page.errors, page.data("errors")) == ([], "")
    assert int(page.data("charts")) == int(page.data("drawn")) == charts
    assert page.dom.count('class="main-svg"') >= charts


def test_many_instances_are_drawn_as_counts_on_a_narrow_screen(tmp_path):
    path = report(tmp_path / "report.html", "classic", 2, **{"task.count": 600})
    page = open_page(path, width=500)
    assert (page.errors, page.data("errors"), page.data("drawn")) == ([], "", "5")
    assert "too many to show each" in page.dom


def test_a_click_on_a_heading_sorts(tmp_path):
    """Dollars from the dearest on, then from the cheapest; tasks that were not completed come last both times."""
    path = report(tmp_path / "report.html", "fleet", 1, **{"task.count": 30, "horizon_h": 24})
    text = path.read_text(encoding="utf-8")

    def column_after(heading, *clicks):
        place = ["Policy", *SHOWN].index(heading)
        script = "addEventListener('load', () => {" + "".join(clicks) + "const cells = [...document.querySelectorAll("
        script += f"'.sortable tbody tr:not([hidden]) td:nth-child({place + 1})')];"
        script += "page.dataset.column = cells.map((cell) => cell.textContent).join(' '); });"
        path.write_text(text.replace("</main>", f"</main><script>{script}</script>", 1), encoding="utf-8")
        page = open_page(path)
        assert (page.errors, page.data("errors")) == ([], "")
        return page.data("column").split(" ")

    def click(heading):
        return f"document.querySelectorAll('.sortable th button')[{['Policy', *SHOWN].index(heading)}].click();"

    dollars = column_after("$", click("$"))
    assert len(dollars) == 3 * 30
    assert [*map(float, dollars)] == sorted(map(float, dollars), reverse=True)
    assert column_after("$", click("$"), click("$")) == dollars[::-1]
    for clicks in (1, 2):
        completed = column_after("Completed h", *[click("Completed h")] * clicks)
        done = [float(hour) for hour in completed if hour != "–"]
        assert done == sorted(done, reverse=clicks == 1)
        assert 0 < completed.count("–") == len(completed) - len(done)
        assert set(completed[len(done) :]) == {"–"}
    choose = "const choice = document.querySelector('.sortable select'); choice.value = 'greedy';"
    told = "choice.dispatchEvent(new Event('change'));"
    assert set(column_after("Policy", choose, told)) == {"greedy"}


def test_a_planted_error_is_seen(tmp_path):
    path = report(tmp_path / "report.html", "deadline", 2)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("</main>", "<script>console.error('planted'); absent();</script></main>"))
    page = open_page(path)
    for planted in ("planted", "absent is not defined"):
        assert planted in page.data("errors")
        assert any(planted in error for error in page.errors)


def test_a_chart_that_cannot_be_drawn_is_seen(tmp_path):
    path = report(tmp_path / "report.html", "deadline", 2)
    text = path.read_text(encoding="utf-8")
    broken = re.sub(r'(id="chart-2-figure">)\{', r"\1{{", text)
    assert broken != text
    path.write_text(broken)
    page = open_page(path)
    assert page.errors
    assert int(page.data("drawn")) < int(page.data("charts"))

"""Reports opened in a real browser: nothing goes wrong, every chart is drawn."""

import re
from pathlib import Path

import pytest

from tessera_env.evaluation.experiment import Experiment
from tessera_env.report.html import write_report
from tests.browser import open_page

pytestmark = pytest.mark.slow

POLICIES = ["on_demand_only", "on_demand_fallback", "greedy"]


def report(path: Path, scenario: str, episodes: int, **overrides: object) -> Path:
    prepared = Experiment(scenario, POLICIES, episodes, 1, overrides=overrides).prepare()
    write_report(prepared.run(), path, prepared=prepared, command="tessera evaluate")
    return path


@pytest.mark.parametrize(
    ("scenario", "episodes", "charts"), [("classic", 1, 3), ("fleet", 3, 4), ("deadline-aws", 5, 4)]
)
def test_every_chart_is_drawn_without_an_error(tmp_path, scenario, episodes, charts):
    page = open_page(report(tmp_path / "report.html", scenario, episodes))
    assert (page.errors, page.data("errors")) == ([], "")
    assert int(page.data("charts")) == int(page.data("drawn")) == charts
    assert page.dom.count('class="main-svg"') >= charts


def test_many_instances_are_drawn_as_counts_on_a_narrow_screen(tmp_path):
    path = report(tmp_path / "report.html", "classic", 2, **{"task.count": 600})
    page = open_page(path, width=500)
    assert (page.errors, page.data("errors"), page.data("drawn")) == ([], "", "4")
    assert "too many to show each" in page.dom


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

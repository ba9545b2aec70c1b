"""The browser tests can fail: an error of a page's script is seen."""

from pathlib import Path

import pytest

from tests.browser import open_page

pytestmark = pytest.mark.slow


def test_errors_and_elements_are_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><script>document.title = 'x'; document.write('<b>made</b>'); missing();</script>")
    opened = open_page(page)
    assert "<b>made</b>" in opened.dom
    assert len(opened.errors) == 1
    assert "missing is not defined" in opened.errors[0]


def test_a_good_page_has_no_errors(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><p>words</p>")
    assert open_page(page).errors == []


def test_the_network_is_out_of_reach(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    noted = "document.title = 'none'"
    page.write_text(f'<!doctype html><script src="https://example.com/code.js" onerror="{noted}"></script>')
    assert "<title>none</title>" in open_page(page).dom

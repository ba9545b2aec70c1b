"""The columns that every table of results has, and a cell in its forms."""

import re

import pytest

from tessera_env.report.columns import CHECKPOINT_COLUMNS, COLUMNS, Cell, columns_of
from tessera_env.report.html import report_html
from tessera_env.report.text import results_text
from tests.results_samples import results


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        (Cell(""), ""),
        (Cell("5.00"), "5.00"),
        (Cell("5.00", "[4.00, 6.00]"), "5.00 [4.00, 6.00]"),
        (Cell("-5.00", "[-6.00, -4.00]", "*"), "-5.00 [-6.00, -4.00] *"),
        (Cell("-5.00", mark="~"), "-5.00 ~"),
    ],
)
def test_a_cell_on_one_line(cell, line):
    assert cell.line == line


def test_a_heading_in_lines_has_a_name_on_one():
    names = [column.name for column in COLUMNS]
    assert {"cost $", "gap closed %", "on-demand h", "interruptions"} <= set(names)
    assert len(set(names)) == len(names)


def test_the_report_says_the_columns_as_the_terminal_does():
    made = results()
    headings = re.findall('<th scope="col">(.*?)</th>', report_html(made))
    columns = [*columns_of(made), *CHECKPOINT_COLUMNS]
    assert headings[: len(columns) + 1] == ["Policy", *(column.name.capitalize() for column in columns)]
    words = results_text(made).split()
    for column in columns_of(made):
        assert set(column.heading.split()) <= set(words)


def test_intervals_stand_below_the_figures_in_the_report():
    html = report_html(results())
    assert re.search(r"<td>-10\.00 \*<span class=range>\[-10\.\d\d, -9\.\d\d\]</span></td>", html)
    (cells,) = re.findall("<table>.*?</table>", report_html(results(episodes=1)), flags=re.DOTALL)[:1]
    assert "~" not in cells  # one world has no interval to be clear of anything

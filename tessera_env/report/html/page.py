"""One HTML file: sections of text, tables and charts, with all that it needs inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
from plotly.io import to_json
from plotly.offline import get_plotlyjs

from tessera_env.report.html.style import CSS

NONE = "–"  # a cell without a figure

# What goes wrong, and how many charts are drawn, stands in attributes of the document, where tests and people find it.
_WATCH = """
const page = document.documentElement;
page.dataset.errors = "";
const note = (text) => { page.dataset.errors += text + "\\n"; };
window.addEventListener("error", (event) => note(event.message || "a part of the page did not load"), true);
window.addEventListener("unhandledrejection", (event) => note(String(event.reason)));
const said = console.error;
console.error = (...words) => { note(words.map(String).join(" ")); said.apply(console, words); };
"""
_DRAW = """
// The bar of buttons would lie over the legends; dragging zooms, a double click shows all again.
const options = { responsive: true, displayModeBar: false, scrollZoom: false };
const byTouch = matchMedia("(pointer: coarse)").matches;
const charts = [...document.querySelectorAll(".chart")];
page.dataset.charts = charts.length;
page.dataset.drawn = 0;
for (const chart of charts) {
  const figure = JSON.parse(document.getElementById(chart.id + "-figure").textContent);
  if (byTouch) figure.layout.dragmode = false; // a finger scrolls the page
  Plotly.newPlot(chart, figure.data, figure.layout, options).then(() => { page.dataset.drawn++; });
}
"""
_SORT = """
for (const box of document.querySelectorAll(".sortable")) {
  const body = box.querySelector("table").tBodies[0], heads = [...box.querySelectorAll("th")];
  const choice = box.querySelector("select");
  const value = (row, k) => {
    const text = row.cells[k].textContent, number = Number(text.replaceAll(",", ""));
    return text === "" || text === "–" ? null : Number.isNaN(number) ? text : number;
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(b);
  const sort = (k) => {
    const found = [...body.rows].map((row) => [value(row, k), row]), before = heads[k].getAttribute("aria-sort");
    // The dearest first, but names from A on.
    const falls = before ? before === "ascending" : found.some(([one]) => typeof one === "number");
    const order = ([a], [b]) =>
      a === null || b === null ? (a === null) - (b === null) : falls ? compare(b, a) : compare(a, b);
    body.append(...found.sort(order).map(([, row]) => row));
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[k].setAttribute("aria-sort", falls ? "descending" : "ascending");
  };
  heads.forEach((head, k) => head.firstElementChild.addEventListener("click", () => sort(k)));
  choice?.addEventListener("change", () => {
    for (const row of body.rows) row.hidden = choice.value !== "" && row.cells[0].textContent !== choice.value;
  });
}
"""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    parts: Sequence[str | go.Figure]  # HTML, its texts escaped, and charts


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def note(text: str) -> str:
    """A paragraph in small print."""
    return paragraph(text, "note")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """A table of plain texts; what follows a line break in a cell is set smaller."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    top = f"<thead><tr>{head}</tr></thead>" if any(columns) else ""
    return f'<div class="wide {kind}"><table>{top}<tbody>{body}</tbody></table></div>'


def sortable_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A long table of plain texts: a click on a heading sorts; the first column's values can be chosen among."""
    head = "".join(f'<th scope="col"><button type="button">{escape(column)}</button></th>' for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    values = [*dict.fromkeys(row[0] for row in rows)]
    options = "".join(f'<option value="{escape(value)}">{escape(value)}</option>' for value in values)
    choice = f'<label>{escape(columns[0])} <select><option value="">all</option>{options}</select></label>'
    shown = f'<div class="wide tall"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    return f'<div class="sortable">{choice if len(values) > 1 else ""}{shown}</div>'


def folded(summary: str, content: str) -> str:
    """HTML that shows when its summary, a plain text, is clicked on."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def page(title: str, head: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole file.

    Args:
        title: of the page.
        head: HTML below the title.
        sections: in order.
    """
    count = 0
    body = [f"<h1>{escape(title)}</h1>", *head]
    for section in sections:
        body.append(f"<section><h2>{escape(section.title)}</h2>")
        for part in section.parts:
            if isinstance(part, str):
                body.append(part)
            else:
                count += 1
                body.append(_chart(part, f"chart-{count}", section.title))
        body.append("</section>")
    return "\n".join(
        [*_opening(title), *body, f"</main>\n<script>{_DRAW}</script>\n<script>{_SORT}</script>\n</body>\n</html>\n"]
    )


def _opening(title: str) -> list[str]:
    return [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="icon" href="data:,">',  # else browsers ask for one
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>",
        f"<script>{_WATCH}</script>\n<script>{get_plotlyjs()}</script>\n</head>\n<body>\n<main>",
    ]


def _chart(figure: go.Figure, name: str, label: str) -> str:
    # "<" in a text must not end the script that holds the figure.
    data = str(to_json(figure, engine="json")).replace("<", "\\u003c")
    look = f'style="height:{figure.layout.height}px" role="img" aria-label="{escape(label)}"'
    frame = f'<div class="chart" id="{name}" {look}></div>'
    return f'{frame}\n<script type="application/json" id="{name}-figure">{data}</script>'


def _cell(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"<td>{escape(first)}{f'<span class=range>{escape(rest)}</span>' if rest else ''}</td>"

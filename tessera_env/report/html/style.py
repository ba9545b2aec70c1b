"""How the report looks: colours, the page's CSS, and what all charts share.

The colours are told apart whatever one's colour vision, those of the purchases are Okabe and Ito's; marks differ in
shape too.
"""

from collections.abc import Iterable
from itertools import chain, count
from typing import NamedTuple
from zlib import crc32

import plotly.graph_objects as go

from tessera_env.policies.making import POLICIES

INK, FAINT, GRID, PAPER = "#1c2028", "#5c626e", "#e4e6eb", "#ffffff"
SPOT, SPOT_PALE = "#0072b2", "#a9d0e8"
ON_DEMAND, ON_DEMAND_PALE = "#e69f00", "#f6dda5"
LAUNCHING, NOTICED, ALARM = "#c3c7d0", "#f3b8b0", "#c1121f"
# Far from each other, the purchases' colours and the alarm's: 17 or more in CIELAB, with all cones or without one kind.
POLICY_COLOURS = (
    "#8c564b", "#332288", "#b2abd2", "#d55e00", "#882255", "#d8a0ff", "#7f7f7f", "#5aae61", "#1c2028"
)  # fmt: skip
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x", "triangle-down", "pentagon")
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

CSS = f"""
:root {{ color-scheme: light; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: {PAPER}; color: {INK}; font: 16px/1.5 {FONT}; }}
main {{ max-width: 1240px; margin: 0 auto; padding: 24px 20px 64px; }}
h1 {{ font-size: 1.6rem; line-height: 1.25; margin: 0 0 4px; }}
h2 {{ font-size: 1.2rem; margin: 40px 0 6px; padding-top: 16px; border-top: 1px solid {GRID}; }}
p {{ margin: 6px 0; max-width: 78ch; }}
.headline {{ font-size: 1.1rem; margin: 12px 0 4px; }}
.note {{ color: {FAINT}; font-size: .9rem; }}
.wide {{ overflow-x: auto; margin: 12px 0; }}
table {{ border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 5px 10px 5px 0; text-align: right; vertical-align: top; white-space: nowrap; }}
th {{ white-space: normal; vertical-align: bottom; font-weight: 600; color: {FAINT};
  border-bottom: 1px solid {FAINT}; }}
td {{ border-bottom: 1px solid {GRID}; }}
th:first-child, td:first-child {{ text-align: left; position: sticky; left: 0; background: {PAPER}; }}
.range {{ display: block; color: {FAINT}; font-size: .82rem; }}
.tall {{ max-height: 480px; overflow: auto; }}
.tall table {{ font-size: .8rem; }}
.tall th, .tall td {{ padding-right: 8px; }}
.tall th {{ position: sticky; top: 0; background: {PAPER}; z-index: 1; }}
.tall th:first-child {{ z-index: 2; }}
th button {{ font: inherit; color: inherit; text-align: inherit; background: none; border: 0; padding: 0;
  cursor: pointer; }}
th button:hover {{ color: {INK}; }}
th[aria-sort=ascending] button::after {{ content: " ▲"; }}
th[aria-sort=descending] button::after {{ content: " ▼"; }}
select {{ font: inherit; }}
.ideas td:nth-child(2), .ideas th:nth-child(2) {{ text-align: left; }}
.facts td {{ text-align: left; white-space: normal; overflow-wrap: anywhere; }}
.chart {{ width: 100%; margin: 8px 0; }}
code, pre {{ font: .88rem/1.45 ui-monospace, 'SF Mono', Menlo, Consolas, monospace; }}
pre {{ background: #f6f7f9; padding: 10px 12px; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }}
details {{ margin: 8px 0; }}
summary {{ cursor: pointer; font-weight: 600; }}
@media (max-width: 600px) {{ main {{ padding: 16px 12px 48px; }} h1 {{ font-size: 1.3rem; }} }}
@media print {{ details > * {{ display: block; }} .tall {{ max-height: none; }} }}
"""


class Look(NamedTuple):
    """How a policy is drawn."""

    colour: str
    symbol: str


def looks_of(labels: Iterable[str]) -> dict[str, Look]:
    """A look for each policy of a report, whatever their order: its own where that is free, else the next free one.

    A hand-coded policy's is that of its name; another's follows from its label.
    """
    colours, looks, taken = len(POLICY_COLOURS), dict[str, Look](), set[int]()
    for label in sorted(labels, key=lambda label: (label not in POLICIES, _own_look(label), label)):
        own = _own_look(label)
        turns = ((own + step) % colours + colours * turn for turn in count() for step in range(colours))
        look = next(look for look in chain([own], turns) if look not in taken)
        taken.add(look)
        looks[label] = Look(POLICY_COLOURS[look % colours], SYMBOLS[(look + look // colours) % len(SYMBOLS)])
    return looks


def _own_look(label: str) -> int:
    name = label.partition(":")[0]
    return [*POLICIES].index(name) if name in POLICIES else crc32(label.encode()) % len(POLICY_COLOURS)


def styled(figure: go.Figure, height: int) -> go.Figure:
    """The figure with the report's fonts, margins and grid; it is as wide as the page."""
    axis = {
        "gridcolor": GRID,
        "zerolinecolor": FAINT,
        "zerolinewidth": 1,
        "linecolor": FAINT,
        "automargin": True,
        "title": {"standoff": 8},
    }
    figure.update_layout(
        template="none",
        height=height,
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        font={"family": FONT, "size": 13, "color": INK},
        margin={"l": 10, "r": 16, "t": 32, "b": 44},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"},
        hoverlabel={"font": {"family": FONT}, "align": "left"},
        dragmode="zoom",
    )
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    return figure

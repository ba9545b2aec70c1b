"""Statistics of recorded markets as text for a terminal and as JSON: a table, and the survival of spells."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.recordings.traces.statistics import Floats, SeriesStatistics, survival
from tessera_env.report.terminal import is_wider, table_text

_CHART_WIDTH, _CHART_HEIGHT = 64, 13  # characters
UP_MARK, DOWN_MARK, BOTH_MARK = "●", "○", "◉"

Cell = Callable[[SeriesStatistics], str]


def statistics_text(statistics: Sequence[SeriesStatistics], width: int | None = None, colour: bool = False) -> str:
    """A row a zone, in two tables where `width` characters need it, and a chart of all zones' spells."""
    up_s = np.concatenate([one.spells.up_s for one in statistics])
    down_s = np.concatenate([one.spells.down_s for one in statistics])
    zones = statistics[0].name if len(statistics) == 1 else f"all {len(statistics)} zones"
    chart = survival_chart(up_s, down_s)
    return f"{_tables(statistics, width, colour)}{_CAPTION}\n\n{_CHART_TITLE.format(zones=zones)}\n{chart}"


def statistics_json(trace: str, statistics: Sequence[SeriesStatistics]) -> str:
    """All figures; units stand in the names, what is not known is null."""
    document = {"trace": trace, "zones": [_figures(one) for one in statistics]}
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def survival_chart(up_s: Floats, down_s: Floats) -> str:
    """Which share of the spells lasts at least how long, both on logarithmic scales, as lines of text."""
    lengths_s = np.concatenate([up_s, down_s])
    if len(lengths_s) == 0:
        return "  no complete spells\n"
    low, high = math.log10(lengths_s.min()), math.log10(lengths_s.max())
    high = max(high, low + 0.01)
    depth = max(math.log10(max(len(up_s), len(down_s))), 1.0)  # decades of shares
    cells = [[" "] * _CHART_WIDTH for _ in range(_CHART_HEIGHT)]
    for mark, spells_s in ((UP_MARK, up_s), (DOWN_MARK, down_s)):
        for column, share in enumerate(_shares(spells_s, np.logspace(low, high, _CHART_WIDTH))):
            if share > 0.0:
                row = round(-math.log10(share) / depth * (_CHART_HEIGHT - 1))
                cells[row][column] = mark if cells[row][column] == " " else BOTH_MARK
    lines = [f"{_share_label(row, depth):>7} │{''.join(line)}".rstrip() for row, line in enumerate(cells)]
    return "\n".join([*lines, *_hours_axis(low, high)]) + "\n"


def _shares(spells_s: Floats, lengths_s: Floats) -> Floats:
    """The share of the spells that last at least as long, for each of the lengths."""
    known_s, shares = survival(spells_s)
    places = np.searchsorted(known_s, lengths_s * (1.0 - 1e-9))  # the first spell of at least that length
    return np.append(shares, 0.0)[places]


def _share_label(row: int, depth: float) -> str:
    decade = row * depth / (_CHART_HEIGHT - 1)
    nearest = round(decade)
    is_label = round(nearest / depth * (_CHART_HEIGHT - 1)) == row
    return f"{100.0 / 10**nearest:g} %" if is_label else ""


def _hours_axis(low: float, high: float) -> list[str]:
    """The lower axis with round lengths."""
    ticks, labels, free = ["─"] * _CHART_WIDTH, [" "] * (_CHART_WIDTH + 8), 0
    for seconds, label in _ROUND_LENGTHS:
        place = round((math.log10(seconds) - low) / (high - low) * (_CHART_WIDTH - 1))
        if 0 <= place < _CHART_WIDTH and place >= free:
            ticks[place] = "┴"
            labels[place : place + len(label)] = label
            free = place + len(label) + 2
    return [" " * 8 + "└" + "".join(ticks), " " * 9 + "".join(labels).rstrip()]


def _tables(statistics: Sequence[SeriesStatistics], width: int | None, colour: bool) -> str:
    text = table_text(_table(statistics, {**MARKET_COLUMNS, **SPELL_COLUMNS}), colour)
    if not is_wider(text, width):
        return text
    return "".join(table_text(_table(statistics, columns), colour) for columns in (MARKET_COLUMNS, SPELL_COLUMNS))


def _table(statistics: Sequence[SeriesStatistics], columns: dict[str, Cell]) -> Table:
    table = Table()
    table.add_column("zone", no_wrap=True)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for one in statistics:
        table.add_row(one.name, *(cell(one) for cell in columns.values()))
    return table


def _mean_h(lengths_s: Floats) -> str:
    return f"{lengths_s.mean() / HOUR_S:.2f}" if len(lengths_s) else ""


def _median_h(lengths_s: Floats) -> str:
    return f"{np.median(lengths_s) / HOUR_S:.2f}" if len(lengths_s) else ""


def _correlation(one: SeriesStatistics) -> str:
    value = None if one.price is None else one.price.interruption_correlation
    return "" if value is None else f"{value:+.3f}"


MARKET_COLUMNS: dict[str, Cell] = {
    "hours": lambda one: f"{one.hours:,.1f}",
    "avail-\nable %": lambda one: f"{100.0 * one.share_available:.1f}",
    "losses\na day": lambda one: f"{one.losses_per_day:.1f}",
    "price\n$/h": lambda one: "" if one.price is None else f"{one.price.mean:.4f}",
    "vari-\nation %": lambda one: "" if one.price is None else f"{100.0 * one.price.variation:.2f}",
    "changes\na day": lambda one: "" if one.price is None else f"{one.price.changes_per_day:.2f}",
    "correla-\ntion": _correlation,
}
SPELL_COLUMNS: dict[str, Cell] = {
    "up-\nspells": lambda one: f"{len(one.spells.up_s)}",
    "mean up\nh": lambda one: _mean_h(one.spells.up_s),
    "median up\nh": lambda one: _median_h(one.spells.up_s),
    "down-\nspells": lambda one: f"{len(one.spells.down_s)}",
    "mean down\nh": lambda one: _mean_h(one.spells.down_s),
    "median down\nh": lambda one: _median_h(one.spells.down_s),
}

_CAPTION = """
Spells: complete ones; the first and the last are cut by the recording and left out. Price: mean over time, its
standard deviation in % of it. Correlation: of price and loss by the next sample, over all samples with capacity."""

_CHART_TITLE = f"Spells that last at least so long, of {{zones}}: {UP_MARK} with capacity, {DOWN_MARK} without"

_ROUND_LENGTHS = [
    (10.0, "10 s"),
    (60.0, "1 min"),
    (300.0, "5 min"),
    (900.0, "15 min"),
    (HOUR_S, "1 h"),
    (4 * HOUR_S, "4 h"),
    (24 * HOUR_S, "1 d"),
    (96 * HOUR_S, "4 d"),
    (384 * HOUR_S, "16 d"),
    (1536 * HOUR_S, "64 d"),
]


def _figures(one: SeriesStatistics) -> dict[str, Any]:
    return {
        "zone": one.name,
        "hours": one.hours,
        "share_available": one.share_available,
        "losses_per_day": one.losses_per_day,
        "up_spells": _spell_figures(one.spells.up_s),
        "down_spells": _spell_figures(one.spells.down_s),
        "price": None if one.price is None else _price_figures(one),
    }


def _spell_figures(lengths_s: Floats) -> dict[str, Any]:
    known = len(lengths_s) > 0
    return {
        "count": len(lengths_s),
        "mean_h": float(lengths_s.mean()) / HOUR_S if known else None,
        "median_h": float(np.median(lengths_s)) / HOUR_S if known else None,
        "lengths_s": lengths_s.tolist(),
    }


def _price_figures(one: SeriesStatistics) -> dict[str, Any]:
    assert one.price is not None
    return {
        "mean_usd_per_h": one.price.mean,
        "coefficient_of_variation": one.price.variation,
        "lowest_usd_per_h": one.price.lowest,
        "highest_usd_per_h": one.price.highest,
        "changes_per_day": one.price.changes_per_day,
        "interruption_correlation": one.price.interruption_correlation,
    }

"""Statistics as text: tables that fit, and a chart whose marks stand where they should."""

import json

import numpy as np

from tessera_env.recordings.traces.parts import chosen_series
from tessera_env.recordings.traces.statistics import statistics_of
from tessera_env.report.trace_text import statistics_json, statistics_text, survival_chart

HOUR_S = 3600.0


def test_the_chart_of_spells():
    up_s, down_s = np.array([1.0, 10.0, 100.0] * 30 + [1000.0] * 10) * 60, np.array([1.0] * 100) * 60
    lines = survival_chart(up_s, down_s).splitlines()
    assert lines[0].startswith("  100 % │◉")  # all spells, of both kinds, last a minute
    assert lines[0].count("○") == 0
    assert "   10 % │" in lines[6]
    tenth = lines[6].removeprefix("   10 % │")
    assert set(tenth.strip()) == {"●"}
    assert len(tenth) == 64  # the longest tenth lasts to the end of the scale
    assert tenth.index("●") == 43  # from 100 to 1,000 minutes: the last third of three decades
    assert "1 min" in lines[-1]
    assert "1 h" in lines[-1]


def test_charts_of_little():
    assert survival_chart(np.array([]), np.array([])) == "  no complete spells\n"
    assert "●" in survival_chart(np.array([195.0]), np.array([]))
    assert "◉" in survival_chart(np.array([195.0]), np.array([195.0]))


def test_tables_are_never_cut_off_and_split_where_the_terminal_is_narrow():
    statistics = [statistics_of(one) for one in chosen_series("aws_v100_2023", None, None, 0.0, 700.0)]
    wide, narrow = statistics_text(statistics), statistics_text(statistics, 100)
    assert max(map(len, wide.splitlines())) > 120
    assert max(map(len, narrow.split("Spells:")[0].splitlines())) <= 80
    for text, times in ((wide, 1), (narrow, 2)):
        assert text.count("us-west-2c_v100_1") == times
        assert text.count(" 15.8 ") == 1
        assert text.count("+0.122") == 1
    assert "\x1b[" in statistics_text(statistics, None, colour=True)


def test_the_json_has_every_figure():
    statistics = [statistics_of(one) for one in chosen_series("aws_v100_2023", None, None, 0.0, 700.0)]
    zones = json.loads(statistics_json("aws", statistics))["zones"]
    assert [zone["zone"] for zone in zones] == [one.name for one in statistics]
    first, price = zones[0], statistics[0].price
    assert price is not None
    assert first["up_spells"]["count"] == len(first["up_spells"]["lengths_s"]) == 143
    assert first["up_spells"]["mean_h"] == statistics[0].spells.up_s.mean() / HOUR_S
    assert first["price"]["mean_usd_per_h"] == price.mean
    assert first["price"]["interruption_correlation"] == price.interruption_correlation

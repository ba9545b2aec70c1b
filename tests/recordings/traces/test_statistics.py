"""Figures of small traces, worked out by hand."""

import numpy as np
import pytest

from tessera_env.recordings.traces.parts import chosen_series, part_of
from tessera_env.recordings.traces.reading import read_series
from tessera_env.recordings.traces.series import Series, TraceError
from tessera_env.recordings.traces.statistics import interruption_correlation, spells_of, statistics_of, survival
from tests.traces import trace_file

HOUR_S = 3600.0


def series(capacity: list[int], price: list[float] | None = None, hours: list[float] | None = None) -> Series:
    """Change points at these hours, one an hour if not given; the last one holds for an hour."""
    times_h = np.array(hours if hours is not None else range(len(capacity)), dtype=float)
    prices = None if price is None else np.array(price)
    end_s = (times_h[-1] + 1.0) * HOUR_S
    return Series("east", times_h * HOUR_S, np.array(capacity), prices, end_s, HOUR_S)


def test_by_hand():
    one = statistics_of(series([1, 2, 0, 4, 4, 0], [1.0, 1.0, 1.0, 2.0, 1.0, 1.0], [0, 1, 3, 6, 8, 10]))
    assert one.hours == 11.0
    assert one.share_available == pytest.approx(7 / 11)  # hours 0 to 3 and 6 to 10
    assert one.losses_per_day == pytest.approx(2 / (11 / 24))
    assert one.spells.up_s.tolist() == [4 * HOUR_S]  # hours 0 to 3 are cut by the start
    assert one.spells.down_s.tolist() == [3 * HOUR_S]
    assert one.price is not None
    assert one.price.mean == pytest.approx(13 / 11)  # 2 $/h for 2 of 11 hours
    variance = (9 * (2 / 11) ** 2 + 2 * (9 / 11) ** 2) / 11
    assert one.price.variation == pytest.approx(variance**0.5 / (13 / 11))
    assert (one.price.lowest, one.price.highest) == (1.0, 2.0)
    assert one.price.changes_per_day == pytest.approx(2 / (11 / 24))


def test_the_correlation_by_hand():
    # Samples with capacity and a next one: prices 1, 3, 3, 1, of which the second and the third (3 $/h) are lost next.
    one = series([1, 1, 0, 1, 0, 1, 1], [1.0, 3.0, 9.0, 3.0, 9.0, 1.0, 1.0])
    assert interruption_correlation(one) == pytest.approx(1.0)
    other = series([1, 1, 0, 1, 0, 1, 1], [3.0, 1.0, 9.0, 1.0, 9.0, 3.0, 3.0])
    assert interruption_correlation(other) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    "one",
    [
        series([1, 1, 1], [1.0, 2.0, 1.0]),  # nothing is lost
        series([1, 0, 1], [1.0, 1.0, 1.0]),  # the price never changes
        series([0, 0], [1.0, 2.0]),
        series([1, 0, 1]),
        series([1], [1.0]),
    ],
)
def test_no_correlation_where_nothing_varies(one):
    assert interruption_correlation(one) is None


def test_no_spells():
    one = statistics_of(series([1], [0.0]))
    assert (len(one.spells.up_s), len(one.spells.down_s), one.losses_per_day) == (0, 0, 0.0)
    assert one.price is not None
    assert one.price.variation == 0.0


def test_survival():
    lengths, shares = survival(np.array([3.0, 1.0, 3.0, 2.0]))
    assert lengths.tolist() == [1.0, 2.0, 3.0]
    assert shares.tolist() == [1.0, 0.75, 0.5]


def test_a_part():
    whole = series([1, 0, 1, 0], [1.0, 2.0, 3.0, 4.0])
    part = part_of(whole, 0.5 * HOUR_S, 2.5 * HOUR_S)
    assert part.time_s.tolist() == [0.0, 0.5 * HOUR_S, 1.5 * HOUR_S]
    assert part.capacity.tolist() == [1, 0, 1]
    assert part.end_s == 2.0 * HOUR_S
    assert part.price is not None
    assert part.price.tolist() == [1.0, 2.0, 3.0]
    everything = part_of(whole, 0.0, whole.end_s)
    assert everything.time_s.tolist() == whole.time_s.tolist()


def test_chosen_zones_and_hours():
    names = [
        one.name for one in chosen_series("aws_v100_2023", None, "us-west-2a_v100_1, us-east-1c_v100_1", 10.0, 20.0)
    ]
    assert names == ["us-west-2a_v100_1", "us-east-1c_v100_1"]
    assert len(chosen_series("aws_v100_2023", None, None)) == 9
    with pytest.raises(TraceError, match=r"zone: must be one of us-east-1a.* \(got 'mars'\)"):
        chosen_series("aws_v100_2023", None, "mars")
    for hours in ((-1.0, None), (20.0, 10.0), (0.0, 2_000.0), (float("nan"), None), (0.0, float("inf"))):
        with pytest.raises(TraceError, match="hours: must be 0 <= from < until <= "):
            chosen_series("aws_v100_2023", None, None, *hours)


def test_facts_of_recorded_zones():
    """What is known of the published recordings: their share of time available, spells and losses."""
    zones = ("us-east-1a", "us-east-1c", "us-east-1d", "us-east-1f", "us-east-2a", "us-east-2b")
    zones += ("us-west-2a", "us-west-2b", "us-west-2c")
    paths = [str(trace_file(f"spot_availability/{zone}_v100_1.json")) for zone in zones]
    figures = [statistics_of(one) for one in read_series(paths, "available")]
    shares = [one.share_available for one in figures]
    assert (min(shares), max(shares)) == (pytest.approx(0.17, abs=0.01), pytest.approx(0.91, abs=0.02))
    up_means_h = [one.spells.up_s.mean() / HOUR_S for one in figures]
    assert (min(up_means_h), max(up_means_h)) == (pytest.approx(0.7, abs=0.05), pytest.approx(9.8, abs=0.1))
    up_medians_h = [np.median(one.spells.up_s) / HOUR_S for one in figures]
    assert (min(up_medians_h), max(up_medians_h)) == (pytest.approx(0.33, abs=0.01), pytest.approx(1.25, abs=0.01))
    down_medians_h = [np.median(one.spells.down_s) / HOUR_S for one in figures]
    assert (min(down_medians_h), max(down_medians_h)) == (pytest.approx(0.38, abs=0.01), pytest.approx(0.70, abs=0.01))
    losses = [one.losses_per_day for one in figures]
    assert (min(losses), max(losses)) == (pytest.approx(2.0, abs=0.15), pytest.approx(7.5, abs=0.1))
    assert all(len(spells_of(one).up_s) > 80 for one in read_series(paths, "available"))

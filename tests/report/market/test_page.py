"""Pictures of markets: what they show is what the world holds, and pages work in a browser without a network."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tessera_env.env import TesseraEnv
from tessera_env.recordings.traces.series import Series
from tessera_env.recordings.traces.statistics import statistics_of
from tessera_env.report.market.curves import (
    Market,
    PoolCurves,
    corners,
    round_ticks,
    spells_with_capacity,
    trace_market,
    world_market,
)
from tessera_env.report.market.page import market_page, survival_page
from tessera_env.report.market.picture import colour_of, market_pixels, market_png
from tessera_env.scenario.loading import load_scenario
from tests.browser import open_page

RECORDED = Series(
    "<b>east & west</b>",
    np.array([0.0, 3600.0, 7200.0, 10_800.0]),
    np.array([0, 4, 0, 2]),
    np.array([1.0, 1.0, 1.5, 1.5]),
    14_400.0,
    3600.0,
)
BATHTUB = {
    "pools.*.hazard": {"model": "bathtub"},
    "pools.*.capacity": {
        "source": "semi_markov",
        "instances": 3,
        "up_median_h": [2, 3],
        "up_sigma": [1, 1],
        "down_median_h": [1, 1],
        "down_sigma": [1, 1],
    },
}


@pytest.fixture(scope="module")
def classic() -> Market:
    return world_market(load_scenario("classic"), 3, 1)


def drawn(dom: str) -> tuple[int, int]:
    """How many traces of lines and of bars the page shows."""
    kinds = [set(re.findall(rf'class="trace {kind}[^"]*trace([0-9a-f]+)', dom)) for kind in ("scatter", "bars")]
    if not kinds[1]:  # bars have no names of their own
        return len(kinds[0]), len(re.findall(r'class="trace bars"', dom))
    return len(kinds[0]), len(kinds[1])


def test_a_world_is_drawn_as_it_is(classic):
    env = TesseraEnv("classic")
    env.reset(seed=3, options={"world": 1})
    market = env.simulation.state.market[0, 2, : env.simulation.state.pools[0, 2].point_count]
    pool = classic.pools[2]
    assert pool.time_s.tolist() == market["time_s"].tolist()
    assert pool.price is not None
    assert pool.risk is not None
    assert pool.price.tolist() == market["spot_price"].tolist()
    # The rule of `classic`: 5 % an hour at full discount, 0.5 % at the least.
    discount = 1.0 - pool.price / load_scenario("classic").pools[2].on_demand_usd_per_h
    assert pool.risk == pytest.approx(5.0 * np.maximum(discount, 0.1))
    assert not classic.has_capacity
    assert classic.end_s == 48 * 3600.0


def test_lines_have_a_corner_at_each_change_and_at_the_end():
    pool = PoolCurves("a", np.array([0.0, 3600.0, 7200.0]), np.array([1.0, 1.0, 2.0]), None, None)
    times_h, values = corners(pool, pool.price, 10_800.0)
    assert times_h.tolist() == [0.0, 2.0, 3.0]
    assert values.tolist() == [1.0, 2.0, 2.0]


def test_spells_with_capacity():
    pool = trace_market("spot", [RECORDED]).pools[0]
    assert spells_with_capacity(pool, 14_400.0) == [(1.0, 2.0, 4.0), (3.0, 4.0, 2.0)]
    unlimited = PoolCurves("a", np.zeros(1), np.ones(1), None, None)
    assert spells_with_capacity(unlimited, 7200.0) == [(0.0, 2.0, np.inf)]


def test_a_pool_that_never_has_capacity_keeps_its_lane():
    market = Market("t", "", (PoolCurves("a", np.zeros(1), np.ones(1), None, np.zeros(1)),), 3600.0)
    assert market.has_capacity
    assert "a" in market_page(market)
    assert market_pixels(market).shape[1] == 1280


def test_risk_by_age_is_that_of_the_fitted_lifetimes():
    market = world_market(load_scenario("classic", **BATHTUB), 0, 0)
    (by_age,) = market.by_age
    assert by_age.pools == tuple(pool.name for pool in market.pools)
    assert not market.has_risk  # it does not depend on the time
    # F' / (1 - F) of F(t) = A (1 - e^(-t / tau1) + e^((t - b) / tau2)), per cent.
    early, late = np.exp(-by_age.age_h / 0.963), np.exp((by_age.age_h - 25.36) / 1.094)
    expected = 100.0 * 0.638 * (early / 0.963 + late / 1.094) / (1.0 - 0.638 * (1.0 - early + late))
    assert by_age.risk == pytest.approx(expected, rel=0.05)
    assert by_age.risk.min() < 0.01
    assert by_age.risk[-1] > 50.0


@pytest.mark.slow
def test_the_classic_page_in_a_browser(classic, tmp_path: Path):
    file = tmp_path / "page.html"
    file.write_text(market_page(classic), encoding="utf-8")
    page = open_page(file)
    assert page.errors == []
    assert drawn(page.dom) == (2 * len(classic.pools), 0)
    assert "rangeslider-slidebox" in page.dom
    for text in ("spot price, $/h", "interruption risk, %/h (dashed)", "a price", "d risk", "classic: spot market"):
        assert text in page.dom


@pytest.mark.slow
def test_a_page_of_everything_in_a_browser(tmp_path: Path):
    market = world_market(load_scenario("classic", **BATHTUB), 0, 0)
    file = tmp_path / "page.html"
    file.write_text(market_page(market), encoding="utf-8")
    page = open_page(file)
    assert page.errors == []
    assert drawn(page.dom) == (len(market.pools) + 1, len(market.pools))
    assert "age of an instance, h" in page.dom


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "traces"),
    [
        (market_page(trace_market("<i>spot</i>.csv", [RECORDED])), (1, 1)),
        (survival_page("<i>spot</i>.csv", [statistics_of(RECORDED)]), (2, 0)),
    ],
    ids=["market", "survival"],
)
def test_pages_of_a_trace_in_a_browser(text, traces, tmp_path: Path):
    file = tmp_path / "page.html"
    file.write_text(text, encoding="utf-8")
    page = open_page(file)
    assert page.errors == []
    assert drawn(page.dom) == traces
    for shown in ("&lt;i&gt;spot&lt;/i&gt;.csv", "&lt;b&gt;east &amp; west&lt;/b&gt;"):  # as text, not as markup
        assert re.search(rf"<text[^>]*>{shown}", page.dom), shown


def test_prices_keep_below_risks(classic):
    """On two axes over each other, lines of a fast market would cross at every step."""
    text = market_page(classic)
    axes = [re.search(rf'"{axis}":{{.*?"range":\[([-.0-9]+),([-.0-9]+)\]', text) for axis in ("yaxis", "yaxis2")]
    (price_low, price_high), (risk_low, risk_high) = ([float(end) for end in axis.groups()] for axis in axes if axis)
    highest_price = max(pool.price.max() for pool in classic.pools if pool.price is not None)
    highest_risk = max(pool.risk.max() for pool in classic.pools if pool.risk is not None)
    assert highest_price / (price_high - price_low) < -risk_low / (risk_high - risk_low) < 1.0  # where risk is 0
    assert price_low == 0.0
    assert highest_risk <= risk_high


def test_lanes_alone_have_hours_and_a_slider(tmp_path: Path):
    series = Series("east", RECORDED.time_s, RECORDED.capacity, None, RECORDED.end_s, RECORDED.sample_s)
    file = tmp_path / "page.html"
    file.write_text(market_page(trace_market("spot.json", [series])), encoding="utf-8")
    page = open_page(file)
    assert page.errors == []
    assert drawn(page.dom)[0] == 0
    for text in ("rangeslider-slidebox", ">hours<", ">spot to be had<", ">1 zone, 4.0 h<"):
        assert text in page.dom, text


@pytest.mark.parametrize(
    ("top", "ticks"),
    [
        (0.95, [0.0, 0.2, 0.4, 0.6, 0.8]),
        (1.0, [0.0, 0.2, 0.4, 0.6, 0.8]),
        (4.7, [0, 1, 2, 3, 4]),
        (3e-7, [0, 1e-7, 2e-7]),
    ],
)
def test_round_ticks(top, ticks):
    assert round_ticks(top, 5)[:5] == pytest.approx(ticks)


def test_pages_need_no_network(classic):
    text = market_page(classic)
    assert not re.search(r"<script[^>]*\ssrc=|<link|@import", text)
    assert "plotly.js v" in text


def test_the_picture_shows_each_pool(classic):
    pixels = market_pixels(classic)
    for index in range(len(classic.pools)):
        assert np.all(pixels == colour_of(index), axis=2).sum() > 500
    picture = Image.open(io.BytesIO(market_png(classic)))
    assert picture.size == (pixels.shape[1], pixels.shape[0])


def test_the_picture_is_grey_where_there_is_no_capacity():
    with_capacity = market_pixels(trace_market("spot", [RECORDED]))
    lane = with_capacity[122, 172:1204]  # the middle of the only lane
    coloured = np.ptp(lane.astype(int), axis=1) > 60
    assert coloured.mean() == pytest.approx(0.5, abs=0.01)  # 2 of 4 h
    assert not coloured[: len(lane) // 4 - 4].any()


def test_pictures_of_little():
    flat = Series("a", np.zeros(1), np.zeros(1, dtype=np.int64), np.zeros(1), 195.0, 195.0)
    without_price = Series("b" * 100, np.zeros(1), np.ones(1, dtype=np.int64), None, 195.0, 195.0)
    for series in ([flat], [without_price], [flat, without_price] * 32):
        market = trace_market("spot", series)
        assert market_png(market).startswith(b"\x89PNG")
        assert market_page(market).startswith("<!doctype html>")

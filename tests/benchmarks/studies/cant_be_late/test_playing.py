"""Every combination plays the same windows, and its figures are those of an evaluation."""

import json

import numpy as np
import pytest

from benchmarks.studies.cant_be_late import parts
from benchmarks.studies.cant_be_late.playing import (
    Grid,
    Windows,
    description,
    is_learned,
    make_players,
    play_part,
    windows_of,
)
from benchmarks.studies.cant_be_late.study import METRICS, OPTIMUM
from tessera_env.evaluation.experiment import evaluate
from tessera_env.policies import make_policy
from tessera_env.recordings.bundled import AWS_V100_2023
from tessera_env.recordings.traces.reading import read_series
from tessera_env.vector_env import TesseraVectorEnv
from tessera_env.world.market.timeline import MARKET_POINT

GRID = Grid(3, 1, deadlines_h=(52.0, 70.0), changeovers_h=(0.05,), zones=1)
LABELS = ("on_demand_only", "uniform_progress")


def no_optimum(scenario, episodes, seed, threads):
    """In the place of the solver."""
    return {metric: np.full(episodes, 1.0) for metric in METRICS}


@pytest.fixture(scope="module")
def played():
    return play_part(parts.report_part(), make_players(LABELS, 1), no_optimum, GRID, lambda _: None)


def test_the_figures_are_those_of_an_evaluation(played):
    scenario = parts.report_part().scenario(played.zones[0], 70.0, 0.05)
    results = evaluate(scenario, LABELS, 3, 1)
    for label in LABELS:
        for metric in ("cost_usd", "spot_h", "on_demand_h", "launches", "deadlines_missed"):
            assert (played.tables[label][metric][0, 1, 0] == results.tables[label][metric]).all()


def test_on_demand_alone_costs_what_its_hours_do(played):
    assert played.tables["on_demand_only"]["cost_usd"] == pytest.approx((48.0 + 0.05) * 3.06)
    assert (played.tables["on_demand_only"]["spot_h"] == 0.0).all()


def test_windows_lie_in_the_hours_kept_for_reports(played):
    assert played.windows_h.shape == (1, 3)
    assert played.windows_h.min() >= parts.SPLIT_H
    assert len(set(played.windows_h.ravel().tolist())) == 3


def test_hours_for_development_end_where_those_for_reports_begin():
    grid = Grid(30, 1, deadlines_h=(60.0,), changeovers_h=(0.1,), zones=2)
    found = play_part(parts.development_part(), make_players(LABELS[:1], 1), no_optimum, grid, lambda _: None)
    assert found.windows_h.min() >= 0.0
    assert found.windows_h.max() <= parts.SPLIT_H - 96.0
    assert (found.windows_h[0] == found.windows_h[1]).all()  # zones are played in the same weeks


def test_spot_is_available_as_recorded(played):
    """Counted from the recording itself; the job of on-demand alone lasts 48.05 h."""
    series = next(one for one in read_series([AWS_V100_2023]) if one.name.startswith(played.zones[0]))
    for end_h, found in (
        (48.05, played.tables["on_demand_only"]["spot_available_h"][0, 1, 0]),
        (70.0, played.tables[OPTIMUM]["spot_available_h"][0, 1, 0]),
    ):
        for window_h, hours in zip(played.windows_h[0], found, strict=True):
            seconds = (window_h + np.arange(round(end_h * 360)) / 360.0) * 3600.0 + 5.0  # every ten seconds
            at = np.searchsorted(series.time_s, seconds, side="right") - 1
            assert hours == pytest.approx((series.capacity[at] > 0).sum() / 360.0, abs=0.02)
    use = played.tables["uniform_progress"]["spot_h"] / played.tables["uniform_progress"]["spot_available_h"]
    assert use.max() <= 1.01
    assert use.max() > 0.5


def test_hours_with_spot_end_with_the_job():
    points = np.zeros(4, dtype=MARKET_POINT)
    points["time_s"] = [0.0, 3600.0, 7200.0, 36_000.0]
    points["capacity"] = [1, 0, 1, 0]
    windows = Windows(np.zeros(5), np.zeros(5), [points] * 5)
    assert windows.hours_with_spot(np.array([0.5, 1.5, 3.0, 10.0, 50.0])) == pytest.approx([0.5, 1.0, 2.0, 9.0, 9.0])


def test_windows_are_the_worlds_of_the_seed():
    scenario = parts.report_part().scenario("us-east-1a", 60.0, 0.1)
    windows = windows_of(TesseraVectorEnv(4, scenario=scenario), 5)
    assert windows.deadline_h.tolist() == [60.0] * 4
    again = windows_of(TesseraVectorEnv(2, scenario=scenario), 5)
    assert (windows.start_h[:2] == again.start_h).all()
    assert (windows.start_h != windows_of(TesseraVectorEnv(4, scenario=scenario), 6).start_h).any()


def test_an_invalid_action_is_an_error(monkeypatch):
    class Careless:
        name = "careless"

        def predict(self, observation, state=None, episode_start=None, deterministic=True, action_masks=None):
            return np.zeros(len(observation), dtype=np.int64), state  # waits until it is too late

    with pytest.raises(RuntimeError, match="careless: chose"):
        play_part(parts.report_part(), {"careless": Careless()}, no_optimum, GRID, lambda _: None)


def test_players_are_named_once():
    with pytest.raises(ValueError, match="'greedy' is named twice"):
        make_players(["greedy", "greedy"], 1)
    with pytest.raises(ValueError, match="policy: 'nobody'"):
        make_players(["nobody"], 1)


def test_which_policies_were_trained():
    assert not any(map(is_learned, ("greedy", "slack_threshold:percent=3")))
    assert all(map(is_learned, ("runs/x", "pretrained/deadline")))
    layout = TesseraVectorEnv(1, scenario="deadline").layout
    assert description(make_policy("greedy", layout)) == "greedy"


# ---- recordings of another month


def recording(path, samples: int, **more) -> None:
    pattern = ([1] * 300 + [0] * 100) * (samples // 400)
    path.write_text(json.dumps({"metadata": {"gap_seconds": 600}, "data": pattern, **more}), encoding="utf-8")


def test_another_month_is_played_at_its_prices_where_it_has_them(tmp_path):
    folder = tmp_path / parts.OTHER_MONTHS
    folder.mkdir()
    recording(folder / "priced_v100_1.json", 1200, prices=[0.5] * 1200)
    recording(folder / "bare_v100_1.json", 1200)
    part = parts.other_months_part(tmp_path)
    assert part is not None
    assert list(part.zones) == ["bare", "priced"]
    assert "in bare none was recorded: 0.9731 $/h" in part.note
    prices = {}
    for zone in part.zones:
        windows = windows_of(TesseraVectorEnv(2, scenario=part.scenario(zone, 60.0, 0.1)), 1)
        prices[zone] = {float(point["spot_price"]) for points in windows.points for point in points}
        assert windows.hours_with_spot(np.full(2, 60.0)).min() > 30.0  # 1 means available: three quarters of the time
    assert prices == {"bare": {0.9731}, "priced": {0.5}}


def test_another_month_that_is_not_there_is_left_out(tmp_path):
    assert parts.other_months_part(tmp_path) is None

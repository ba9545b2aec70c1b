"""The chart of one world: what is drawn where, against the event log."""

import itertools

import numpy as np
import pytest

from tessera_env.engine.kinds import LogKind
from tessera_env.evaluation.episodes import play_episode
from tessera_env.evaluation.experiment import Experiment
from tessera_env.rendering.lives import Life, read_lives
from tessera_env.report.html import timelines as module
from tessera_env.report.html.lanes import lanes_of
from tessera_env.report.html.shown_world import middling_world, play_shown_world
from tessera_env.report.html.timelines import running, timelines
from tests import results_samples


def life(pool: int, on_demand: int, start_s: float, end_s: float) -> Life:
    return Life(pool, on_demand, start_s, start_s, start_s, end_s=end_s)


@pytest.fixture(scope="module")
def prepared():
    return Experiment("classic", ["on_demand_only", "greedy"], 3, 1).prepare()


@pytest.fixture(scope="module")
def results(prepared):
    return prepared.run()


@pytest.fixture(scope="module")
def shown(prepared, results):
    return play_shown_world(results, prepared)


def test_lanes_by_hand():
    lives = [life(1, 0, 0, 10), life(1, 0, 5, 20), life(1, 0, 10, 30), life(1, 1, 0, 5), life(0, 0, 0, 5)]
    lanes = lanes_of(lives, 3)
    assert [(placed.row, placed.life.launch_s) for placed in lanes.placed] == [(0, 0), (2, 0), (2, 10), (3, 5), (4, 0)]
    assert lanes.rows == 7  # two for pool 0, three for pool 1, two for the empty pool 2
    assert lanes.middles == [0.5, 3.0, 5.5]
    assert lanes.tops == [-0.5, 1.5, 4.5]


def test_no_two_instances_share_a_row_at_once(prepared):
    episode = play_episode(prepared.scenario, prepared.policies["greedy"], 1, 0)
    rows: dict[int, list[Life]] = {}
    for row, each in lanes_of(read_lives(episode.log), 4).placed:
        rows.setdefault(row, []).append(each)
    for lives in rows.values():
        assert len({(each.pool, each.on_demand) for each in lives}) == 1
        assert all(first.end_s <= second.launch_s for first, second in itertools.pairwise(lives))


def test_interruptions_are_marked_where_the_log_has_them(results, shown):
    figure, _words = timelines(results, shown)
    log = shown.episodes["greedy"].log
    marked = [hour for trace in figure.data if trace.name == "interruption" for hour in trace.x]
    assert sorted(marked) == pytest.approx(sorted(log["time_s"][log["kind"] == LogKind.NOTICE] / 3600.0))
    assert marked


def test_bars_hold_all_billed_hours_of_a_purchase(results, shown):
    figure, _words = timelines(results, shown)
    drawn_h = sum(sum(trace.x) for trace in figure.data if trace.name in ("spot, running", "spot, getting ready"))
    spot_h = results.tables["greedy"]["spot_h"][middling_world(results)]
    noticed_h = sum(sum(trace.x) for trace in figure.data if trace.name == "given notice")
    assert drawn_h + noticed_h == pytest.approx(spot_h, rel=0.001)


def test_all_policies_have_one_time_axis(results, shown):
    figure, _words = timelines(results, shown)
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range
    assert figure.layout.xaxis.matches == "x2"


def test_too_many_instances_are_counted(results, shown, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 10)
    figure, words = timelines(results, shown)
    assert "too many to show each" in words
    assert {trace.name for trace in figure.data} == {"spot", "on-demand"}


def test_running_instances_by_hand():
    lives = [life(0, 0, 0, 10), life(0, 0, 5, 20), life(0, 0, 7, 7)]
    assert running(lives, np.array([0.0, 5.0, 9.0, 10.0, 20.0])).tolist() == [1, 2, 2, 1, 0]


def test_the_world_shown_is_the_median_one():
    assert middling_world(results_samples.results(episodes=5)) == 2
    assert middling_world(results_samples.results(episodes=1, baseline=None)) == 0

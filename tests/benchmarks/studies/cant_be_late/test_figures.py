"""Gap closed, shares and paired differences of studies worked out by hand."""

import numpy as np
import pytest

from benchmarks.studies.cant_be_late.figures import Figures
from benchmarks.studies.cant_be_late.study import ON_DEMAND, OPTIMUM
from tests.benchmarks.studies.cant_be_late.samples import OPTIMAL_COST, SHAPE, TRAINED, noisy, study, table


def rows_of(figures: Figures) -> dict:
    return {row.label: row for row in figures.overall()}


def by_zone(east: float, west: float) -> np.ndarray:
    """Costs of the two zones."""
    return np.broadcast_to(np.array([east, west])[:, None, None, None], SHAPE)


def test_the_optimum_closes_all_of_the_gap_and_the_yardstick_none():
    rows = rows_of(Figures(study(), 0))
    assert rows[OPTIMUM].gap.mean == 1.0
    assert rows["uniform_progress"].gap.mean == 0.0
    assert rows["runs/b"].gap.mean == pytest.approx(0.5)
    assert rows["greedy"].gap.mean == pytest.approx(-1.5)
    assert rows["runs/b"].share.mean == pytest.approx(0.45)
    assert rows["runs/b"].cost_usd.mean == pytest.approx(90.0)


def test_means_over_zones_come_before_the_ratio_and_jobs_after_it():
    """East: gap 1 $, closed by 1; west: gap 39 $, closed by none. Pooled by job: 1 / 40."""
    optimum, base = table(by_zone(99.0, 61.0)), table(by_zone(100.0, 100.0))
    found = study(trained=("runs/a",), **{OPTIMUM: optimum, "uniform_progress": base})
    found.tables["runs/a"] = table(by_zone(99.0, 100.0))
    (averages,) = (one for one in Figures(found, 0).averages() if one.label == "runs/a")
    assert averages.headline == pytest.approx(1 / 40)
    assert averages.pooled == pytest.approx(1 / 40)
    assert averages.by_zone == pytest.approx(0.0)  # east's gap is no more than 1 % of 100 $
    assert (averages.combinations, averages.of) == (4, 8)


def test_jobs_count_alike_in_the_headline_and_by_their_dollars_when_pooled():
    """Deadline 52: gap 10 $, all closed. Deadline 60: gap 30 $, none closed."""
    gap = np.broadcast_to(np.array([10.0, 30.0])[None, :, None, None], SHAPE)
    closed = np.broadcast_to(np.array([10.0, 0.0])[None, :, None, None], SHAPE)
    found = study(trained=("runs/a",), **{OPTIMUM: table(100.0 - gap), "runs/a": table(100.0 - closed)})
    (averages,) = (one for one in Figures(found, 0).averages() if one.label == "runs/a")
    assert averages.headline == pytest.approx(0.5)
    assert averages.pooled == pytest.approx(0.25)
    assert averages.by_zone == pytest.approx(0.5)
    gaps = {
        job[:2]: next(row.gap.mean for row in job[2] if row.label == "runs/a") for job in Figures(found, 0).by_job()
    }
    assert gaps == {(52.0, 0.1): 1.0, (52.0, 0.2): 1.0, (60.0, 0.1): 0.0, (60.0, 0.2): 0.0}


def test_differences_are_paired():
    """Costs that swing by 20 $ from window to window, and a policy that is always 2 $ below the yardstick."""
    swinging = noisy(100.0, deviation=20.0)
    tables = {"uniform_progress": table(swinging), "runs/a": table(swinging - 2.0), OPTIMUM: table(swinging - 20.0)}
    figures = Figures(study(trained=("runs/a",), **tables), 0)
    found = {one.other: one for one in figures.differences()}
    against = found["uniform_progress"]
    assert against.cost_usd.mean == pytest.approx(-2.0)
    assert against.cost_usd.high == pytest.approx(-2.0)
    assert against.gap.low == pytest.approx(0.1)
    assert against.gap.is_clear_of_zero
    row = rows_of(figures)["runs/a"]
    assert row.cost_usd.high - row.cost_usd.low > 5.0


def test_a_lead_that_rests_on_one_week_of_one_zone_is_not_clear():
    cost = np.full(SHAPE, 100.0)
    cost[0, :, :, :3] -= 15.0  # hours 700 to 800 of east: one block
    figures = Figures(study(trained=("runs/a",), **{"runs/a": table(cost)}), 0)
    against = next(one for one in figures.differences() if one.other == "uniform_progress")
    assert against.cost_usd.mean == pytest.approx(-15.0 * 3 / 24)
    assert not against.cost_usd.is_clear_of_zero


def test_blocks_are_the_weeks_of_each_zone():
    assert Figures(study(), 0).blocks == 8  # hours 700 to 1250: weeks 4 to 7 of the recording, in two zones


def test_the_mean_of_the_trained_ones_stands_beside_each():
    late = study().tables["runs/a"]["deadlines_missed"].copy()
    late[0, 0, 0, :2] = 1.0
    figures = Figures(study(**{"runs/a": table(92.0, deadlines_missed=late)}), 0)
    rows = rows_of(figures)
    assert list(rows)[-4:] == [*TRAINED, "learned, mean of 3"]
    assert rows["learned, mean of 3"].gap.mean == pytest.approx(np.mean([rows[label].gap.mean for label in TRAINED]))
    assert rows["learned, mean of 3"].late == rows["runs/a"].late == 2
    assert rows["learned, mean of 3"].windows == 3 * rows["runs/a"].windows
    assert {one.label for one in figures.differences()} == {*TRAINED, "learned, mean of 3"}
    assert Figures(study(trained=("runs/a",)), 0).subjects == ["runs/a"]
    assert Figures(study(trained=()), 0).differences() == []


def test_cost_is_placed_between_optimum_and_on_demand():
    figures = Figures(study(), 0)
    assert figures.normalised(OPTIMUM).tolist() == [0.0, 0.0]
    assert figures.normalised(ON_DEMAND).tolist() == [1.0, 1.0]
    assert figures.normalised("uniform_progress") == pytest.approx(20.0 / (200.0 - OPTIMAL_COST))
    assert figures.normalised_overall("uniform_progress").mean == pytest.approx(1 / 6)


def test_spot_use_is_a_ratio_of_hours_over_all_windows():
    hours = np.broadcast_to(np.array([0.0, 20.0])[:, None, None, None], SHAPE)
    available = np.broadcast_to(np.array([10.0, 30.0])[:, None, None, None], SHAPE)
    found = study(**{"greedy": table(130.0, spot_h=hours, spot_available_h=available)})
    assert rows_of(Figures(found, 0))["greedy"].spot_use == pytest.approx(0.5)


def test_a_gap_of_nothing_has_neither_figure_nor_interval():
    figures = Figures(study(**{OPTIMUM: table(100.0)}), 0)
    row = rows_of(figures)["runs/a"]
    assert not np.isfinite(row.gap.mean)
    assert (row.gap.low, row.gap.high) == (-np.inf, np.inf)
    assert all(np.isnan(one.by_zone) for one in figures.averages())

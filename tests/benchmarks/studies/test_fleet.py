"""The report of tasks that compete: its figures from tables made by hand, and what is read from logs."""

from pathlib import Path

import numpy as np
import pytest

from agents.worlds import report_scenario
from benchmarks.studies import fleet, fleet_assignment, fleet_behaviour, fleet_figures
from benchmarks.studies.blocks import blocks_of
from benchmarks.studies.fleet import BASELINE, BOUND, Table
from tessera_env.evaluation.episodes import play_episode
from tessera_env.observation.layout import Layout
from tessera_env.policies import make_policy
from tessera_env.policies.shifting.choice import Turn
from tessera_env.policies.shifting.figures import NAMES
from tessera_env.policies.shifting.placing import CONTEXTS
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.planners import UNASSIGNED, KuhnMunkres, checked_columns

WORLDS = 60
BLOCKS = np.arange(WORLDS) // 10


def table(objective: float, seed: int) -> Table:
    noise = np.random.default_rng(seed).normal(0.0, 5.0, WORLDS)
    return {"objective_usd": objective + noise - noise.mean(), "tasks_done": np.full(WORLDS, 3)}


TABLES = {BASELINE: table(900.0, 0), "pretrained/fleet": table(800.0, 1), BOUND: table(650.0, 2)}


def test_a_policy_s_line() -> None:
    label, objective, difference, closed, *rest = fleet.row_of("pretrained/fleet", TABLES, BLOCKS)
    assert label == "pretrained/fleet" and objective.startswith("800.0 [")
    assert difference.startswith("-100.0 [-") and difference.endswith("] *")
    assert closed.startswith("40 [") and rest == ["", "", "", "", "", "180"]
    assert fleet.row_of(BASELINE, TABLES, BLOCKS)[2:4] == ("baseline", "")


def test_worlds_that_may_be_alike_are_drawn_together() -> None:
    """Blocks whose worlds are all alike say no more than one world each: the interval is as wide."""
    of_blocks = np.random.default_rng(3).normal(0.0, 5.0, 6)
    wide, narrow = (fleet.mean_of(of_blocks[BLOCKS], blocks) for blocks in (BLOCKS, np.arange(WORLDS)))
    assert wide.high - wide.low > 2.0 * (narrow.high - narrow.low)


def test_windows_that_overlap_share_a_block() -> None:
    blocks, words = blocks_of(report_scenario(load_scenario("fleet")), 40, 1, 48.0)
    assert 2 < blocks.max() + 1 <= 8 and "stretches of 48 h" in words
    assert len(set(blocks_of(load_scenario("classic"), 40, 1, 48.0)[0].tolist())) == 40


def test_the_options_are_off_in_the_row_that_says_so() -> None:
    scenario = fleet.Job("fleet", fleet.BEFORE, 1).scenario
    assert not scenario.ask_at_freed_room and scenario.ask_order == "arrival" and not scenario.make_before_break
    assert scenario.market.from_h == 700.0
    assert fleet.Job("fleet", "greedy", 1).scenario.ask_at_freed_room


def test_every_trained_policy_and_rule_is_played_everywhere() -> None:
    for preset in fleet.PRESETS:
        labels = {job.label for job in fleet.jobs_of(preset, 1)}
        assert {*fleet.RULES, *fleet.TRAINED, BOUND} <= labels


def test_processes_are_one_or_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        fleet.main(["--processes", "0", "--json", str(tmp_path / "fleet.json")])
    assert ended.value.code == 2 and "--processes: 0 (allowed: 1 or more)" in capsys.readouterr().err


def test_what_cannot_be_kept_is_said_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as ended:
        fleet.main(["--json", str(tmp_path / "file" / "fleet.json")])
    assert ended.value.code == 2 and "file" in capsys.readouterr().err


def test_the_folder_of_what_is_kept_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a new checkout that of the default is not there."""
    monkeypatch.setattr(fleet, "measure", lambda *_: ())
    fleet.main(["--json", str(tmp_path / "runs" / "fleet.json")])
    assert (tmp_path / "runs" / "fleet.json").is_file()


def test_a_toy_run_that_keeps_nothing_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fleet, "measure", lambda *_: ())
    fleet.main(["--quick"])
    assert not any(tmp_path.iterdir())


def test_a_folder_made_for_what_is_refused_goes_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        fleet.main(["--json", str(tmp_path / "new" / "runs" / ("x" * 250))])
    assert ended.value.code == 2 and "cannot be written" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_a_course_counts_whoever_holds_an_instance() -> None:
    scenario = load_scenario("fleet", **{"task.count": 8})
    episode = play_episode(scenario, make_policy("greedy", Layout(len(scenario.pools))), 1, 0)
    course = fleet_behaviour.course_of(episode, scenario.horizon_h)
    steps_per_h = len(course.spot) / scenario.horizon_h
    held_h = (course.spot.sum() + course.on_demand.sum()) / steps_per_h
    billed_h = episode.metrics["spot_h"] + episode.metrics["on_demand_h"]
    assert held_h == pytest.approx(billed_h, rel=0.1)
    assert course.spot.sum() > course.on_demand.sum() and course.capacity.max() <= 2 * len(scenario.pools)


def test_a_figure_is_left_out_with_its_products() -> None:
    shifts = fleet_figures.shipped()
    left_out = fleet_figures.without(shifts, "slack").turns[0] != shifts.turns[0]
    changed = {NAMES[k] for k in np.flatnonzero(left_out.any(axis=0))}
    assert "slack" in changed and "time x slack" in changed and "slack x slack" in changed
    assert "slack_per_work" not in changed and not left_out[:, -1].any()
    pools = fleet_figures.without(shifts, "state").pools[0] != shifts.pools[0]
    assert pools[:, 1 + CONTEXTS.index("state")].all() and pools.sum() == len(pools)
    constants = fleet_figures.without(shifts, fleet_figures.CONSTANTS)
    assert not constants.turns[..., :-1].any() and constants.turns[..., -1].any()
    assert not fleet_figures.without(shifts, "yield").turns[0, Turn.YIELD].any()


def test_assignments_place_as_many_and_differ_in_who_goes_where() -> None:
    costs = np.array([[1.0, 9.0, np.inf], [2.0, 3.0, np.inf], [5.0, 5.0, np.inf]])
    worst = fleet_assignment.Other(worst=True)(costs)
    np.testing.assert_array_equal(KuhnMunkres()(costs[:2]), [0, 1])
    np.testing.assert_array_equal(fleet_assignment.Other(worst=True)(costs[:2]), [1, 0])
    for columns in (worst, fleet_assignment.Other(worst=False)(costs)):
        np.testing.assert_array_equal(checked_columns(columns, costs), columns)
        assert (columns == UNASSIGNED).sum() == 1
    counting = fleet_assignment.Counting()
    for matrix in (costs, costs[:2], costs[:1]):
        np.testing.assert_array_equal(counting(matrix), KuhnMunkres()(matrix))
    assert (counting.contested, counting.short) == (2, 1)

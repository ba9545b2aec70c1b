"""What is read from a log, from logs written by hand and from real episodes."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.studies.cant_be_late import decisions
from benchmarks.studies.cant_be_late.behaviour import Behaviour, Outage, Spell, behaviour, spells_of, stays_of
from benchmarks.studies.cant_be_late.parts import report_part
from benchmarks.studies.cant_be_late.playing import make_players
from tessera_env.engine.kinds import LogKind
from tessera_env.engine.state import LOG, TASK
from tessera_env.evaluation.episodes import play_episode
from tessera_env.simulation.episode import Episode
from tessera_env.world.market.timeline import MARKET_POINT

HOUR = 3600.0
CHANGEOVER = 0.5 * HOUR


def episode(stays, capacity, work_h=10.0, deadline_h=20.0) -> Episode:
    """A job from its stays (from h, to h, on_demand) and the market's changes (at h, capacity)."""
    records, done, end_h = [], 0.0, stays[-1][1]
    for start_h, stop_h, on_demand in stays:
        ready = start_h * HOUR + CHANGEOVER
        records.append((start_h * HOUR, LogKind.PLACE, 0, 0, 0, on_demand, ready, 0.0))
        done += max(0.0, stop_h * HOUR - ready)
        kind = LogKind.COMPLETION if stop_h == end_h else LogKind.STOP
        records.append((stop_h * HOUR, kind, 0, 0, 0, on_demand, done, 0.0))
    tasks = np.zeros(1, dtype=TASK)
    tasks["work_s"], tasks["deadline_s"], tasks["completion_s"] = work_h * HOUR, deadline_h * HOUR, end_h * HOUR
    market = np.zeros(len(capacity), dtype=MARKET_POINT)
    market["time_s"], market["capacity"] = [at * HOUR for at, _ in capacity], [count for _, count in capacity]
    return Episode(np.array(records, dtype=LOG), tasks, [market], end_h * HOUR, 0.0, {"elapsed_h": end_h})


def test_an_outage_is_waited_through_or_left_at_once_or_later():
    found = behaviour(
        episode(
            stays=[(0, 2, 0), (3, 5, 0), (5, 6, 1), (6, 8, 0), (9, 14, 1)],
            capacity=[(0, 1), (2, 0), (3, 1), (5, 0), (6, 1), (8, 0), (12, 1)],
        )
    )
    assert [one.waited_h for one in found.outages] == [None, 0.0, 1.0]
    assert found.outages[0].slack_h == pytest.approx(20.0 - 2.0 - (10.0 - 1.5))
    assert found.outages[1].slack_h == pytest.approx(20.0 - 5.0 - (10.0 - 3.0))
    assert found.on_demand_h == (1.0, 5.0)


def test_a_spell_is_taken_or_skipped_only_from_on_demand():
    found = behaviour(
        episode(
            stays=[(0, 4, 1), (4, 6, 0), (7, 12, 1)],
            capacity=[(0, 0), (2, 1), (3, 0), (3.5, 1), (6, 0), (8, 1), (9, 0), (10, 1)],
        )
    )
    assert found.spells == (Spell(1.0, None), Spell(2.5, 0.5), Spell(1.0, None), Spell(2.0, None))
    assert found.outages == (Outage(10.0, 0.0), Outage(pytest.approx(20 - 6 - (10 - 5)), 1.0))


def test_on_demand_left_for_nothing_is_counted():
    market = [(0, 0), (5, 1)]
    assert behaviour(episode([(0, 3, 1), (5, 12, 0)], market)).given_up == 1
    assert behaviour(episode([(0, 5, 1), (5, 12, 0)], market)).given_up == 0
    assert behaviour(episode([(0, 12, 1)], market)).given_up == 0


def test_ahead_is_work_done_less_even_progress():
    found = behaviour(episode([(0, 6, 0), (8, 12.5, 0)], [(0, 1)], work_h=10.0, deadline_h=20.0))
    assert found.ahead_h == pytest.approx((4.5 - 2.5, 7.0 - 5.0, 9.5 - 7.5))


def test_market_points_that_change_the_price_alone_end_no_spell():
    points = np.zeros(5, dtype=MARKET_POINT)
    points["time_s"], points["capacity"] = [0.0, 10.0, 20.0, 30.0, 99.0], [1, 1, 0, 0, 1]
    assert spells_of(points, 50.0) == ([(20.0, 50.0)], [(0.0, 20.0)])


def test_several_jobs_are_refused():
    made = episode([(0, 12, 1)], [(0, 0)])
    with pytest.raises(ValueError, match="2 tasks, 1 pools"):
        behaviour(replace(made, tasks=np.zeros(2, dtype=TASK)))


@pytest.mark.parametrize("label", ["uniform_progress", "greedy", "slack_threshold"])
def test_what_is_read_agrees_with_the_episode_s_metrics(label):
    (policy,) = make_players([label], 1).values()
    scenario = report_part().scenario("us-east-1d", 60.0, 0.1)
    for world in range(3):
        played = play_episode(scenario, policy, 1, world)
        stays, found = stays_of(played.log), behaviour(played)
        assert sum(found.on_demand_h) == pytest.approx(played.metrics["on_demand_h"], abs=0.05)  # a minute's minimum
        assert len(stays) == played.metrics["launches"]
        last = stays[-1]
        assert last.done_s + last.end_s - last.ready_s == pytest.approx(48.0 * HOUR)
        assert len(found.outages) >= sum(not stay.on_demand for stay in stays) - 1  # each loss of spot but the end


def test_uniform_progress_never_works_far_behind_and_greedy_never_leaves_on_demand():
    jobs = {}
    for label, policy in make_players(["uniform_progress", "greedy"], 1).items():
        grid = decisions.Grid(2, 1, deadlines_h=(60.0,), changeovers_h=(0.1,), zones=4)
        jobs[label] = decisions.play_jobs(report_part(), policy, grid, label)
    assert min(min(job.ahead_h) for _, job in jobs["uniform_progress"]) > -0.5
    assert all(one.taken_after_h is None for _, job in jobs["greedy"] for one in job.spells)
    assert max(len(job.on_demand_h) for _, job in jobs["greedy"]) == 1


# ---- the tables


def job(*outages: Outage, spells: tuple[Spell, ...] = ()) -> Behaviour:
    return Behaviour(outages, spells, (3.0, 5.0), 1, (1.0, 2.0, 3.0))


JOBS = {
    "greedy": [
        (0.1, job(Outage(0.5, 0.0), Outage(1.0, None), Outage(9.0, 2.0), spells=(Spell(1.0, None), Spell(1.0, 0.25)))),
        (0.2, job(Outage(9.0, 4.0), Outage(9.0, None))),
    ]
}


def test_outages_are_counted_by_slack():
    rows = {row[1]: row[2:] for row in decisions.outages(report_part(), JOBS).rows}
    assert rows["below 1"] == ("0.5", "0", "100", "0", "–")
    assert rows["1 to 2"] == ("0.5", "100", "0", "0", "–")
    assert rows["2 to 4"] == ("0.0", "–", "–", "–", "–")
    assert rows["8 or more"] == ("1.5", "33", "0", "67", "3.0")


def test_spells_are_counted_by_changeover():
    rows = {row[1]: row[2:] for row in decisions.spells(report_part(), JOBS).rows}
    assert rows["0.1"] == ("3.0", "33", "33", "33", "2.0", "2.0", "50", "15", "2.0", "4.0")
    assert rows["0.2"] == ("2.0", "50", "0", "50", "4.0", "0.0", "–", "–", "2.0", "4.0")


def test_progress_is_shown_with_its_spread():
    (row,) = decisions.progress(report_part(), JOBS).rows
    assert row == ("greedy", "+1.0 [+1.0, +1.0]", "+2.0 [+2.0, +2.0]", "+3.0 [+3.0, +3.0]", "1.0")


def test_the_command_prints_and_keeps(tmp_path, capsys):
    decisions.main(["--quick", "--json", str(tmp_path / "d.json")])
    printed = capsys.readouterr().out
    assert all(words in printed for words in ("what is done about outages", "slack_threshold", "given up"))
    assert (tmp_path / "d.json").stat().st_size > 1000
    for arguments, words in ((["--windows", "0"], "--windows: 0"), (["--policies", "nobody"], "policy: 'nobody'")):
        with pytest.raises(SystemExit) as caught:
            decisions.main(arguments)
        assert caught.value.code == 2
        assert words in capsys.readouterr().err

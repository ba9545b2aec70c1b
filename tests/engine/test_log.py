"""Reading the log: every figure has one name, and no column that is used has none."""

import numpy as np
import pytest

from tessera_env.engine import log as module
from tessera_env.engine.kinds import LogKind
from tessera_env.engine.log import FIGURES, columns_of, entries_of
from tessera_env.engine.state import LOG
from tessera_env.evaluation.episodes import play_episode
from tessera_env.observation.layout import Layout
from tessera_env.observation.layouts import layout_of
from tessera_env.policies import make_policy
from tessera_env.scenario.loading import load_scenario


def log_of(*entries: tuple[float, ...]) -> np.ndarray:
    return np.array(list(entries), dtype=LOG)


BY_HAND = log_of(
    (1.5, LogKind.LAUNCH, -1, 0, 2, 1, 30.5, 102.5),
    (2.0, LogKind.MISSED, 7, -1, -1, -1, 0.0, 0.0),
    (3.0, LogKind.LAUNCH, -1, 1, 0, 0, 31.0, 103.0),
    (4.0, LogKind.PLACE, 7, 1, 0, 0, 105.0, 0.0),
)


@pytest.fixture(scope="module")
def played() -> np.ndarray:
    overrides = {"task.count": 30, "reconsider_running": True, "task.slack": {"uniform": [1.0, 1.1]}}
    scenario = load_scenario("fleet-mixed", **overrides)
    tasks = play_episode(scenario, make_policy("random", Layout(len(scenario.pools))), seed=1, world=0).log
    service = load_scenario("service", horizon_h=1, market={"from_h": 0, "until_h": 700})
    services = play_episode(service, make_policy("spot_hedge", layout_of(service)), seed=1, world=0).log
    return np.concatenate([tasks, services])


def test_every_kind_has_its_figures_and_every_figure_one_meaning() -> None:
    assert list(FIGURES) == list(LogKind)
    names = [name for figures in FIGURES.values() for name in figures]
    assert len(names) == len(set(names))
    assert not set(names) & set(LOG.names or ())
    assert all(len(figures) <= 2 for figures in FIGURES.values())


def test_what_has_no_name_is_not_used(played: np.ndarray) -> None:
    for kind, figures in FIGURES.items():
        entries = played[played["kind"] == kind]
        for column in ("value", "other")[len(figures) :]:
            assert not entries[column].any(), (kind, column)


def test_what_has_a_name_is_used(played: np.ndarray) -> None:
    """The episode has such events, and in one of them the figure is not 0."""
    for kind, figures in FIGURES.items():
        for name in figures:
            assert columns_of(played, LogKind(kind))[name].any(), (kind, name)


def test_entries_by_hand() -> None:
    assert list(entries_of(BY_HAND)) == [
        (1.5, LogKind.LAUNCH, -1, 0, 2, 1, {"billed_from_s": 30.5, "set_up_s": 102.5}),
        (2.0, LogKind.MISSED, 7, -1, -1, -1, {}),
        (3.0, LogKind.LAUNCH, -1, 1, 0, 0, {"billed_from_s": 31.0, "set_up_s": 103.0}),
        (4.0, LogKind.PLACE, 7, 1, 0, 0, {"works_from_s": 105.0}),
    ]
    assert list(entries_of(BY_HAND[:0])) == []


def test_no_entry_is_left_out_however_long_the_log(played: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(entries_of(played))
    assert len(whole) == len(played)
    monkeypatch.setattr(module, "_CHUNK", 7)
    assert list(entries_of(played)) == whole


@pytest.mark.parametrize("log", [BY_HAND, BY_HAND.view(np.recarray)], ids=["array", "recarray"])
def test_columns_by_hand(log: np.ndarray) -> None:
    launches = columns_of(log, LogKind.LAUNCH)
    assert launches["time_s"].tolist() == [1.5, 3.0]
    assert launches["billed_from_s"].tolist() == [30.5, 31.0]
    assert launches["set_up_s"].tolist() == [102.5, 103.0]
    assert columns_of(log, LogKind.PLACE)["works_from_s"].tolist() == [105.0]
    assert len(columns_of(log, LogKind.END)["usd"]) == 0
    with pytest.raises((KeyError, ValueError)):
        launches["value"]
    assert LOG.names is not None and LOG.names[-2:] == ("value", "other")  # the table itself keeps its names


def test_columns_are_those_of_the_entries(played: np.ndarray) -> None:
    for kind, figures in FIGURES.items():
        told = [entry[-1] for entry in entries_of(played) if entry[1] == kind]
        columns = columns_of(played, LogKind(kind))
        assert len(columns) == len(told)
        for name in figures:
            assert columns[name].tolist() == [each[name] for each in told], (kind, name)

"""Searches of a second: what they play, what they leave, and that they can stop and go on."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from agents.evolution import training
from agents.evolution.playing import Player
from agents.evolution.settings import load_settings
from agents.evolution.training import EvolutionRun, evolve
from agents.worlds import before_reports
from tessera_env.evaluation.experiment import evaluate
from tessera_env.observation.layout import Layout
from tessera_env.observation.layouts import layout_of
from tessera_env.policies import make_policy
from tessera_env.policies.learned_rules import LearnedRule
from tessera_env.policies.shifting.policy import UNSCALED, WEIGHT_COUNT, Shifts
from tessera_env.scenario.loading import load_scenario
from tests.agents.test_training import quiet
from tests.faults import interrupted_at

SMALL = {
    "total_steps": 12_000,
    "pairs": 4,
    "beside": {"classic": {"pairs": 2, "weight": 0.5}},
    "drawn": None,
    "rows": 4,
    "evaluate_every": 2,
    "evaluation_worlds": 4,
    "n_threads": 1,
}


def small_run(folder: Path, **changes: object) -> EvolutionRun:
    scenario = load_scenario("fleet", **{"task.count": 12})
    return EvolutionRun.create(folder, scenario, load_settings("fleet", SMALL | changes))


def small_service_search(folder: Path) -> EvolutionRun:
    ticks = {"pairs": 2, "weight": 1.0, "scenario": "service-train", "changes": {"notice_s": 0, "horizon_h": 2}}
    settings = load_settings("service-train", SMALL | {"beside": {"ticks": ticks}}, is_service=True)
    return EvolutionRun.create(folder, load_scenario("service-train", horizon_h=4), settings)


def weights(folder: Path) -> bytes:
    return (folder / "policy.safetensors").read_bytes()


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_objectives_are_what_evaluation_says(rows: int) -> None:
    """A set a world, whatever is played side by side."""
    scenario, games = load_scenario("fleet", **{"task.count": 12}), 5
    flat = np.random.default_rng(0).normal(0.0, 0.5, (games, WEIGHT_COUNT))
    player = Player(scenario, rows)
    objectives, scale_usd = player.objectives(Shifts.of(UNSCALED, flat), np.arange(games), 7)
    for game in range(games):
        policy = LearnedRule(Layout(len(scenario.pools)), Shifts.of(UNSCALED, flat[game : game + 1]))
        table = evaluate(scenario, [policy], games, 7).tables["shifted_rule"]
        assert objectives[game] == pytest.approx(table["objective_usd"][game], rel=1e-12)
        assert scale_usd[game] == table["scale_usd"][game]
    again, _ = player.objectives(Shifts.of(UNSCALED, flat), np.arange(games), 7)
    np.testing.assert_array_equal(again, objectives)


def test_what_a_run_leaves(tmp_path: Path) -> None:
    run = small_run(tmp_path / "mine", seed=3)
    assert evolve(run, quiet())
    policy = make_policy(run.folder, Layout(4))
    training_notes = policy.card.training  # type: ignore[attr-defined]
    assert training_notes["algorithm"] == "evolution" and training_notes["seed"] == 3
    assert training_notes["steps"] >= SMALL["total_steps"]
    assert {file.name for file in run.folder.iterdir()} == {
        "config.json",
        "evaluations.json",
        "policy.json",
        "policy.safetensors",
        "search.npz",
    }
    assert np.abs(load_file(run.folder / "policy.safetensors")["turns"]).max() > 0.0


def test_threads_and_rows_play_no_part(tmp_path: Path) -> None:
    runs = [small_run(tmp_path / "one"), small_run(tmp_path / "two", n_threads=2, rows=3)]
    for run in runs:
        evolve(run, quiet())
    assert weights(runs[0].folder) == weights(runs[1].folder)
    other = small_run(tmp_path / "other", seed=1)
    evolve(other, quiet())
    assert weights(other.folder) != weights(runs[0].folder)


def test_stopped_and_resumed_it_is_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, halved = small_run(tmp_path / "whole"), small_run(tmp_path / "halved")
    assert evolve(whole, quiet())
    generation = training.Evolution.generation

    def first_only(evolution: training.Evolution, executor: object) -> None:
        generation(evolution, executor)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(training.Evolution, "generation", first_only)
        assert not evolve(halved, quiet())
    assert evolve(EvolutionRun.open(halved.folder), quiet())
    assert weights(halved.folder) == weights(whole.folder)


def test_drawn_fleets_count(tmp_path: Path) -> None:
    """Other ones in each generation, the same whoever plays them."""
    drawn = {"fleets": 2, "pairs": 3, "weight": 0.5}
    runs = [small_run(tmp_path / f"{threads}", drawn=drawn, n_threads=threads, pairs=2) for threads in (1, 2)]
    for run in runs:
        evolve(run, quiet())
    assert weights(runs[0].folder) == weights(runs[1].folder)
    _, (*_, course) = training.courses_of(runs[0])
    assert (course.name, course.pairs, course.weight) == ("fleet-train", 6, 0.5)
    played = [[player.scenario for player in course.players(k)] for k in (0, 1)]
    assert len({scenario.name for scenarios in played for scenario in scenarios}) == 4
    with np.load(runs[0].folder / "search.npz") as kept:
        assert "fleet-train" in str(kept["spreads"])


def test_a_service_is_searched_for_too(tmp_path: Path) -> None:
    """With the same zones by other rules beside it."""
    run = small_service_search(tmp_path / "mine")
    first, (beside,) = training.courses_of(run)
    assert (first.name, beside.name) == ("service-train", "ticks")
    assert (beside.players(0)[0].scenario.notice_s, beside.players(0)[0].scenario.horizon_h) == (0, 2)
    assert evolve(run, quiet())
    evolution = training.Evolution(EvolutionRun.open(run.folder))
    evolution.prepare()
    assert evolution.decisions >= SMALL["total_steps"]
    policy = make_policy(run.folder, layout_of(run.scenario))
    assert policy.card.kind == "shifted_hedge"  # type: ignore[attr-defined]
    assert np.abs(load_file(run.folder / "policy.safetensors")["pools"]).max() > 0.0
    table = evaluate(load_scenario("service", horizon_h=2), [policy], 2, 0).tables["mine"]
    assert (table["availability"] > 0.5).all()


def test_services_and_tasks_are_not_searched_for_together(tmp_path: Path) -> None:
    settings = {name: load_settings(name, SMALL) for name in ("fleet", "service-train")}
    service, fleet = load_scenario("service-train"), load_scenario("fleet")
    for scenario, name, changes, reason in (
        (service, "service-train", {"drawn": {"fleets": 1, "pairs": 2, "weight": 1.0}}, "drawn: fleets"),
        (service, "service-train", {"beside": {"classic": {"pairs": 2, "weight": 1.0}}}, "beside: 'classic' "),
        (fleet, "fleet", {"beside": {"service": {"pairs": 2, "weight": 1.0}}}, "beside: 'service' "),
        (fleet, "fleet", {"start": str(tmp_path)}, "no such file"),
        (load_scenario("service", task={"count": 2, "work_h": 1.0}), "fleet", {}, "services beside tasks"),
    ):
        changed = settings[name].model_dump() | changes
        with pytest.raises(ValueError, match=reason):
            EvolutionRun.create(tmp_path / "mine", scenario, load_settings(name, changed))


def test_a_search_starts_where_a_policy_is(tmp_path: Path) -> None:
    """And can go on from a run's folder as from a shipped one."""
    first = small_run(tmp_path / "first")
    evolve(first, quiet())
    run = small_run(tmp_path / "second", start=str(first.folder))
    evolution = training.Evolution(run)
    evolution.prepare()
    found = load_file(first.folder / "policy.safetensors")
    shifts = Shifts.of(evolution.scale, evolution.search.weights[None])
    np.testing.assert_array_equal(shifts.turns[0].astype(np.float32), found["turns"])
    np.testing.assert_array_equal(shifts.pools[0].astype(np.float32), found["pools"])
    np.testing.assert_array_equal(evolution.scale.astype(np.float32), found["scale"])
    assert training.started("pretrained/fleet", Shifts)[1].shape == (WEIGHT_COUNT,)


def test_no_hour_of_a_report_is_played(tmp_path: Path) -> None:
    run = small_run(tmp_path / "mine")
    first, beside = training.courses_of(run)
    for player in [one for course in (first, *beside) for one in course.players(0)]:
        assert not player.scenario.replays or player.scenario.market.until_h == 700.0
    assert before_reports(load_scenario("classic")) == load_scenario("classic")


def test_runs_that_cannot_be(tmp_path: Path) -> None:
    small_run(tmp_path / "mine").folder.mkdir()
    with pytest.raises(ValueError, match="exists already"):
        small_run(tmp_path / "mine")
    with pytest.raises(ValueError, match="scenario: must be one of"):
        small_run(tmp_path / "other", beside={"nonsense": {"pairs": 2, "weight": 1.0}})
    with pytest.raises(ValueError, match="beside: 'fleet' "):
        small_run(tmp_path / "other", beside={"fleet": {"pairs": 2, "weight": 1.0}})
    with pytest.raises(ValueError, match="start: 'pretrained/deadline' is a "):
        small_run(tmp_path / "other", start="pretrained/deadline")
    with pytest.raises(ValueError, match="nowhere"):
        small_run(tmp_path / "other", start="nowhere")
    with pytest.raises(ValueError, match=r"config\.json: no such file"):
        EvolutionRun.open(tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_search_that_cannot_begin_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(evolution: training.Evolution) -> None:
        raise ValueError("no such search")

    monkeypatch.setattr(training.Evolution, "prepare", refused)
    with pytest.raises(ValueError, match="no such search"):
        evolve(small_run(tmp_path / "runs" / "mine"), quiet())
    assert not any(tmp_path.iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing disturbed, and that kept every generation."""
    run = small_run(tmp_path_factory.mktemp("runs") / "whole", evaluate_every=1)
    assert evolve(run, quiet())
    return run.folder


@pytest.mark.parametrize("cut_off", [1, 4, 5])
def test_what_is_cut_off_while_it_is_written_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path, cut_off: int
) -> None:
    """Before writes of the first and the last generation: the same files as without."""
    broken = small_run(tmp_path / "broken", evaluate_every=1)

    with (
        interrupted_at(training, ("write_bytes", "save_policy", "write_text"), cut_off),
        pytest.raises(KeyboardInterrupt),
    ):
        evolve(broken, quiet())
    assert evolve(EvolutionRun.open(broken.folder), quiet())
    for name in ("policy.json", "policy.safetensors", "evaluations.json"):
        assert (broken.folder / name).read_bytes() == (whole / name).read_bytes()

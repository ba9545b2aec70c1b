"""The benchmarks run at toy size, print their tables, and measure what they say."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat

from benchmarks import __main__ as everything
from benchmarks import picture
from benchmarks.common import Report, Reports, random_actions
from benchmarks.speed import scale, vector
from tessera_env.engine.kinds import LogKind
from tessera_env.env import TesseraEnv
from tessera_env.scenario.loading import load_scenario

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("speed.step", ("CartPole-v1", "Tessera/Classic-v0", "us a reset")),
        ("speed.vector", ("deadline", "fleet", "one thread")),
        ("speed.scale", ("1,000", "us an event", "peak MB")),
        ("speed.training", ("threads", "frames/s")),
        ("speed.requests", ("least load", "as published", "requests/s")),
        ("studies.ablation", ("classic", "fleet", "Kuhn-Munkres", "Young", "Daly")),
        ("speed.compiling", ("filled", "s to first observation")),
        ("studies.slack_threshold", ("theta=0.15", "slices=8", "uniform_progress", "Deadlines missed: 0")),
    ],
)
def test_a_benchmark_prints_its_table(name, expected):
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(words in done.stdout for words in (*expected, "Python 3"))


@pytest.fixture
def toy_benchmarks(monkeypatch, tmp_path):
    for name in ("step", "vector", "scale", "training", "compiling", "requests", "ablation"):
        report = Report(name, f"note of {name}", ("what", "us"), ((name, "1.5"),))
        monkeypatch.setattr(getattr(everything, name), "measure", lambda quick, report=report: report)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_are_printed_and_kept(toy_benchmarks, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    everything.main()
    kept = Reports.from_json(toy_benchmarks / "runs" / "benchmarks.json")
    titles = ["step", "vector", "scale", "training", "compiling", "requests", "ablation"]
    assert [report.title for report in kept.reports] == titles
    assert not kept.quick
    printed = capsys.readouterr().out
    assert kept.machine in printed
    assert all(f"note of {report.title}" in printed for report in kept.reports)


def test_a_toy_run_does_not_replace_a_measured_one(toy_benchmarks, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick"])
    everything.main()
    assert not (toy_benchmarks / "runs").exists()
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick", "--json", "toy.json"])
    everything.main()
    assert Reports.from_json(toy_benchmarks / "toy.json").quick


def test_what_cannot_be_kept_is_said_before_anything_is_measured(toy_benchmarks, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--json", str(toy_benchmarks / "new" / ("x" * 250))])
    with pytest.raises(SystemExit) as ended:
        everything.main()
    printed = capsys.readouterr()
    assert ended.value.code == 2 and printed.out == "" and "cannot be written" in printed.err
    assert not any(toy_benchmarks.iterdir())


def test_random_actions_are_valid_and_reach_every_valid_one():
    masks = np.tile([True, False, True, True, False], (500, 1))
    actions = random_actions(masks, np.random.default_rng(0))
    assert set(actions.tolist()) == {0, 2, 3}


def test_rows_are_spread_over_their_episodes():
    steps = vector.longest_episode("deadline")
    env = vector.staggered("deadline", 200, 1, steps, np.random.default_rng(0))
    hours = env.simulation.now_s / 3600.0
    in_quarters, _ = np.histogram(hours, bins=4, range=(0.0, 48.0))
    assert in_quarters.min() > 20  # of 200; some are beyond 48 h


def test_the_longest_episode_lasts_until_all_have_ended():
    steps = vector.longest_episode("deadline", rows=4)
    assert 48 * 6 < steps <= 96 * 6 + 2  # asked every ten minutes; 48 h of work, 96 h at most


def test_counted_events_are_those_of_the_log():
    scenario = load_scenario("classic", **{"task.count": 300})
    decisions, events, start_s, play_s = scale.episode(scenario, 0)
    env = TesseraEnv(scenario, log_events=True)
    env.reset(seed=0)
    terminated, made = False, 0
    while not terminated:
        _, _, terminated, _, info = env.step(1 + made % 4)
        made += 1
    counts = {kind: int((env.event_log()["kind"] == kind).sum()) for kind in LogKind}
    assert made == decisions == info["metrics"]["decisions"]
    assert counts[LogKind.NOTICE] > 0
    single = counts[LogKind.ARRIVAL] + counts[LogKind.LAUNCH] + counts[LogKind.COMPLETION]
    assert events == single + decisions + 3 * counts[LogKind.NOTICE]
    assert start_s > 0.0
    assert play_s > 0.0


def test_a_small_episode_is_repeated_until_it_can_be_timed(monkeypatch):
    monkeypatch.setattr(scale, "SHORTEST_S", 0.01)
    played = scale.play(20)
    assert played.episodes > 1
    assert played.play_s >= 0.01
    assert 0.0 < played.call_s < played.play_s
    assert played.peak_mb > 50.0


@pytest.mark.slow
def test_peak_memory_is_the_episode_s_own_and_not_its_parent_s():
    ballast = np.ones(100_000_000)  # 800 MB
    assert scale.played(20).peak_mb < 500.0
    assert scale.peak_mb() > ballast.nbytes / 1024.0**2


def test_the_picture_in_docs_is_what_its_command_draws(tmp_path):
    """After a change of the drawing: `python -m benchmarks.picture docs/pictures/fleet.png`."""
    picture.main(str(tmp_path / "fleet.png"))
    kept, drawn = Image.open(ROOT / "docs" / "pictures" / "fleet.png"), Image.open(tmp_path / "fleet.png")
    assert drawn.size == kept.size
    difference = ImageChops.difference(kept.convert("RGB"), drawn.convert("RGB"))
    assert max(ImageStat.Stat(difference).mean) < 0.5  # of 255; other versions of the font library smooth otherwise

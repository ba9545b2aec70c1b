"""The command plays, keeps, and shows again what it kept."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import documentation
from benchmarks.studies.cant_be_late import __main__ as cant_be_late
from benchmarks.studies.cant_be_late import parts
from benchmarks.studies.cant_be_late.study import METRICS, Studies
from tests.benchmarks.studies.cant_be_late.samples import study

RULES = ("on_demand_only", "greedy_safety_net", "uniform_progress_plain", "time_sliced", "slack_threshold")


def some_optimum(scenario, episodes, seed, threads):
    """In the place of the solver: 50 $."""
    return {**{metric: np.zeros(episodes) for metric in METRICS}, "cost_usd": np.full(episodes, 50.0)}


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parts, "TRACES", tmp_path / "no traces")
    monkeypatch.setattr(parts.other_months_part, "__defaults__", (tmp_path / "no traces",))
    return tmp_path


def test_a_toy_run_writes_only_what_is_named(elsewhere, capsys):
    cant_be_late.main(["--quick"], some_optimum)
    printed = capsys.readouterr().out
    assert all(
        words in printed for words in (*RULES, "clairvoyant", "60 / 0.02", "Left out: the recordings of another")
    )
    assert list(elsewhere.iterdir()) == []
    cant_be_late.main(["--quick", "--json", "toy.json"], some_optimum)
    assert [path.name for path in elsewhere.iterdir()] == ["toy.json"]
    assert Studies.from_json("toy.json").quick


def test_a_kept_run_is_shown_again(elsewhere, capsys):
    cant_be_late.main(["--quick", "--json", "toy.json", "--html", "1.html", "--picture", "1.png"], some_optimum)
    first = capsys.readouterr().out
    cant_be_late.main(["--read", "toy.json", "--html", "2.html", "--picture", "2.png"])
    second = capsys.readouterr().out
    tables = [text.partition("Hours kept")[2].partition("kept in")[0] for text in (first, second)]
    assert tables[0] == tables[1]
    assert (elsewhere / "1.html").read_text(encoding="utf-8") == (elsewhere / "2.html").read_text(encoding="utf-8")
    assert (np.asarray(Image.open("1.png")) == np.asarray(Image.open("2.png"))).all()


def test_the_file_has_a_summary_for_people(elsewhere):
    cant_be_late.main(["--quick", "--development", "--json", "toy.json"], some_optimum)
    summary = json.loads((elsewhere / "toy.json").read_text(encoding="utf-8"))["summary"]
    assert list(summary) == ["Hours for development"]
    rows = {row["label"]: row for row in summary["Hours for development"]["overall"]}
    assert rows["clairvoyant"]["cost_usd"]["mean"] == 50.0
    assert rows["slack_threshold"]["late"] == 0


def test_where_things_are_kept(elsewhere):
    made = cant_be_late.command_line()
    usual = cant_be_late.output_files(made.parse_args([]))
    assert [str(path) for path in usual.values()] == [
        f"runs/cant_be_late{suffix}" for suffix in (".json", ".html", ".png")
    ]
    chosen = cant_be_late.output_files(made.parse_args(["--development", "--html", "x.html"]))
    assert [str(path) for path in chosen.values()] == [
        "runs/cant_be_late-development.json", "x.html", "runs/cant_be_late-development.png",
    ]  # fmt: skip
    assert cant_be_late.output_files(made.parse_args(["--read", "k.json"])) == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--policies", "nobody"], "policy: 'nobody'"),
        (["--policies", "greedy"], "'greedy' is named twice"),
        (["--policies", "no/folder"], "no/folder"),
        (["--windows", "0"], "--windows: 0 (allowed: 1 or more)"),
        (["--seed", "-1"], "--seed: -1 (allowed: 0 or more)"),
        (["--threads", "0"], "--threads: 0 (allowed: 1 or more)"),
        (["--json", "no/such/folder.json"], "there is no directory"),
        (["--read", "missing.json"], "missing.json"),
        (["--read", "same.json", "--json", "same.json"], "same file"),
        (["--read", "same.json", "--policies", "random"], "--read: plays nothing"),
    ],
)
def test_bad_arguments_end_in_one_line_before_any_work(elsewhere, capsys, arguments, words):
    (elsewhere / "same.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        cant_be_late.main(arguments, some_optimum)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert [path.name for path in elsewhere.iterdir()] == ["same.json"]


# ---- README


def test_readme_shows_the_policies_and_the_differences(tmp_path):
    Studies(1, False, "a machine", {}, (study(),)).write_json(tmp_path / "kept.json", {})
    block = documentation.report_blocks(tmp_path / "kept.json")["cant-be-late"]
    assert "| policy | cost $ | % of on-demand |" in block
    assert "| learned, mean of 3 | 90.00 [90.0, 90.0] |" in block
    assert "| learned, mean of 3 | uniform_progress | +50.0 [+50.0, +50.0] * |" in block
    assert "| runs/a | uniform_progress |" not in block  # each one's differences are in the page
    assert documentation.report_blocks(tmp_path / "missing.json") == {}


def test_a_toy_run_stays_out_of_readme(tmp_path):
    Studies(1, True, "a machine", {}, (study(),)).write_json(tmp_path / "kept.json", {})
    with pytest.raises(ValueError, match="quick"):
        documentation.report_blocks(tmp_path / "kept.json")

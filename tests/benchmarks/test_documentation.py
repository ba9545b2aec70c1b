"""How printed blocks and figures come into the documentation."""

import re
from pathlib import Path

import pytest

from benchmarks import documentation, printed
from benchmarks.common import Report, Reports
from benchmarks.studies import ablation
from tessera_env.cli.program import COMMANDS
from tessera_env.evaluation.ablation import METRICS
from tests.results_samples import results

CARD = {"scenario": "deadline", "training": {"algorithm": "PPO", "steps": 4_000_000}}


def test_a_block_is_replaced_and_nothing_else():
    text = "a\n<!-- one:begin -->\nold\nold\n<!-- one:end -->\nb\n<!-- two:begin -->\nkept\n<!-- two:end -->\n"
    new = r"new \1 $"
    expected = f"a\n<!-- one:begin -->\n{new}\n<!-- one:end -->\nb\n<!-- two:begin -->\nkept\n<!-- two:end -->\n"
    assert documentation.refreshed(text, {"one": new}) == expected
    assert documentation.refreshed(expected, {"one": new}) == expected


def test_an_empty_block_is_filled_and_what_follows_stays():
    text = "<!-- one:begin -->\n<!-- one:end -->\nb\n<!-- two:begin -->\n<!-- two:end -->\n"
    filled = "<!-- one:begin -->\n1\n<!-- one:end -->\nb\n<!-- two:begin -->\n2\n<!-- two:end -->\n"
    assert documentation.refreshed(text, {"one": "1", "two": "2", "three": "3"}) == filled


@pytest.mark.parametrize(
    "text",
    [
        "<!-- one:begin -->\n<!-- one:end -->\n" * 2,
        "<!-- one:begin -->\n",
        "<!-- one:end -->\n",
        "<!-- one:begin -->\n<!-- two:begin -->\n<!-- two:end -->\n<!-- one:end -->\n",
    ],
)
def test_blocks_are_begun_and_ended_once(text):
    with pytest.raises(ValueError, match=r"blocks: .*'one'"):
        documentation.refreshed(text, {"one": "new"})


def test_a_block_stands_somewhere_and_is_filled_by_something():
    page = "".join(f"<!-- {name}:begin -->\n<!-- {name}:end -->\n" for name in ("one", *documentation.FIGURES))
    documentation.check_blocks({Path("a.md"): page}, ["one"])
    with pytest.raises(ValueError, match=r"on no page \['two'\]"):
        documentation.check_blocks({Path("a.md"): page}, ["one", "two"])
    with pytest.raises(ValueError, match=r"filled by nothing \['one'\]"):
        documentation.check_blocks({Path("a.md"): page}, [])


def test_blocks_of_all_pages_are_filled(monkeypatch, tmp_path):
    page = tmp_path / "docs" / "a.md"
    page.parent.mkdir()
    text = "".join(f"<!-- {name}:begin -->\nkept\n<!-- {name}:end -->\n" for name in ("one", *documentation.FIGURES))
    page.write_text(text, encoding="utf-8")
    (tmp_path / "README.md").write_text("no block\n", encoding="utf-8")
    monkeypatch.setattr(documentation, "ROOT", tmp_path)
    monkeypatch.setattr(documentation, "printed_blocks", lambda: {"one": "new"})
    monkeypatch.chdir(tmp_path)
    documentation.main([])
    assert page.read_text(encoding="utf-8") == text.replace("kept", "new", 1)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "no block\n"


# ---- what the code alone says


def one_thing(layout: object, count: int = 2, seed: int = 0) -> None:
    """Does one thing; see `elsewhere`.

    More about it.
    """


def test_a_policy_s_row_is_its_docstring_and_its_options():
    assert printed.summary(one_thing) == "Does one thing"
    assert printed.options(one_thing) == "`count=2, seed`"
    assert printed.options(lambda layout: None) == ""


def test_the_help_of_every_subcommand_is_there():
    words = [" ".join(found) for found in printed.subcommands(COMMANDS, ["tessera"])]
    assert {"tessera simulate", "tessera traces", "tessera traces fit", "tessera scenarios fields"} <= set(words)
    help_ = printed.help_text(["traces", "fit"])
    assert help_.startswith("usage: tessera traces fit")
    assert max(map(len, help_.splitlines())) <= 92  # a description keeps its lines, options are laid out for 80


def test_an_environment_s_table_names_every_action():
    shown = printed.environment("Tessera/Fleet-v0", "fleet")
    actions = [int(action) for action in re.findall(r"^\| (\d+) \|", shown, flags=re.MULTILINE)]
    assert actions == list(range(19))
    assert "| Action space | `Discrete(19)` |" in shown
    asked = "every 1800 s while it waits or runs; unless it is on spot, also when a full pool has room again"
    assert f"| Asked | {asked} |" in shown


# ---- how the figures come in


def test_the_results_are_shown_with_intervals():
    sample = results(labels=("on_demand_only", "greedy", "runs/latest"))
    table = documentation.results_table(sample).splitlines()
    assert table[0] == "| policy | cost $ | objective $ | difference $ | saves % | missed deadlines | tasks done |"
    assert re.fullmatch(
        r"\| greedy \| 50\.00 \[[\d., ]+\] \| 50\.00 \| baseline \| 50\.0 \[[\d., ]+\] \| 0 \| 40/40 \|", table[3]
    )
    assert re.search(r"\| runs/latest \| 40\.00 \[[\d., ]+\] \| 40\.00 \| -10\.00 \[[-\d., ]+\] \* \|", table[4])


@pytest.mark.parametrize(
    ("learned", "expected"),
    [
        ("runs/latest", "20.0 % cheaper than greedy"),
        ("on_demand_only", "100.0 % dearer"),
        ("twin", "not clearly apart"),
    ],
)
def test_cheaper_is_said_only_where_the_interval_allows_it(monkeypatch, learned, expected):
    monkeypatch.setattr(documentation, "LEARNED", learned)
    text = documentation.verdict(results(), CARD)
    learner = "PPO on `deadline`, the best of its run, after 4,000,000 decisions"
    assert text.startswith(f"The learned policy ({learner}) is {expected}")
    assert ("cheaper" in text) == ("cheaper" in expected)


def test_the_caption_names_worlds_hours_and_unlike_work():
    sample = results(labels=("greedy", "twin"))
    text = documentation.caption(sample)
    assert text.startswith("40 worlds of `deadline-aws`, seed 1; mean [95 % bootstrap interval]; difference to greedy")
    assert "unlike" not in text
    sample.tables["twin"]["tasks_done"][0] = 0
    sample.scenario["market"] = {"trace": "aws_v100_2023", "from_h": 700.0, "until_h": None}
    text = documentation.caption(sample)
    assert "40 worlds of `deadline-aws` (recorded hours from 700 on), seed 1" in text
    assert text.endswith("unlike amounts of work: compare objectives.")


def test_benchmarks_come_from_the_kept_file(tmp_path):
    report = Report("Speed", "what counts", ("what", "us"), (("one", "1.5"), ("two|three", "2")))
    Reports("a machine", False, (report,)).write_json(tmp_path / "b.json")
    shown = documentation.benchmark_blocks(tmp_path / "b.json")["benchmarks"]
    table = "| what | us |\n| --- | ---: |\n| one | 1.5 |\n| two\\|three | 2 |"
    assert shown == f"Measured on: a machine.\n\n**Speed**\n\n{table}\n\nwhat counts"


def test_the_ablation_has_a_block_of_its_own(tmp_path):
    rows = [
        ("classic", periodic, metric, "1", "2", "3") for periodic in ("none", "Daly 1 h") for metric in METRICS.values()
    ]
    ideas = Report(ablation.TITLE, "what counts", ("scenario", "periodic", "metric", "a", "b", "c"), tuple(rows))
    speed = Report("Speed", "", ("what", "us"), (("one", "1.5"),))
    Reports("a machine", False, (speed, ideas)).write_json(tmp_path / "b.json")
    blocks = documentation.benchmark_blocks(tmp_path / "b.json")
    assert ablation.TITLE not in blocks["benchmarks"]
    assert blocks["ablation"].count("| classic |") == len(documentation.ABLATION_METRICS)
    assert "Daly" not in blocks["ablation"]


def test_studies_have_blocks_of_their_own(tmp_path):
    report = Report("What was found", "note", ("what", "$"), (("one", "1.5"),))
    Reports("a machine", False, (report, report)).write_json(tmp_path / "a.json")
    blocks = documentation.study_blocks({"a": tmp_path / "a.json", "b": tmp_path / "b.json"})
    assert blocks.keys() == {"a"} and blocks["a"].count("**What was found**") == 2


def test_toy_figures_stay_out(tmp_path):
    Reports("a machine", True, ()).write_json(tmp_path / "b.json")
    with pytest.raises(ValueError, match="quick"):
        documentation.benchmark_blocks(tmp_path / "b.json")


def test_what_was_not_measured_stays_as_it_is(tmp_path):
    assert documentation.run_blocks(tmp_path) == documentation.benchmark_blocks(tmp_path / "b.json") == {}


def test_a_run_s_files_become_its_tables(tmp_path):
    run, beside = tmp_path / "mine", tmp_path / "mine-fleet"
    run.mkdir()
    beside.mkdir()
    for file in (run / "results", beside / "results", beside / "results-classic", beside / "results-fleet-mixed"):
        results(labels=("on_demand_only", "greedy")).write_json(file.with_name(f"{file.name}.json"))
    (run / "policy.json").write_text('{"scenario": "deadline", "training": {}}', encoding="utf-8")
    found = documentation.run_blocks(run)
    assert found["results"].count("| greedy |") == found["results-fleet"].count("| greedy |") == 1
    assert found["baselines"].count("| greedy |") == 2


@pytest.mark.parametrize("text", ["", "[]", '{"machine": "one", "quick": true, "reports": []}'])
def test_what_was_kept_and_cannot_be_used_is_one_line(tmp_path, capsys, text):
    (tmp_path / "kept.json").write_text(text)
    with pytest.raises(SystemExit) as ended:
        documentation.main(["--run", str(tmp_path), "--benchmarks", str(tmp_path / "kept.json")])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1

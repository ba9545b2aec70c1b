"""What README shows runs, and says what the code says."""

import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import tessera_env
import train
from benchmarks import documentation
from benchmarks.common import Report, Reports
from benchmarks.studies import ablation
from tessera_env.evaluation import statistics
from tessera_env.evaluation.ablation import METRICS
from tessera_env.observation.layout import Layout
from tessera_env.policies import POLICIES
from tessera_env.scenario.loading import preset_names
from tests.results_samples import results

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINKS = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
NAMED_PATHS = re.findall(r"`((?:agents|benchmarks|docs|tessera_env|tests)/[\w./-]*|\w+\.py)`", README)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


SHELL_LINES = [line for block in blocks("sh") for line in block.splitlines() if line]


def succeeds(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


# A workload of the reader's own: an hour's work each quarter of an hour.
PODS = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
PODS += "".join(f"p{k},1,900,1,500,,BE,Succeeded,{900 * k},{900 * k + 3660},{900 * k + 60}\n" for k in range(200))

# What each subcommand of README prints, in form.
NUMBER = r"-?[\d,]+(?:\.\d+)?"
FORMS = {
    "simulate": [
        r"^Policy +Cost \(\$\) +Completed +Preemptions +Checkpoints$",
        rf"^Greedy +{NUMBER} +{NUMBER}/\d+ +{NUMBER} +{NUMBER}/{NUMBER} \({NUMBER}h saved\)$",
        rf"^OnDemandOnly +{NUMBER} +{NUMBER}/\d+ +0(?:\.0)? +N/A$",
        rf"^Savings against OnDemandOnly:\n  Greedy +{NUMBER} % ",
    ],
    "evaluate": [r"^\w[\w-]*: 20 episodes, seed 1$", rf"^ greedy +{NUMBER} \[{NUMBER}, {NUMBER}\] +baseline"],
    "plot": [r"\.(html|png)"],
    "traces list": [r"aws_v100_2023"],
    "traces show": [r"us-east-1a_v100_1", r"^Spells that last at least so long"],
    "traces check": [r"(?i)no problem"],
    "traces fit": [r"fitted\.toml"],
    "scenarios list": [rf"^ *{re.escape('fleet-mixed')} "],
    "scenarios show": [r"horizon_h", r"\bh\b"],
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of somebody who copied README's files and ran its Python from top to bottom."""
    folder = tmp_path_factory.mktemp("reader")
    (scenario,), (trace,) = blocks("toml"), blocks("json")
    (folder / "my.toml").write_text(scenario, encoding="utf-8")
    (folder / "zone.json").write_text(trace, encoding="utf-8")
    (folder / "pods.csv").write_text(PODS, encoding="utf-8")
    for block in blocks("python"):
        succeeds(sys.executable, "-W", "error", "-c", block, cwd=folder)
    return folder


@pytest.mark.slow
def test_the_python_and_the_commands_run_from_top_to_bottom(reader):
    assert len(blocks("python")) >= 5
    assert (reader / "my_policy" / "policy.safetensors").is_file()
    assert (reader / "results.json").is_file()
    commands = [shlex.split(line)[1:] for line in SHELL_LINES if line.startswith("tessera ")]
    kinds = [" ".join(words[:2]) if words[0] in ("traces", "scenarios") else words[0] for words in commands]
    assert set(kinds) == set(FORMS)
    for kind, words in zip(kinds, commands, strict=True):
        written = [words[k + 1] for k, word in enumerate(words) if word in ("--output", "--json", "--html", "--log")]
        for name in written:
            (reader / name).unlink(missing_ok=True)
        output = succeeds(sys.executable, "-m", "tessera_env", *words, cwd=reader)
        for form in FORMS[kind]:
            if "--policies" not in words or "OnDemandOnly" not in form:
                assert re.search(form, output, flags=re.MULTILINE), f"{words}: {form}\n{output}"
        assert all((reader / name).stat().st_size > 100 for name in written), words


def test_the_table_of_simulate_is_what_the_command_prints():
    shown = re.search(r"<!-- simulate:begin -->\n```\n(.*?)```\n<!-- simulate:end -->", README, flags=re.DOTALL)
    command = re.search(r"`tessera (simulate [^`]+)`", README)
    assert shown and command
    assert shown[1] == succeeds(sys.executable, "-m", "tessera_env", *shlex.split(command[1]), cwd=ROOT)


@pytest.mark.slow
def test_the_training_command_trains(tmp_path):
    (line,) = (line for line in SHELL_LINES if line.startswith("python train.py "))
    line = re.sub(r"--steps \d+", "--steps 128", line)
    toy = ("n_envs=16", "n_steps=8", "batch_size=64", "evaluation_worlds=2")
    words = [word for setting in toy for word in ("--set", setting)]
    succeeds(sys.executable, str(ROOT / "train.py"), *shlex.split(line)[2:], *words, "--no-report", cwd=tmp_path)
    assert (tmp_path / "runs" / "latest" / "policy.json").is_file()


def test_every_make_target_exists():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {a or b for a, b in re.findall(r"`make (\w+)`|^make (\w+)", README, flags=re.MULTILINE)}
    assert {"train", "test", "bench"} <= named <= targets


@pytest.mark.parametrize("path", sorted({*LINKS, *NAMED_PATHS}))
def test_every_path_leads_somewhere(path):
    assert (ROOT / path).exists() or (ROOT / "tessera_env" / path).exists()


def test_every_module_named_for_running_exists():
    modules = re.findall(r"python -m (benchmarks[\w.]*)", README)
    alone = re.search(r"`python -m benchmarks\.speed\.step`, ((?:`\w+`,?\s+)+)alone", README)
    assert alone
    for module in [*modules, *(f"benchmarks.speed.{name}" for name in re.findall(r"`(\w+)`", alone[1]))]:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_every_environment_and_preset_is_listed():
    rows = re.findall(r"^\| `(Tessera/[\w-]+)` \| `([\w-]+)` \|", README, flags=re.MULTILINE)
    assert dict(rows) == tessera_env.ENVIRONMENTS
    assert sorted(preset for _, preset in rows) == preset_names()


def test_every_policy_is_listed_with_its_options():
    rows = re.findall(r"^\| `([a-z_]+)` \| (?:`([^`]+)`)? ?\| ", README.split("## Policies")[1], flags=re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(POLICIES)
    for name, options in rows:
        known = [one for one in inspect.signature(POLICIES[name]).parameters.values() if one.name != "layout"]
        assert options == ", ".join(one.name if one.name == "seed" else f"{one.name}={one.default}" for one in known)


def test_the_observation_table_is_the_code_s():
    layout = Layout(1)
    assert f"<!-- observation:begin -->\n{layout.table()}\n<!-- observation:end -->" in README
    assert f"Observation: {layout.first_pool_index} fields, and {layout.pool_field_count} for each" in README


def test_how_the_figures_are_made_is_what_the_code_does():
    assert f"worlds, 0 to {train.REPORT_EPISODES - 1} of seed {train.REPORT_SEED}." in README
    assert f"intervals of {statistics.RESAMPLES:,} bootstrap" in README.replace("\n ", "")


def test_no_figure_is_left_open():
    """`make train` and `make bench` first, then `python -m benchmarks.documentation`."""
    assert "Not measured yet" not in README


# ---- how the figures come in


CARD = {"scenario": "deadline", "training": {"algorithm": "PPO", "steps": 4_000_000}}


def test_a_block_is_replaced_and_nothing_else():
    text = "a\n<!-- one:begin -->\nold\nold\n<!-- one:end -->\nb\n<!-- two:begin -->\nkept\n<!-- two:end -->\n"
    new = r"new \1 $"
    expected = f"a\n<!-- one:begin -->\n{new}\n<!-- one:end -->\nb\n<!-- two:begin -->\nkept\n<!-- two:end -->\n"
    assert documentation.refreshed(text, {"one": new}) == expected
    assert documentation.refreshed(expected, {"one": new}) == expected


@pytest.mark.parametrize("text", ["nothing", "<!-- one:begin -->\n<!-- one:end -->\n" * 2])
def test_a_block_must_be_there_once(text):
    with pytest.raises(ValueError, match="block 'one'"):
        documentation.refreshed(text, {"one": "new"})


def test_the_results_are_shown_with_intervals():
    sample = results(labels=("on_demand_only", "greedy", "runs/latest"))
    table = documentation.results_table(sample).splitlines()
    assert table[0] == "| policy | cost $ | difference $ | saves % | missed deadlines | tasks done |"
    assert re.fullmatch(
        r"\| greedy \| 50\.00 \[[\d., ]+\] \| baseline \| 50\.0 \[[\d., ]+\] \| 0 \| 40/40 \|", table[3]
    )
    assert re.search(r"\| runs/latest \| 40\.00 \[[\d., ]+\] \| -10\.00 \[[-\d., ]+\] \* \|", table[4])


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
    assert text.endswith("unlike amounts of work.")


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


def test_toy_figures_stay_out(tmp_path):
    Reports("a machine", True, ()).write_json(tmp_path / "b.json")
    with pytest.raises(ValueError, match="quick"):
        documentation.benchmark_blocks(tmp_path / "b.json")


def test_what_was_not_measured_stays_as_it_is(tmp_path):
    assert documentation.run_blocks(tmp_path) == documentation.benchmark_blocks(tmp_path / "b.json") == {}


def test_a_run_s_files_become_both_tables(tmp_path):
    for name in ("", "-classic", "-fleet", "-fleet-mixed"):
        results(labels=("on_demand_only", "greedy")).write_json(tmp_path / f"results{name}.json")
    (tmp_path / "policy.json").write_text('{"scenario": "deadline", "training": {}}', encoding="utf-8")
    found = documentation.run_blocks(tmp_path)
    assert found["results"].count("| greedy |") == 1
    assert found["baselines"].count("| greedy |") == 3
